//! What `Defaults` hold for a person on classic sudo: an admin's may take back what a rule says, or give more.
//!
//! sudo-rs 0.2.5 knows neither `exempt_group` nor `runchroot`, and does not list settings.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jit_common::child::{self, Ended};
use jitd_core::policy::Authenticate;

use super::agreement::Agreement;
use super::fingerprint::read_by_sudo;
use super::probe::Sudo;
use crate::paths::HostPaths;

/// Whether the settings that hold for this person leave a role as it is. sudo is only asked where they could matter.
pub(super) fn ask(sudo: &Sudo, user: &str, password: Authenticate, limit: Duration) -> Agreement {
    let spoilt: fn(&str) -> Option<String> = match password {
        Authenticate::Asked => |said| remembers(said).or_else(|| chooses_root(said)),
        Authenticate::NotAsked if may_name_a_root(sudo.paths()) => chooses_root,
        Authenticate::NotAsked => return Agreement::Agrees,
    };
    let unclear =
        |why: &str| Agreement::Unclear { why: format!("sudo does not say what defaults hold: {why}") };
    match child::run(sudo.program(), &["-n", "-l", "-U", user], limit) {
        Ok(Ended::Exited { status, output }) if status.success() => {
            spoilt(&output).map_or(Agreement::Agrees, |said| Agreement::Refuses { said })
        }
        Ok(Ended::Exited { .. }) => unclear("it failed"),
        Ok(Ended::TimedOut { .. }) => unclear("it took too long"),
        Err(why) => unclear(&why.to_string()),
    }
}

/// One paragraph of what `sudo -l` says.
fn paragraph<'a>(said: &'a str, title: &str) -> &'a str {
    said.split("\n\n").find(|text| text.trim_start().starts_with(title)).unwrap_or_default()
}

/// The settings that hold; the last of a kind wins.
fn holding(said: &str) -> &str {
    paragraph(said, "Matching Defaults entries for")
}

/// The settings bound to a command or to the account that it runs as.
fn bound(said: &str) -> &str {
    paragraph(said, "Runas and Command-specific defaults for")
}

/// Why sudo would not ask each time, by what `sudo -l` says of the person's defaults; `None` when it would.
///
/// In sudoers the last `timestamp_timeout` wins, and an admin's may stand behind ours; then a cached password outlives the
/// question, and perhaps the grant.
fn remembers(said: &str) -> Option<String> {
    const TIMEOUT: &str = "timestamp_timeout=";
    let value = |text: &str| text.split([',', '\n', ' ']).next().map(str::to_owned);
    let (holding, bound) = (holding(said), bound(said));
    let last = holding.rsplit_once(TIMEOUT).and_then(|(_, rest)| value(rest));
    let elsewhere = bound.split(TIMEOUT).skip(1).filter_map(value).find(|value| value != "0");
    if holding.contains("exempt_group=") {
        return Some(
            "this host's sudoers has exempt_group, whose members sudo never asks for a password".into(),
        );
    }
    match last.filter(|last| last != "0").or(elsewhere) {
        Some(minutes) => Some(format!(
            "this host's sudoers has timestamp_timeout={minutes} beside the grants, so sudo would remember the password; \
             put it before the line that includes /etc/sudoers.d, or bind it to other people"
        )),
        None if holding.contains(TIMEOUT) => None,
        None => Some("sudo does not take over that the password is asked for each time".into()),
    }
}

/// Why a person may run anything at all, by what `sudo -l` says of their defaults: with `runchroot=*` they choose the
/// root directory by `-R`, and so the program behind any path of any rule, and the host's accounts as that program sees them.
///
/// A role cannot take it back. `CHROOT=/` on its rule refuses `-R /tmp`, but 1.9.13p3 and 1.9.16p2 then complain to the
/// caller at every use; `Defaults>` for the run-as account does not reach the question; `Defaults:` of the person loses to a
/// later one.
fn chooses_root(said: &str) -> Option<String> {
    const ANY: &str = "runchroot=*";
    let mut words = holding(said).split([',', '\n']).map(str::trim);
    let last = words.rfind(|word| word.trim_start_matches('!').starts_with("runchroot"));
    let chooses = last == Some(ANY) || bound(said).contains(ANY);
    chooses.then(|| {
        "this host's sudoers has runchroot=*, with which anybody who may run one command can run another program in its \
         place; take it out, or bind it to other people"
            .to_owned()
    })
}

/// Whether a setting could name a root directory: read from the files, so that sudo has to be asked on few hosts. What
/// comes from elsewhere (another file, LDAP, sssd) or cannot be read could.
fn may_name_a_root(paths: &HostPaths) -> bool {
    let mut files: Vec<PathBuf> = vec![paths.etc_sudoers.clone()];
    let known = [paths.etc_sudoers_dir.as_path(), paths.sudoers_dir.as_path()];
    files.extend(known.into_iter().flat_map(read_by_sudo).filter(|file| *file != paths.sudoers_file));
    let text = |path: &Path| match fs::read(path) {
        Ok(bytes) => Some(String::from_utf8_lossy(&bytes).into_owned()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Some(String::new()),
        Err(_) => None,
    };
    let names = |path: &Path, names: &dyn Fn(&str) -> bool| text(path).is_none_or(|text| names(&text));
    let in_sudoers = |text: &str| {
        text.contains("runchroot") || text.lines().any(|line| includes_other_than(&known, line.trim()))
    };
    files.iter().any(|file| names(file, &in_sudoers))
        || names(&paths.sudo_conf, &|text| text.contains("sudoers_file="))
        || names(&paths.root.join("etc/nsswitch.conf"), &|text| text.lines().any(is_other_source))
}

/// Whether a line of sudoers includes something that is not looked at here.
fn includes_other_than(known: &[&Path], line: &str) -> bool {
    let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    match word.strip_prefix(['@', '#']) {
        Some("include") => true,
        Some("includedir") => !known.contains(&Path::new(rest.trim())),
        Some(_) | None => false,
    }
}

/// Whether a line of nsswitch.conf has sudo look for rules beyond files (sudoers.ldap(5)).
fn is_other_source(line: &str) -> bool {
    let sources = line.trim().strip_prefix("sudoers:");
    sources.is_some_and(|sources| sources.split_whitespace().any(|source| source != "files"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]
    use super::*;
    use crate::scratch::Scratch;

    #[test]
    fn the_last_timeout_that_holds_is_the_one_that_counts() {
        let ours = "Matching Defaults entries for alice on web1:\n    env_reset, timestamp_timeout=0,\n    use_pty\n\n";
        let may = "User alice may run the following commands on web1:\n    (root) PASSWD: NOSETENV: ALL\n";
        let bound =
            "Runas and Command-specific defaults for alice:\n    Defaults!/usr/bin/x timestamp_timeout=";
        let with = |middle: &str| remembers(&format!("{ours}{middle}{may}"));
        assert_eq!(with(""), None);
        assert_eq!(with(&format!("{bound}0\n\n")), None);
        assert!(with(&format!("{bound}5\n\n")).is_some_and(|why| why.contains("timestamp_timeout=5")));
        let later = ours.replace("use_pty", "timestamp_timeout=60");
        let hidden = remembers(&format!("{later}{bound}0\n\n{may}"));
        assert!(hidden.is_some_and(|why| why.contains("timestamp_timeout=60")), "a bound one hides nothing");
        assert!(remembers(&ours.replace("use_pty", "exempt_group=wheel")).is_some());
        assert!(remembers("User alice is not allowed to run sudo on web1.\n").is_some());
    }

    #[test]
    fn the_last_root_directory_that_holds_is_the_one_that_counts() {
        let said = |settings: &str, bound: &str| {
            let may =
                "User alice may run the following commands on web1:\n    (#1000 : #990) NOPASSWD: ALL\n";
            format!("Matching Defaults entries for alice on web1:\n    {settings}\n\n{bound}{may}")
        };
        let chooses = |settings: &str, bound: &str| chooses_root(&said(settings, bound)).is_some();
        assert!(chooses("env_reset, runchroot=*, use_pty", ""));
        assert!(chooses("env_reset,\n    runchroot=*", ""));
        assert!(chooses("!runchroot, runchroot=*", ""));
        assert!(!chooses("runchroot=*, !runchroot", ""));
        assert!(!chooses("runchroot=*, runchroot=/srv/jail", ""), "one that the admin chose");
        assert!(!chooses("env_reset, use_pty", ""));
        let bound = "Runas and Command-specific defaults for alice:\n    Defaults>alice runchroot=*\n\n";
        assert!(chooses("env_reset", bound));
    }

    #[test]
    fn sudo_is_asked_where_a_root_directory_may_be_named() {
        let scratch = Scratch::new();
        let paths = scratch.paths();
        let includes = format!("@includedir {}\n", paths.etc_sudoers_dir.display());
        fs::write(&paths.etc_sudoers, format!("Defaults env_reset\n{includes}#includedirectly\n")).unwrap();
        let dropin = paths.etc_sudoers_dir.join("90-ops");
        fs::write(&dropin, "#include-is a comment\n# include /etc/x\n").unwrap();
        assert!(!may_name_a_root(&paths));
        for line in
            ["Defaults runchroot=*", "@include /etc/sudoers.local", "#include /x", "#includedir /etc/other.d"]
        {
            fs::write(&dropin, format!("# ops\n{line}\n")).unwrap();
            assert!(may_name_a_root(&paths), "{line}");
        }
        fs::remove_file(&dropin).unwrap();
        assert!(!may_name_a_root(&paths));
        let nsswitch = scratch.path().join("etc/nsswitch.conf");
        fs::write(&nsswitch, "passwd: files sss\nsudoers: files sss\n").unwrap();
        assert!(may_name_a_root(&paths));
        fs::write(&nsswitch, "passwd: files sss\nsudoers: files\n").unwrap();
        assert!(!may_name_a_root(&paths));
        fs::write(&paths.sudo_conf, "Plugin sudoers_policy sudoers.so sudoers_file=/x\n").unwrap();
        assert!(may_name_a_root(&paths));
    }
}
