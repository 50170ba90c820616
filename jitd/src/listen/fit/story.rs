//! The story of one request, made short enough.

use jit_common::codec::CodecError;
use jit_common::response::{Response, StoryView};

use super::cut::{SHORT, keep, keep_both_ends};
use super::{ROOM, fits, open, too_long};

/// How it began and how it ended say the most, and what is asked now is never left out.
pub(super) fn story(mut view: StoryView) -> Result<Response, CodecError> {
    let count = view.entries.len();
    if !fits(&view)? {
        shorten(&mut view)?;
    }
    while !fits(&view)? && view.entries.len() > 1 {
        keep_both_ends(&mut view.entries);
    }
    match count - view.entries.len() {
        0 => {}
        less => view.side_effects.push(format!(
            "{less} of the {count} entries are left out here, for there are too many: `jitctl log --id` shows all"
        )),
    }
    Ok(Response::Story(Box::new(view)))
}

fn shorten(view: &mut StoryView) -> Result<(), CodecError> {
    view.grant.iter_mut().chain(&mut view.live).for_each(|grant| SHORT.grant(grant));
    view.open.iter_mut().for_each(|request| open::shorten(request, SHORT));
    view.earlier.iter_mut().for_each(|earlier| SHORT.earlier(earlier));
    for texts in [&mut view.change, &mut view.conditions, &mut view.equals_root, &mut view.running] {
        SHORT.few(texts);
    }
    // A share of the room each, should both be long.
    let left_out = keep(&mut view.live, ROOM / 8)? + keep(&mut view.earlier, ROOM / 8)?;
    if left_out > 0 {
        view.side_effects.push(format!(
            "{left_out} live and earlier grants of the person are left out here, for there are too many"
        ));
    }
    for entry in &mut view.entries {
        let bytes = entry.body.len();
        if bytes > ROOM / 8 {
            *entry = too_long(entry.clone(), bytes);
        }
    }
    Ok(())
}
