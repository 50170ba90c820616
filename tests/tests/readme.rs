//! The README as a test: every command of its `console` blocks is typed, in order, on a booted Debian 12 that has nothing of the
//! product yet. A line that says `# refused` has to be.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed assumption is a failed test")]

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use jit_e2e::{BootedBed, OrSkip as _, Output, Release, cache, package, workspace};

/// Stands for a real nginx, and for a person who has an account.
const GIVEN: &str =
    "printf '[Service]\\nExecStart=/usr/bin/sleep infinity\\n' > /etc/systemd/system/nginx.service
systemctl daemon-reload
systemctl start nginx
useradd -m -s /bin/bash -p '*' alice";

/// The id that the README shows; in the machine it stands for the newest grant.
const SHOWN_ID: &str = "7k2m";

/// One line of a `console` block.
#[derive(Debug, PartialEq, Eq)]
struct Typed<'a> {
    user: &'a str,
    command: &'a str,
    refused: bool,
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
    let mut id = SHOWN_ID.to_owned();
    for line in typed {
        let command = line.command.replace(SHOWN_ID, &id);
        let words = ["bash", "-c", command.as_str()];
        let run = if line.user == "root" { bed.run(&words) } else { bed.as_user(line.user, &words) };
        let output = run.unwrap();
        assert_eq!(output.success(), !line.refused, "{output}");
        id = granted(&output).unwrap_or(id);
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

/// The beginning of the id of what was just granted, if something was.
fn granted(output: &Output) -> Option<String> {
    let line = output.out.lines().next().filter(|line| line.trim_start().starts_with("granted by rule"))?;
    Some(line.split_whitespace().last()?.chars().take(SHOWN_ID.len()).collect())
}

fn typed(readme: &str) -> Vec<Typed<'_>> {
    let blocks =
        readme.split("```console\n").skip(1).map(|rest| rest.split("```").next().unwrap_or_default());
    blocks.flat_map(str::lines).map(line).collect()
}

fn line(line: &str) -> Typed<'_> {
    let Some((user, rest)) = line.split_once(['$', '#']) else { panic!("{line:?} has no prompt") };
    let (command, note) = rest.split_once(" # ").unwrap_or((rest, ""));
    Typed { user, command: command.trim(), refused: note.trim_start().starts_with("refused") }
}

#[test]
fn prompts_commands_and_refusals_are_told_apart() {
    let text = "```\nnot this\n```\n```console\nroot# a --b\nalice$ e $HOME      # refused: f\n```\n";
    let expected = [
        Typed { user: "root", command: "a --b", refused: false },
        Typed { user: "alice", command: "e $HOME", refused: true },
    ];
    assert_eq!(typed(text), expected);
}
