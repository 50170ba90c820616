//! What only a whole machine can show: power cuts, reboots, wall clocks that jump, suspends, a root file system that is full.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failed assumption is a failed test"
)]

mod asleep;
mod clocks;
mod full;
mod killed;
mod power;
mod reboots;
mod sessions;
mod site;
