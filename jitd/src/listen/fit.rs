//! Answers that fit into a frame. What is too long for one is cut, and says so: nobody who fills the record or the list
//! of grants may take the answer away from those who look at it.

use std::mem;

use jit_common::codec::{self, CodecError};
use jit_common::explanation::{Explanation, JudgedRule, Verdict};
use jit_common::frame::MAX_RESPONSE;
use jit_common::refusal::Refusal;
use jit_common::response::{EndedView, GrantView, LogEntry, Response, RoleView, StatusView, StoryView};

/// Bytes of an encoded answer. Half of a frame: whoever reads it counts up to twice as many (a number is counted as
/// the eight bytes it fills in memory, whatever it takes on the wire) and stops at a frame's length.
const ROOM: usize = MAX_RESPONSE / 2;

/// Characters of a typed text in a list that is too long otherwise.
const SHORT: usize = 200;

/// Commands of a role in a list that is too long otherwise.
const FEW: usize = 16;

/// An answer as the bodies of frames: one, but for entries of the record, of which each frame holds what fits.
///
/// # Errors
/// When it cannot be encoded.
pub(super) fn bodies(response: Response) -> Result<Vec<Vec<u8>>, CodecError> {
    match response {
        Response::Log(entries) => entries_in_frames(entries),
        Response::Status(view) => one(status(*view)?),
        Response::Roles(views) => one(roles(views)?),
        Response::Story(view) => one(story(*view)?),
        Response::Ended(views) => one(ended(views)?),
        Response::Explained(explanation) => one(Response::Explained(explained(explanation)?)),
        Response::Refused { refusal, explanation } => {
            one(Response::Refused { refusal, explanation: explanation.map(explained).transpose()? })
        }
        Response::Granted(mut view) => {
            if !fits(&*view)? {
                shorten(&mut view);
            }
            one(Response::Granted(view))
        }
        small @ (Response::Welcome { .. }
        | Response::WrongVersion { .. }
        | Response::Done
        | Response::LogEnd) => one(small),
    }
}

fn fits<T: serde::Serialize>(value: &T) -> Result<bool, CodecError> {
    Ok(codec::encode(value)?.len() < ROOM)
}

/// Whatever is still too long is said to be, which is an answer.
fn one(response: Response) -> Result<Vec<Vec<u8>>, CodecError> {
    let body = codec::encode(&response)?;
    if body.len() <= ROOM {
        return Ok(vec![body]);
    }
    let why = "the answer is too long to be sent: ask for less".into();
    Ok(vec![codec::encode(&Response::Refused { refusal: Refusal::BadRequest { why }, explanation: None })?])
}

fn entries_in_frames(entries: Vec<LogEntry>) -> Result<Vec<Vec<u8>>, CodecError> {
    let count = entries.len();
    let body = codec::encode(&Response::Log(entries.clone()))?;
    if body.len() <= ROOM {
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

fn status(mut view: StatusView) -> Result<Response, CodecError> {
    if !fits(&view)? {
        view.mine.iter_mut().chain(view.all.iter_mut().flatten()).for_each(shorten);
        // Half of the room each, should both be long.
        let mut left_out = keep(&mut view.mine, ROOM / 2)?;
        if let Some(all) = &mut view.all {
            left_out += keep(all, ROOM / 4)?;
        }
        view.attention.truncate(SHORT);
        view.attention.iter_mut().for_each(|text| cut(text, SHORT));
        view.attention.push(match left_out {
            0 => "the list of grants is long, so reasons and commands are cut short in it".into(),
            count => format!(
                "{count} grants are left out here, for the list is too long: `jitctl show ID` shows each"
            ),
        });
    }
    Ok(Response::Status(Box::new(view)))
}

fn roles(mut views: Vec<RoleView>) -> Result<Response, CodecError> {
    if !fits(&views)? {
        // `jitctl explain ROLE` tells the rules; the outcome is kept.
        for view in &mut views {
            view.now.rules.clear();
            view.now.denies.clear();
            view.sudo.commands = few(mem::take(&mut view.sudo.commands));
            for text in [&mut view.equals_root, &mut view.disabled].into_iter().flatten() {
                cut(text, SHORT);
            }
            cut(&mut view.summary, SHORT);
        }
    }
    Ok(Response::Roles(views))
}

fn story(mut view: StoryView) -> Result<Response, CodecError> {
    let count = view.entries.len();
    if !fits(&view)? {
        view.grant.iter_mut().for_each(shorten);
        view.change = few(mem::take(&mut view.change));
        for entry in &mut view.entries {
            let bytes = entry.body.len();
            if bytes > ROOM / 8 {
                *entry = too_long(entry.clone(), bytes);
            }
        }
    }
    // How it began and how it ended say the most.
    while !fits(&view)? && view.entries.len() > 1 {
        let entries = mem::take(&mut view.entries);
        let (quarter, all) = (entries.len().div_ceil(4), entries.len());
        let is_outside = |place: usize| place < quarter || place + quarter >= all.max(4);
        let kept = entries.into_iter().enumerate().filter(|(place, _)| is_outside(*place));
        view.entries = kept.map(|(_, entry)| entry).collect();
    }
    match count - view.entries.len() {
        0 => {}
        less => view.side_effects.push(format!(
            "{less} of the {count} entries are left out here, for there are too many: `jitctl log --id` shows all"
        )),
    }
    Ok(Response::Story(Box::new(view)))
}

/// What is stuck comes first, so that it is never what is left out.
fn ended(mut views: Vec<EndedView>) -> Result<Response, CodecError> {
    if !fits(&views)? {
        views.sort_by_key(|view| view.stuck.is_none());
        views.iter_mut().filter_map(|view| view.stuck.as_mut()).for_each(|why| cut(why, SHORT));
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

/// Cuts a list to the bytes there are for it; how many are left out.
fn keep<T: serde::Serialize>(list: &mut Vec<T>, room: usize) -> Result<usize, CodecError> {
    let mut taken = 0;
    let mut kept = 0;
    for one in list.iter() {
        taken += codec::encode(one)?.len();
        if taken >= room {
            break;
        }
        kept += 1;
    }
    let left_out = list.len() - kept;
    list.truncate(kept);
    Ok(left_out)
}

fn shorten(view: &mut GrantView) {
    for text in [&mut view.reason, &mut view.ticket].into_iter().flatten() {
        cut(text, SHORT);
    }
    view.sudo.commands = few(mem::take(&mut view.sudo.commands));
    view.sudo.refused = few(mem::take(&mut view.sudo.refused));
}

fn few(mut commands: Vec<String>) -> Vec<String> {
    let more = commands.len().saturating_sub(FEW);
    commands.truncate(FEW);
    commands.iter_mut().for_each(|command| cut(command, SHORT));
    commands.extend((more > 0).then(|| format!("… and {more} more")));
    commands
}

fn cut(text: &mut String, characters: usize) {
    if let Some((end, _)) = text.char_indices().nth(characters) {
        text.truncate(end);
        text.push('…');
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failed assumption is a failed test")]
    use super::*;
    use jit_common::explanation::Outcome;
    use jit_common::frame;
    use jit_common::response::{PasswordView, PersonView, RuleView, StateView, SudoView};

    fn entry(seq: u64, bytes: usize) -> LogEntry {
        let body = format!("\"{}\"", "x".repeat(bytes));
        LogEntry {
            seq,
            at: 1,
            kind: "refused".into(),
            request: None,
            body,
            hash: [0xff; 32],
            texts: Vec::new(),
        }
    }

    /// Every frame goes through what the client does with it.
    fn heard(response: Response) -> Vec<Response> {
        let bodies = bodies(response).unwrap();
        let framed = bodies.iter().map(|body| frame::wrap(body, MAX_RESPONSE).unwrap());
        framed.map(|frame| codec::decode(&frame[frame::HEADER_LEN..]).unwrap()).collect()
    }

    fn grant(reason: &str) -> GrantView {
        GrantView {
            id: "7k2m9xqa".parse().unwrap(),
            person: PersonView { uid: 1000, name: "alice".into() },
            role: "ids".into(),
            rule: RuleView { name: "on-call".into(), location: "10-web.toml:12".into() },
            state: StateView::Active,
            sudo: SudoView {
                run_as: "root".into(),
                password: PasswordView::NotAsked,
                commands: vec!["/usr/bin/id".into()],
                refused: Vec::new(),
            },
            reason: Some(reason.into()),
            ticket: Some(reason.into()),
            start: 1,
            until: 2,
            left: 1,
            end: None,
        }
    }

    fn logged(bytes: usize) -> Vec<LogEntry> {
        let entries = (1..=128).map(|seq| entry(seq, bytes)).collect();
        let frames = heard(Response::Log(entries)).into_iter();
        frames
            .flat_map(|frame| match frame {
                Response::Log(entries) => entries,
                other => unreachable!("{other:?}"),
            })
            .collect()
    }

    #[test]
    fn a_hundred_and_twenty_eight_long_entries_are_cut_into_frames() {
        for bytes in [10, 100_000, ROOM - 200] {
            let read = logged(bytes);
            let expected: Vec<LogEntry> = (1..=128).map(|seq| entry(seq, bytes)).collect();
            assert!(read == expected, "{bytes}");
        }
        assert_eq!(heard(Response::Log((1..=128).map(|seq| entry(seq, 10)).collect())).len(), 1);
    }

    #[test]
    fn an_entry_that_no_frame_can_hold_does_not_stop_the_reading() {
        let read = logged(MAX_RESPONSE);
        assert_eq!(read.iter().map(|entry| entry.seq).collect::<Vec<_>>(), (1..=128).collect::<Vec<_>>());
        let body: serde_json::Value = serde_json::from_str(&read[0].body).unwrap();
        assert!(body["left-out"].as_str().unwrap().contains("too many to be sent"));
    }

    fn status_of(all: Vec<GrantView>) -> StatusView {
        let view = StatusView {
            mine: vec![grant("mine")],
            all: Some(all),
            daemon: String::new(),
            not_granting: Vec::new(),
            attention: vec!["look".into()],
            sudo: String::new(),
            policy: None,
            live: 0,
            entries: 0,
            sinks: Vec::new(),
        };
        match heard(Response::Status(Box::new(view))).swap_remove(0) {
            Response::Status(view) => *view,
            other => unreachable!("{other:?}"),
        }
    }

    #[test]
    fn a_long_list_of_grants_is_shown_as_far_as_it_fits() {
        let long = "r".repeat(1024);
        let few = status_of(vec![grant(&long); 100]);
        assert_eq!(few.all.unwrap()[99].reason.as_deref(), Some(long.as_str()));
        assert_eq!(few.attention, ["look"]);

        let cut = status_of(vec![grant(&long); 250]);
        assert_eq!(cut.all.unwrap().len(), 250);
        assert!(cut.attention[1].contains("cut short"), "{:?}", cut.attention);

        let less = status_of(vec![grant(&long); 10_000]);
        let shown = less.all.unwrap().len();
        assert!(shown > 200);
        assert!(less.attention[1].starts_with(&(10_000 - shown).to_string()), "{:?}", less.attention);
        assert_eq!(less.mine.len(), 1);
    }

    fn explanation(rules: usize) -> Explanation {
        let rule = jit_common::refusal::RuleRef { name: "r".repeat(60), location: "10-web.toml:12".into() };
        let judged = JudgedRule { rule, verdict: Verdict::Refuses, conditions: Vec::new() };
        let refusal = Refusal::RootAccount;
        Explanation { outcome: Outcome::Refused(refusal), denies: Vec::new(), rules: vec![judged; rules] }
    }

    #[test]
    fn a_large_policy_still_lists_its_roles() {
        let role = |number: usize| RoleView {
            name: format!("role-{number}"),
            summary: String::new(),
            risk: "low".into(),
            sudo: grant("").sudo,
            equals_root: Vec::new(),
            disabled: Vec::new(),
            now: explanation(1000),
        };
        let views: Vec<RoleView> = (0..500).map(role).collect();
        let Response::Roles(heard) = heard(Response::Roles(views)).swap_remove(0) else { unreachable!() };
        assert_eq!(heard.len(), 500);
        assert_eq!(heard[499].now.outcome, explanation(0).outcome);
    }

    #[test]
    fn a_long_explanation_and_a_long_story_and_many_endings_are_cut() {
        let long = Response::Refused { refusal: Refusal::Stopping, explanation: Some(explanation(50_000)) };
        let Response::Refused { refusal, explanation: Some(shown) } = heard(long).swap_remove(0) else {
            unreachable!()
        };
        assert!(refusal == Refusal::Stopping && shown.rules.len() > 1000);

        let view = StoryView {
            grant: Some(grant("why")),
            change: Vec::new(),
            equals_root: Vec::new(),
            side_effects: Vec::new(),
            ways_off: Vec::new(),
            entries: (1..=5000).map(|seq| entry(seq, 300)).collect(),
        };
        let Response::Story(told) = heard(Response::Story(Box::new(view))).swap_remove(0) else {
            unreachable!()
        };
        assert_eq!((told.entries[0].seq, told.entries.last().unwrap().seq), (1, 5000));
        assert!(told.side_effects[0].contains("of the 5000 entries are left out"), "{:?}", told.side_effects);

        let ended = |number: u64| EndedView {
            id: "7k2m9xqa".parse().unwrap(),
            person: PersonView { uid: 1000, name: "n".repeat(32) },
            role: "r".repeat(64),
            stuck: (number == 9_999).then(|| "in the way".into()),
        };
        let Response::Ended(told) = heard(Response::Ended((0..10_000).map(ended).collect())).swap_remove(0)
        else {
            unreachable!()
        };
        assert!(told.len() > 3000 && told[0].stuck.is_some());
    }
}
