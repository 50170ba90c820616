//! A connection to jitd with one time limit for everything that happens on it.

use std::io::{self, ErrorKind};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::Path;
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockType, UnixAddr, connect, recv, send, setsockopt, socket, sockopt,
};
use nix::sys::time::{TimeSpec, TimeVal, TimeValLike as _};
use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};

/// The shortest time a timer and a socket's timeout can be set to; nought would switch them off.
const SHORTEST: Duration = Duration::from_micros(1);
/// The longest, so that no number overflows on its way to the kernel: a hundred days.
const LONGEST: Duration = Duration::from_secs(100 * 86_400);

/// A connected socket.
#[derive(Debug)]
pub(crate) struct Connection {
    socket: OwnedFd,
    limit: Option<Limit>,
}

/// A time limit that the kernel watches: no clock is read here, and no signal makes it longer.
#[derive(Debug)]
struct Limit {
    span: Duration,
    timer: TimerFd,
}

impl Connection {
    /// Connects within `limit`, which goes on to run for what follows. Without one every wait is endless.
    ///
    /// # Errors
    /// [`ErrorKind::TimedOut`] when time is up, also while a listener that accepts nothing has its queue full;
    /// otherwise what the system says.
    pub(crate) fn open(path: &Path, limit: Option<Duration>) -> io::Result<Self> {
        let limit = limit.map(Limit::start).transpose()?;
        let socket = socket(AddressFamily::Unix, SockType::Stream, SockFlag::SOCK_CLOEXEC, None)?;
        let address = UnixAddr::new(path)?;
        loop {
            if let Some(limit) = &limit {
                // A connect without waiting fails at once when the queue is full for a moment. The sending timeout
                // bounds the wait for a place in it (socket(7)).
                let left = limit.left()?;
                setsockopt(&socket, sockopt::SendTimeout, &TimeVal::microseconds(micros(left)))?;
            }
            match connect(socket.as_raw_fd(), &address) {
                Ok(()) => return Ok(Self { socket, limit }),
                Err(Errno::EINTR) => {}
                Err(Errno::EAGAIN) => return Err(ErrorKind::TimedOut.into()),
                Err(errno) => return Err(errno.into()),
            }
        }
    }

    /// Starts the time limit anew.
    pub(crate) fn renew(&self) -> io::Result<()> {
        self.limit.as_ref().map_or(Ok(()), Limit::set)
    }

    /// Sends all of `bytes`. Never raises SIGPIPE, which would end a program that does not expect it.
    ///
    /// # Errors
    /// [`ErrorKind::TimedOut`] when time is up, otherwise what the system says.
    pub(crate) fn send(&self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            self.wait(PollFlags::POLLOUT)?;
            let sent = send(self.socket.as_raw_fd(), bytes, MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL);
            bytes = bytes.get(moved(sent)?..).unwrap_or_default();
        }
        Ok(())
    }

    /// Fills `buffer`.
    ///
    /// # Errors
    /// [`ErrorKind::TimedOut`] when time is up, [`ErrorKind::UnexpectedEof`] when the other end hangs up before,
    /// otherwise what the system says.
    pub(crate) fn receive(&self, mut buffer: &mut [u8]) -> io::Result<()> {
        while !buffer.is_empty() {
            self.wait(PollFlags::POLLIN)?;
            let received = recv(self.socket.as_raw_fd(), buffer, MsgFlags::MSG_DONTWAIT);
            if received == Ok(0) {
                return Err(ErrorKind::UnexpectedEof.into());
            }
            buffer = buffer.get_mut(moved(received)?..).unwrap_or_default();
        }
        Ok(())
    }

    /// Waits until the socket is ready. Time that is up counts more than a socket that is ready.
    fn wait(&self, ready: PollFlags) -> io::Result<()> {
        loop {
            let timer = self.limit.as_ref().map(|limit| PollFd::new(limit.timer.as_fd(), PollFlags::POLLIN));
            let socket = PollFd::new(self.socket.as_fd(), ready);
            let mut watched: Vec<_> = timer.into_iter().chain([socket]).collect();
            match poll(&mut watched, PollTimeout::NONE) {
                Ok(_) | Err(Errno::EINTR) => {}
                Err(errno) => return Err(errno.into()),
            }
            let mut fired = watched.iter().map(|one| one.any().unwrap_or(false));
            if self.limit.is_some() && fired.next() == Some(true) {
                return Err(ErrorKind::TimedOut.into());
            }
            if fired.next() == Some(true) {
                return Ok(());
            }
        }
    }
}

impl Limit {
    fn start(span: Duration) -> io::Result<Self> {
        let timer = TimerFd::new(ClockId::CLOCK_MONOTONIC, TimerFlags::TFD_CLOEXEC)?;
        let limit = Self { span: span.clamp(SHORTEST, LONGEST), timer };
        limit.set()?;
        Ok(limit)
    }

    fn set(&self) -> io::Result<()> {
        let once = Expiration::OneShot(TimeSpec::from_duration(self.span));
        Ok(self.timer.set(once, TimerSetTimeFlags::empty())?)
    }

    /// What is left, never nought.
    fn left(&self) -> io::Result<Duration> {
        match self.timer.get()? {
            Some(Expiration::OneShot(left)) => Ok(Duration::from(left).max(SHORTEST)),
            Some(Expiration::IntervalDelayed(..) | Expiration::Interval(_)) | None => {
                Err(ErrorKind::TimedOut.into())
            }
        }
    }
}

fn micros(span: Duration) -> i64 {
    i64::try_from(span.as_micros()).unwrap_or(i64::MAX)
}

/// How many bytes went over; none when the socket turned out not to be ready after all.
fn moved(outcome: nix::Result<usize>) -> io::Result<usize> {
    match outcome {
        Ok(count) => Ok(count),
        Err(Errno::EINTR | Errno::EAGAIN) => Ok(0),
        Err(errno) => Err(errno.into()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]
    use std::io::{Read as _, Write as _};
    use std::os::unix::net::{UnixListener, UnixStream};
    use std::path::PathBuf;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::time::Instant;

    use nix::sys::signal::{SigSet, Signal};
    use nix::sys::socket::{Backlog, bind, listen};

    use super::*;

    const LIMIT: Duration = Duration::from_millis(100);
    /// A machine under load is late; one that hangs is later.
    const SLACK: Duration = Duration::from_secs(5);

    /// A path for a socket, gone with the test.
    struct Place(PathBuf);

    impl Place {
        fn new() -> Self {
            static NEXT: AtomicU32 = AtomicU32::new(0);
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            Self(std::env::temp_dir().join(format!("jit-connection-{}-{number}", std::process::id())))
        }
    }

    impl Drop for Place {
        fn drop(&mut self) {
            let _ = std::fs::remove_file(&self.0);
        }
    }

    #[track_caller]
    fn times_out<T: std::fmt::Debug>(began: Instant, outcome: io::Result<T>) {
        assert_eq!(outcome.unwrap_err().kind(), ErrorKind::TimedOut);
        let took = began.elapsed();
        assert!(took >= LIMIT && took < LIMIT + SLACK, "{took:?}");
    }

    #[test]
    fn a_full_queue_ends_the_connecting_in_time() {
        let place = Place::new();
        let listener = socket(AddressFamily::Unix, SockType::Stream, SockFlag::empty(), None).unwrap();
        bind(listener.as_raw_fd(), &UnixAddr::new(&place.0).unwrap()).unwrap();
        listen(&listener, Backlog::new(1).unwrap()).unwrap();
        let mut queue = Vec::new();
        let full = loop {
            let began = Instant::now();
            match Connection::open(&place.0, Some(LIMIT)) {
                Ok(connection) => queue.push(connection),
                Err(error) => break (began, Err::<(), _>(error)),
            }
        };
        assert!(!queue.is_empty());
        times_out(full.0, full.1);
    }

    #[test]
    fn nobody_there_is_known_at_once() {
        let place = Place::new();
        assert_eq!(Connection::open(&place.0, Some(LIMIT)).unwrap_err().kind(), ErrorKind::NotFound);
        drop(UnixListener::bind(&place.0).unwrap());
        assert_eq!(Connection::open(&place.0, Some(LIMIT)).unwrap_err().kind(), ErrorKind::ConnectionRefused);
        let long = PathBuf::from("/".repeat(200));
        assert!(Connection::open(&long, Some(LIMIT)).is_err());
    }

    #[test]
    fn a_peer_that_dribbles_does_not_make_it_longer() {
        let place = Place::new();
        let listener = UnixListener::bind(&place.0).unwrap();
        let began = Instant::now();
        let connection = Connection::open(&place.0, Some(LIMIT)).unwrap();
        let (mut peer, _) = listener.accept().unwrap();
        let dribble = std::thread::spawn(move || {
            // Nothing ever comes from the client: its silence is what paces the bytes.
            peer.set_read_timeout(Some(LIMIT / 10)).unwrap();
            while peer.read(&mut [0]).is_err() && peer.write_all(b"x").is_ok() {}
        });
        times_out(began, connection.receive(&mut [0; 1000]));
        drop(connection);
        dribble.join().unwrap();
    }

    #[test]
    fn a_peer_that_reads_nothing_ends_the_sending_in_time() {
        let place = Place::new();
        let listener = UnixListener::bind(&place.0).unwrap();
        let began = Instant::now();
        let connection = Connection::open(&place.0, Some(LIMIT)).unwrap();
        times_out(began, connection.send(&vec![0; 16 << 20]));
        drop(listener);
    }

    #[test]
    fn time_starts_anew_when_it_is_renewed() {
        let place = Place::new();
        let listener = UnixListener::bind(&place.0).unwrap();
        let connection = Connection::open(&place.0, Some(LIMIT)).unwrap();
        assert!(connection.receive(&mut [0]).is_err());
        let began = Instant::now();
        connection.renew().unwrap();
        times_out(began, connection.receive(&mut [0]));
        drop(listener);
    }

    #[test]
    fn a_peer_that_hangs_up_is_an_error_and_no_signal() {
        let place = Place::new();
        let listener = UnixListener::bind(&place.0).unwrap();
        let connection = Connection::open(&place.0, Some(SLACK)).unwrap();
        drop(listener.accept().unwrap());
        // A test ignores SIGPIPE, but a blocked signal stays pending.
        SigSet::from(Signal::SIGPIPE).thread_block().unwrap();
        assert_eq!(connection.receive(&mut [0]).unwrap_err().kind(), ErrorKind::UnexpectedEof);
        assert_eq!(connection.send(b"x").unwrap_err().kind(), ErrorKind::BrokenPipe);
        let status = std::fs::read_to_string("/proc/thread-self/status").unwrap();
        assert!(status.contains("\nSigPnd:\t0000000000000000\n"), "{status}");
    }

    #[test]
    fn bytes_arrive_in_both_directions_without_a_limit() {
        let place = Place::new();
        let listener = UnixListener::bind(&place.0).unwrap();
        let connection = Connection::open(&place.0, None).unwrap();
        let (mut peer, _): (UnixStream, _) = listener.accept().unwrap();
        connection.send(b"ping").unwrap();
        let mut heard = [0; 4];
        peer.read_exact(&mut heard).unwrap();
        peer.write_all(&heard).unwrap();
        let mut echo = [0; 4];
        connection.receive(&mut echo).unwrap();
        assert_eq!(&echo, b"ping");
    }
}
