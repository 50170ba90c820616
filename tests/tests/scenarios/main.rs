//! What the product promises, each promise a test, on the real sudo and the real systemd of both releases.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failed assumption is a failed test")]

mod admins_rules;
mod crowd;
mod dead_jitd;
mod disk_full;
mod ends;
mod main_job;
mod recovery;
mod site;
mod syncs;
mod with_command;
