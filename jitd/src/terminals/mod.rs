//! The terminals of this host: who has one, and a line written to a person's, as wall(1) would, without ever waiting for
//! one.

mod asked;
mod present;

use std::fs::{self, DirEntry, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::Path;

use jit_common::escape::escaped;
use jit_common::ids::RequestId;
use jitd_core::now::Now;
use nix::fcntl::OFlag;

use self::asked::{Asked, Told};
pub use self::present::Present;
use crate::worker::Worker;

/// Where terminals are.
const PTS: &str = "/dev/pts";
const DEV: &str = "/dev";

/// Terminals of each kind that are looked at. The kernel gives 4096 pseudo-terminals, if nobody has raised that
/// (`/proc/sys/kernel/pty/max`), and 63 consoles.
const MOST: usize = 4096;

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
    asked: Asked,
}

impl Default for Terminals {
    fn default() -> Self {
        Self { writer: Worker::new("terminals", ROOM, write_all), asked: Asked::default() }
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

    /// Tells somebody that a request of `by` waits for them, as [`Terminals::tell`]: once, and of so many requests a minute.
    /// The last of a minute says that others may wait.
    pub fn ask(&mut self, uid: u32, by: u32, id: RequestId, mut text: String, now: &Now) {
        match self.asked.may_be_told(uid, by, id, now) {
            Told::Yes => {}
            Told::AndNoMore => text.push_str(" Others may wait too: `jitctl pending` shows all."),
            Told::No => return,
        }
        self.tell(uid, text);
    }

    /// Forgets whom it told of what, where that does not matter any more.
    pub fn forget(&mut self, now: &Now) {
        self.asked.forget(now);
    }
}

fn write_all(Notice { uid, text }: Notice) {
    let theirs = |terminal: &DirEntry| terminal.metadata().is_ok_and(|metadata| metadata.uid() == uid);
    for terminal in terminals().filter(theirs) {
        // Nothing depends on a notice having been seen.
        let _ = write(&terminal.path(), uid, &text);
    }
}

fn terminals() -> impl Iterator<Item = DirEntry> {
    list(PTS, is_number).chain(list(DEV, |name| name.strip_prefix("tty").is_some_and(is_number)))
}

fn list(dir: &str, is_terminal: fn(&str) -> bool) -> impl Iterator<Item = DirEntry> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    entries.filter(move |entry| entry.file_name().to_str().is_some_and(is_terminal)).take(MOST)
}

fn is_number(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit())
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]
    use std::fs::{File, Permissions};
    use std::io::{BufRead, BufReader};
    use std::os::unix::fs::{PermissionsExt, fchown, symlink};
    use std::path::PathBuf;

    use nix::pty::openpty;
    use nix::unistd::{Uid, ttyname};

    use super::*;

    /// A terminal of this host.
    struct Terminal {
        screen: BufReader<File>,
        path: PathBuf,
        device: File,
    }

    impl Terminal {
        /// One of `uid`, or of whoever runs the tests when that is not root.
        fn of(uid: u32) -> (Self, u32) {
            let pty = openpty(None, None).unwrap();
            let (path, device) = (ttyname(&pty.slave).unwrap(), File::from(pty.slave));
            let screen = BufReader::new(File::from(pty.master));
            let me = Uid::effective();
            let owner = if me.is_root() { uid } else { me.as_raw() };
            fchown(&device, Some(owner), None).unwrap();
            (Self { screen, path, device }, owner)
        }

        fn takes_messages(&self, mode: u32) {
            self.device.set_permissions(Permissions::from_mode(mode)).unwrap();
        }

        /// The next line that is not empty.
        fn line(&mut self) -> String {
            let lines = (&mut self.screen).lines().map(Result::unwrap);
            lines.map(|line| line.trim().to_owned()).find(|line| !line.is_empty()).unwrap()
        }
    }

    #[test]
    fn only_the_owner_is_told_and_only_with_messages_on() {
        let (mut terminal, owner) = Terminal::of(61_235);
        let tell = |terminal: &Terminal, uid, text| write(&terminal.path, uid, text).unwrap();
        terminal.takes_messages(0o600);
        tell(&terminal, owner, "messages are off");
        terminal.takes_messages(0o620);
        tell(&terminal, owner + 1, "for somebody else");
        tell(&terminal, owner, "a \x1b[31mred\x1b[0m line");
        assert_eq!(terminal.line(), escaped("a \x1b[31mred\x1b[0m line").to_string());
    }

    #[test]
    fn what_is_no_terminal_is_not_written_to() {
        let scratch = jit_mechanisms::scratch::Scratch::new();
        let (file, link) = (scratch.path().join("1"), scratch.path().join("2"));
        fs::write(&file, "").unwrap();
        fs::set_permissions(&file, Permissions::from_mode(0o622)).unwrap();
        symlink(&file, &link).unwrap();
        write(&file, Uid::effective().as_raw(), "text").unwrap();
        assert!(write(&link, Uid::effective().as_raw(), "text").is_err());
        assert_eq!(fs::read(&file).unwrap(), b"");
    }

    #[test]
    fn names_of_terminals_are_numbers() {
        assert!(is_number("0") && is_number("17"));
        assert!(!is_number("") && !is_number("ptmx") && !is_number("1a"));
    }
}
