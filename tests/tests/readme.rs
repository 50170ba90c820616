//! The README as a test: every command of its `console` blocks is typed, in order, on a booted Debian 12 that has nothing of the
//! product yet. A line that says `# refused` has to be, one that says `# pending` leaves a request open, and one that says
//! `# waits` goes on in a terminal of its own while others decide.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed assumption is a failed test")]

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use jit_e2e::{BootedBed, OrSkip as _, Release, Running, cache, package, workspace};

/// Stands for a real nginx, and for people who have accounts.
const GIVEN: &str =
    "printf '[Service]\\nExecStart=/usr/bin/sleep infinity\\n' > /etc/systemd/system/nginx.service
systemctl daemon-reload
systemctl start nginx
for name in alice lena sara; do useradd -m -s /bin/bash -p '*' $name; done";

/// The id that the README shows; in the machine it stands for the newest request.
const SHOWN_ID: &str = "7k2m";

/// What the first line of an answer begins with that names a new request.
const NEW: [&str; 3] = ["granted by rule", "asked for", "scheduled:"];

/// At most how long somebody waits for others, who are quick here.
const SOON: Duration = Duration::from_secs(20);

/// One line of a `console` block.
#[derive(Debug, PartialEq, Eq)]
struct Typed<'a> {
    user: &'a str,
    command: &'a str,
    ends: Ends,
}

/// What comes of a command.
#[derive(Debug, PartialEq, Eq)]
enum Ends {
    Well,
    Refused,
    /// The request stays open: exit code 4.
    Pending,
    /// It goes on until others have decided, and then ends well.
    Later,
}

/// A booted machine with the package in its root, not installed; a web server to restart, and alice.
fn machine() -> Option<(BootedBed, String)> {
    let bed = BootedBed::bare(Release::Bookworm).or_skip()?;
    let package = package();
    let name = package.file_name().unwrap().to_string_lossy().into_owned();
    bed.copy_in(package, &format!("/{name}")).unwrap();
    bed.sh(GIVEN).unwrap().expect_ok();
    Some((bed, name))
}

/// The package, built by whoever comes first.
fn package() -> &'static Path {
    static PACKAGE: OnceLock<PathBuf> = OnceLock::new();
    PACKAGE.get_or_init(|| {
        let folder = cache::target().unwrap().join("debian-readme");
        std::fs::create_dir_all(&folder).unwrap();
        package::build(&folder).unwrap()
    })
}

#[test]
fn every_command_of_the_readme_does_what_it_says() {
    let readme = std::fs::read_to_string(workspace::root().join("README.md")).unwrap();
    let typed = typed(&readme);
    assert!(typed.len() > 20, "{typed:?}");
    let Some((bed, _)) = machine() else { return };
    let (mut id, mut waiting) = (SHOWN_ID.to_owned(), Vec::<Running>::new());
    for line in typed {
        let command = line.command.replace(SHOWN_ID, &id);
        let words = ["bash", "-c", command.as_str()];
        let run = bed.command(&words);
        let run = if line.user == "root" { run } else { run.user(line.user) };
        if line.ends == Ends::Later {
            let running = run.spawn().unwrap();
            id = running.wait_until("an id", SOON, new_id).unwrap();
            running.wait_for("waiting for people", SOON).unwrap();
            waiting.push(running);
            continue;
        }
        let output = run.run().unwrap();
        let as_said = match line.ends {
            Ends::Well | Ends::Later => output.success(),
            Ends::Refused => !output.success(),
            Ends::Pending => output.code == 4,
        };
        assert!(as_said, "{output}");
        id = new_id(&output.out).unwrap_or(id);
    }
    for running in waiting {
        running.wait_end(SOON).unwrap().expect_ok().expect_says("granted by rule");
    }
}

#[test]
fn an_upgrade_ends_no_grant_and_a_removal_ends_all() {
    let Some((bed, package)) = machine() else { return };
    bed.run(&["dpkg", "-i", &package]).unwrap().expect_ok();
    bed.sh("groupadd oncall && usermod -aG oncall alice").unwrap().expect_ok();
    bed.sh("cp /usr/share/doc/jit/examples/10-web.toml /etc/jit/policy.d/").unwrap().expect_ok();
    bed.unit("jitd.service").reload().unwrap();
    bed.jitctl("alice", &["elevate", "web-restart", "--reason", "INC-42 nginx stuck"]).unwrap().expect_ok();
    let restart = || bed.as_user("alice", &["sudo", "-n", "systemctl", "restart", "nginx"]).unwrap();
    restart().expect_ok();
    bed.run(&["dpkg", "-i", &package]).unwrap().expect_ok();
    restart().expect_ok();
    bed.run(&["dpkg", "-r", "jit"]).unwrap().expect_ok();
    restart().expect_code(1);
}

/// The beginning of the id of what was just asked for or granted, if something was.
fn new_id(text: &str) -> Option<String> {
    let (line, _) = text.split_once('\n')?;
    let line = line.trim();
    let id = line.split_whitespace().last().filter(|_| NEW.iter().any(|new| line.starts_with(new)))?;
    Some(id.chars().take(SHOWN_ID.len()).collect())
}

fn typed(readme: &str) -> Vec<Typed<'_>> {
    let blocks =
        readme.split("```console\n").skip(1).map(|rest| rest.split("```").next().unwrap_or_default());
    blocks.flat_map(str::lines).map(line).collect()
}

fn line(line: &str) -> Typed<'_> {
    let Some((user, rest)) = line.split_once(['$', '#']) else { panic!("{line:?} has no prompt") };
    let (command, note) = rest.split_once(" # ").unwrap_or((rest, ""));
    let ends = match note.trim_start().split(':').next() {
        Some("refused") => Ends::Refused,
        Some("pending") => Ends::Pending,
        Some("waits") => Ends::Later,
        Some(_) | None => Ends::Well,
    };
    Typed { user, command: command.trim(), ends }
}

#[test]
fn prompts_commands_and_ends_are_told_apart() {
    let text = "```\nnot this\n```\n```console\nroot# a --b\nalice$ e $HOME      # refused: f\nlena$ g   # waits: h\n\
                lena$ i  # pending: j\n```\n";
    let typed = typed(text);
    let expected = [
        Typed { user: "root", command: "a --b", ends: Ends::Well },
        Typed { user: "alice", command: "e $HOME", ends: Ends::Refused },
        Typed { user: "lena", command: "g", ends: Ends::Later },
        Typed { user: "lena", command: "i", ends: Ends::Pending },
    ];
    assert_eq!(typed, expected);
}

#[test]
fn the_id_of_what_is_new_is_found_in_the_first_line() {
    assert_eq!(
        new_id("  asked for docker by rule \"r\" (a:1)   4h1kz0ab\n  more\n").as_deref(),
        Some("4h1k")
    );
    assert_eq!(new_id("  asked for docker by rule"), None, "the line is not whole yet");
    assert_eq!(new_id("locked: nothing is granted 4h1kz0ab\n"), None);
}
