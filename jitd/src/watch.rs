//! Notices what others do to files, so that it is heeded at once and not at the next look: accounts that change, for
//! userdel and useradd may give a uid to somebody else within a second, as groupdel and groupadd a gid; and notes that the
//! guard leaves.

use std::ffi::OsString;
use std::io;
use std::path::Path;
use std::thread;

use jit_common::paths;
use nix::errno::Errno;
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify, InotifyEvent};

use crate::engine::{Handle, Message};

/// Where the files stand that say who is who. They are replaced by rename (shadow-utils) or written.
const ETC: &str = "/etc";
const ACCOUNTS: [&str; 2] = ["passwd", "shadow"];
const GROUPS: [&str; 2] = ["group", "gshadow"];

/// Tells the engine of every change, on a thread of its own, for as long as the engine lives. Without inotify the look
/// every minute has to do.
///
/// # Errors
/// When a directory cannot be watched or the thread cannot be started.
pub fn start(engine: Handle) -> io::Result<()> {
    let inotify = Inotify::init(InitFlags::IN_CLOEXEC)?;
    let changes = AddWatchFlags::IN_MOVED_TO | AddWatchFlags::IN_CLOSE_WRITE;
    inotify.add_watch(ETC, changes)?;
    inotify.add_watch(paths::STATE_DIR, changes)?;
    thread::Builder::new().name("watch".into()).spawn(move || {
        if let Err(errno) = run(&inotify, &engine) {
            crate::log::error(&format!(
                "accounts, groups and the guard's notes are no longer watched: {errno}"
            ));
        }
    })?;
    Ok(())
}

fn run(inotify: &Inotify, engine: &Handle) -> nix::Result<()> {
    let notes = Path::new(paths::GUARD_NOTES).file_name();
    loop {
        let events = match inotify.read_events() {
            Ok(events) => events,
            Err(Errno::EINTR) => continue,
            Err(errno) => return Err(errno),
        };
        // Names in the two directories are told apart by themselves. An overflow of the queue has no name, and may have
        // swallowed any of them.
        let any = |is: &dyn Fn(&OsString) -> bool| {
            events.iter().any(|event: &InotifyEvent| event.name.as_ref().is_none_or(is))
        };
        let accounts = any(&|name| ACCOUNTS.iter().any(|account| name == account));
        let groups = any(&|name| GROUPS.iter().any(|group| name == group));
        let noted = any(&|name| Some(name.as_os_str()) == notes);
        let told =
            [(accounts, Message::AccountsChanged), (groups, Message::GroupsChanged), (noted, Message::Look)];
        for (_, message) in told.into_iter().filter(|(changed, _)| *changed) {
            if engine.tell_blocking(message).is_err() {
                return Ok(());
            }
        }
    }
}
