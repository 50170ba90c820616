//! How many times jitd makes the disk write out before it answers. A test of the scenarios holds the number on every release;
//! here it stands beside the times.

use std::time::Duration;

use super::pairs::{GROUP, OURS};
use crate::{Error, Result, RootBed, Running};

/// Every call that makes a disk write out what it holds.
const SYNCS: [&str; 6] = ["fsync", "fdatasync", "sync_file_range", "msync", "syncfs", "sync"];

const TRACE: &str = "/tmp/syncs";

pub(super) fn before_the_answer(bed: &RootBed, jitd: &Running) -> Result<usize> {
    let calls = format!("trace={},sendto,sendmsg,write,writev", SYNCS.join(","));
    let pid = jitd.pid_inside()?.to_string();
    let words = ["strace", "-f", "-y", "-s", "4096", "-e", &calls, "-o", TRACE, "-p", &pid];
    let strace = bed.command(&words).spawn()?;
    strace.wait_for("attached", Duration::from_secs(20))?;
    bed.jitctl(OURS, &["elevate", GROUP, "--for", "30m", "--reason", "INC-42 once more"])?.ok()?;
    strace.terminate()?;
    bed.jitctl(OURS, &["drop"])?.ok()?;
    let trace = bed.read(TRACE)?;
    let is_answer = |line: &&str| line.contains("<socket:") && line.contains("on-call at once");
    if !trace.lines().any(|line| is_answer(&line)) {
        return Err(Error::Odd(format!("no answer in what strace saw:\n{trace}")));
    }
    let is_sync = |line: &&str| SYNCS.iter().any(|call| line.contains(&format!(" {call}(")));
    Ok(trace.lines().take_while(|line| !is_answer(line)).filter(is_sync).count())
}
