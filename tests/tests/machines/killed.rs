//! Nothing of a machine is left when its harness is killed.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use jit_e2e::{processes, until};

use crate::site::{SOON, machine};
use jit_e2e::Release;

#[test]
fn a_killed_harness_leaves_no_machine() {
    if machine(Release::Bookworm).is_none() {
        return;
    }
    let mut harness = Command::new(env!("CARGO_BIN_EXE_bed"));
    let mut harness = harness.arg("machine").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut title = String::new();
    BufReader::new(harness.stdout.take().unwrap()).read_line(&mut title).unwrap();
    assert!(title.starts_with("machine-bookworm-"), "{title}");
    let all = processes::descendants(harness.id());
    assert!(all.len() >= 3, "unshare, the holder, the emulator: {all:?}");
    harness.kill().unwrap();
    harness.wait().unwrap();
    let gone = || (!all.iter().any(|&pid| processes::alive(pid))).then_some(());
    until("the end of all processes", SOON, gone).unwrap();
}
