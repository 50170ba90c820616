//! Whoever asks something and reads the answer. One thread holds all connections: what is measured is jitd.

use std::error::Error;
use std::fmt;
use std::io::{self, Read as _, Write as _};
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use jit_common::duration::GrantDuration;
use jit_common::frame::{self, HEADER_LEN};
use jit_common::request::{Ask, Hello, Request, WIRE_VERSION};
use jit_common::response::Response;
use jit_common::{codec, paths};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::unistd::{Uid, seteuid};

use crate::clock;

/// Milliseconds after which it is looked at whose time is up.
const LOOK: u16 = 100;

/// Who asks what.
pub(crate) struct Question {
    uid: u32,
    what: What,
}

enum What {
    Status,
    Roles,
    Elevate { role: String, until: u64 },
}

/// What one of them heard.
pub(crate) struct Heard {
    uid: u32,
    what: &'static str,
    took: Duration,
    answer: String,
}

/// One who waits for an answer.
struct Client {
    stream: UnixStream,
    question: Question,
    since: Instant,
    bytes: Vec<u8>,
}

impl Question {
    pub(crate) fn read(line: &str) -> Result<Self, Box<dyn Error>> {
        let words: Vec<&str> = line.split(' ').collect();
        let (uid, what) = match words.as_slice() {
            [uid, "status"] => (uid, What::Status),
            [uid, "roles"] => (uid, What::Roles),
            [uid, "elevate", role, until] => {
                (uid, What::Elevate { role: (*role).to_owned(), until: until.parse()? })
            }
            _ => return Err(format!("{line:?} is no question").into()),
        };
        Ok(Self { uid: uid.parse()?, what })
    }

    fn request(&self) -> Result<Request, Box<dyn Error>> {
        Ok(match &self.what {
            What::Status => Request::Status,
            What::Roles => Request::Roles,
            What::Elevate { role, until } => {
                let left = u32::try_from(until.saturating_sub(clock::unix()))?;
                Request::Elevate(Ask {
                    role: role.clone(),
                    duration: Some(GrantDuration::from_secs(left)?),
                    reason: Some("INC-42 everybody at once".to_owned()),
                    ..Ask::default()
                })
            }
        })
    }
}

impl What {
    fn word(&self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::Roles => "roles",
            Self::Elevate { .. } => "elevate",
        }
    }
}

impl fmt::Display for Heard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {} {}", self.uid, self.what, self.took.as_micros(), self.answer)
    }
}

/// Has all of them ask, so many at the same time, and waits for each answer as long as `limit`. The first so many are all
/// connected before any of them says a word.
pub(crate) fn all(
    questions: Vec<Question>,
    at_a_time: usize,
    limit: Duration,
) -> Result<Vec<Heard>, Box<dyn Error>> {
    let mut questions = questions.into_iter();
    let mut clients =
        questions.by_ref().take(at_a_time).map(Client::connect).collect::<Result<Vec<_>, _>>()?;
    clients.iter_mut().try_for_each(Client::ask)?;
    let mut heard = Vec::new();
    while !clients.is_empty() {
        let ready = ready(&clients)?;
        let mut waiting = Vec::with_capacity(clients.len());
        for (mut client, is_ready) in clients.into_iter().zip(ready) {
            let answer = if is_ready { client.hear() } else { None };
            let took = client.since.elapsed();
            let answer = answer.or_else(|| (took > limit).then(|| "late".to_owned()));
            match answer {
                None => waiting.push(client),
                Some(answer) => {
                    let Question { uid, what } = client.question;
                    heard.push(Heard { uid, what: what.word(), took, answer });
                }
            }
        }
        clients = waiting;
        for question in questions.by_ref().take(at_a_time.saturating_sub(clients.len())) {
            let mut client = Client::connect(question)?;
            client.ask()?;
            clients.push(client);
        }
    }
    Ok(heard)
}

/// Of each whether there is something to read.
fn ready(clients: &[Client]) -> Result<Vec<bool>, Box<dyn Error>> {
    let mut fds: Vec<PollFd<'_>> =
        clients.iter().map(|client| PollFd::new(client.stream.as_fd(), PollFlags::POLLIN)).collect();
    poll(&mut fds, PollTimeout::from(LOOK))?;
    Ok(fds.iter().map(|fd| fd.any().unwrap_or(true)).collect())
}

impl Client {
    /// The kernel tells jitd the effective uid of now.
    fn connect(question: Question) -> Result<Self, Box<dyn Error>> {
        seteuid(Uid::from_raw(question.uid))?;
        let since = clock::instant();
        let stream = UnixStream::connect(paths::SOCKET);
        seteuid(Uid::from_raw(0))?;
        Ok(Self { stream: stream?, question, since, bytes: Vec::new() })
    }

    fn ask(&mut self) -> Result<(), Box<dyn Error>> {
        match self.stream.write_all(&frames(&self.question.request()?)?) {
            // Turned away before it was heard: the refusal is there to be read.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
            written => written?,
        }
        Ok(self.stream.set_nonblocking(true)?)
    }

    /// Reads what is there; the answer, once it is whole.
    fn hear(&mut self) -> Option<String> {
        let mut buffer = [0; 16 * 1024];
        loop {
            match self.stream.read(&mut buffer) {
                Ok(0) => return Some("broken hung up without an answer".to_owned()),
                Ok(count) => self.bytes.extend_from_slice(buffer.get(..count)?),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return None,
                Err(error) => return Some(format!("broken {error}")),
            }
            while let Some(response) = self.frame() {
                match response {
                    Ok(Response::Welcome { .. }) => {}
                    Ok(response) => return Some(shown(&response)),
                    Err(why) => return Some(format!("broken {why}")),
                }
            }
        }
    }

    /// The next whole frame.
    fn frame(&mut self) -> Option<Result<Response, Box<dyn Error>>> {
        let header: [u8; HEADER_LEN] = self.bytes.get(..HEADER_LEN)?.try_into().ok()?;
        let len = match frame::body_len(header, frame::MAX_RESPONSE) {
            Ok(len) => len,
            Err(why) => return Some(Err(why.into())),
        };
        let body = self.bytes.get(HEADER_LEN..HEADER_LEN + len)?;
        let response = codec::decode(body).map_err(Into::into);
        self.bytes.drain(..HEADER_LEN + len);
        Some(response)
    }
}

/// A greeting and a request.
pub(crate) fn frames(request: &Request) -> Result<Vec<u8>, Box<dyn Error>> {
    let hello = Hello { wire: WIRE_VERSION, client: "crowd".to_owned() };
    let mut bytes = frame::wrap(&codec::encode(&hello)?, frame::MAX_REQUEST)?;
    bytes.extend(frame::wrap(&codec::encode(request)?, frame::MAX_REQUEST)?);
    Ok(bytes)
}

fn shown(response: &Response) -> String {
    match response {
        Response::Status(_) => "status".to_owned(),
        Response::Roles(roles) => format!("roles {}", roles.len()),
        Response::Granted(grant) => format!("granted {}", grant.id),
        Response::Refused { refusal, .. } => format!("refused {} {refusal}", refusal.code()),
        other => format!("broken {other:?}"),
    }
}
