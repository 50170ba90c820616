//! Rights to sudo that a person has whether or not a grant of theirs is live, by what sudo lists for them.
//!
//! Whoever asks wants to know whether a session is certainly a grant's. So in every doubt about a right it covers: a pattern, a
//! number, a digest, an option of a later sudo. In a doubt about what was typed only a right to everything covers, and one to a shell or
//! `sudoedit`, for those have no command: it is the caller who makes that doubt.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// What a person has without any grant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    rights: Vec<Right>,
}

/// One line of the listing.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Right {
    run_as: Vec<String>,
    commands: Vec<String>,
}

impl Standing {
    /// Reads what `sudo -l -U USER` prints to a pipe (sudo 1.9.13p3 and 1.9.16p2: one line for each rule, never wrapped). Lines
    /// that end at one of the times `ours` are those of grants, for jitd gives each of its rules its end.
    #[must_use]
    pub fn read(listing: &str, ours: &[String]) -> Self {
        let rules = listing.lines().filter_map(|line| line.strip_prefix("    ("));
        Self { rights: rules.filter_map(|rule| Right::read(rule, ours)).collect() }
    }

    /// Whether one of them may be why somebody became `target` with this command; `None` when the command is not known.
    #[must_use]
    pub fn may_cover(&self, target: &str, command: Option<&[&str]>) -> bool {
        self.rights.iter().any(|right| {
            right.run_as.iter().any(|run_as| may_be_target(run_as, target))
                && right.commands.iter().any(|allowed| may_be_command(allowed, command))
        })
    }
}

impl Right {
    /// `root) NOTAFTER=… NOSETENV: NOPASSWD: /usr/bin/id "", /usr/bin/ls`. `None` for one of ours.
    fn read(rule: &str, ours: &[String]) -> Option<Self> {
        let (run_as, rest) = rule.split_once(')').unwrap_or(("ALL", rule));
        let users = run_as.split_once(':').map_or(run_as, |(users, _)| users);
        let mut rest = rest.trim_start();
        while let Some((word, after)) = rest.split_once(' ').filter(|(word, _)| is_option(word)) {
            if word.strip_prefix("NOTAFTER=").is_some_and(|time| ours.iter().any(|our| our == time)) {
                return None;
            }
            rest = after.trim_start();
        }
        let run_as = users.split(',').map(|user| user.trim().to_string()).collect();
        Some(Self { run_as, commands: commands(rest) })
    }
}

/// `NOPASSWD:`, `NOTAFTER=…`, `CWD=…`.
fn is_option(word: &str) -> bool {
    let name = word.strip_suffix(':').or_else(|| word.split_once('=').map(|(name, _)| name));
    name.is_some_and(|name| !name.is_empty() && name.bytes().all(|b| b.is_ascii_uppercase() || b == b'_'))
}

/// The commands, at each comma that no backslash stands before.
fn commands(rest: &str) -> Vec<String> {
    let mut commands: Vec<String> = Vec::new();
    for part in rest.split(", ") {
        match commands.last_mut().filter(|last| last.ends_with('\\')) {
            Some(last) => {
                last.push_str(", ");
                last.push_str(part);
            }
            None => commands.push(part.trim().to_string()),
        }
    }
    commands
}

fn may_be_target(run_as: &str, target: &str) -> bool {
    match run_as.as_bytes().first() {
        None | Some(b'!') => false,
        Some(b'#' | b'%' | b'+') => true,
        Some(_) => run_as == "ALL" || run_as == target,
    }
}

fn may_be_command(allowed: &str, command: Option<&[&str]>) -> bool {
    if allowed.starts_with('!') {
        return false;
    }
    // Whoever types what is not understood could call anything so: only a right to everything is surely one to this. It is that, or
    // a shell, and may be named as one.
    let Some((program, arguments)) = command.and_then(|words| words.split_first()) else {
        let (path, _) = allowed.split_once(' ').unwrap_or((allowed, ""));
        return path == "ALL" || name_of(path).ends_with("sh") || path == "sudoedit";
    };
    let (path, allowed) = allowed.split_once(' ').unwrap_or((allowed, ""));
    let plain = |text: &str| !text.contains(['*', '?', '[', '\\', '^', '"', ',']);
    if !path.starts_with('/') || path.ends_with('/') || !plain(path) {
        return true;
    }
    // By the last part: sudo compares files, and /bin/id is /usr/bin/id.
    if name_of(path) != name_of(program) {
        return false;
    }
    match allowed {
        "" => true,
        "\"\"" => arguments.is_empty(),
        _ if !plain(allowed) => true,
        _ => allowed == arguments.join(" "),
    }
}

pub(super) fn name_of(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As both releases of classic sudo print it.
    const LISTING: &str = "Matching Defaults entries for alice on host:
    env_reset, secure_path=/usr/sbin\\:/usr/bin, timestamp_timeout=0

User alice may run the following commands on host:
    (root) NOTAFTER=20301130140000Z NOSETENV: NOPASSWD: /usr/bin/id \"\", /usr/bin/systemctl restart nginx
    (#1000 : #4, #27) NOTAFTER=20301130140000Z NOSETENV: NOPASSWD: ALL
    (postgres, www-data) NOPASSWD: /usr/bin/apt update, /usr/bin/id \"\", !/usr/bin/passwd
    (root) SETENV: NOPASSWD: /usr/bin/vi ^/etc/[a-z]+$, /usr/bin/x a\\,b, /usr/bin/less
    (ALL, !root) NOTAFTER=20290101000000Z /usr/local/lib/
";

    fn covers(target: &str, command: &[&str]) -> bool {
        Standing::read(LISTING, &["20301130140000Z".to_string()]).may_cover(target, Some(command))
    }

    #[test]
    fn what_a_grant_gives_is_no_standing_right() {
        let only_ours: String = LISTING.lines().take(6).map(|line| line.to_string() + "\n").collect();
        let ours = Standing::read(&only_ours, &["20301130140000Z".to_string()]);
        assert_eq!(ours, Standing::default());
        assert!(!ours.may_cover("root", None));
        assert!(Standing::read(&only_ours, &[]).may_cover("root", Some(&["/usr/bin/id"])));
    }

    #[test]
    fn a_standing_right_covers_its_target_and_command_and_in_doubt_more() {
        for (target, command, covered) in [
            ("postgres", &["apt", "update"][..], true),
            ("postgres", &["/usr/bin/apt", "upgrade"], true),
            ("root", &["apt", "update"], true),
            ("root", &["less", "/etc/shadow"], true),
            ("root", &["/bin/less"], true),
            ("root", &["vi", "x"], true),
            ("root", &["/usr/bin/id"], true),
        ] {
            // The last line's folder may hold any program, and its run-as list anybody.
            assert_eq!(covers(target, command), covered, "{target} {command:?}");
        }
        let narrow: String = LISTING.lines().take(8).map(|line| line.to_string() + "\n").collect();
        let narrow = Standing::read(&narrow, &["20301130140000Z".to_string()]);
        for (target, command, covered) in [
            ("postgres", &["apt", "update"][..], true),
            ("postgres", &["apt", "upgrade"], false),
            ("postgres", &["/bin/id"], true),
            ("postgres", &["id", "-u"], false),
            ("postgres", &["passwd"], false),
            ("root", &["apt", "update"], false),
            ("root", &["less", "x"], true),
            ("root", &["vi", "x"], true),
            ("root", &["x", "a,b"], true),
            ("root", &["bash"], false),
        ] {
            assert_eq!(narrow.may_cover(target, Some(command)), covered, "{target} {command:?}");
        }
        assert!(!narrow.may_cover("root", None) && !narrow.may_cover("bin", None));
        for (allowed, covered) in [
            ("ALL", true),
            ("/bin/bash", true),
            ("/usr/bin/zsh -l", true),
            ("sudoedit /etc/motd", true),
            ("/usr/bin/uptime", false),
            ("/usr/local/lib/", false),
            ("!ALL", false),
        ] {
            let standing = Standing::read(&alloc::format!("    (root) {allowed}\n"), &[]);
            assert_eq!(standing.may_cover("root", None), covered, "{allowed}");
        }
    }

    #[test]
    fn a_digest_a_number_and_a_keyword_are_taken_for_more_than_they_are() {
        for rule in
            ["(#0) /usr/bin/id", "(%wheel) ALL", "(root) sha224:AA== /bin/ls", "(root) sudoedit /etc/motd"]
        {
            let standing = Standing::read(&alloc::format!("    {rule}\n"), &[]);
            assert!(standing.may_cover("root", Some(&["id"])), "{rule}");
        }
        assert!(!Standing::read("    (root) !ALL\n", &[]).may_cover("root", None));
        assert_eq!(
            Standing::read("User nobody is not allowed to run sudo on host.\n", &[]),
            Standing::default()
        );
    }
}
