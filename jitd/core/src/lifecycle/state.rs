//! The table: for every state and every event, what comes next. Nothing else decides it.

use alloc::format;
use alloc::string::String;

use crate::record::{Cause, Closed};

/// How far a request has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// Asked for, not decided.
    Asked,
    /// Permitted by a rule, and waits for people to approve.
    Pending,
    /// Approved, and waits for the start that was asked for.
    Scheduled,
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
    /// Never granted: the policy refused it.
    Refused,
    /// Never granted: it was open, and is not any more.
    Closed {
        /// Why.
        cause: Closed,
    },
}

/// What can happen to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The policy permits it, and people have to decide or a start has to come.
    Open,
    /// Everybody who has to has approved, and its start is still to come.
    Schedule,
    /// It is closed without a grant.
    Close(Closed),
    /// The policy and everybody who has to permit it, and that is on the record.
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
            Self::Asked
            | Self::Pending
            | Self::Scheduled
            | Self::Ended { .. }
            | Self::Refused
            | Self::Closed { .. } => false,
        }
    }

    /// Whether the privilege is wanted on the host.
    #[must_use]
    pub fn is_wanted(self) -> bool {
        match self {
            Self::Applying | Self::Active => true,
            Self::Asked
            | Self::Pending
            | Self::Scheduled
            | Self::Ending { .. }
            | Self::Stuck { .. }
            | Self::Ended { .. }
            | Self::Refused
            | Self::Closed { .. } => false,
        }
    }

    /// Why a grant ends or ended.
    #[must_use]
    pub fn cause(self) -> Option<Cause> {
        match self {
            Self::Ending { cause } | Self::Stuck { cause, .. } | Self::Ended { cause } => Some(cause),
            Self::Asked
            | Self::Pending
            | Self::Scheduled
            | Self::Applying
            | Self::Active
            | Self::Refused
            | Self::Closed { .. } => None,
        }
    }

    /// How often its removal has failed.
    #[must_use]
    pub fn tries(self) -> u32 {
        match self {
            Self::Stuck { tries, .. } => tries,
            Self::Asked
            | Self::Pending
            | Self::Scheduled
            | Self::Applying
            | Self::Active
            | Self::Ending { .. }
            | Self::Ended { .. }
            | Self::Refused
            | Self::Closed { .. } => 0,
        }
    }

    /// The state's name in the drawing.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Asked => "Asked",
            Self::Pending => "Pending",
            Self::Scheduled => "Scheduled",
            Self::Applying => "Applying",
            Self::Active => "Active",
            Self::Ending { .. } => "Ending",
            Self::Stuck { .. } => "Stuck",
            Self::Ended { .. } => "Ended",
            Self::Refused => "Refused",
            Self::Closed { .. } => "Closed",
        }
    }
}

/// What `event` does in `state`.
#[must_use]
pub fn next(state: State, event: Event) -> Move {
    match state {
        State::Asked | State::Pending | State::Scheduled => before_the_grant(state, event),
        State::Applying | State::Active => while_wanted(state, event),
        State::Ending { cause } => on_the_way_off(State::Stuck { cause, tries: 1 }, cause, event),
        State::Stuck { cause, tries } => {
            on_the_way_off(State::Stuck { cause, tries: tries.saturating_add(1) }, cause, event)
        }
        State::Ended { .. } | State::Refused | State::Closed { .. } => when_over(state, event),
    }
}

fn before_the_grant(state: State, event: Event) -> Move {
    match event {
        Event::Permit => Move::To(State::Applying),
        Event::Open => match state == State::Asked {
            true => Move::To(State::Pending),
            false => Move::Never,
        },
        Event::Schedule => match state == State::Pending {
            true => Move::To(State::Scheduled),
            false => Move::Never,
        },
        Event::Refuse => match state == State::Asked {
            true => Move::To(State::Refused),
            false => Move::Never,
        },
        Event::Close(cause) => match state == State::Asked {
            true => Move::Never,
            false => Move::To(State::Closed { cause }),
        },
        Event::Agreed | Event::End(_) | Event::Removed | Event::NotRemoved => Move::Never,
    }
}

fn while_wanted(state: State, event: Event) -> Move {
    match event {
        Event::Agreed => match state == State::Applying {
            true => Move::To(State::Active),
            false => Move::AlreadySo,
        },
        Event::End(cause) => Move::To(State::Ending { cause }),
        Event::Permit
        | Event::Open
        | Event::Schedule
        | Event::Refuse
        | Event::Close(_)
        | Event::Removed
        | Event::NotRemoved => Move::Never,
    }
}

fn on_the_way_off(stuck: State, cause: Cause, event: Event) -> Move {
    match event {
        Event::Removed => Move::To(State::Ended { cause }),
        Event::NotRemoved => Move::To(stuck),
        // The first cause stands, and sudo's answer may come late.
        Event::End(_) | Event::Agreed => Move::AlreadySo,
        Event::Permit | Event::Open | Event::Schedule | Event::Refuse | Event::Close(_) => Move::Never,
    }
}

fn when_over(state: State, event: Event) -> Move {
    let granted = matches!(state, State::Ended { .. });
    let same = match event {
        Event::End(_) | Event::Removed | Event::Agreed => granted,
        Event::Refuse => state == State::Refused,
        Event::Close(_) => matches!(state, State::Closed { .. }),
        Event::Permit | Event::Open | Event::Schedule | Event::NotRemoved => false,
    };
    if same { Move::AlreadySo } else { Move::Never }
}

/// One of each state, for walking the table.
pub const STATES: [State; 10] = [
    State::Asked,
    State::Pending,
    State::Scheduled,
    State::Applying,
    State::Active,
    State::Ending { cause: Cause::Expired },
    State::Stuck { cause: Cause::Expired, tries: 1 },
    State::Ended { cause: Cause::Expired },
    State::Refused,
    State::Closed { cause: Closed::Denied },
];

/// One of each event, with its name in the drawing.
pub const EVENTS: [(Event, &str); 9] = [
    (Event::Open, "open"),
    (Event::Schedule, "schedule"),
    (Event::Close(Closed::Denied), "close"),
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
