//! The power goes: right in a grant, right in an ending. After the boot nobody has anything, whatever had reached the disk.

use jit_e2e::{MachineBed, Release, until};

use crate::site::{Extent, RELEASES, SOON, Site as _, extent, machine, nobody_has_anything};

/// Where jitd's engine is held: before so manieth call of this kind since it began with what was asked.
#[derive(Debug, Clone, Copy)]
struct Moment(&'static str, u32);

/// What of all that was written until then has reached the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Disk {
    /// What jitd has synced itself, and nothing else.
    Synced,
    /// All of it: another program has synced, or it was written back.
    All,
}

/// When the power goes, and what is there afterwards.
#[derive(Debug, Clone, Copy)]
struct Cut {
    /// Alice's words to jitctl on whose way it happens.
    during: &'static [&'static str],
    moment: Moment,
    disk: Disk,
    /// What the clock on the board says at the next boot.
    clock: &'static str,
    /// Whether the disk has alice as a member by then, if that is known.
    member: Option<bool>,
}

const ASK: &[&str] = &["elevate", "docker", "--for", "30m", "--reason", "INC-42 a power cut"];
const DROP: &[&str] = &["drop", "docker"];

/// The battery of the board is empty.
const EMPTY: &str = "1970-01-01T00:00:00";

/// It is nonsense.
const FAR: &str = "2098-01-01T00:00:00";

/// Freezes jitd's engine before the call, with everything that it did until then, and everybody who waits for it.
fn hold(bed: &MachineBed, cut: &Cut) {
    let Moment(call, number) = cut.moment;
    let words = cut.during.iter().map(|word| format!("'{word}'")).collect::<Vec<_>>().join(" ");
    // systemd would take a jitd that is held for a hung one.
    let script = format!(
        r#"systemctl service-watchdogs no
        pid=$(systemctl show -p MainPID --value jitd)
        for task in /proc/$pid/task/*; do [ "$(cat $task/comm)" = engine ] && break; done
        engine=${{task##*/}}
        setsid -f strace -o /dev/null -e trace={call} -e inject={call}:delay_enter=3600s:when={number} -p $engine > /run/strace 2>&1
        until grep -q attached /run/strace; do sleep 0.1; pgrep -x strace > /dev/null || {{ cat /run/strace; exit 1; }}; done
        setsid -f /usr/local/lib/bed/as alice jitctl {words} > /run/told 2>&1"#
    );
    bed.sh(&script).unwrap().expect_ok();
    // Stopped by its tracer, and it has not run between two looks.
    let look = || {
        let look = "pid=$(systemctl show -p MainPID --value jitd)
            for task in /proc/$pid/task/*; do [ \"$(cat $task/comm)\" = engine ] && break; done
            before=$(cat $task/schedstat); sleep 0.5
            grep -q '^State:.t ' $task/status && [ \"$before\" = \"$(cat $task/schedstat)\" ]";
        bed.sh(look).unwrap().success().then_some(())
    };
    until(&format!("jitd to be held at {:?}", cut.moment), SOON, look).unwrap();
}

/// Lets alice and dora have something, cuts, boots, and looks.
fn power_goes(release: Release, cut: &Cut) {
    let Some(mut bed) = machine(release) else { return };
    let before = bed.groups();
    let other = bed.grant("dora", "ids", "30m");
    if cut.during == DROP {
        bed.grant("alice", "docker", "30m");
        assert!(bed.is_in("alice") && bed.works("alice"));
    }
    hold(&bed, cut);
    if cut.disk == Disk::All {
        bed.sh("sync").unwrap().expect_ok();
    }
    bed.cut().unwrap();
    bed.up(cut.clock).unwrap();

    let early = bed.sh("cat /run/seen/early").unwrap().expect_ok().out;
    let member = early.lines().any(|line| line.starts_with("docker:") && line.ends_with("alice"));
    assert_eq!(member, cut.member.unwrap_or(member), "what the disk had when it came up: {cut:?}\n{early}");
    nobody_has_anything(&bed, &before);
    assert_eq!(bed.told(&other.id, "ended")["body"]["cause"], "rebooted");
    // Whatever was intended is over, and by what. An ending may have reached the record.
    for intent in bed.record("intent") {
        let ended = bed.told(intent["id"].as_str().unwrap(), "ended");
        assert!(["rebooted", "dropped"].contains(&ended["body"]["cause"].as_str().unwrap()), "{ended}");
    }
    // It goes on.
    bed.grant("alice", "docker", "30m");
    assert!(bed.is_in("alice") && bed.works("alice"));
    bed.jitctl("alice", &["drop"]).unwrap().expect_ok();
    nobody_has_anything(&bed, &before);
}

/// What the tests try: `first`, and with `cargo machines` every moment, with both disks.
fn try_all(first: &Cut, moments: &[Moment]) {
    match extent() {
        Extent::Some => RELEASES.into_iter().for_each(|release| power_goes(release, first)),
        Extent::All => {
            for release in RELEASES {
                power_goes(release, first);
                for &moment in moments {
                    for disk in [Disk::Synced, Disk::All] {
                        power_goes(release, &Cut { moment, disk, member: None, ..*first });
                    }
                }
            }
        }
    }
}

/// Every sync and every rename of the engine on the way in: the record, `applied`, sudo's file, the groups, and the outcome.
const IN: [Moment; 10] = [
    Moment("fsync", 1),
    Moment("renameat", 2),
    Moment("renameat", 3),
    Moment("fsync", 2),
    Moment("renameat", 4),
    Moment("fsync", 3),
    Moment("fsync", 4),
    Moment("renameat", 5),
    Moment("renameat", 6),
    Moment("fsync", 5),
];

/// And on the way out: sudo's file, the groups, `applied`, the record.
const OUT: [Moment; 10] = [
    Moment("renameat", 2),
    Moment("fsync", 1),
    Moment("fsync", 2),
    Moment("renameat", 3),
    Moment("renameat", 4),
    Moment("fsync", 3),
    Moment("fsync", 4),
    Moment("renameat", 5),
    Moment("fsync", 5),
    Moment("fsync", 6),
];

#[test]
fn a_power_cut_in_a_grant_leaves_nobody_anything() {
    // The record has it, and so has /etc/group. Nobody was told, and /etc/gshadow does not have it.
    let moment = Moment("renameat", 6);
    let cut = Cut { during: ASK, moment, disk: Disk::All, clock: EMPTY, member: Some(true) };
    try_all(&cut, &IN);
}

#[test]
fn a_power_cut_in_an_ending_leaves_nobody_anything() {
    // sudo's file is without it; the new group files are written and wait to take their places.
    let moment = Moment("renameat", 3);
    let cut = Cut { during: DROP, moment, disk: Disk::Synced, clock: FAR, member: Some(true) };
    try_all(&cut, &OUT);
}
