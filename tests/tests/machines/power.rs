//! The power goes: right in a grant, right in an ending. After the boot nobody has anything, whatever had reached the disk.

use jit_e2e::{MachineBed, Release};

use crate::site::{
    Extent, RELEASES, Site as _, extent, machine, measured, nobody_had_anything, nobody_has_anything,
};

/// Where jitd's engine is held.
#[derive(Debug, Clone, Copy)]
enum Moment {
    /// Before a new file takes the place of the one that is called so.
    Replacing(&'static str),
    /// Before so manieth call of this kind since it began with what was asked.
    Call(&'static str, u32),
}

/// Whether it came to a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Came {
    /// The engine is held there.
    Held,
    /// What was asked is done, and there was no such moment.
    Never,
}

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

/// There are at least so many moments: the record, `applied`, sudo's file, both group files.
const LEAST: usize = 7;

/// The battery of the board is empty.
const EMPTY: &str = "1970-01-01T00:00:00";

/// It is nonsense.
const FAR: &str = "2098-01-01T00:00:00";

/// Freezes jitd's engine before the call, with everything that it did until then, and everybody who waits for it.
fn hold(bed: &MachineBed, cut: &Cut) -> Came {
    let words = cut.during.iter().map(|word| format!("'{word}'")).collect::<Vec<_>>().join(" ");
    let (calls, number, of) = match cut.moment {
        Moment::Replacing(name) => ("renameat,renameat2", 1, format!("-P {name}")),
        Moment::Call(call, number) => (call, number, String::new()),
    };
    // systemd would take a jitd that is held for a hung one. Held is: stopped by its tracer, and it has not run between two looks.
    let script = format!(
        r#"systemctl service-watchdogs no
        pid=$(systemctl show -p MainPID --value jitd)
        for task in /proc/$pid/task/*; do [ "$(cat $task/comm)" = engine ] && break; done
        setsid -f strace -o /dev/null {of} -e trace={calls} -e inject={calls}:delay_enter=3600s:when={number} -p ${{task##*/}} > /run/strace 2>&1
        until grep -q attached /run/strace; do sleep 0.1; pgrep -x strace > /dev/null || {{ cat /run/strace; exit 1; }}; done
        setsid -f sh -c '"$@" > /run/told 2>&1; touch /run/over' ask /usr/local/lib/bed/as alice jitctl {words} > /dev/null 2>&1
        until [ -e /run/over ]; do
            before=$(cat $task/schedstat); sleep 0.5
            grep -q '^State:.t ' $task/status && [ "$before" = "$(cat $task/schedstat)" ] && echo held && exit
        done
        cat /run/told"#
    );
    let output = bed.sh(&script).unwrap().expect_ok();
    if output.out == "held\n" { Came::Held } else { Came::Never }
}

/// Lets alice and dora have something, cuts, boots, and looks. Nothing when there can be no machine.
fn power_goes(release: Release, cut: &Cut) -> Option<Came> {
    let mut bed = machine(release)?;
    let before = bed.groups();
    let other = bed.grant("dora", "ids", "30m");
    if cut.during == DROP {
        bed.grant("alice", "docker", "30m");
        assert!(bed.is_in("alice") && bed.works("alice"));
    }
    if hold(&bed, cut) == Came::Never {
        return Some(Came::Never);
    }
    if cut.disk == Disk::All {
        bed.sh("sync").unwrap().expect_ok();
    }
    bed.cut().unwrap();
    bed.up(cut.clock).unwrap();
    let date = bed.sh("date --iso-8601=seconds").unwrap().expect_ok().out;
    measured(&format!("booted with {} on the board's clock; it is {date}", cut.clock));

    let early = bed.sh("cat /run/seen/early").unwrap().expect_ok().out;
    let member = early.lines().any(|line| line.starts_with("docker:") && line.ends_with("alice"));
    assert_eq!(member, cut.member.unwrap_or(member), "what the disk had when it came up: {cut:?}\n{early}");
    nobody_had_anything(&bed, &before);
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
    assert_eq!(bed.groups(), before);
    Some(Came::Held)
}

/// What the tests try: `first`, and with `cargo machines` every moment that there is, with both disks.
fn try_all(first: &Cut) {
    for release in RELEASES {
        let Some(came) = power_goes(release, first) else { return };
        assert_eq!(came, Came::Held, "{first:?}");
        match extent() {
            Extent::Some => {}
            Extent::All => {
                [Disk::Synced, Disk::All].into_iter().for_each(|disk| every_moment(release, first, disk))
            }
        }
    }
}

/// Cuts before each of the calls by which something reaches the disk, or takes its place.
fn every_moment(release: Release, first: &Cut, disk: Disk) {
    let mut all = Vec::new();
    for call in ["fdatasync", "fsync", "renameat", "renameat2"] {
        for number in 1.. {
            let moment = Moment::Call(call, number);
            if power_goes(release, &Cut { moment, disk, member: None, ..*first }) != Some(Came::Held) {
                break;
            }
            all.push(moment);
        }
    }
    measured(&format!("{} cuts in {:?}, {disk:?}: {all:?}", all.len(), first.during));
    assert!(all.len() >= LEAST, "{all:?}");
}

#[test]
fn a_power_cut_in_a_grant_leaves_nobody_anything() {
    // The record has it, and so has /etc/group. Nobody was told, and /etc/gshadow does not have it.
    let moment = Moment::Replacing("gshadow");
    try_all(&Cut { during: ASK, moment, disk: Disk::All, clock: EMPTY, member: Some(true) });
}

#[test]
fn a_power_cut_in_an_ending_leaves_nobody_anything() {
    // Both group files are without it and in their places; `applied` and the record still have it. Whatever was not synced is empty.
    let moment = Moment::Replacing("applied");
    try_all(&Cut { during: DROP, moment, disk: Disk::Synced, clock: FAR, member: Some(false) });
}
