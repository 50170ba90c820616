//! Texts and lists made shorter, with a word on how much is left out.

use std::mem;

use jit_common::codec::{self, CodecError};
use jit_common::response::{EarlierView, GivesView, GrantView, GroupView, VoteView};

/// How much of each text and each list is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Size {
    /// Characters of a text.
    pub(super) text: usize,
    /// Things in a list.
    pub(super) list: usize,
}

/// In a list that is too long otherwise.
pub(super) const SHORT: Size = Size { text: 200, list: 16 };

/// In one that is too long even so.
pub(super) const BARE: Size = Size { text: 14, list: 0 };

impl Size {
    /// Cuts a text.
    pub(super) fn cut(self, text: &mut String) {
        if let Some((end, _)) = text.char_indices().nth(self.text) {
            text.truncate(end);
            text.push('…');
        }
    }

    /// Cuts texts, and their list. The last one then says how many are missing.
    pub(super) fn few(self, texts: &mut Vec<String>) {
        let more = texts.len().saturating_sub(self.list);
        texts.truncate(self.list);
        texts.iter_mut().for_each(|text| self.cut(text));
        texts.extend((more > 0).then(|| format!("… and {more} more")));
    }

    /// What a grant or a role gives.
    pub(super) fn gives(self, gives: &mut GivesView) {
        if let Some(sudo) = &mut gives.sudo {
            self.cut(&mut sudo.run_as);
            self.few(&mut sudo.commands);
            self.few(&mut sudo.refused);
        }
        let more = gives.groups.len().saturating_sub(self.list);
        gives.groups.truncate(self.list);
        gives.groups.iter_mut().for_each(|group| self.cut(&mut group.name));
        let rest = || GroupView { gid: u32::MAX, name: format!("… and {more} more") };
        gives.groups.extend((more > 0).then(rest));
    }

    /// What approvers said.
    pub(super) fn notes(self, votes: &mut [VoteView]) {
        votes.iter_mut().filter_map(|vote| vote.note.as_mut()).for_each(|note| self.cut(note));
    }

    /// A grant.
    pub(super) fn grant(self, view: &mut GrantView) {
        [&mut view.reason, &mut view.ticket].into_iter().flatten().for_each(|text| self.cut(text));
        self.gives(&mut view.gives);
        self.notes(&mut view.approved_by);
        self.few(&mut view.residue);
    }

    /// An earlier grant.
    pub(super) fn earlier(self, view: &mut EarlierView) {
        view.reason.iter_mut().for_each(|text| self.cut(text));
        self.few(&mut view.residue);
    }
}

/// Cuts a list to the bytes there are for it; how many are left out.
pub(super) fn keep<T: serde::Serialize>(list: &mut Vec<T>, room: usize) -> Result<usize, CodecError> {
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

/// Keeps the first and the last quarter of a list of two or more.
pub(super) fn keep_both_ends<T>(list: &mut Vec<T>) {
    let (quarter, all) = (list.len().div_ceil(4), list.len());
    let is_outside = |place: usize| place < quarter || place + quarter >= all.max(4);
    let kept = mem::take(list).into_iter().enumerate().filter(|(place, _)| is_outside(*place));
    list.extend(kept.map(|(_, one)| one));
}
