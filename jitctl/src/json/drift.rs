//! How the host was found beside the record, for programs.

use jit_common::response::{DifferenceView, DriftView};
use serde::Serialize;

/// The answer to `drift`.
#[derive(Debug, Serialize)]
pub(crate) struct DriftJson<'a> {
    exit: u8,
    found: Vec<DifferenceJson<'a>>,
    standing: &'a [String],
    unsure: &'a [String],
    grants: u64,
    memberships: u64,
    people: u64,
}

#[derive(Debug, Serialize)]
struct DifferenceJson<'a> {
    what: &'a str,
    found: &'a str,
    done: &'a str,
    grants: Vec<String>,
}

impl<'a> DriftJson<'a> {
    pub(super) fn of(view: &'a DriftView, exit: u8) -> Self {
        let DriftView { found, standing, unsure, grants, memberships, people } = view;
        let found = found.iter().map(DifferenceJson::of).collect();
        let (grants, memberships, people) = (*grants, *memberships, *people);
        Self { exit, found, standing, unsure, grants, memberships, people }
    }
}

impl<'a> DifferenceJson<'a> {
    fn of(view: &'a DifferenceView) -> Self {
        let DifferenceView { what, found, done, grants } = view;
        Self { what, found, done, grants: grants.iter().map(ToString::to_string).collect() }
    }
}
