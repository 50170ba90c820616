//! What holds for any bytes whatever: each claim is a function that panics when it does not.
//!
//! `cargo fuzzing` looks for bytes that break one, `tests/corpora.rs` runs each over the bytes that are kept.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a claim that does not hold panics"
)]

mod bytes;
pub mod export;
pub mod frame;
pub mod group_file;
pub mod guard;
mod guard_oracle;
pub mod ledger;
pub mod ledger_base;
mod measure;
pub mod policy;
mod policy_facts;
pub mod request;
mod sentence;
pub mod sudo_log;
pub mod sudoers;
#[allow(dead_code, reason = "the tests of the core use the rest of it")]
#[path = "../../../jitd/core/tests/sudoers_reader/mod.rs"]
mod sudoers_reader;

/// A claim by its name, which is also that of its target and of its folders of bytes.
#[derive(Clone, Copy, Debug)]
pub struct Claim {
    /// The name.
    pub name: &'static str,
    /// Panics when the claim does not hold for these bytes.
    pub holds: fn(&[u8]),
}

/// All of them.
pub const CLAIMS: [Claim; 9] = [
    Claim { name: "frame", holds: frame::holds },
    Claim { name: "request", holds: request::holds },
    Claim { name: "policy", holds: policy::holds },
    Claim { name: "group_file", holds: group_file::holds },
    Claim { name: "sudoers", holds: sudoers::holds },
    Claim { name: "ledger", holds: ledger::holds },
    Claim { name: "export", holds: export::holds },
    Claim { name: "guard", holds: guard::holds },
    Claim { name: "sudo_log", holds: sudo_log::holds },
];
