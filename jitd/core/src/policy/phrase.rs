//! Small pieces of English about people, for explanations and refusals.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::model::{ApprovalRule, Subjects};

/// The most names that are written out.
const MOST_NAMES: usize = 4;

/// `a`, `a or b`, `a, b or c`; long lists are cut.
pub(super) fn one_of(names: &[&str]) -> String {
    match names {
        [] => "anybody".to_string(),
        [only] => (*only).to_string(),
        names if names.len() > MOST_NAMES => {
            let shown: Vec<&str> = names.iter().take(MOST_NAMES).copied().collect();
            format!("{} or {} more", shown.join(", "), names.len() - MOST_NAMES)
        }
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}

/// `a`, `a and b`, `a, b and c`.
pub(super) fn all_of(parts: &[String]) -> String {
    match parts {
        [] => String::new(),
        [only] => only.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

impl Subjects {
    /// Any one of them: `anna`, `somebody in leads`, `anna, bert or somebody in security`.
    #[must_use]
    pub fn phrase(&self) -> String {
        let users: Vec<&str> = self.users.iter().map(String::as_str).collect();
        let groups: Vec<&str> = self.groups.iter().map(String::as_str).collect();
        let somebody = || format!("somebody in {}", one_of(&groups));
        match (users.as_slice(), groups.as_slice()) {
            ([], []) => "nobody".to_string(),
            ([], _) => somebody(),
            (users, []) => one_of(users),
            (users, _) if users.len() > MOST_NAMES => format!("{}, or {}", one_of(users), somebody()),
            (users, _) => format!("{} or {}", users.join(", "), somebody()),
        }
    }
}

impl ApprovalRule {
    /// How many of whom: `1 person in leads`, `2 people: anna, bert or somebody in security`.
    #[must_use]
    pub fn phrase(&self) -> String {
        let people = match self.count {
            1 => "1 person".to_string(),
            count => format!("{count} people"),
        };
        if self.by.users.is_empty() && !self.by.groups.is_empty() {
            let groups: Vec<&str> = self.by.groups.iter().map(String::as_str).collect();
            return format!("{people} in {}", one_of(&groups));
        }
        format!("{people}: {}", self.by.phrase())
    }
}
