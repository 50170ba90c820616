//! What jitd would have written, written by hand.

use std::fmt::Write as _;
use std::time::{Duration, SystemTime};

use jit_e2e::{OrSkip as _, Release, RootBed, until};

pub(crate) const APPLIED: &str = "/var/lib/jit/applied";
pub(crate) const SUDOERS: &str = "/run/jit/sudoers.d/jit";
pub(crate) const NOTES: &str = "/var/lib/jit/guard-notes";
pub(crate) const HEADER: &str =
    "# Written by jitd from the live grants. Changes here are undone. See: jitctl status\n";

/// Long enough for any machine; nothing waits that long when things are right.
pub(crate) const LONG: Duration = Duration::from_secs(20);
pub(crate) const HOUR: i64 = 3_600_000;

/// Nanoseconds since 1970.
pub(crate) fn wall() -> i64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    i64::try_from(now.as_nanos()).unwrap()
}

/// Nanoseconds since boot, with suspend, as near as the kernel tells in a file.
pub(crate) fn since_boot() -> i64 {
    let text = std::fs::read_to_string("/proc/uptime").unwrap();
    let (whole, parts) = text.split_whitespace().next().unwrap().split_once('.').unwrap();
    whole.parse::<i64>().unwrap() * 1_000_000_000 + parts.parse::<i64>().unwrap() * 10_000_000
}

pub(crate) fn boot_id() -> String {
    std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap().trim().to_owned()
}

/// Writes `applied` for these grants, each with the milliseconds it has left. The wall clock's deadline of the first.
pub(crate) fn apply(bed: &RootBed, uid: u32, boot: &str, grants: &[(&str, i64)]) -> i64 {
    let (wall, since_boot) = (wall(), since_boot());
    let mut text = "jit-applied 1\n".to_owned();
    for (id, left) in grants {
        let (until_boot, until_wall) = (since_boot + left * 1_000_000, wall + left * 1_000_000);
        let times = format!("until_boot={until_boot} until_wall={until_wall}");
        writeln!(text, "grant {id} uid={uid} boot={boot} {times} undo=sudoers").unwrap();
    }
    writeln!(text, "end {}", grants.len()).unwrap();
    bed.write_mode("/var/lib/jit/.applied.new", &text, 0o600).unwrap();
    bed.run(&["mv", "/var/lib/jit/.applied.new", APPLIED]).unwrap().expect_ok();
    wall + grants.first().map_or(0, |(_, left)| left * 1_000_000)
}

/// The sudoers file with a rule for each grant: `/usr/bin/id` for the first, `/usr/bin/true` for the second.
pub(crate) fn raise(bed: &RootBed, uid: u32, ids: &[&str]) {
    let mut text = HEADER.to_owned();
    for (id, command) in ids.iter().zip(["/usr/bin/id", "/usr/bin/true"]) {
        writeln!(text, "# grant {id}\n#{uid} ALL=(root) NOPASSWD: NOSETENV: {command} \"\"\n# end {id}")
            .unwrap();
    }
    bed.write_mode("/run/jit/sudoers.d/.new", &text, 0o440).unwrap();
    bed.run(&["mv", "/run/jit/sudoers.d/.new", SUDOERS]).unwrap().expect_ok();
}

pub(crate) fn host(release: Release) -> Option<(RootBed, u32)> {
    let bed = RootBed::with_product(release).or_skip()?;
    let uid = bed.add_user("alice", &[], None).unwrap().uid;
    Some((bed, uid))
}

pub(crate) fn may(bed: &RootBed, command: &str) -> bool {
    bed.as_user("alice", &["sudo", "-n", command]).unwrap().success()
}

pub(crate) fn wait_until_off(bed: &RootBed, id: &str) {
    let off = || (!bed.read(SUDOERS).unwrap_or_default().contains(id)).then_some(());
    until(&format!("{id} to be off"), LONG, off).unwrap();
}

/// Waits for the note about `id`; when the guard says it looked, and why it removed it.
pub(crate) fn note(bed: &RootBed, id: &str) -> (i64, String) {
    let (wall, why) = until(&format!("the note about {id}"), LONG, || {
        let notes = bed.read(NOTES).ok()?;
        let rest = notes.lines().find_map(|line| line.strip_prefix(&format!("removed {id} ")))?.to_owned();
        rest.split_once(' ').map(|(wall, why)| (wall.to_owned(), why.to_owned()))
    })
    .unwrap();
    (wall.parse().unwrap(), why)
}
