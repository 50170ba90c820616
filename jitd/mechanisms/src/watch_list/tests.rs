//! Looks at a small tree, before and after something was planted.
#![allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]

use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::Path;

use jitd_core::now::BootId;
use jitd_core::watched::{Found, Lent, Look, compare};

use super::*;
use crate::scratch::Scratch;

fn list() -> WatchList {
    WatchList {
        folders: vec!["/".into()],
        files: ["/etc/sudoers", "/etc/sudoers.d", "/etc/systemd/system", "/etc/ld.so.preload"]
            .map(PathBuf::from)
            .to_vec(),
        in_homes: [".ssh/authorized_keys", ".config/systemd/user"].map(PathBuf::from).to_vec(),
        entries: 10_000,
    }
}

fn scratch() -> Scratch {
    let scratch = Scratch::new();
    let at = |path: &str| scratch.path().join(path);
    for folder in ["home/alice/.ssh", "home/bob", "usr/bin", "tmp", "etc/systemd/system", "proc/net"] {
        fs::create_dir_all(at(folder)).unwrap();
    }
    fs::write(at("etc/passwd"), "root:x:0:0::/root:/bin/sh\nalice:x:1001:1001::/home/alice:/bin/sh\n")
        .unwrap();
    fs::write(at("etc/group"), "docker:x:999:bob\noncall:x:1000:alice\n").unwrap();
    fs::write(at("etc/sudoers"), "root ALL=(ALL) ALL\n").unwrap();
    fs::write(at("usr/bin/sudo"), "").unwrap();
    mode(&at("usr/bin/sudo"), 0o4755);
    scratch
}

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn looked(scratch: &Scratch) -> Look {
    at_once(look(&scratch.paths(), &list(), || true))
}

/// Everything in the tree is newer than the test's beginning, so no time is taken for a late one.
fn at_once(found: Found) -> Look {
    Look { begun: i64::MAX, done: i64::MAX, boot_id: BootId("a".into()), found }
}

fn told(before: &Look, after: &Look) -> Vec<String> {
    compare(Some(before), after, i64::MAX, &Lent::new()).iter().map(ToString::to_string).collect()
}

#[test]
fn where_nothing_happened_nothing_is_told() {
    let scratch = scratch();
    let before = looked(&scratch);
    assert_eq!(before.found.left_out, []);
    assert!(before.found.things.iter().any(|(thing, _)| *thing == Thing::SetId("/usr/bin/sudo".into())));
    fs::write(scratch.path().join("tmp/plain"), "nothing").unwrap();
    // Written anew with the same bytes, as configuration management does.
    fs::write(scratch.path().join("etc/sudoers"), "root ALL=(ALL) ALL\n").unwrap();
    assert_eq!(told(&before, &looked(&scratch)), Vec::<String>::new());
}

#[test]
fn each_kind_of_souvenir_is_told() {
    let scratch = scratch();
    let at = |path: &str| scratch.path().join(path);
    let before = looked(&scratch);
    fs::write(at("tmp/root"), "").unwrap();
    mode(&at("tmp/root"), 0o4755);
    fs::write(at("home/bob/docker"), "").unwrap();
    mode(&at("home/bob/docker"), 0o2755);
    fs::write(at("home/alice/.ssh/authorized_keys"), "ssh-ed25519 AAAA\n").unwrap();
    fs::write(at("etc/systemd/system/evil.service"), "[Service]\n").unwrap();
    symlink("/tmp/evil.so", at("etc/ld.so.preload")).unwrap();
    fs::write(at("etc/sudoers.d/99"), "alice ALL=(ALL) ALL\n").unwrap();
    fs::write(at("etc/sudoers"), "root ALL=(ALL) ALL\nalice ALL=(ALL) ALL\n").unwrap();
    fs::write(
        at("etc/passwd"),
        "root:x:0:0::/root:/bin/sh\nalice:x:0:0::/home/alice:/bin/sh\nroot::0:0::/:/bin/sh\n",
    )
    .unwrap();
    fs::write(at("etc/group"), "docker:x:999:bob,mallory\n").unwrap();
    let header = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid\n";
    let line =
        "   0: 00000000:115C 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1\n";
    fs::write(at("proc/net/tcp"), format!("{header}{line}")).unwrap();
    let gid = fs::metadata(at("home/bob/docker")).unwrap().gid();
    let uid = fs::metadata(at("tmp/root")).unwrap().uid();
    let mut said = told(&before, &looked(&scratch));
    said.sort();
    let mut expected = vec![
        format!("new: set-id file /home/bob/docker (set-gid of gid {gid}, mode 2755)"),
        format!("new: set-id file /tmp/root (set-uid of uid {uid}, mode 4755)"),
        "changed: file /etc/sudoers".into(),
        "new: file /etc/sudoers.d/99".into(),
        "new: file /etc/systemd/system/evil.service".into(),
        "new: file /etc/ld.so.preload (a link to /tmp/evil.so)".into(),
        "new: file /home/alice/.ssh/authorized_keys".into(),
        "changed: line of alice in /etc/passwd (uid 0)".into(),
        "changed: line of root in /etc/passwd (uid 0)".into(),
        "new: mallory in the group docker (/etc/group)".into(),
        "gone: line of oncall in /etc/group".into(),
        "gone: alice in the group oncall (/etc/group)".into(),
        "new: port tcp 0.0.0.0:4444 on which root listens".into(),
    ];
    expected.sort();
    assert_eq!(said, expected);
}

#[test]
fn what_has_no_room_or_time_is_named_and_not_told_as_gone() {
    let scratch = scratch();
    let before = looked(&scratch);
    for few in [
        look(&scratch.paths(), &WatchList { entries: 8, ..list() }, || true),
        look(&scratch.paths(), &list(), || false),
    ] {
        assert!(!few.left_out.is_empty());
        assert!(few.left_out.iter().any(|left| left.path == "/"), "{few:?}");
        let gone = told(&before, &at_once(few));
        assert!(!gone.iter().any(|said| said.contains("set-id")), "{gone:?}");
    }
}

/// Paths that the second look left out and the first did not.
fn left_out(before: &Look, after: &Look) -> Vec<String> {
    let left = after.found.left_out.iter().filter(|left| !before.found.left_out.contains(left));
    left.map(|left| left.path.clone()).collect()
}

/// Alice's home, where she alone can write, and the rest of the host, where root alone can.
fn with_home_of_alice() -> Scratch {
    let scratch = scratch();
    let at = |path: &str| scratch.path().join(path);
    fs::create_dir_all(at("home/alice/.config/systemd/user")).unwrap();
    for folder in
        ["home", "home/bob", "usr", "usr/bin", "tmp", "etc/systemd", "etc/systemd/system", "proc", "proc/net"]
    {
        mode(&at(folder), 0o755);
    }
    mode(scratch.path(), 0o755);
    // Whoever runs this owns all of it, so this stands for a folder of somebody else.
    mode(&at("home/alice"), 0o777);
    scratch
}

#[test]
fn a_home_full_of_files_hides_nothing_elsewhere_and_is_left_out_as_one() {
    let scratch = with_home_of_alice();
    let at = |path: &str| scratch.path().join(path);
    let units = "/home/alice/.config/systemd/user";
    let look_at = |entries| at_once(look(&scratch.paths(), &WatchList { entries, ..list() }, || true));
    let before = [500_000, 10_000].map(look_at);
    for number in 0..25_000 {
        fs::write(at(&format!("{units}/{number}.service")[1..]), "").unwrap();
    }
    for path in ["usr/bin/evil", "home/bob/evil"] {
        fs::write(at(path), "").unwrap();
        mode(&at(path), 0o4755);
    }
    fs::write(at("etc/sudoers"), "alice ALL=(ALL) ALL\n").unwrap();
    let after = [500_000, 10_000].map(look_at);
    for (before, after) in before.iter().zip(&after) {
        let said = told(before, after);
        let uid = fs::metadata(at("usr/bin/evil")).unwrap().uid();
        for path in ["/usr/bin/evil", "/home/bob/evil"] {
            let evil = format!("new: set-id file {path} (set-uid of uid {uid}, mode 4755)");
            assert!(said.contains(&evil), "{said:?}");
        }
        assert!(said.contains(&"changed: file /etc/sudoers".to_owned()), "{said:?}");
        assert_eq!(said.len(), 3, "{said:?}");
        assert!(after.found.things.len() < 100 && after.found.entries <= 500_000);
    }
    assert_eq!(left_out(&before[0], &after[0]), [units], "there is room for a walk through her home");
    assert_eq!(left_out(&before[1], &after[1]), [units, "/home/alice"]);
}

#[test]
fn set_id_files_of_somebody_leave_room_for_those_of_others() {
    let scratch = with_home_of_alice();
    let at = |path: &str| scratch.path().join(path);
    let before = looked(&scratch);
    for number in 0..300 {
        let path = at(&format!("home/alice/{number}"));
        fs::write(&path, "").unwrap();
        mode(&path, 0o2755);
    }
    fs::write(at("usr/bin/evil"), "").unwrap();
    mode(&at("usr/bin/evil"), 0o2755);
    let after = looked(&scratch);
    assert_eq!(left_out(&before, &after), ["/home/alice"]);
    assert_eq!(after.found.things.len(), before.found.things.len() + budget::THINGS + 1);
    assert!(told(&before, &after).iter().any(|said| said.contains("/usr/bin/evil")));
}

#[test]
fn more_places_than_are_named_are_one_line() {
    let mut finds = Finds::default();
    (0..MOST_LEFT_OUT + 5).for_each(|at| finds.leave_out(format!("/srv/{at}"), "cannot be looked into"));
    let left_out = finds.done().left_out;
    assert_eq!(left_out.len(), MOST_LEFT_OUT + 1);
    assert!(left_out.iter().any(|left| left.path == "/" && left.why.starts_with("5 more places")));
}

#[test]
fn names_are_bytes_and_links_lead_nowhere() {
    let scratch = scratch();
    let elsewhere = Scratch::new();
    fs::write(elsewhere.path().join("theirs"), "").unwrap();
    mode(&elsewhere.path().join("theirs"), 0o4755);
    let before = looked(&scratch);
    let evil = scratch.path().join(std::ffi::OsStr::from_bytes(b"tmp/a\xff\n\x1b[2J"));
    fs::write(&evil, "").unwrap();
    mode(&evil, 0o6755);
    symlink(elsewhere.path(), scratch.path().join("srv")).unwrap();
    symlink(elsewhere.path(), scratch.path().join("home/bob/.ssh")).unwrap();
    nix::unistd::mkfifo(
        &scratch.path().join("etc/sudoers.d/pipe"),
        nix::sys::stat::Mode::from_bits_truncate(0o644),
    )
    .unwrap();
    let said = told(&before, &looked(&scratch));
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(said.iter().any(|said| said.contains("/tmp/a\\xff\\n\\u{1b}[2J")), "{said:?}");
    assert!(said.contains(&"new: file /etc/sudoers.d/pipe (not a regular file)".to_owned()), "{said:?}");
}

#[test]
fn the_set_gid_bit_is_taken_off_that_file_and_nothing_else() {
    let scratch = scratch();
    let at = |path: &str| scratch.path().join(path);
    fs::write(at("tmp/souvenir"), "").unwrap();
    mode(&at("tmp/souvenir"), 0o2755);
    let gid = fs::metadata(at("tmp/souvenir")).unwrap().gid();
    let strip = |path: &str, gid| strip_set_gid(&scratch.paths(), path, gid);
    assert!(matches!(strip("/tmp/souvenir", gid + 1), Err(NotStripped::Another)));
    strip("/tmp/souvenir", gid).unwrap();
    assert_eq!(fs::metadata(at("tmp/souvenir")).unwrap().mode() & 0o7777, 0o755);
    assert!(matches!(strip("/tmp/souvenir", gid), Err(NotStripped::Another)));
    mode(&at("tmp/souvenir"), 0o2755);
    symlink("souvenir", at("tmp/link")).unwrap();
    assert!(matches!(strip("/tmp/link", gid), Err(NotStripped::System(_))));
    assert!(matches!(strip("/tmp/nothing", gid), Err(NotStripped::System(_))));
    assert_eq!(fs::metadata(at("tmp/souvenir")).unwrap().mode() & 0o7777, 0o2755);
}
