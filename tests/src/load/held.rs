//! Many live grants: how long they take to come, what they cost, and that all are off when they are due, in one rewrite.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use super::crowd::{answered, mib, nanos, unanswered, unix};
use super::figures::Times;
use super::host::{Host, ROLES, SUDOERS, What};
use super::watch::{Watch, wall};
use super::{LATE, MEMORY, record};
use crate::{Result, until};

/// Clients at a time.
const AT_A_TIME: usize = 1000;

/// Seconds of a grant that is given back long before.
const LONG: u64 = 1800;

/// Where strace writes what it saw.
const TRACE: &str = "/tmp/renames";

/// Whether sudo has been asked about these people and roles before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sudo {
    /// It has not, and reads all rules for each of them.
    AskedNow,
    /// It has, when there were few grants, and jitd remembers what it said.
    AskedBefore,
}

/// What came of it.
#[derive(Debug)]
pub struct Held {
    /// How many were to be live.
    pub wanted: usize,
    /// How many were.
    pub live: usize,
    /// What was heard instead of "granted", a few of them, and how many there were.
    pub refused: (Vec<String>, usize),
    /// How long it took to ask sudo about all of them before, if it was.
    pub asked_before: Option<Duration>,
    /// How long it took until all were live.
    pub took: Duration,
    /// How long each waited for its answer.
    pub answers: Times,
    /// How long one waits for `status` when all are live.
    pub status: Times,
    /// jitd's memory with all of them live, in KiB.
    pub memory: u64,
    /// The most that it ever had, in KiB.
    pub most_memory: u64,
    /// How late they were off, by a look at sudo's file.
    pub late: Times,
    /// How often sudo's file was written when they were due, and how many deadlines there were: whoever asked in the last moment
    /// of a second was heard in the next.
    pub rewrites: (usize, usize),
}

impl Held {
    /// What was to hold and does not.
    #[must_use]
    pub fn missed(&self) -> Vec<String> {
        let ((shown, refused), (rewrites, deadlines)) = (&self.refused, self.rewrites);
        let checks = [
            (self.live != self.wanted, format!("{} of {} were live", self.live, self.wanted)),
            (*refused > 0, format!("{refused} were not granted, such as {shown:?}")),
            (self.most_memory >= MEMORY, format!("jitd took {} KiB of memory", self.most_memory)),
            (self.late.count != self.wanted, format!("{} were seen to go", self.late.count)),
            (self.late.worst > LATE, format!("endings were late: {}", self.late)),
            (rewrites > deadlines, format!("{rewrites} rewrites for {deadlines} deadlines")),
        ];
        checks.into_iter().filter(|(missed, _)| *missed).map(|(_, why)| why).collect()
    }

    /// The figures, a line each.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let (rewrites, deadlines) = self.rewrites;
        let before = self.asked_before.map(|took| {
            format!(
                "sudo asked about all of them for the first time, a role at a time: {:.1} s",
                took.as_secs_f64()
            )
        });
        let rest = [
            format!("{} live grants in {:.1} s", self.live, self.took.as_secs_f64()),
            format!("answers to elevate, {}", self.answers),
            format!("answers to status beside them, {}", self.status),
            format!(
                "jitd's memory: {:.1} MiB with all of them live, {:.1} MiB at the most",
                mib(self.memory),
                mib(self.most_memory)
            ),
            format!("off late, seen: {}", self.late),
            format!("rewrites of sudo's file that took them off: {rewrites}, for {deadlines} deadlines"),
        ];
        before.into_iter().chain(rest).collect()
    }
}

/// Has everybody ask for each role once, and takes all of them away again, a role at a time.
fn ask_before(host: &Host, people: u32) -> Result<Duration> {
    let start = Instant::now();
    for role in 0..ROLES {
        let until = unix() + LONG;
        let asks: Vec<_> = (0..people).map(|person| (person, What::Elevate(role, until))).collect();
        answered(&host.ask(&asks, AT_A_TIME)?)?;
        host.bed.jitctl("root", &["revoke", "--all"])?.ok()?;
    }
    Ok(start.elapsed())
}

/// Has so many grants held on a host where a tenth as many people have accounts, all due `seconds` after the start.
pub(super) fn load(host: &Host, grants: u32, seconds: u64, sudo: Sudo) -> Result<Held> {
    let people = grants.div_ceil(ROLES);
    let asked_before = match sudo {
        Sudo::AskedNow => None,
        Sudo::AskedBefore => Some(ask_before(host, people)?),
    };
    let ended = record::count(host, "ended")?;
    let (start, due) = (Instant::now(), unix() + seconds);
    let asks = (0..grants).map(|number| (number % people, What::Elevate(number / people, due)));
    let heard = host.ask(&asks.collect::<Vec<_>>(), AT_A_TIME)?;
    let took = start.elapsed();
    let live = host.bed.read(SUDOERS)?.matches("# grant ").count();
    let memory = host.memory("VmRSS")?;
    let asks: Vec<_> = (0..people.min(100)).map(|person| (person, What::Status)).collect();
    let status = host.ask(&asks, 1)?;
    let watch = Watch::start(host);
    let pid = host.jitd.pid_inside()?.to_string();
    let words = ["strace", "-f", "-e", "trace=rename,renameat,renameat2", "-o", TRACE, "-p", &pid];
    let strace = host.bed.command(&words).spawn()?;
    strace.wait_for("attached", Duration::from_secs(20))?;
    let left = nanos(i64::try_from(due).unwrap_or(i64::MAX).saturating_mul(1_000_000_000) - wall());
    let off = || (!host.bed.read(SUDOERS).ok()?.contains("# grant ")).then_some(());
    until("all to be off", left + Duration::from_secs(30), off)?;
    let on_record = || record::count(host, "ended").ok().filter(|count| *count >= ended + live);
    until("all to be on the record", Duration::from_secs(60), on_record)?;
    strace.terminate()?;
    let (gone, deadlines) = (watch.end()?, record::deadlines(host)?);
    let late = |(id, at): (&String, &i64)| Some(nanos(at - deadlines.get(id)?));
    let ends: BTreeSet<&i64> = gone.keys().filter_map(|id| deadlines.get(id)).collect();
    let is_ours = |line: &&str| line.contains(", \"jit\"") || line.contains("sudoers.d/jit\"");
    Ok(Held {
        wanted: grants as usize,
        live,
        refused: unanswered(&heard),
        asked_before,
        took,
        answers: Times::of(heard.iter().map(|heard| heard.took)),
        status: Times::of(status.iter().map(|heard| heard.took)),
        memory,
        most_memory: host.memory("VmHWM")?,
        late: Times::of(gone.iter().filter_map(late)),
        rewrites: (host.bed.read(TRACE)?.lines().filter(is_ours).count(), ends.len()),
    })
}
