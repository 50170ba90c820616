//! The life of a request: a total table of states and events, steps that hold the order of record and effect,
//! and the registry, which is nothing but the ledger folded.

mod grant;
pub mod open;
mod owed;
pub mod registry;
pub mod state;
pub mod step;
