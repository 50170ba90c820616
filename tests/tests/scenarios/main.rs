//! What the product promises, each promise a test, on the real sudo and the real systemd of both releases.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failed assumption is a failed test")]

mod admins_rules;
mod dead_jitd;
mod ends;
mod main_job;
mod site;
mod with_command;
