//! What has to be known of a caller before a request of theirs is taken up, and what of it is not even carried on.

use jit_common::request::{DropTarget, Request};
use jitd_core::policy::AccountState;

use crate::engine::admission;

/// What has to be known of a caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Facts {
    /// Everything that policy asks about.
    Person,
    /// Everything, and the groups that policy names even for root, who may ask about others.
    Groups,
    /// The name, if it is to be had: whoever gives something back is known by the uid.
    Name,
    /// Nothing but the uid, which the kernel says.
    Uid,
}

impl Facts {
    /// What this request needs.
    pub(super) fn for_request(request: &Request) -> Self {
        match request {
            Request::Drop(_) | Request::Cancel(_) | Request::Leave { .. } => Self::Name,
            Request::Pam(_) => Self::Uid,
            Request::Explain { .. } | Request::Roles => Self::Groups,
            Request::Elevate(_)
            | Request::Enter { .. }
            | Request::Extend { .. }
            | Request::Await { .. }
            | Request::Pending
            | Request::Approve { .. }
            | Request::Deny { .. }
            | Request::Status
            | Request::Drift
            | Request::Show(_)
            | Request::Revoke { .. }
            | Request::Lock { .. }
            | Request::Unlock { .. }
            | Request::Erase(_)
            | Request::Log(_) => Self::Person,
        }
    }
}

/// Takes out of a request what was typed for it, but for the beginning of a role's name, and for what root may say.
pub(super) fn without_texts(request: &mut Request, account: &AccountState) {
    match request {
        Request::Elevate(ask) => *ask = admission::without_texts(ask),
        Request::Extend { target, ask } => {
            if let DropTarget::Named(name) = target {
                *name = name.chars().take(admission::SHOWN).collect();
            }
            (ask.reason, ask.ticket) = (None, None);
        }
        Request::Approve { note, .. } => *note = None,
        Request::Deny { .. } if *account == AccountState::Root => {}
        Request::Deny { note, .. } => note.clear(),
        Request::Enter { command, .. } => command.clear(),
        Request::Await { .. }
        | Request::Pending
        | Request::Cancel(_)
        | Request::Explain { .. }
        | Request::Status
        | Request::Drift
        | Request::Roles
        | Request::Show(_)
        | Request::Drop(_)
        | Request::Leave { .. }
        | Request::Pam(_)
        // Root's, too.
        | Request::Revoke { .. }
        | Request::Lock { .. }
        | Request::Unlock { .. }
        | Request::Erase(_)
        | Request::Log(_) => {}
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]
    use super::*;
    use jit_common::duration::GrantDuration;
    use jit_common::request::{Ask, ExtendAsk};

    #[test]
    fn nothing_that_was_typed_is_left_of_a_request_that_is_refused_whatever_it_says() {
        let long = "x".repeat(4096);
        let id = || "7k2m".parse().unwrap();
        let duration = GrantDuration::from_secs(60).unwrap();
        let some = || Some(long.clone());
        let (reason, ticket, note) = (some(), some(), some());
        let ask = ExtendAsk { duration, reason: reason.clone(), ticket: ticket.clone() };
        let requests = [
            Request::Elevate(Ask { role: long.clone(), reason, ticket, ..Ask::default() }),
            Request::Extend { target: DropTarget::Named(long.clone()), ask },
            Request::Approve { id: id(), duration: Some(duration), note },
            Request::Deny { id: id(), note: long.clone() },
        ];
        for mut request in requests {
            without_texts(&mut request, &AccountState::Locked);
            let shown = format!("{request:?}");
            assert!(shown.matches('x').count() <= admission::SHOWN + 8, "{shown}");
            assert!(shown.len() < 400, "{shown}");
        }
        let approve = Request::Approve { id: id(), duration: Some(duration), note: None };
        let mut same = approve.clone();
        without_texts(&mut same, &AccountState::Locked);
        assert_eq!(same, approve, "what decides stays");
    }

    #[test]
    fn what_root_says_of_a_denial_stays_and_of_what_root_may_not_do_goes() {
        let deny = Request::Deny { id: "7k2m".parse().unwrap(), note: "an intruder".into() };
        let mut same = deny.clone();
        without_texts(&mut same, &AccountState::Root);
        assert_eq!(same, deny);
        let note = Some("fine with me".into());
        let mut approve = Request::Approve { id: "7k2m".parse().unwrap(), duration: None, note };
        without_texts(&mut approve, &AccountState::Root);
        assert!(matches!(approve, Request::Approve { note: None, .. }));
    }

    #[test]
    fn whoever_takes_something_back_is_known_by_the_uid_and_whoever_decides_by_everything() {
        let id = || "7k2m".parse().unwrap();
        assert_eq!(Facts::for_request(&Request::Cancel(id())), Facts::Name);
        for request in [
            Request::Approve { id: id(), duration: None, note: None },
            Request::Deny { id: id(), note: String::new() },
            Request::Pending,
            Request::Await { id: "7k2m9xqa".parse().unwrap(), seen: 1 },
        ] {
            assert_eq!(Facts::for_request(&request), Facts::Person, "{request:?}");
        }
    }
}
