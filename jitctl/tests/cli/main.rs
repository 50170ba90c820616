//! Drives the real jitctl: against a fake jitd that speaks the frames, and offline.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failed assumption is a failed test"
)]

mod answers;
mod broken;
mod command;
mod deciding;
mod fake;
mod policy;
mod program;
mod record;
mod take_up;
mod waiting;
