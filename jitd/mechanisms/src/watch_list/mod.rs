//! The watch list on this host: one look at the places where a privilege is kept for later. It reads and follows nothing
//! that leads elsewhere; what is not looked at is in the answer. What differs between two looks is the core's to say
//! ([`jitd_core::watched::compare`]).
//!
//! In this order: files of accounts, what sudo, PAM, systemd, cron and at go by, keys and units of people, ports of root. Then the
//! folders are walked for set-id files and file capabilities, for as long as there is room and time. Places that others than root can
//! fill have budgets of their own (`budget.rs`).

mod accounts;
mod budget;
mod files;
mod mounts;
mod ports;
mod shown;
mod strip;
mod survivors;
mod tree;
mod walk;

use std::path::PathBuf;

use jitd_core::watched::{Found, LeftOut, Seen, Thing};

pub use self::strip::{NotStripped, strip_set_gid};
pub use self::survivors::{Source, Survivors};
use self::tree::Tree;
use crate::paths::HostPaths;

/// What is walked, and how far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WatchList {
    /// The folders that are walked for set-id files and capabilities.
    pub folders: Vec<PathBuf>,
    /// Files whose content is watched; of a folder, everything in it.
    pub files: Vec<PathBuf>,
    /// The same in the home of each account of this host, as a path below it.
    pub in_homes: Vec<PathBuf>,
    /// How many entries of folders are looked at, at the most.
    pub entries: u64,
}

/// How nice the thread is that looks (setpriority(2)).
const BACK: i32 = 10;

/// Things that are kept of one look. Whatever has more is not told apart from a host that is being filled.
const MOST_THINGS: usize = 20_000;

/// Those of them that are kept of people's homes: beyond them set-id files still have room.
const MOST_IN_HOMES: usize = MOST_THINGS / 2;

/// Places that are left out by name. Whatever has more is told in one line, and nothing is taken for new or gone.
const MOST_LEFT_OUT: usize = 1000;

/// Lets everybody else go first: for the thread that looks.
pub fn stand_back() {
    // Where that is not given it looks all the same.
    let _ = rustix::process::setpriority_process(None, BACK);
}

/// Looks at the host, for as long as `has_time` says so.
pub fn look(paths: &HostPaths, list: &WatchList, mut has_time: impl FnMut() -> bool) -> Found {
    let mut finds = Finds::default();
    let tree = match Tree::open(paths) {
        Ok(tree) => tree,
        Err(why) => {
            finds.leave_out("/", format!("the root of this host cannot be opened: {why}"));
            return finds.done();
        }
    };
    let homes = accounts::look(&tree, &mut finds);
    files::look(&tree, list, &homes, &mut finds, &mut has_time);
    ports::look(paths, &mut finds);
    walk::walk(&tree, list, &mut finds, &mut has_time);
    finds.done()
}

/// What was found so far.
#[derive(Debug, Default)]
struct Finds {
    found: Found,
    /// Things that there was no room for.
    too_many: usize,
    /// Places that there was no room for among those that are left out.
    unnamed: usize,
}

impl Finds {
    fn add(&mut self, thing: Thing, seen: Seen) {
        match self.found.things.len() < MOST_THINGS {
            true => self.found.things.push((thing, seen)),
            false => self.too_many = self.too_many.saturating_add(1),
        }
    }

    /// Notes what is not looked at: a path as shown text, and why not.
    fn leave_out(&mut self, path: impl Into<String>, why: impl Into<String>) {
        match self.found.left_out.len() < MOST_LEFT_OUT {
            true => self.found.left_out.push(LeftOut { why: why.into(), path: path.into() }),
            false => self.unnamed = self.unnamed.saturating_add(1),
        }
    }

    fn done(mut self) -> Found {
        if self.too_many > 0 {
            let why = format!(
                "there was room for {MOST_THINGS} things on the watch list and not for {} more",
                self.too_many
            );
            self.found.left_out.push(LeftOut { why, path: "/".to_owned() });
        }
        if self.unnamed > 0 {
            let why = format!("{} more places that were not looked at", self.unnamed);
            self.found.left_out.push(LeftOut { why, path: "/".to_owned() });
        }
        self.found.things.sort_by(|one, other| one.0.cmp(&other.0));
        self.found.things.dedup_by(|one, other| one.0 == other.0);
        self.found.left_out.sort();
        self.found.left_out.dedup();
        self.found
    }
}

#[cfg(test)]
mod tests;
