//! strace(1) at one thread of a program: counting its calls, or having one of them go wrong.

use std::collections::BTreeMap;
use std::time::Duration;

use super::fault::{CALLS, Fault, Point, points};
use crate::{Error, Inside, Result, Running, Signal, processes, until};

/// Where strace writes, inside.
const TRACE: &str = "/tmp/walk-trace";

/// How long strace may take to be there, or to be gone.
const SOON: Duration = Duration::from_secs(60);

/// A program that stops itself before it becomes what it is to be, so that nothing of it is missed.
const HELD: &str = "kill -STOP $$; exec \"$@\"";

/// strace at work.
#[derive(Debug)]
pub(super) struct Tracer<'b> {
    bed: &'b Inside,
    strace: Running,
}

impl<'b> Tracer<'b> {
    /// Counts the calls of all threads of a program from now on.
    pub(super) fn count(bed: &'b Inside, program: &Running) -> Result<Tracer<'b>> {
        let pid = program.pid_inside()?.to_string();
        let calls = format!("trace={CALLS},prctl");
        Tracer::attach(bed, &["-f", "-y", "-s", "60", "-e", &calls, "-p", &pid])
    }

    /// Lets one call of one thread of a program go wrong.
    pub(super) fn inject(bed: &'b Inside, tid: u32, point: &Point, fault: Fault) -> Result<Tracer<'b>> {
        let Point { call, nth, .. } = point;
        let trace = format!("trace={call}");
        let inject = format!("inject={call}:{}:when={nth}", fault.injection());
        // Without -f: the one thread, so that the number is that of its own calls.
        Tracer::attach(bed, &["-y", "-e", &trace, "-e", &inject, "-p", &tid.to_string()])
    }

    fn attach(bed: &'b Inside, words: &[&str]) -> Result<Tracer<'b>> {
        bed.remove(TRACE)?;
        let strace = bed.command(&[&["strace", "-o", TRACE], words].concat()).spawn()?;
        strace.wait_for("attached", SOON)?;
        Ok(Tracer { bed, strace })
    }

    /// What it has written so far.
    pub(super) fn trace(&self) -> String {
        // Before its first call there is none.
        self.bed.read(TRACE).unwrap_or_default()
    }

    /// The call that went wrong, if one has: its line of the trace.
    pub(super) fn fired(&self, fault: Fault) -> Option<String> {
        fired(&self.trace(), fault)
    }

    /// Lets the program go; all that was written. strace ends by itself with whom it follows.
    pub(super) fn detach(self) -> Result<String> {
        if self.strace.is_running() {
            // It may end at this very moment.
            let _ = self.strace.signal(Signal::SIGTERM);
        }
        self.strace.wait_end(SOON)?;
        Ok(self.trace())
    }
}

/// The call that went wrong, if one has: its line of the trace. A process that is killed says so after its last call.
pub(super) fn fired(trace: &str, fault: Fault) -> Option<String> {
    let (before, _) = trace.split_once(fault.trail())?;
    let mut lines = before.lines().rev();
    let last = match fault {
        Fault::Killed => lines.find(|line| line.contains('(')),
        Fault::Eio | Fault::Enospc => lines.next(),
    };
    last.map(str::to_owned)
}

/// The points of a program that was counted.
pub(super) fn counted(trace: &str, threads: &BTreeMap<u32, String>) -> Vec<Point> {
    let mut threads = threads.clone();
    // A thread names itself; those of a start came after anybody could look.
    for line in trace.lines() {
        let Some((tid, rest)) = line.split_once(' ') else { continue };
        let named = rest.split_once("prctl(PR_SET_NAME, \"").and_then(|(_, rest)| rest.split_once('"'));
        if let (Ok(tid), Some((name, _))) = (tid.parse(), named) {
            threads.insert(tid, name.to_owned());
        }
    }
    points(trace, &threads)
}

/// The threads of a program: number inside, and name. The first one is called after its program.
pub(super) fn threads(program: &Running) -> Result<BTreeMap<u32, String>> {
    let pid = program.pid()?;
    let tasks = format!("/proc/{pid}/task");
    let entries = std::fs::read_dir(&tasks).map_err(Error::io(format!("list {tasks}")))?;
    let outside = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    // One may end while it is looked at.
    let thread = |tid: u32| Some((processes::numbers(tid).last().copied()?, processes::name(tid)?));
    Ok(outside.filter_map(thread).collect())
}

/// The number inside of the thread of this name.
pub(super) fn thread(program: &Running, name: &str) -> Result<u32> {
    let found = threads(program)?.into_iter().find(|(_, of)| of == name);
    found.map(|(tid, _)| tid).ok_or_else(|| Error::Odd(format!("there is no thread {name}")))
}

/// Starts a program that is stopped before its first call.
pub(super) fn hold(bed: &Inside, words: &[&str]) -> Result<Running> {
    let program = bed.command(&[&["/bin/sh", "-c", HELD, "held"], words].concat()).spawn()?;
    let pid = program.pid()?;
    until("a program to stop itself", SOON, || is_stopped(pid).then_some(()))?;
    Ok(program)
}

/// Lets a held program go on, until its thread of this name is there: it is stopped then, before its first call. The number
/// inside of that thread. Nothing when the program was too quick.
pub(super) fn hold_at(bed: &Inside, program: &Running, name: &str) -> Result<Option<u32>> {
    let (inside, pid) = (program.pid_inside()?.to_string(), program.pid()?);
    // A thread's first prctl(2) names it. Programs that it runs may make one as well; they go on at once.
    let words = ["-f", "-e", "trace=prctl", "-e", "inject=prctl:signal=SIGSTOP:when=1", "-p", &inside];
    let tracer = Tracer::attach(bed, &words)?;
    let named = format!("prctl(PR_SET_NAME, \"{name}\"");
    let mut seen = 0;
    program.thaw()?;
    until(&format!("the thread {name}"), SOON, || {
        let trace = tracer.trace();
        if let Some((_, after)) = trace.split_once(&named) {
            return after.contains("stopped by SIGSTOP").then_some(());
        }
        let stops = trace.matches("stopped by SIGSTOP").count();
        if stops > seen {
            seen = stops;
            for other in processes::descendants(pid) {
                cont(other);
            }
            let _ = program.thaw();
        }
        None
    })?;
    tracer.detach()?;
    let held = until("it to be stopped", Duration::from_secs(1), || is_stopped(pid).then_some(())).is_ok();
    if held { thread(program, name).map(Some) } else { Ok(None) }
}

/// Lets a program go that was held.
pub(super) fn let_go(program: &Running) -> Result<()> {
    let pid = program.pid()?;
    until("a program to go on", SOON, || {
        // nsenter stops itself when its child does, and may do so only now.
        let _ = program.thaw();
        (!is_stopped(pid)).then_some(())
    })
}

fn cont(pid: u32) {
    if let Ok(number) = i32::try_from(pid) {
        // It may be gone.
        let _ = nix::sys::signal::kill(nix::unistd::Pid::from_raw(number), Signal::SIGCONT);
    }
}

fn is_stopped(pid: u32) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    status.lines().any(|line| line.starts_with("State:\tT") || line.starts_with("State:\tt"))
}
