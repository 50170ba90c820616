//! What the PAM module asks or tells: nobody is looked up for it, for a person waits at the other end.

use std::io;

use jit_common::refusal::Refusal;
use jit_common::request::PamAsk;
use jit_common::response::{PamSays, Response};
use tokio::sync::oneshot;

use super::Reception;
use super::conversation::{Broken, Client};
use super::watched::{Watched, process_of};
use crate::engine::{Message, NotTaken, PamCall};
use crate::peer::Peer;

/// Answers it. The process in which a session began is watched, for not every program says when it ends.
pub(super) async fn answer(
    client: &mut Client,
    peer: Peer,
    ask: PamAsk,
    reception: &Reception,
) -> Result<(), Broken> {
    let (watched, process) = match &ask {
        PamAsk::Open(_) => (Watched::hold(&peer, &client.stream), process_of(&peer, &client.stream)),
        PamAsk::Account { .. } | PamAsk::Close => (None, None),
    };
    let (reply, answer) = oneshot::channel();
    let call = PamCall { peer, process, ask, reply };
    let response = match reception.engine.tell_now(Message::Pam(Box::new(call))) {
        Ok(()) => tokio::select! {
            answer = answer => answer.unwrap_or_else(|_| refused(Refusal::Stopping)),
            () = client.gone() => return Err(Broken::Io(io::ErrorKind::UnexpectedEof.into())),
        },
        Err(NotTaken::Stopped) => refused(Refusal::Stopping),
        Err(NotTaken::Full) => refused(Refusal::RateLimited { wait_secs: 1 }),
    };
    if let (Response::Pam(PamSays::Covered), Some(watched)) = (&response, watched) {
        tokio::spawn(watched.tell_the_end(reception.engine.clone()));
    }
    client.say(response).await
}

fn refused(refusal: Refusal) -> Response {
    Response::Refused { refusal, explanation: None }
}
