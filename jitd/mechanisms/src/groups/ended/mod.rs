//! What the guard has ended and jitd does not yet know: nobody is put in, or back, for that.

use std::collections::{BTreeMap, BTreeSet};

use super::plan::Plan;
use super::refusal::Refusal;
use super::{Membership, Wanted};
use crate::guard_notes;
use crate::paths::HostPaths;

/// Who must not be put in or back, because the guard has noted that this is over and jitd does not yet know.
pub(super) fn barred(paths: &HostPaths, wanted: &Wanted, plan: &Plan) -> BTreeMap<Membership, Refusal> {
    let raised: Vec<&Membership> = plan.raised().collect();
    if raised.is_empty() {
        return BTreeMap::new();
    }
    let noted = guard_notes::noted(paths);
    let why = |of: &Membership| match &noted {
        Err(_) => Some(Refusal::NotesUnknown),
        Ok(noted) => {
            let ended = |ids: &BTreeSet<_>| ids.iter().all(|id| noted.grants.contains_key(id));
            let over = noted.members.contains_key(of) || wanted.grants(of).is_some_and(ended);
            over.then(|| Refusal::NotesWaiting { user: of.user.clone(), group: of.group.clone() })
        }
    };
    raised.into_iter().filter_map(|of| Some((of.clone(), why(of)?))).collect()
}

#[cfg(test)]
mod tests;
