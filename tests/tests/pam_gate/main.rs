//! The PAM module as a gate, in the real stacks of sudo and su: who gets in by a grant alone needs one, with jitd well, away or
//! sick, and nobody else is ever kept out.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed assumption is a failed test")]

mod crowd;
mod file;
mod gate;
mod panics;
mod sick;
mod site;
mod target;
