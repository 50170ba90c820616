//! Beside somebody who was stopped with the first lock: people go all the same, and nobody comes.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failed assumption is a failed test")]

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::symlink;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, SystemTime};

use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;

use super::{GROUP, alice, host, member, texts, wanted};
use crate::groups::*;
use crate::scratch::Scratch;

/// Another process that holds the first lock, as lckpwdf(3) takes it: this test program, run for [`holds_the_lock`].
struct Stopped(Child);

impl Drop for Stopped {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

/// Where [`holds_the_lock`] finds the lock file.
const LOCK: &str = "JIT_TEST_LOCK";

/// Does nothing unless another test runs it as a process of its own.
#[test]
fn holds_the_lock() {
    let Some(path) = std::env::var_os(LOCK) else { return };
    let lock = File::create(path).unwrap();
    let (l_type, l_whence) = (i16::try_from(libc::F_WRLCK).unwrap(), 0);
    let whole = libc::flock { l_type, l_whence, l_start: 0, l_len: 0, l_pid: 0 };
    fcntl(&lock, FcntlArg::F_SETLK(&whole)).unwrap();
    writeln!(std::io::stderr(), "held").unwrap();
    std::io::stdin().read_line(&mut String::new()).unwrap();
}

fn pose(scratch: &Scratch, pid: u32, program: &str) {
    let (root, folder) = (scratch.path(), scratch.path().join(format!("proc/{pid}")));
    fs::create_dir_all(root.join("usr/bin")).unwrap();
    fs::create_dir_all(&folder).unwrap();
    let file = root.join("usr/bin").join(program);
    fs::write(&file, "").unwrap();
    let _ = fs::remove_file(folder.join("exe"));
    symlink(file, folder.join("exe")).unwrap();
    fs::write(folder.join("comm"), format!("{program}\n")).unwrap();
    fs::write(folder.join("status"), "Name:\tx\nPPid:\t1\nUid:\t0\t0\t0\t0\n").unwrap();
    fs::write(folder.join("loginuid"), "1000").unwrap();
}

fn stopped(scratch: &Scratch, program: &str) -> Stopped {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "groups::tests::turn::holds_the_lock", "--nocapture"]);
    command.env(LOCK, scratch.paths().password_lock).stdin(Stdio::piped());
    let mut holder = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut said = BufReader::new(holder.stderr.take().unwrap()).lines();
    assert!(said.any(|line| line.unwrap() == "held"));
    pose(scratch, holder.id(), program);
    Stopped(holder)
}

/// What was told, and whose lock was broken.
#[derive(Default)]
struct Witness {
    done: Vec<BTreeMap<Membership, Outcome>>,
    broke: Vec<u32>,
}

impl Caller for Witness {
    fn about_to_add(&mut self, _adding: &Given) -> Result<(), String> {
        Ok(())
    }

    fn uid_elsewhere(&mut self, _user: &str) -> Option<u32> {
        None
    }

    fn done(&mut self, outcomes: &BTreeMap<Membership, Outcome>) {
        self.done.push(outcomes.clone());
    }

    fn broke_the_lock_of(&mut self, pid: u32) {
        self.broke.push(pid);
    }
}

fn run(scratch: &Scratch, want: &[Membership], given: &Given) -> (Result<Report, GroupsError>, Witness) {
    let mut witness = Witness::default();
    let wait = Duration::from_millis(5);
    (converge(&scratch.paths(), &wanted(want), given, wait, &mut witness), witness)
}

/// A scratch host with alice in docker by us.
fn lent() -> (Scratch, Given) {
    let scratch = host();
    run(&scratch, &[alice()], &Given::new()).0.unwrap();
    (scratch, Given::from([alice()]))
}

#[test]
fn a_stopped_chfn_keeps_nobody_in_and_lets_nobody_in() {
    let (scratch, given) = lent();
    let held = stopped(&scratch, "chfn");
    let new = member("wheel", 10, "alice", 1000);
    let (refused, _) = run(&scratch, std::slice::from_ref(&new), &Given::new());
    let said = refused.unwrap_err().to_string();
    let who = format!(".pwd.lock is locked by process {}, {}", held.0.id(), scratch.path().display());
    assert!(said.contains(&who) && said.contains("usr/bin/chfn, started by alice (uid 1000)"), "{said}");
    let (report, witness) = run(&scratch, std::slice::from_ref(&new), &given);
    let report = report.unwrap();
    assert_eq!(report.outcomes[&alice()], Outcome::Removed);
    assert!(matches!(report.outcomes[&new], Outcome::Refused(Refusal::HeldUp { .. })));
    assert!(report.beside.is_some_and(|who| who.contains("chfn")));
    assert_eq!((witness.done.len(), witness.broke.len()), (1, 0));
    assert_eq!(texts(&scratch).0, GROUP);
    let mut witness = Witness::default();
    look_locked(&scratch.paths(), &Wanted::default(), &given, Duration::ZERO, &mut witness).unwrap();
    assert_eq!(
        witness.done,
        [BTreeMap::from([(alice(), Outcome::WasGone)])],
        "seen to be gone beside it, too"
    );
}

#[test]
fn beside_a_program_that_nobody_knows_nothing_is_done() {
    let (scratch, given) = lent();
    let held = stopped(&scratch, "systemd-sysusers");
    let (refused, witness) = run(&scratch, &[], &given);
    assert!(refused.unwrap_err().to_string().contains("systemd-sysusers, started by alice"));
    assert!(witness.done.is_empty() && texts(&scratch).0 != GROUP);
    // A name is no program.
    fs::write(scratch.path().join(format!("proc/{}/comm", held.0.id())), "chfn\n").unwrap();
    run(&scratch, &[], &given).0.unwrap_err();
    drop(held);
    run(&scratch, &[], &given).0.unwrap();
}

fn lock_of(scratch: &Scratch, pid: u32, age: u64) {
    for name in ["group.lock", "gshadow.lock"] {
        let path = scratch.paths().etc_dir.join(name);
        fs::write(&path, format!("{pid}\0")).unwrap();
        let file = File::options().write(true).open(path).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_secs(age)).unwrap();
    }
}

fn other_process() -> Child {
    Command::new("sleep").arg("1000").spawn().unwrap()
}

#[test]
fn beside_a_stopped_holder_only_the_lock_file_of_a_dead_process_is_stale() {
    let (scratch, given) = lent();
    let _held = stopped(&scratch, "passwd");
    let mut other = other_process();
    pose(&scratch, other.id(), "useradd");
    // Older than any boot, which would do if the first lock were ours.
    lock_of(&scratch, other.id(), 2_000_000_000 / 2);
    let refused = run(&scratch, &[], &given).0.unwrap_err().to_string();
    assert!(refused.contains("group.lock is locked by process") && refused.contains("useradd"), "{refused}");
    other.kill().unwrap();
    other.wait().unwrap();
    run(&scratch, &[], &given).0.unwrap();
    assert_eq!(texts(&scratch).0, GROUP);
    assert!(!scratch.paths().etc_dir.join("group.lock").exists());
}

#[test]
fn a_stopped_gpasswd_loses_its_lock_after_half_a_minute_and_is_told_of() {
    let (scratch, given) = lent();
    let held = stopped(&scratch, "gpasswd");
    lock_of(&scratch, held.0.id(), 25);
    let refused = run(&scratch, &[], &given).0.unwrap_err().to_string();
    assert!(refused.contains("gpasswd, started by alice (uid 1000)"), "{refused}");
    lock_of(&scratch, held.0.id(), 31);
    let (report, witness) = run(&scratch, &[], &given);
    assert_eq!(report.unwrap().outcomes[&alice()], Outcome::Removed);
    assert_eq!(witness.broke, [held.0.id()]);
    assert_eq!(texts(&scratch).0, GROUP);
}

#[test]
fn an_open_vigr_keeps_its_lock() {
    let (scratch, given) = lent();
    let held = stopped(&scratch, "vigr");
    lock_of(&scratch, held.0.id(), 3_000);
    assert!(matches!(run(&scratch, &[], &given).0, Err(GroupsError::Locked { .. })));
    assert_ne!(texts(&scratch).0, GROUP);
}
