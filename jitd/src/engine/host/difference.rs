//! What others had changed on the host, in words.

use jit_mechanisms::groups::Membership;
use jit_mechanisms::sudoers_file::Converged;

/// A difference between the host and what was wanted, made right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// What was found.
    pub found: String,
    /// What was done about it.
    pub done: String,
}

/// Somebody was in again by an older list.
pub(super) fn came_back(of: &Membership) -> Difference {
    let found = format!("{} was in the group {} again: a gpasswd wrote an older list", of.user, of.group);
    Difference { found, done: format!("{} was taken out of it again", of.user) }
}

/// Somebody was taken out of what a live grant gives.
pub(super) fn put_back(of: &Membership) -> Difference {
    Difference {
        found: format!("{} was not in the group {} any more, which a live grant gives", of.user, of.group),
        done: format!("{} was put into it again", of.user),
    }
}

/// How sudo's file was not as it was left.
pub(super) fn of_sudoers(converged: &Converged, left: &str) -> Option<Difference> {
    match converged {
        Converged::AlreadySo => None,
        Converged::Written { found } => found.drift_from(left).map(|how| Difference {
            found: format!("the sudoers file of jitd was not as it was left: {how}"),
            done: "it was written anew from the live grants".to_owned(),
        }),
    }
}
