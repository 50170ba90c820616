//! What a rule of a group gives, `#uid ALL=(#uid:#gid) … ALL`, on every sudo that the product supports.
#![allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]

mod admins;
mod holds;
mod host;
mod reach;
