//! What was tried on others with success, tried on the real thing here: docs/threat-model.md says which flaw each answers.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failed assumption is a failed test"
)]

mod callers;
mod directory;
mod environment;
mod floods;
mod ledger;
mod links;
mod membership;
mod names;
#[path = "../scenarios/site.rs"]
#[allow(dead_code, reason = "the scenarios use the rest of it")]
mod site;
mod uids;
mod votes;
