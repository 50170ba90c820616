//! What others had changed on the host, in words.

use jit_common::ids::RequestId;
use jit_mechanisms::groups::{Membership, Wanted as WantedMembers};
use jit_mechanisms::sudoers_file::Converged;
use jitd_core::record::Drifted;

/// A difference between the host and what was wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// What it is about.
    pub what: Drifted,
    /// What was found.
    pub found: String,
    /// What was done about it.
    pub done: String,
    /// The live grants that it touches.
    pub grants: Vec<RequestId>,
}

/// Somebody was in again by an older list.
pub(super) fn came_back(of: &Membership) -> Difference {
    Difference {
        what: Drifted::OlderList,
        found: format!("{} was in the group {} again: a gpasswd wrote an older list", of.user, of.group),
        done: format!("{} was taken out of it again", of.user),
        grants: Vec::new(),
    }
}

/// Somebody was taken out of what a live grant gives.
pub(super) fn put_back(of: &Membership, wanted: &WantedMembers) -> Difference {
    Difference {
        what: Drifted::TakenAway,
        found: not_in(of),
        done: format!("{} was put into it again", of.user),
        grants: wanted.grants(of).into_iter().flatten().copied().collect(),
    }
}

/// How somebody is not in a group that they should be in.
pub(super) fn not_in(of: &Membership) -> String {
    format!("{} was not in the group {} any more, which a live grant gives", of.user, of.group)
}

/// How sudo's file was not as it was left.
pub(super) fn of_sudoers(converged: &Converged, left: &str) -> Option<Difference> {
    match converged {
        Converged::AlreadySo => None,
        Converged::Written { found } => found.drift_from(left).map(|how| Difference {
            what: Drifted::Rules,
            found: format!("the sudoers file of jitd was not as it was left: {how}"),
            done: "it was written anew from the live grants".to_owned(),
            grants: Vec::new(),
        }),
    }
}
