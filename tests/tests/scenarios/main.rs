//! What the product promises, each promise a test, on the real sudo and the real systemd of both releases.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failed assumption is a failed test"
)]

mod admins_rules;
mod approvals;
mod callers;
mod crowd;
mod dead_jitd;
mod disk_full;
mod ends;
mod groups;
mod later;
mod log_host;
mod main_job;
mod pages;
mod policy_on_host;
mod recovery;
mod report;
mod sessions;
mod site;
mod syncs;
mod under_systemd;
mod unrecorded;
mod with_command;
mod with_group;
