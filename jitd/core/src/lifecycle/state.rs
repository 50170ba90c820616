//! The table: for every state and every event, what comes next. Nothing else decides it.

use alloc::format;
use alloc::string::String;

use crate::record::Cause;

/// How far a request has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// Asked for, not decided.
    Asked,
    /// Decided and recorded; the host is being changed, sudo has not agreed yet.
    Applying,
    /// On the host, and sudo agrees.
    Active,
    /// To be taken off the host.
    Ending {
        /// Why.
        cause: Cause,
    },
    /// Could not be taken off the host. On the books until it is.
    Stuck {
        /// Why it was to end.
        cause: Cause,
        /// How often removal was tried.
        tries: u32,
    },
    /// Off the host, verified.
    Ended {
        /// Why.
        cause: Cause,
    },
    /// Never granted.
    Refused,
}

/// What can happen to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The policy permits it, and that is on the record.
    Permit,
    /// The policy refuses it.
    Refuse,
    /// It is on the host and sudo says so.
    Agreed,
    /// It is to end.
    End(Cause),
    /// It is off the host, read back.
    Removed,
    /// It is still on the host.
    NotRemoved,
}

/// What an event does in a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Move {
    /// The next state.
    To(State),
    /// It is so already: nothing happens and nothing is recorded.
    AlreadySo,
    /// It makes no sense here: nothing happens; whoever sent it was wrong.
    Never,
}

impl State {
    /// Whether the privilege may be on the host.
    #[must_use]
    pub fn is_live(self) -> bool {
        match self {
            Self::Applying | Self::Active | Self::Ending { .. } | Self::Stuck { .. } => true,
            Self::Asked | Self::Ended { .. } | Self::Refused => false,
        }
    }

    /// Whether the privilege is wanted on the host.
    #[must_use]
    pub fn is_wanted(self) -> bool {
        match self {
            Self::Applying | Self::Active => true,
            Self::Asked | Self::Ending { .. } | Self::Stuck { .. } | Self::Ended { .. } | Self::Refused => {
                false
            }
        }
    }

    /// Why it ends or ended.
    #[must_use]
    pub fn cause(self) -> Option<Cause> {
        match self {
            Self::Ending { cause } | Self::Stuck { cause, .. } | Self::Ended { cause } => Some(cause),
            Self::Asked | Self::Applying | Self::Active | Self::Refused => None,
        }
    }

    /// How often its removal has failed.
    #[must_use]
    pub fn tries(self) -> u32 {
        match self {
            Self::Stuck { tries, .. } => tries,
            Self::Asked
            | Self::Applying
            | Self::Active
            | Self::Ending { .. }
            | Self::Ended { .. }
            | Self::Refused => 0,
        }
    }

    /// The state's name in the drawing.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Asked => "Asked",
            Self::Applying => "Applying",
            Self::Active => "Active",
            Self::Ending { .. } => "Ending",
            Self::Stuck { .. } => "Stuck",
            Self::Ended { .. } => "Ended",
            Self::Refused => "Refused",
        }
    }
}

/// What `event` does in `state`.
#[must_use]
pub fn next(state: State, event: Event) -> Move {
    match state {
        State::Asked => match event {
            Event::Permit => Move::To(State::Applying),
            Event::Refuse => Move::To(State::Refused),
            Event::Agreed | Event::End(_) | Event::Removed | Event::NotRemoved => Move::Never,
        },
        State::Applying => match event {
            Event::Agreed => Move::To(State::Active),
            Event::End(cause) => Move::To(State::Ending { cause }),
            Event::Permit | Event::Refuse | Event::Removed | Event::NotRemoved => Move::Never,
        },
        State::Active => match event {
            Event::End(cause) => Move::To(State::Ending { cause }),
            Event::Agreed => Move::AlreadySo,
            Event::Permit | Event::Refuse | Event::Removed | Event::NotRemoved => Move::Never,
        },
        State::Ending { cause } => match event {
            Event::Removed => Move::To(State::Ended { cause }),
            Event::NotRemoved => Move::To(State::Stuck { cause, tries: 1 }),
            // The first cause stands, and sudo's answer may come late.
            Event::End(_) | Event::Agreed => Move::AlreadySo,
            Event::Permit | Event::Refuse => Move::Never,
        },
        State::Stuck { cause, tries } => match event {
            Event::Removed => Move::To(State::Ended { cause }),
            Event::NotRemoved => Move::To(State::Stuck { cause, tries: tries.saturating_add(1) }),
            Event::End(_) | Event::Agreed => Move::AlreadySo,
            Event::Permit | Event::Refuse => Move::Never,
        },
        State::Ended { .. } => match event {
            Event::End(_) | Event::Removed | Event::Agreed => Move::AlreadySo,
            Event::Permit | Event::Refuse | Event::NotRemoved => Move::Never,
        },
        State::Refused => match event {
            Event::Refuse => Move::AlreadySo,
            Event::Permit | Event::Agreed | Event::End(_) | Event::Removed | Event::NotRemoved => Move::Never,
        },
    }
}

/// One of each state, for walking the table.
pub const STATES: [State; 7] = [
    State::Asked,
    State::Applying,
    State::Active,
    State::Ending { cause: Cause::Expired },
    State::Stuck { cause: Cause::Expired, tries: 1 },
    State::Ended { cause: Cause::Expired },
    State::Refused,
];

/// One of each event, with its name in the drawing.
pub const EVENTS: [(Event, &str); 6] = [
    (Event::Permit, "permit"),
    (Event::Refuse, "refuse"),
    (Event::Agreed, "agreed"),
    (Event::End(Cause::Expired), "end"),
    (Event::Removed, "removed"),
    (Event::NotRemoved, "not removed"),
];

/// The table as a drawing, in Graphviz's language: `docs/states.dot` is this text.
#[must_use]
pub fn drawing() -> String {
    let mut dot = String::from("digraph request {\n  rankdir=LR;\n");
    for state in STATES {
        for (event, label) in EVENTS {
            if let Move::To(to) = next(state, event) {
                dot.push_str(&format!("  {} -> {} [label=\"{label}\"];\n", state.name(), to.name()));
            }
        }
    }
    dot.push_str("}\n");
    dot
}
