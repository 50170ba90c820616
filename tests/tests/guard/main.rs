//! The guard alone: jitd is never started here, what it would have written is written by hand.
#![allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]

mod members;
mod rules;
mod site;
mod stopped;
