//! Whoever would keep others from being answered: floods, never reads, says nothing, says half a word.

use std::error::Error;
use std::io::{self, Write as _, stdout};
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::thread;
use std::time::Duration;

use jit_common::client::{self, Patience};
use jit_common::paths;
use jit_common::request::{Ask, LogQuery, LogUntil, Request};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::unistd::{Uid, setuid};

use crate::ask::frames;

/// As many connections as one uid may have.
const CONNECTIONS: usize = 32;

/// Threads that flood.
const FLOODERS: usize = 4;

/// Milliseconds after which it is looked at who was hung up on.
const LOOK: u16 = 100;

/// The trouble that is made.
#[derive(Clone, Copy)]
pub(crate) enum Trouble {
    /// Asks again and again, as fast as it is answered.
    Flood,
    /// Asks for much and never reads.
    Deaf,
    /// Connects and says nothing.
    Mute,
    /// Says half a frame.
    Half,
}

impl Trouble {
    pub(crate) fn named(name: &str) -> Option<Self> {
        match name {
            "flood" => Some(Self::Flood),
            "deaf" => Some(Self::Deaf),
            "mute" => Some(Self::Mute),
            "half" => Some(Self::Half),
            _ => None,
        }
    }

    /// What is said on a new connection.
    fn said(self, place: usize) -> Result<Vec<u8>, Box<dyn Error>> {
        let log = LogQuery {
            since: None,
            user: None,
            role: None,
            id: None,
            kinds: Vec::new(),
            until: LogUntil::HangUp,
        };
        match self {
            Self::Mute => Ok(Vec::new()),
            Self::Half => Ok(frames(&Request::Log(log))?.into_iter().take(9 + place % 2 * 12).collect()),
            Self::Deaf if place.is_multiple_of(2) => frames(&Request::Log(log)),
            Self::Flood | Self::Deaf => frames(&Request::Status),
        }
    }
}

/// Makes it, as this uid, for as long as this process lives. Says "held" once it is under way.
pub(crate) fn make(trouble: Trouble, uid: u32) -> Result<(), Box<dyn Error>> {
    setuid(Uid::from_raw(uid))?;
    match trouble {
        Trouble::Flood => flood(),
        Trouble::Deaf | Trouble::Mute | Trouble::Half => hold(trouble),
    }
}

fn flood() -> Result<(), Box<dyn Error>> {
    let threads: Vec<_> = (0..FLOODERS).map(|_| thread::spawn(ask_for_ever)).collect();
    say("held")?;
    threads.into_iter().try_for_each(|thread| thread.join().map_err(|_| "a flooder died".into()))
}

fn ask_for_ever() {
    let role = Ask { role: "nothing".to_owned(), ..Ask::default() };
    let requests = [Request::Status, Request::Elevate(role)];
    let patience = Patience::Bounded(Duration::from_secs(5));
    for request in requests.iter().cycle() {
        // Whatever is answered, the next question follows.
        let _ = client::call(Path::new(paths::SOCKET), request, patience);
    }
}

/// Holds as many connections as there may be, and opens new ones in the place of those that jitd hangs up.
fn hold(trouble: Trouble) -> Result<(), Box<dyn Error>> {
    let mut held: Vec<UnixStream> = Vec::new();
    let mut told = false;
    loop {
        while held.len() < CONNECTIONS {
            let mut stream = UnixStream::connect(paths::SOCKET)?;
            match stream.write_all(&trouble.said(held.len())?) {
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
                written => written?,
            }
            held.push(stream);
        }
        if !told {
            say("held")?;
            told = true;
        }
        let hung_up = hung_up(&held)?;
        let mut each = hung_up.into_iter();
        held.retain(|_| each.next() != Some(true));
    }
}

fn hung_up(held: &[UnixStream]) -> Result<Vec<bool>, Box<dyn Error>> {
    let mut fds: Vec<PollFd<'_>> =
        held.iter().map(|stream| PollFd::new(stream.as_fd(), PollFlags::empty())).collect();
    poll(&mut fds, PollTimeout::from(LOOK))?;
    let gone = |fd: &PollFd<'_>| fd.revents().is_some_and(|seen| seen.contains(PollFlags::POLLHUP));
    Ok(fds.iter().map(gone).collect())
}

fn say(word: &str) -> io::Result<()> {
    let mut out = stdout().lock();
    writeln!(out, "{word}")?;
    out.flush()
}
