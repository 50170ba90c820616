//! Writes a line to a person's terminals, as wall(1) would, without ever waiting for one.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use jit_common::escape::escaped;
use nix::fcntl::OFlag;

use crate::worker::Worker;

/// Where terminals are.
const PTS: &str = "/dev/pts";
const DEV: &str = "/dev";

/// Mode bit that `mesg y` sets: the owner takes messages (mesg(1)).
const TAKES_MESSAGES: u32 = 0o020;

/// Notices that may wait. They are best effort: what has no room is dropped.
const ROOM: usize = 256;

/// What somebody is told.
#[derive(Debug)]
struct Notice {
    uid: u32,
    text: String,
}

/// The way to people's terminals.
#[derive(Debug)]
pub struct Terminals {
    writer: Worker<Notice>,
}

impl Default for Terminals {
    fn default() -> Self {
        Self { writer: Worker::new("terminals", ROOM, write_all) }
    }
}

impl Terminals {
    /// Writes `text` to each terminal that `uid` owns and that takes messages. Returns at once; a terminal that is full,
    /// gone or not a terminal is passed over.
    pub fn tell(&mut self, uid: u32, text: String) {
        if let Err(why) = self.writer.give(Notice { uid, text }) {
            crate::log::error(&format!("uid {uid} is not told on their terminals: {}", crate::chain(&why)));
        }
    }
}

fn write_all(Notice { uid, text }: Notice) {
    for terminal in terminals() {
        // Nothing depends on a notice having been seen.
        let _ = write(&terminal, uid, &text);
    }
}

fn terminals() -> Vec<PathBuf> {
    let list = |dir: &str, keep: fn(&str) -> bool| {
        let entries = fs::read_dir(dir).into_iter().flatten().flatten();
        entries
            .filter(move |entry| entry.file_name().to_str().is_some_and(keep))
            .map(|entry| entry.path())
            .collect::<Vec<_>>()
    };
    let is_number = |name: &str| name.bytes().all(|byte| byte.is_ascii_digit());
    let is_console = |name: &str| {
        name.strip_prefix("tty")
            .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit()))
    };
    let mut all = list(PTS, is_number);
    all.extend(list(DEV, is_console));
    all
}

/// The owner is asked of the open file, so what is written to is what was checked.
fn write(path: &Path, uid: u32, text: &str) -> std::io::Result<()> {
    let flags = OFlag::O_NOCTTY | OFlag::O_NONBLOCK | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let mut terminal = OpenOptions::new().write(true).custom_flags(flags.bits()).open(path)?;
    let metadata = terminal.metadata()?;
    let takes = metadata.mode() & TAKES_MESSAGES != 0;
    if metadata.uid() == uid && metadata.file_type().is_char_device() && takes {
        terminal.write_all(format!("\r\n{}\r\n", escaped(text)).as_bytes())?;
    }
    Ok(())
}
