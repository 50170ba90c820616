//! Notices when the account files change, so that the grants of somebody who is gone end at once and not at the next
//! look: userdel and useradd may give the uid to somebody else within a second.

use std::ffi::OsString;
use std::io;
use std::thread;

use nix::errno::Errno;
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};

use crate::engine::{Handle, Message};

/// The directory and the files in it that say who is who. They are replaced by rename (shadow-utils) or written.
const DIRECTORY: &str = "/etc";
const FILES: [&str; 2] = ["passwd", "shadow"];

/// Tells the engine of every change, on a thread of its own, for as long as the engine lives. Without inotify the look
/// every minute has to do.
///
/// # Errors
/// When the directory cannot be watched or the thread cannot be started.
pub fn start(engine: Handle) -> io::Result<()> {
    let inotify = Inotify::init(InitFlags::IN_CLOEXEC)?;
    let changes = AddWatchFlags::IN_MOVED_TO | AddWatchFlags::IN_CLOSE_WRITE;
    inotify.add_watch(DIRECTORY, changes)?;
    thread::Builder::new().name("accounts".into()).spawn(move || {
        if let Err(errno) = run(&inotify, &engine) {
            crate::log::error(&format!("/etc is no longer watched for changed accounts: {errno}"));
        }
    })?;
    Ok(())
}

fn run(inotify: &Inotify, engine: &Handle) -> nix::Result<()> {
    let ours = |name: &OsString| FILES.iter().any(|file| name == file);
    loop {
        let events = match inotify.read_events() {
            Ok(events) => events,
            Err(Errno::EINTR) => continue,
            Err(errno) => return Err(errno),
        };
        // An overflow of the queue has no name, and may have swallowed one of ours.
        let changed = events.iter().any(|event| event.name.as_ref().is_none_or(ours));
        if changed && engine.tell_blocking(Message::AccountsChanged).is_err() {
            return Ok(());
        }
    }
}
