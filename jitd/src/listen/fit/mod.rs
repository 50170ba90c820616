//! Answers that fit into a frame. What is too long for one is cut, and says so: nobody who fills the record or the list
//! of grants may take the answer away from those who look at it.

mod cut;
mod open;
mod story;

use jit_common::codec::{self, CodecError};
use jit_common::explanation::{Explanation, JudgedRule, Verdict};
use jit_common::frame::MAX_RESPONSE;
use jit_common::refusal::Refusal;
use jit_common::response::{DriftView, EndedView, LogEntry, Response, RoleView, StatusView};

use self::cut::{BARE, SHORT, keep};

/// Bytes of an encoded answer. Half of a frame: whoever reads it counts more than there are and stops at a frame's length,
/// for a number is counted as the bytes it fills in memory. With texts of some length between the numbers it is less than twice
/// as many; where it is more, [`can_be_read`] sees it.
const ROOM: usize = MAX_RESPONSE / 2;

/// What one byte is counted as at most: a small number of eight bytes.
const MOST_FOR_A_BYTE: usize = 8;

/// Sentences for an admin in an answer that is too long otherwise.
const MOST_SENTENCES: usize = 200;

/// An answer as the bodies of frames: one, but for entries of the record, of which each frame holds what fits.
///
/// # Errors
/// When it cannot be encoded.
pub fn bodies(response: Response) -> Result<Vec<Vec<u8>>, CodecError> {
    match response {
        Response::Log(entries) => entries_in_frames(entries),
        Response::Status(view) => one(status(*view)?),
        Response::Roles(views) => one(roles(views)?),
        Response::Story(view) => one(story::story(*view)?),
        Response::Ended(views) => one(ended(views)?),
        Response::Explained(explanation) => one(Response::Explained(explained(explanation)?)),
        Response::Refused { refusal, explanation } => {
            one(Response::Refused { refusal, explanation: explanation.map(explained).transpose()? })
        }
        Response::Granted(mut view) => {
            if !fits(&*view)? {
                SHORT.grant(&mut view);
            }
            one(Response::Granted(view))
        }
        Response::Open(view) => one(open::open(*view)?),
        Response::Drift(view) => one(drift(*view)?),
        Response::Pending(views) => one(open::pending(views)?),
        small @ (Response::Welcome { .. }
        | Response::WrongVersion { .. }
        | Response::Entered { .. }
        | Response::Pam(_)
        | Response::Done
        | Response::Unlocked { .. }
        | Response::LogEnd) => one(small),
    }
}

fn fits<T: serde::Serialize>(value: &T) -> Result<bool, CodecError> {
    Ok(codec::encode(value)?.len() < ROOM)
}

/// Whether the client can read it: certainly where it is short, else it is tried as the client will.
fn can_be_read(body: &[u8]) -> bool {
    body.len() <= MAX_RESPONSE / MOST_FOR_A_BYTE
        || (body.len() <= ROOM && codec::decode::<Response>(body).is_ok())
}

/// Whatever is still too long is said to be, which is an answer.
fn one(response: Response) -> Result<Vec<Vec<u8>>, CodecError> {
    let body = codec::encode(&response)?;
    if can_be_read(&body) {
        return Ok(vec![body]);
    }
    let why = "the answer is too long to be sent: ask for less".into();
    Ok(vec![codec::encode(&Response::Refused { refusal: Refusal::BadRequest { why }, explanation: None })?])
}

fn entries_in_frames(entries: Vec<LogEntry>) -> Result<Vec<Vec<u8>>, CodecError> {
    let count = entries.len();
    let body = codec::encode(&Response::Log(entries.clone()))?;
    if can_be_read(&body) {
        return Ok(vec![body]);
    }
    if count <= 1 {
        let told = entries.into_iter().map(|entry| too_long(entry, body.len())).collect();
        return Ok(vec![codec::encode(&Response::Log(told))?]);
    }
    let mut first = entries;
    let second = first.split_off(count / 2);
    let mut frames = entries_in_frames(first)?;
    frames.extend(entries_in_frames(second)?);
    Ok(frames)
}

/// What stands in the place of an entry that no frame can hold.
fn too_long(entry: LogEntry, bytes: usize) -> LogEntry {
    let body = format!("{{\"left-out\":\"this entry has {bytes} bytes, too many to be sent\"}}");
    LogEntry { body, texts: Vec::new(), ..entry }
}

fn drift(mut view: DriftView) -> Result<Response, CodecError> {
    if !fits(&view)? {
        let left_out = keep(&mut view.found, ROOM / 2)?;
        view.standing.truncate(MOST_SENTENCES);
        view.unsure.truncate(MOST_SENTENCES);
        view.unsure.push(format!("{left_out} more differences are on the record: jitctl log"));
    }
    Ok(Response::Drift(Box::new(view)))
}

fn status(mut view: StatusView) -> Result<Response, CodecError> {
    if !fits(&view)? {
        view.mine.iter_mut().chain(view.all.iter_mut().flatten()).for_each(|grant| SHORT.grant(grant));
        view.open.iter_mut().for_each(|request| open::shorten(request, SHORT));
        // A share of the room each, should all be long.
        let open_left_out = keep(&mut view.open, ROOM / 8)?;
        let mut left_out = keep(&mut view.mine, ROOM / 8 * 3)?;
        if let Some(all) = &mut view.all {
            left_out += keep(all, ROOM / 4)?;
        }
        view.attention.truncate(MOST_SENTENCES);
        view.attention.iter_mut().for_each(|text| SHORT.cut(text));
        view.attention.push(match left_out {
            0 => "the list of grants is long, so reasons and commands are cut short in it".into(),
            count => format!(
                "{count} grants are left out here, for the list is too long: `jitctl show ID` shows each"
            ),
        });
        view.attention.extend((open_left_out > 0).then(|| {
            format!("{open_left_out} open requests are left out here: `jitctl pending` shows them")
        }));
    }
    Ok(Response::Status(Box::new(view)))
}

fn roles(mut views: Vec<RoleView>) -> Result<Response, CodecError> {
    if !fits(&views)? {
        // `jitctl explain ROLE` tells the rules; the outcome is kept.
        for view in &mut views {
            view.now.rules.clear();
            view.now.denies.clear();
            SHORT.gives(&mut view.gives);
            [&mut view.equals_root, &mut view.disabled]
                .into_iter()
                .flatten()
                .for_each(|text| SHORT.cut(text));
            SHORT.cut(&mut view.summary);
        }
    }
    Ok(Response::Roles(views))
}

/// What is stuck comes first, so that it is never what is left out.
fn ended(mut views: Vec<EndedView>) -> Result<Response, CodecError> {
    if !fits(&views)? {
        views.sort_by_key(|view| view.stuck.is_none());
        for view in &mut views {
            view.stuck.iter_mut().for_each(|why| SHORT.cut(why));
            BARE.few(&mut view.residue);
        }
        let _left_out = keep(&mut views, ROOM)?;
    }
    Ok(Response::Ended(views))
}

fn explained(mut explanation: Explanation) -> Result<Explanation, CodecError> {
    if !fits(&explanation)? {
        let matters = |judged: &JudgedRule| judged.verdict != Verdict::DoesNotApply;
        explanation.denies.retain(matters);
        let _left_out = keep(&mut explanation.denies, ROOM / 4)?;
        let _left_out = keep(&mut explanation.rules, ROOM / 4)?;
    }
    Ok(explanation)
}

#[cfg(test)]
mod tests;
