//! `cargo fuzzing`: every target of `tests/fuzz` for some minutes, two at a time, and what came of each.
//!
//! What is found worth keeping while it runs goes into `tests/fuzz/target`, and into the corpus that is kept by `cargo fuzz cmin`.

mod report;

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use crate::{Error, Result, program, workspace};

pub use report::Report;

/// How many run at a time. Each takes a whole core.
const AT_A_TIME: usize = 2;

/// Megabytes that a target may take, so that a leak is found before it hurts.
const MEMORY: u32 = 1024;

/// Seconds that one input may take by the clock on the wall, which runs on while others work. The claims count their own work.
const SLOWEST: u32 = 120;

/// Where files that are made for each input cost no disk, if it is there.
const IN_MEMORY: &str = "/dev/shm";

/// A target: its name, the longest input, and whether it says so much on standard error that nobody would read it.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name.
    pub name: &'static str,
    longest: u32,
    voice: Voice,
}

/// Whether what a target says on standard error is kept. A panic is said there, too: replay the input to hear it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Voice {
    Heard,
    Muted,
}

/// All targets, the slow ones first.
pub const TARGETS: [Target; 9] = [
    Target { name: "ledger", longest: 64 * 1024, voice: Voice::Heard },
    Target { name: "guard", longest: 8 * 1024, voice: Voice::Muted },
    Target { name: "policy", longest: 16 * 1024, voice: Voice::Heard },
    Target { name: "export", longest: 32 * 1024, voice: Voice::Heard },
    Target { name: "request", longest: 16 * 1024 + 1, voice: Voice::Heard },
    Target { name: "group_file", longest: 8 * 1024, voice: Voice::Heard },
    Target { name: "sudoers", longest: 8 * 1024, voice: Voice::Heard },
    Target { name: "frame", longest: 32 * 1024, voice: Voice::Heard },
    Target { name: "sudo_log", longest: 8 * 1024, voice: Voice::Heard },
];

/// Runs these targets for so long each; `told` hears of each one that is over.
///
/// # Errors
/// cargo-fuzz is missing, or a target cannot be built or run. That one found something is no error here.
pub fn run(targets: &[Target], each: Duration, told: &(dyn Fn(&Report) + Sync)) -> Result<Vec<Report>> {
    is_there()?;
    program::run(&mut cargo_fuzz("build", &[]))?;
    let queue = Mutex::new(targets.iter().copied());
    let next = || queue.lock().ok().and_then(|mut queue| queue.next());
    let work = || -> Result<Vec<Report>> {
        let mut reports = Vec::new();
        while let Some(target) = next() {
            let report = target.run(each)?;
            told(&report);
            reports.push(report);
        }
        Ok(reports)
    };
    thread::scope(|scope| {
        let workers: Vec<_> = (0..AT_A_TIME).map(|_| scope.spawn(work)).collect();
        let mut reports = Vec::new();
        for worker in workers {
            let done =
                worker.join().map_err(|_| Error::Odd("a thread of the harness panicked".to_owned()))?;
            reports.extend(done?);
        }
        Ok(reports)
    })
}

/// The targets of these names; all of them when there are none.
///
/// # Errors
/// A name that no target has.
pub fn named(names: &[&str]) -> Result<Vec<Target>> {
    let of =
        |name: &&str| TARGETS.into_iter().find(|target| target.name == *name).ok_or_else(|| unknown(name));
    if names.is_empty() { Ok(TARGETS.to_vec()) } else { names.iter().map(of).collect() }
}

fn unknown(name: &str) -> Error {
    let names: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
    Error::Odd(format!("{name:?} is neither a number of minutes nor one of {}", names.join(", ")))
}

fn is_there() -> Result<()> {
    let mut asked = Command::new(cargo());
    asked.args(["fuzz", "--version"]).stdout(Stdio::null()).stderr(Stdio::null());
    match asked.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(_) | Err(_) => {
            Err(Error::Missing("cargo-fuzz is not installed: run `cargo install cargo-fuzz`".to_owned()))
        }
    }
}

fn cargo() -> std::ffi::OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

fn folder() -> PathBuf {
    workspace::root().join("tests/fuzz")
}

/// A call of cargo-fuzz. Sanitizers need a compiler of the night; counting edges does not.
fn cargo_fuzz(what: &str, words: &[&str]) -> Command {
    let mut command = Command::new(cargo());
    // What cargo tells a program that it runs is not for the cargo that builds something else.
    command.env_remove("CARGO_TARGET_DIR").env_remove("RUSTFLAGS").current_dir(folder());
    command.args(["fuzz", what, "--sanitizer", "none"]).args(words);
    command
}

impl Target {
    fn run(&self, each: Duration) -> Result<Report> {
        let place = |kind: &str| folder().join("target").join(kind);
        let (found, artifacts) = (place("found").join(self.name), place("artifacts").join(self.name));
        for new in [&found, &artifacts, &place("logs")] {
            fs::create_dir_all(new).map_err(Error::io(format!("make {}", new.display())))?;
        }
        let log = place("logs").join(format!("{}.log", self.name));
        let (out, err) = (make(&log)?, make(&log)?);
        let mut command = cargo_fuzz("run", &[self.name]);
        // The first folder takes what is found.
        command.arg(&found).args(
            ["corpus", "findings"]
                .map(|kind| folder().join(kind).join(self.name))
                .iter()
                .filter(|path| path.exists()),
        );
        command.args(["--".to_owned(), format!("-max_total_time={}", each.as_secs())]);
        command.arg(format!("-artifact_prefix={}/", artifacts.display()));
        command.args([format!("-max_len={}", self.longest), format!("-rss_limit_mb={MEMORY}")]);
        command.args([format!("-timeout={SLOWEST}"), "-print_final_stats=1".to_owned()]);
        let dictionary = folder().join("dictionaries").join(self.name);
        if dictionary.exists() {
            command.arg(format!("-dict={}", dictionary.display()));
        }
        if self.voice == Voice::Muted {
            command.arg("-close_fd_mask=2");
        }
        if Path::new(IN_MEMORY).is_dir() {
            command.env("TMPDIR", IN_MEMORY);
        }
        command.stdin(Stdio::null()).stdout(out).stderr(err);
        let status = command.status().map_err(Error::io(format!("start {}", program::line(&command))))?;
        self.report(status, &log)
    }

    fn report(&self, status: ExitStatus, log: &Path) -> Result<Report> {
        let bytes = fs::read(log).map_err(Error::io(format!("read {}", log.display())))?;
        let report = Report::of(self.name, &String::from_utf8_lossy(&bytes));
        match (&report, status.success()) {
            (Some(report), true) => Ok(report.clone()),
            (Some(report), false) if !report.crashes.is_empty() => Ok(report.clone()),
            (Some(_) | None, _) => Err(Error::Program {
                command: format!("cargo fuzz run {}", self.name),
                status: status.to_string(),
                output: format!("see {}", log.display()),
            }),
        }
    }
}

fn make(log: &Path) -> Result<File> {
    let opened = File::options().create(true).append(true).open(log);
    let file = opened.map_err(Error::io(format!("write {}", log.display())))?;
    file.set_len(0).map_err(Error::io(format!("empty {}", log.display())))?;
    Ok(file)
}
