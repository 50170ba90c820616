//! What runs with grants: ended by the guard when nobody else has ended it in time.

use std::collections::BTreeSet;
use std::io;

use jit_common::ids::RequestId;
use jit_mechanisms::control_groups::{self, Overdue};
use jit_mechanisms::guard_notes::Note;
use jit_mechanisms::{HostPaths, Now};

use crate::plan::GRACE;

/// The control groups, between two looks.
#[derive(Debug, Default)]
pub(crate) struct Running {
    /// Those that were ended and told of, until they are empty.
    told: BTreeSet<RequestId>,
}

/// What came of a look.
#[derive(Debug, Default)]
pub(crate) struct Looked {
    /// Lines for the log.
    pub(crate) said: Vec<String>,
    /// What went wrong.
    pub(crate) wrong: Vec<String>,
    /// What jitd has to know.
    pub(crate) notes: Vec<Note>,
    /// Whether there are groups to look at again.
    pub(crate) any: bool,
}

impl Running {
    /// Ends what is overdue, and says so once.
    pub(crate) fn end_overdue(&mut self, paths: &HostPaths, now: &Now) -> Looked {
        let ended = control_groups::end_overdue(paths, now, GRACE);
        let names: BTreeSet<RequestId> = ended.iter().flatten().map(|ended| ended.name).collect();
        let looked = looked(paths, ended, now, |name| !self.told.contains(&name));
        self.told = names;
        looked
    }
}

/// Ends all of it.
pub(crate) fn end_every(paths: &HostPaths, now: &Now) -> Looked {
    looked(paths, control_groups::end_every(paths), now, |_| true)
}

fn looked(
    paths: &HostPaths,
    ended: io::Result<Vec<Overdue>>,
    now: &Now,
    is_new: impl Fn(RequestId) -> bool,
) -> Looked {
    let mut looked = Looked { any: control_groups::is_kept(paths), ..Looked::default() };
    let ended = ended.unwrap_or_else(|why| {
        looked.wrong.push(format!("the control groups of grants cannot be listed: {why}"));
        Vec::new()
    });
    for Overdue { name, processes, ended } in ended {
        match ended {
            Ok(()) if is_new(name) => {
                looked.said.push(format!("ended {processes} processes that ran with {name}"));
                looked.notes.push(Note::Processes { id: name, wall: now.wall, count: processes });
            }
            Ok(()) => {}
            Err(why) => looked.wrong.push(format!("what runs with {name} cannot be ended: {why}")),
        }
    }
    looked
}
