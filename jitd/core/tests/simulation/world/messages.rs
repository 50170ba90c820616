//! What is told to jitd, by people and by whoever works for it.

use std::collections::{BTreeMap, BTreeSet};

use jit_common::ids::RequestId;
use jitd_core::policy::{GroupState, PersonFacts, Subjects};

/// A message. Any may come twice, and none in order.
#[derive(Clone, Debug)]
pub(crate) enum Message {
    Call(Call),
    /// A look-up has come back, or failed.
    Answered {
        ticket: u64,
        found: Option<Found>,
    },
    /// Sudo has answered about a grant.
    SudoSaid {
        id: RequestId,
        agrees: Agrees,
    },
    /// The policy files have changed.
    Reload,
    /// These accounts are not who they were.
    Gone(Vec<(u32, String)>),
}

/// Whether sudo agrees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Agrees {
    Yes,
    No,
}

/// Somebody calls.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    /// The caller, as looked up when they connected. Uid 0 is root.
    pub(crate) person: PersonFacts,
    pub(crate) login_uid: Option<u32>,
    pub(crate) groups: BTreeMap<String, GroupState>,
    /// When that was, on the boot clock.
    pub(crate) looked_up: i64,
    pub(crate) what: What,
}

/// What they want.
#[derive(Clone, Debug)]
pub(crate) enum What {
    Elevate { role: String, seconds: Option<u32>, reason: Option<String>, start: Option<i64> },
    Extend { id: RequestId, seconds: u32 },
    Approve { id: RequestId, seconds: Option<u32> },
    Deny { id: RequestId },
    Cancel { id: RequestId },
    Drop { id: RequestId },
    Revoke(Revoke),
    Lock(Live),
    Unlock,
}

/// What is revoked.
#[derive(Clone, Debug)]
pub(crate) enum Revoke {
    All,
    User(String),
    One(RequestId),
}

/// What a lock does with what is live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Live {
    Keep,
    Revoke,
}

/// Whom a look-up is for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Whom {
    pub(crate) people: BTreeSet<(u32, String)>,
    pub(crate) approvers: Vec<Subjects>,
}

/// What it found.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    pub(crate) people: BTreeMap<u32, PersonFacts>,
    pub(crate) groups: BTreeMap<String, GroupState>,
    pub(crate) candidates: Vec<PersonFacts>,
    pub(crate) unlisted: BTreeSet<String>,
    pub(crate) looked_up: i64,
}
