//! What came of one pass over the host.

use std::collections::BTreeMap;

use jit_common::ids::RequestId;
use jit_mechanisms::groups::Given;

use super::Difference;

/// What came of making the host as wanted.
#[derive(Debug, Default)]
pub struct Made {
    /// What others had changed, made right.
    pub differences: Vec<Difference>,
    /// Why sudo's file is not as wanted, if it is not.
    pub trouble: Option<String>,
    /// The grants that are wanted and not, or not wholly, on the host, each with the reason.
    pub not_made: BTreeMap<RequestId, String>,
    /// The grants that were to go and are still there, at least in part, each with the reason.
    pub not_gone: BTreeMap<RequestId, String>,
    /// The wanted grants that give a group which is another one by now, each with how it is.
    pub astray: BTreeMap<RequestId, String>,
    /// Memberships that were put in.
    pub put_in: Given,
    /// Memberships of jitd's that are out.
    pub taken_out: Given,
    /// What is still there of grants that are gone.
    pub residue: BTreeMap<RequestId, Vec<String>>,
}

impl Made {
    /// Whether everything is as wanted.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.trouble.is_none() && self.not_made.is_empty() && self.not_gone.is_empty()
    }

    /// What came of this and of a second try right after it.
    #[must_use]
    pub fn then(self, later: Self) -> Self {
        Self {
            differences: self.differences.into_iter().chain(later.differences).collect(),
            put_in: self.put_in.difference(&later.taken_out).chain(&later.put_in).cloned().collect(),
            taken_out: self.taken_out.difference(&later.put_in).chain(&later.taken_out).cloned().collect(),
            residue: self.residue.into_iter().chain(later.residue).collect(),
            ..later
        }
    }
}
