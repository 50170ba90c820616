//! How the host was found beside the record.

use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::ids::RequestId;

/// What came of comparing the host with the record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DriftView {
    /// What was not as it should be, and was not known.
    pub found: Vec<DifferenceView>,
    /// What was known before and is so still, in sentences.
    pub standing: Vec<String>,
    /// What could not be looked at or made right, in sentences.
    pub unsure: Vec<String>,
    /// Live grants that were compared.
    pub grants: u64,
    /// Memberships that jitd has given.
    pub memberships: u64,
    /// People who hold a grant or wait for one.
    pub people: u64,
}

/// One difference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DifferenceView {
    /// What it is about, in the record's word.
    pub what: String,
    /// What was found.
    pub found: String,
    /// What was done about it.
    pub done: String,
    /// The live grants that it touched.
    pub grants: Vec<RequestId>,
}
