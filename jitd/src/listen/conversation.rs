//! One conversation: hello, one request, its answer. Whoever is slow is not waited for.

use std::io::{self, Write as _};
use std::sync::Arc;
use std::time::Duration;

use jit_common::codec::{self, CodecError};
use jit_common::frame::{self, FrameError};
use jit_common::refusal::Refusal;
use jit_common::request::{Hello, LogQuery, Request, WIRE_VERSION};
use jit_common::response::Response;
use jitd_core::policy::AccountState;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::callers::{self, Caller};
use super::facts::{self, Facts};
use super::hearing::{self, NoFrame};
use super::seats::{Kind, Seat};
use super::watched::{Watched, process_of};
use super::{Reception, fit, followers, pam};
use crate::engine::{Call, Message, NotTaken};
use crate::peer::{self, Peer};
use crate::zones;

/// How long a client may take to say what it wants, half a frame included.
const TO_ASK: Duration = Duration::from_secs(5);

/// How long a client may take to read a frame of its answer.
const TO_READ: Duration = Duration::from_secs(10);

/// Why a conversation ended early. The client is told what it can still hear.
#[derive(Debug, thiserror::Error)]
pub(super) enum Broken {
    #[error("the client is gone")]
    Io(#[from] io::Error),
    #[error("the client took too long")]
    Slow(#[from] tokio::time::error::Elapsed),
    #[error("the client sent something that is no message")]
    Frame(#[from] FrameError),
    #[error("the client sent something that cannot be understood")]
    Codec(#[from] CodecError),
}

impl From<NoFrame> for Broken {
    fn from(why: NoFrame) -> Self {
        match why {
            NoFrame::Io(why) => Self::Io(why),
            NoFrame::Frame(why) => Self::Frame(why),
        }
    }
}

/// A client that has said hello.
pub(super) struct Client {
    pub(super) stream: UnixStream,
    /// Bytes that go out with the first answer.
    unsent: Vec<u8>,
    welcome: Welcome,
}

/// Whether a client was welcomed, which it waits for before everything else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Welcome {
    NotYet,
    Said,
}

/// Holds one conversation. How it ends is the client's business; a log line for each would let anybody fill the log.
pub(super) async fn hold(stream: UnixStream, mut seat: Seat, reception: Arc<Reception>) {
    let mut client = Client { stream, unsent: Vec::new(), welcome: Welcome::NotYet };
    let peer = match peer::of(&client.stream) {
        Ok(peer) => peer,
        Err(error) => {
            let refusal = Refusal::PeerUnknown { why: crate::chain(&error) };
            let _ = client.refuse(refusal).await;
            return;
        }
    };
    if let Err(max) = callers::get_to_know(peer.uid, &mut seat, &reception).await {
        let _ = client.refuse(too_many(max)).await;
        return;
    }
    if let Err(Broken::Frame(_) | Broken::Codec(_)) = talk(&mut client, peer, &reception, seat).await {
        let why = "it is not a message of this version of jitctl, or it is too long".into();
        let _ = client.refuse(Refusal::BadRequest { why }).await;
    }
}

/// Tells a client no without waiting for it, and hangs up.
///
/// # Errors
/// When it does not hear.
pub(super) fn turn_away(stream: UnixStream, refusal: Refusal) -> Result<(), Broken> {
    let welcome = Response::Welcome { daemon: env!("CARGO_PKG_VERSION").to_owned() };
    let mut bytes = Vec::new();
    for response in [welcome, Response::Refused { refusal, explanation: None }] {
        bytes.extend(frame::wrap(&codec::encode(&response)?, frame::MAX_RESPONSE)?);
    }
    Ok(stream.into_std()?.write_all(&bytes)?)
}

/// The refusal for want of a place.
pub(super) fn too_many(max: u32) -> Refusal {
    Refusal::TooManyOpen { what: "connections of your uid, or of all".into(), max }
}

async fn talk(client: &mut Client, peer: Peer, reception: &Reception, seat: Seat) -> Result<(), Broken> {
    let hello: Hello = client.hear().await?;
    let daemon = env!("CARGO_PKG_VERSION").to_owned();
    if hello.wire != WIRE_VERSION {
        return client.say(Response::WrongVersion { wire: WIRE_VERSION, daemon }).await;
    }
    client.welcome()?;
    let mut request: Request = client.hear().await?;
    if let Err(wait_secs) = reception.seats.request(peer.uid, &reception.clock.now()) {
        return client.refuse(Refusal::RateLimited { wait_secs }).await;
    }
    let caller = match callers::find_caller(peer, Facts::for_request(&request), reception).await {
        Ok(caller) => caller,
        Err(refusal) => return client.refuse(refusal).await,
    };
    if caller.person.account != AccountState::Ordinary {
        // It is refused whatever was typed for it.
        facts::without_texts(&mut request, &caller.person.account);
    }
    match request {
        Request::Log(query) => {
            drop(seat);
            follow(client, caller, query, reception).await
        }
        Request::Await { .. } => {
            drop(seat);
            wait(client, caller, request, reception).await
        }
        Request::Elevate(_)
        | Request::Extend { .. }
        | Request::Pending
        | Request::Approve { .. }
        | Request::Deny { .. }
        | Request::Cancel(_)
        | Request::Explain { .. }
        | Request::Status
        | Request::Drift
        | Request::Roles
        | Request::Show(_)
        | Request::Drop(_)
        | Request::Revoke { .. }
        | Request::Lock { .. }
        | Request::Unlock { .. }
        | Request::Erase(_)
        | Request::Leave { .. } => {
            let response = call(client, caller, request, reception).await?;
            client.say(response).await
        }
        Request::Pam(ask) => pam::answer(client, caller.peer, ask, reception).await,
        Request::Enter { .. } => {
            let watched = Watched::hold(&caller.peer, &client.stream);
            let response = call(client, caller, request, reception).await?;
            if let (Response::Entered { .. }, Some(watched)) = (&response, watched) {
                tokio::spawn(watched.tell_the_end(reception.engine.clone()));
            }
            client.say(response).await
        }
    }
}

/// Following has seats of its own, so that it never keeps a call out.
async fn follow(
    client: &mut Client,
    caller: Caller,
    query: LogQuery,
    reception: &Reception,
) -> Result<(), Broken> {
    match reception.seats.take(caller.peer.uid, Kind::Follow) {
        Ok(_seat) => followers::send(client, caller, &query, reception).await,
        Err(max) => {
            let what = "readings of the log by your uid".into();
            client.refuse(Refusal::TooManyOpen { what, max }).await
        }
    }
}

/// So has waiting for others to decide. It lasts until they have, or the client hangs up.
async fn wait(
    client: &mut Client,
    caller: Caller,
    request: Request,
    reception: &Reception,
) -> Result<(), Broken> {
    match reception.seats.take(caller.peer.uid, Kind::Wait) {
        Ok(_seat) => {
            let response = call(client, caller, request, reception).await?;
            client.say(response).await
        }
        Err(max) => {
            let what = "waits for others to decide, of your uid or of all".into();
            client.refuse(Refusal::TooManyOpen { what, max }).await
        }
    }
}

/// Hands the request to the engine and waits for its answer, for as long as the client waits too: the engine sees that
/// nobody does, and gives nobody what they would not hear of.
async fn call(
    client: &mut Client,
    caller: Caller,
    request: Request,
    reception: &Reception,
) -> Result<Response, Broken> {
    let refused = |refusal| Response::Refused { refusal, explanation: None };
    let subject = match callers::subject(&caller.peer, &request, reception).await {
        Ok(subject) => subject,
        Err(refusal) => return Ok(refused(refusal)),
    };
    let live = reception.engine.policy();
    let local_time = zones::local_times(live.policy.zones_named(), reception.clock.now().wall);
    let (reply, answer) = oneshot::channel();
    let Caller { peer, person, groups, looked_up } = caller;
    let process = match request {
        Request::Enter { .. } => process_of(&peer, &client.stream),
        _ => None,
    };
    let call = Call { peer, person, subject, groups, local_time, looked_up, process, request, reply };
    match reception.engine.tell_now(Message::Call(Box::new(call))) {
        Ok(()) => tokio::select! {
            answer = answer => Ok(answer.unwrap_or_else(|_| refused(Refusal::Stopping))),
            () = client.gone() => Err(Broken::Io(io::ErrorKind::UnexpectedEof.into())),
        },
        Err(NotTaken::Stopped) => Ok(refused(Refusal::Stopping)),
        Err(NotTaken::Full) => Ok(refused(Refusal::RateLimited { wait_secs: 1 })),
    }
}

impl Client {
    async fn hear<T: serde::de::DeserializeOwned>(&mut self) -> Result<T, Broken> {
        let body = timeout(TO_ASK, hearing::frame(&mut self.stream)).await??;
        Ok(codec::decode(&body)?)
    }

    /// Sends an answer, cut where it is too long.
    pub(super) async fn say(&mut self, response: Response) -> Result<(), Broken> {
        for body in fit::bodies(response)? {
            let mut bytes = std::mem::take(&mut self.unsent);
            bytes.extend(frame::wrap(&body, frame::MAX_RESPONSE)?);
            timeout(TO_READ, self.stream.write_all(&bytes)).await??;
        }
        Ok(())
    }

    /// Says no, at whatever point of the conversation.
    pub(super) async fn refuse(&mut self, refusal: Refusal) -> Result<(), Broken> {
        if self.welcome == Welcome::NotYet {
            self.welcome()?;
        }
        self.say(Response::Refused { refusal, explanation: None }).await
    }

    /// Has the welcome go out with the first answer.
    fn welcome(&mut self) -> Result<(), Broken> {
        let welcome = Response::Welcome { daemon: env!("CARGO_PKG_VERSION").to_owned() };
        self.unsent = frame::wrap(&codec::encode(&welcome)?, frame::MAX_RESPONSE)?;
        self.welcome = Welcome::Said;
        Ok(())
    }

    /// Waits until the client hangs up. Whatever it says meanwhile is not listened to.
    pub(super) async fn gone(&mut self) {
        let mut heard = [0; 64];
        while matches!(self.stream.read(&mut heard).await, Ok(count) if count > 0) {}
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]
    use super::*;
    use crate::clock::Clock;
    use crate::engine::{Handle, Inbox};
    use crate::listen::Seats;
    use crate::people::Here;
    use tokio::task::JoinHandle;

    /// A conversation in which a client says hello and asks.
    async fn asked(request: &Request, reception: &Arc<Reception>) -> (UnixStream, JoinHandle<()>) {
        let (mut client, stream) = UnixStream::pair().unwrap();
        let seat = reception.seats.take(peer::uid(&stream).unwrap(), Kind::Call).unwrap();
        let conversation = tokio::spawn(hold(stream, seat, reception.clone()));
        let hello = Hello { wire: WIRE_VERSION, client: String::new() };
        for body in [codec::encode(&hello).unwrap(), codec::encode(request).unwrap()] {
            client.write_all(&frame::wrap(&body, frame::MAX_REQUEST).unwrap()).await.unwrap();
        }
        (client, conversation)
    }

    fn reception() -> (Arc<Reception>, Inbox) {
        let (engine, inbox) = Handle::new(Arc::default());
        let seats = Seats::new(crate::config::Limits::default(), 1024);
        (
            Arc::new(Reception {
                engine,
                seats,
                here: Here::default(),
                clock: Clock::of_this_boot().unwrap(),
            }),
            inbox,
        )
    }

    #[tokio::test]
    async fn the_engine_sees_that_a_client_has_hung_up() {
        let (reception, mut inbox) = reception();
        let (client, conversation) = asked(&Request::Status, &reception).await;
        let Some(Message::Call(mut call)) = inbox.messages.recv().await else { unreachable!() };
        assert!(!call.reply.is_closed());
        drop(client);
        call.reply.closed().await;
        conversation.await.unwrap();
    }

    #[tokio::test]
    async fn whoever_waits_for_others_takes_no_place_of_calls_and_is_seen_to_leave() {
        let (reception, mut inbox) = reception();
        let request = Request::Await { id: "7k2m9xqa".parse().unwrap(), seen: 3 };
        let (client, conversation) = asked(&request, &reception).await;
        let Some(Message::Call(mut call)) = inbox.messages.recv().await else { unreachable!() };
        let held = |kind| reception.seats.held(call.peer.uid, kind);
        assert_eq!((held(Kind::Wait), held(Kind::Call)), (1, 0));
        assert_eq!(call.request, request);
        drop(client);
        call.reply.closed().await;
        conversation.await.unwrap();
        assert_eq!(reception.seats.held(call.peer.uid, Kind::Wait), 0);
    }

    #[tokio::test]
    async fn whoever_waits_for_others_hears_the_answer() {
        let (reception, mut inbox) = reception();
        let request = Request::Await { id: "7k2m9xqa".parse().unwrap(), seen: 3 };
        let (mut client, conversation) = asked(&request, &reception).await;
        let Some(Message::Call(call)) = inbox.messages.recv().await else { unreachable!() };
        call.reply.send(Response::Done).unwrap();
        let mut heard = Vec::new();
        client.read_to_end(&mut heard).await.unwrap();
        conversation.await.unwrap();
        let done = frame::wrap(&codec::encode(&Response::Done).unwrap(), frame::MAX_RESPONSE).unwrap();
        assert!(heard.ends_with(&done));
    }
}
