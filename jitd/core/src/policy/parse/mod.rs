//! Reads the text of policy files into a [`Policy`], or says everything that is wrong with it.
//!
//! The files are walked by hand over the spanned tree of the `toml` crate, and not deserialised: serde stops at the
//! first error, and an administrator should see all of them at once.

mod approvals;
mod at_expiry;
mod brackets;
mod deny;
mod drift;
mod keys;
mod names;
mod pam;
mod role;
mod rule;
mod schedule;
mod source;
mod whole;

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

pub(super) use self::brackets::{DEEPEST, too_deep};
pub(super) use self::keys::{Errors, Table, Value, array, boolean, integer, text};
pub(super) use self::names::{check_person_name, line_of_text, name_list};
pub(super) use self::source::{Places, Source};
pub(super) use self::whole::tables;
use super::model::Policy;

/// The most files a policy may have.
pub const MOST_FILES: usize = 256;
/// The longest a policy file may be, in bytes.
pub const LONGEST_FILE: usize = 1024 * 1024;
/// The most roles a policy may have.
pub const MOST_ROLES: usize = 1000;
/// The most rules, and the most denies, a policy may have.
pub const MOST_RULES: usize = 2000;

/// One thing that is wrong with a policy, and where.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub struct PolicyError {
    /// Name of the file, as it was handed in.
    pub file: String,
    /// Line, counted from 1.
    pub line: u32,
    /// Column in characters, counted from 1.
    pub column: u32,
    /// What is wrong, and what is expected.
    pub message: String,
}

impl fmt::Display for PolicyError {
    /// As compilers write it: `10-web.toml:12:8: …`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: {}", self.file, self.line, self.column, self.message)
    }
}

impl Policy {
    /// Reads a policy from the names and texts of its files. They are taken in bytewise order of their names,
    /// whatever order they come in.
    ///
    /// # Errors
    /// Every error of every file, in the order of files and lines. There is no such thing as half a policy.
    pub fn parse(files: &[(&str, &str)]) -> Result<Self, Vec<PolicyError>> {
        let mut files = files.to_vec();
        files.sort_by_key(|(name, _)| *name);
        whole::read(&files)
    }
}
