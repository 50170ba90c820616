//! Answers for the eye. One file per answer; each turns what jitd said into a page and asks nobody anything.

pub(crate) mod asked;
pub(crate) mod changed;
pub(crate) mod drift;
pub(crate) mod ended;
pub(crate) mod explain;
pub(crate) mod granted;
pub(crate) mod log;
pub(crate) mod needs;
pub(crate) mod open;
pub(crate) mod page;
pub(crate) mod pending;
pub(crate) mod pieces;
pub(crate) mod policy;
pub(crate) mod refused;
mod report;
pub(crate) mod roles;
mod sessions;
pub(crate) mod status;
pub(crate) mod story;

#[cfg(test)]
pub(crate) mod samples;

pub(crate) use self::page::{Page, Text};
