//! Open requests, made short enough. Who asks for what and until when is always told.

use jit_common::codec::CodecError;
use jit_common::response::{NeedView, OpenView, Presence, Response};

use super::cut::{BARE, SHORT, Size, keep};
use super::{ROOM, fits};

/// One open request.
pub(super) fn open(mut view: OpenView) -> Result<Response, CodecError> {
    if !fits(&view)? {
        shorten(&mut view, SHORT);
    }
    Ok(Response::Open(Box::new(view)))
}

/// All of them, the oldest first. As many as there can be fit, each by itself short; should they not, what the caller may
/// decide stays.
pub(super) fn pending(views: Vec<OpenView>) -> Result<Response, CodecError> {
    if fits(&views)? {
        return Ok(Response::Pending(views));
    }
    // Each time from the whole ones: what is cut twice would not say rightly how much is left out.
    let cut = |size| {
        let mut views = views.clone();
        views.iter_mut().for_each(|view| shorten(view, size));
        views
    };
    let short = cut(SHORT);
    let mut views = if fits(&short)? { short } else { cut(BARE) };
    if !fits(&views)? {
        views.sort_by_key(|view| view.not_by_you.is_some());
        let _left_out = keep(&mut views, ROOM - ROOM / 16)?;
        views.sort_by_key(|view| view.asked);
    }
    Ok(Response::Pending(views))
}

/// Cuts what was typed, what it gives and who could decide.
pub(super) fn shorten(view: &mut OpenView, size: Size) {
    let OpenView { reason, ticket, held_up, not_by_you, .. } = view;
    [reason, ticket, held_up, not_by_you].into_iter().flatten().for_each(|text| size.cut(text));
    // Who asks stays whole: no name made by useradd(8) is longer than 32 characters.
    SHORT.cut(&mut view.person.name);
    size.cut(&mut view.rule.name);
    size.cut(&mut view.rule.location);
    size.gives(&mut view.gives);
    size.notes(&mut view.votes);
    view.needs.iter_mut().for_each(|need| shorten_need(need, size));
}

/// Of those who could approve, the ones who are there now are the most use.
fn shorten_need(need: &mut NeedView, size: Size) {
    size.cut(&mut need.by);
    size.few(&mut need.unlisted);
    let more = need.could.len().saturating_sub(size.list);
    if more > 0 {
        need.could.sort_by_key(|choice| match choice.presence {
            Presence::LoggedIn => 0,
            Presence::Away => 1,
        });
        need.could.truncate(size.list);
        need.by.push_str(&format!(" ({more} left out)"));
    }
}
