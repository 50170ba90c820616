//! The story of a request, from its asking to what is left of it.

use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::{EarlierView, GrantView, LogEntry, OpenView};

/// The whole story of one request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoryView {
    /// The grant, for a request that became one.
    pub grant: Option<GrantView>,
    /// The request, while it is open or when it was closed.
    pub open: Option<OpenView>,
    /// The conditions of the rule, as the person was told.
    pub conditions: Vec<String>,
    /// The person's last grants of the same role, the newest first; while the request is open.
    pub earlier: Vec<EarlierView>,
    /// The person's live grants; while the request is open.
    pub live: Vec<GrantView>,
    /// The lines that change on the host, as a diff (`+ …`).
    pub change: Vec<String>,
    /// Why the role equals root, empty when it does not.
    pub equals_root: Vec<String>,
    /// Effects beyond the grant itself that the person should know of.
    pub side_effects: Vec<String>,
    /// The ways off the host.
    pub ways_off: Vec<WayOff>,
    /// What happened, entry by entry; of those about what ran with it the newest [`StoryView::MOST_SESSIONS`], and of those about what that
    /// has started [`StoryView::MOST_STARTS`].
    pub entries: Vec<LogEntry>,
    /// What runs with it now, in its control group or by holding a group of it, in words.
    pub running: Vec<String>,
    /// What happened with the grant and is nowhere here, beside what never is.
    pub not_seen: Vec<String>,
}

impl StoryView {
    /// Entries about what ran with a grant that a story has at the most: there may be any number on the record.
    pub const MOST_SESSIONS: usize = 512;

    /// Entries about what that has started, of which each may have many.
    pub const MOST_STARTS: usize = 128;
}

/// One of the independent ways a grant comes off the host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WayOff {
    /// `jitd's timer`, `jit-guard`, `sudo's NOTAFTER`.
    pub name: String,
    /// Whether it is armed now.
    pub armed: Armed,
    /// When it would act, or why it is not armed.
    pub detail: String,
}

/// Whether a way off is armed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Armed {
    /// It would act.
    Yes,
    /// It would not.
    No,
}
