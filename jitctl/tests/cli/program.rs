//! The jitctl under test, and directories to work in.

use std::fs;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::Value;

/// A directory of a test's own, gone when this is.
#[derive(Debug)]
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        // The path of a socket has at most 107 bytes, which a target directory can exceed.
        let dir = std::env::temp_dir().join(format!("jitctl-{}-{number}", std::process::id()));
        fs::create_dir_all(&dir).unwrap();
        Self(dir)
    }
}

impl Deref for Scratch {
    type Target = Path;

    fn deref(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// jitctl with a plain environment and no standard input.
pub(crate) fn jitctl(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_jitctl"));
    command.env_clear().env("PATH", "/usr/bin:/bin").env("TZ", "UTC").args(args).stdin(Stdio::null());
    command
}

/// The same, speaking to this socket.
pub(crate) fn jitctl_at(socket: &Path, args: &[&str]) -> Command {
    let mut command = jitctl(&["--socket", socket.to_str().unwrap()]);
    command.args(args);
    command
}

/// How a run ended.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    pub(crate) fn of(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    pub(crate) fn run(mut command: Command) -> Self {
        Self::of(command.output().unwrap())
    }

    /// Standard output as the one JSON object it has to be.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}
