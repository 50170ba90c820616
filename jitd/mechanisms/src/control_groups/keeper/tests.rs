//! The stages of a group, with plain files in the kernel's place.
#![allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]
use std::fs;
use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, Command};

use jitd_core::now::BootId;

use super::*;
use crate::control_groups::{Overdue, end_overdue, hold};
use crate::scratch::Scratch;

/// A tree in which plain files stand for the kernel's.
struct Tree {
    scratch: Scratch,
    paths: HostPaths,
}

fn name() -> RequestId {
    "7k2m9xqa".parse().unwrap()
}

fn at(millis: i64) -> Now {
    let nanos = millis * 1_000_000;
    Now { wall: nanos, boot: nanos, boot_id: BootId("a".into()) }
}

fn limit(seconds: i64, then: AtExpiry) -> Limit {
    let until = seconds * NANOS;
    Limit {
        grant: name(),
        uid: nix::unistd::getuid().as_raw(),
        deadline: Deadline { wall: until, boot: until, boot_id: at(0).boot_id },
        then,
    }
}

fn me(pid: u32, process: &OwnedFd) -> Entrant<'_> {
    Entrant { pid, uid: nix::unistd::getuid().as_raw(), process }
}

impl Tree {
    fn new() -> Self {
        let scratch = Scratch::new();
        // The processes are real.
        let paths = HostPaths { proc: "/proc".into(), ..scratch.paths() };
        fs::create_dir_all(&paths.control_home).unwrap();
        Self { scratch, paths }
    }

    fn group(&self) -> PathBuf {
        self.paths.control_home.join("grant-7k2m9xqa")
    }

    fn populated(&self, populated: &str) {
        fs::write(self.group().join("cgroup.events"), format!("populated {populated}\nfrozen 0\n")).unwrap();
    }

    fn told(&self, file: &str) -> Option<String> {
        fs::read_to_string(self.group().join(file)).ok()
    }

    /// A keeper with a process that has entered at the beginning of time.
    fn with(&self, limit: Limit) -> (Keeper, Child) {
        let child = Command::new("/bin/sleep").arg("600").spawn().unwrap();
        let mut keeper = Keeper::default();
        let held = hold(child.id()).unwrap();
        keeper.enter(&self.paths, name(), limit, me(child.id(), &held), &at(0)).unwrap();
        self.populated("1");
        (keeper, child)
    }
}

#[test]
fn it_is_told_to_hang_up_and_to_end_and_then_it_is_ended() {
    let tree = Tree::new();
    let (mut keeper, mut child) = tree.with(limit(10, AtExpiry::End));
    assert_eq!(keeper.next(&at(4_000)), Some(NANOS));
    assert_eq!(keeper.keep(&tree.paths, &at(4_999)), []);
    assert!(child.try_wait().unwrap().is_none());
    assert_eq!(keeper.keep(&tree.paths, &at(5_000)), []);
    assert_eq!(child.wait().unwrap().signal(), Some(1), "hung up");
    assert_eq!(keeper.next(&at(5_000)), Some(3 * NANOS));
    keeper.keep(&tree.paths, &at(8_000));
    assert_eq!(keeper.next(&at(8_000)), Some(2 * NANOS));
    assert_eq!(keeper.keep(&tree.paths, &at(10_000)), []);
    assert_eq!(tree.told("cgroup.kill"), None, "sudo has its time");
    for millis in (10_020..=10_200).step_by(20) {
        keeper.keep(&tree.paths, &at(millis));
    }
    assert_eq!(tree.told("cgroup.kill").as_deref(), Some("1"));
    tree.populated("0");
    let over = keeper.keep(&tree.paths, &at(10_240));
    assert_eq!(over, [Happened::Over { grant: name(), name: name(), killed: 1, late: 240_000_000 }]);
    assert_eq!(keeper.next(&at(10_240)), None);
    assert!(!tree.paths.limits_dir.join("7k2m9xqa").exists());
}

#[test]
fn whoever_comes_in_the_last_seconds_is_not_told_to_go_at_once() {
    let tree = Tree::new();
    let (mut keeper, mut child) = tree.with(limit(3, AtExpiry::End));
    keeper.keep(&tree.paths, &at(500));
    assert!(child.try_wait().unwrap().is_none());
    keeper.keep(&tree.paths, &at(1_000));
    assert_eq!(child.wait().unwrap().signal(), Some(15));
}

#[test]
fn what_may_finish_does_and_is_ended_at_its_own_limit() {
    let tree = Tree::new();
    let (mut keeper, mut child) = tree.with(limit(10, AtExpiry::Finish(60)));
    assert_eq!(keeper.next(&at(0)), Some(10 * NANOS), "no warning: it may run on");
    let finishing = keeper.keep(&tree.paths, &at(10_000));
    assert_eq!(finishing, [Happened::Finishing { grant: name(), processes: 1 }]);
    assert_eq!(keeper.keep(&tree.paths, &at(69_999)), []);
    assert!(child.try_wait().unwrap().is_none());
    keeper.keep(&tree.paths, &at(70_000));
    assert_eq!(child.wait().unwrap().signal(), Some(9));
}

#[test]
fn what_is_frozen_goes_on_with_a_later_limit() {
    let tree = Tree::new();
    let (mut keeper, mut child) = tree.with(limit(10, AtExpiry::Pause(60)));
    let frozen = keeper.keep(&tree.paths, &at(10_000));
    assert_eq!(frozen, [Happened::Frozen { grant: name(), processes: 1 }]);
    assert_eq!(tree.told("cgroup.freeze").as_deref(), Some("1"));
    assert_eq!(keeper.frozen().count(), 1);
    let longer = Limit { grant: "3c8d0fgh".parse().unwrap(), ..limit(100, AtExpiry::Pause(60)) };
    keeper.set(&tree.paths, name(), longer.clone(), &at(20_000)).unwrap();
    assert_eq!(tree.told("cgroup.freeze").as_deref(), Some("0"));
    assert_eq!((keeper.frozen().count(), keeper.of(longer.grant)), (0, vec![name()]));
    keeper.keep(&tree.paths, &at(100_000));
    assert_eq!(tree.told("cgroup.freeze").as_deref(), Some("1"));
    keeper.keep(&tree.paths, &at(160_000));
    assert_eq!(child.wait().unwrap().signal(), Some(9));
}

#[test]
fn an_earlier_end_is_now_whatever_the_rule_says() {
    let tree = Tree::new();
    let (mut keeper, mut child) = tree.with(limit(1_000, AtExpiry::Finish(60)));
    let over = limit(1_000, AtExpiry::Finish(60)).over_at(&at(5_000));
    keeper.set(&tree.paths, name(), over, &at(5_000)).unwrap();
    keeper.keep(&tree.paths, &at(5_000));
    assert_eq!(child.wait().unwrap().signal(), Some(9));
    // And no later limit brings back what is being ended.
    keeper.set(&tree.paths, name(), limit(1_000, AtExpiry::End), &at(5_001)).unwrap();
    tree.populated("0");
    keeper.set(&tree.paths, name(), limit(1, AtExpiry::End), &at(5_002)).unwrap();
    assert!(matches!(keeper.keep(&tree.paths, &at(5_100))[..], [Happened::Over { .. }]));
}

#[test]
fn what_does_not_end_is_said_once_and_killed_again() {
    let tree = Tree::new();
    let (mut keeper, mut child) = tree.with(limit(10, AtExpiry::End));
    let mut said = Vec::new();
    for millis in (5_000..30_000).step_by(20) {
        said.extend(keeper.keep(&tree.paths, &at(millis)));
    }
    assert!(matches!(said[..], [Happened::Stuck { .. }]), "{said:?}");
    fs::remove_file(tree.group().join("cgroup.kill")).unwrap();
    keeper.keep(&tree.paths, &at(31_000));
    assert_eq!(tree.told("cgroup.kill").as_deref(), Some("1"));
    child.wait().unwrap();
}

#[test]
fn the_next_keeper_knows_what_runs_and_what_has_no_limit_is_over() {
    let tree = Tree::new();
    let (keeper, mut child) = tree.with(limit(1_000, AtExpiry::Finish(5)));
    let loaded = Keeper::load(&tree.paths, &at(100)).unwrap();
    assert_eq!(loaded.limits(), keeper.limits());
    fs::write(tree.paths.limits_dir.join("7k2m9xqa"), "jit-limit 1\n").unwrap();
    let mut loaded = Keeper::load(&tree.paths, &at(100)).unwrap();
    loaded.keep(&tree.paths, &at(100));
    assert_eq!(child.wait().unwrap().signal(), Some(9));
}

#[test]
fn the_guard_ends_what_is_overdue_and_nothing_before() {
    let tree = Tree::new();
    let (_, mut child) = tree.with(limit(10, AtExpiry::End));
    assert!(end_overdue(&tree.paths, &at(10_499), NANOS / 2).unwrap().is_empty());
    assert_eq!(tree.told("cgroup.kill"), None);
    let ended = end_overdue(&tree.paths, &at(10_500), NANOS / 2).unwrap();
    assert!(matches!(ended[..], [Overdue { processes: 1, .. }]), "{ended:?}");
    assert_eq!(tree.told("cgroup.kill").as_deref(), Some("1"));
    let other_boot = Now { boot_id: BootId("b".into()), ..at(1) };
    assert_eq!(end_overdue(&tree.paths, &other_boot, NANOS / 2).unwrap().len(), 1);
    fs::remove_dir_all(&tree.paths.limits_dir).unwrap();
    assert_eq!(end_overdue(&tree.paths, &at(1), NANOS / 2).unwrap().len(), 1, "no limit");
    tree.populated("0");
    assert!(end_overdue(&tree.paths, &at(99_999), NANOS / 2).unwrap().is_empty(), "nothing runs");
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn without_a_home_nobody_enters_and_nothing_is_made() {
    let tree = Tree::new();
    fs::remove_dir(&tree.paths.control_home).unwrap();
    let (id, held) = (std::process::id(), hold(std::process::id()).unwrap());
    let entered =
        Keeper::default().enter(&tree.paths, name(), limit(1, AtExpiry::End), me(id, &held), &at(0));
    assert!(matches!(entered, Err(NotEntered::NoHome { .. })));
    assert!(!tree.paths.control_home.exists() && !tree.paths.limits_dir.exists());
    drop(tree.scratch);
}

#[test]
fn only_a_process_of_the_person_is_taken() {
    let tree = Tree::new();
    let mut keeper = Keeper::default();
    let (_, mut child) = tree.with(limit(9, AtExpiry::End));
    let held = hold(child.id()).unwrap();
    let others = Entrant { uid: u32::MAX, ..me(child.id(), &held) };
    for process in [others, me(0, &held), me(1, &held)] {
        let entered = keeper.enter(&tree.paths, name(), limit(9, AtExpiry::End), process, &at(0));
        assert!(matches!(entered, Err(NotEntered::Group(_))), "{process:?}");
    }
    child.kill().unwrap();
    child.wait().unwrap();
    // Whoever has its number now is another: this process, for one.
    for number in [child.id(), std::process::id()] {
        let gone = keeper.enter(&tree.paths, name(), limit(9, AtExpiry::End), me(number, &held), &at(0));
        assert!(matches!(gone, Err(NotEntered::Group(_))), "{number}");
    }
}

#[test]
fn whoever_keeps_the_lock_of_the_account_files_is_killed_and_not_frozen_for_ever() {
    let tree = Tree::new();
    fs::create_dir_all(tree.paths.password_lock.parent().unwrap()).unwrap();
    fs::write(&tree.paths.password_lock, "").unwrap();
    let mut locker = Command::new("flock");
    // Without a process of its own for the command, which would be left when this one is killed.
    locker.arg("--no-fork").arg(&tree.paths.password_lock).args(["sh", "-c", "echo locked; exec sleep 600"]);
    let mut locker = locker.stdout(std::process::Stdio::piped()).spawn().unwrap();
    std::io::Read::read_exact(locker.stdout.as_mut().unwrap(), &mut [0; 6]).unwrap();
    let mut keeper = Keeper::default();
    keeper
        .enter(
            &tree.paths,
            name(),
            limit(10, AtExpiry::Pause(60)),
            me(locker.id(), &hold(locker.id()).unwrap()),
            &at(0),
        )
        .unwrap();
    tree.populated("1");
    for millis in (10_000..12_000).step_by(20) {
        assert_eq!(keeper.keep(&tree.paths, &at(millis)), []);
        assert_eq!((tree.told("cgroup.freeze"), locker.try_wait().unwrap()), (None, None), "{millis}");
    }
    assert!(end_overdue(&tree.paths, &at(12_400), NANOS / 2).unwrap().is_empty());
    assert_eq!(end_overdue(&tree.paths, &at(12_500), NANOS / 2).unwrap().len(), 1, "the guard as well");
    keeper.keep(&tree.paths, &at(12_000));
    assert_eq!(locker.wait().unwrap().signal(), Some(9));
}
