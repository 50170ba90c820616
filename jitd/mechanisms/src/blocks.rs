//! Which grants a sudoers text holds, told strictly for cutting and loosely for telling people.

use std::collections::BTreeSet;

use jit_common::ids::RequestId;
use jitd_core::sudoers::{HEADER, block_ids};

/// What a sudoers text of ours holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Holds {
    /// The header and nothing else.
    Nothing,
    /// Exactly these blocks, in the shape jitd writes.
    Grants(BTreeSet<RequestId>),
    /// It is not in that shape, so nobody knows what a rule in it belongs to. These ids are named in it.
    Unclear(BTreeSet<RequestId>),
}

impl Holds {
    /// Looks at a text.
    #[must_use]
    pub fn of(text: &str) -> Self {
        if text == HEADER {
            return Self::Nothing;
        }
        let whole: Option<BTreeSet<RequestId>> =
            block_ids(text).and_then(|ids| ids.into_iter().map(|id| id.parse().ok()).collect());
        whole.map_or_else(|| Self::Unclear(ids_named(text)), Self::Grants)
    }

    /// The ids in it, as far as they can be told.
    #[must_use]
    pub fn ids(&self) -> BTreeSet<RequestId> {
        match self {
            Self::Nothing => BTreeSet::new(),
            Self::Grants(ids) | Self::Unclear(ids) => ids.clone(),
        }
    }
}

/// The ids of all blocks that the text opens, whole or not.
fn ids_named(text: &str) -> BTreeSet<RequestId> {
    text.lines()
        .filter_map(|line| line.strip_prefix("# grant "))
        .filter_map(|id| id.trim().parse().ok())
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]
    use super::*;
    use crate::scratch::sudoers_text;

    #[test]
    fn a_text_in_our_shape_is_told_from_any_other() {
        let id = |text: &str| text.parse::<RequestId>().unwrap();
        let text = sudoers_text(&["aaaaaaaa", "bbbbbbbb"]);
        assert_eq!(Holds::of(HEADER), Holds::Nothing);
        assert_eq!(Holds::of(&text), Holds::Grants([id("aaaaaaaa"), id("bbbbbbbb")].into()));
        assert_eq!(Holds::of(""), Holds::Unclear(BTreeSet::new()));
        let cut = text.get(..text.len() - 10).unwrap();
        assert_eq!(Holds::of(cut), Holds::Unclear([id("aaaaaaaa"), id("bbbbbbbb")].into()));
        let changed = text.replace("# end aaaaaaaa\n", "ALL ALL=(ALL) NOPASSWD: ALL\n# end aaaaaaaa\n");
        assert!(matches!(Holds::of(&changed), Holds::Unclear(_)));
    }
}
