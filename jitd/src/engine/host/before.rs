//! What has to be so before anybody is put into a group: the guard knows how to take off whatever is raised, and sudo's file
//! says it. Done once in a pass, at the moment that costs least.
//!
//! Where something is to go, that is at once: nobody keeps a rule of sudo because the groups are locked. Where
//! nothing is, it waits until the new group files lie beside the old ones: `applied` then names the grants and
//! whoever is about to be put in with one sync, and the disk commits the group files with it.

use jit_mechanisms::HostPaths;
use jit_mechanisms::groups::Given;
use jit_mechanisms::sudoers_file::{self, Converged};
use jitd_core::wanted::WantedGrant;

use super::memory::Memory;

/// The part of a pass that comes before the groups.
#[derive(Debug)]
pub(super) struct Before<'a> {
    paths: &'a HostPaths,
    /// The grants that shall be on the host.
    goal: &'a [WantedGrant],
    /// What sudo's file shall hold.
    text: &'a str,
    /// What came of it, once it was done.
    came: Option<Result<Converged, String>>,
}

impl<'a> Before<'a> {
    /// Nothing is done yet.
    pub(super) fn new(paths: &'a HostPaths, goal: &'a [WantedGrant], text: &'a str) -> Self {
        Self { paths, goal, text, came: None }
    }

    /// Sees to it that all of it is so, and that `adding` are noted as about to be put in.
    ///
    /// # Errors
    /// A sentence; then nobody may be put in.
    pub(super) fn make_so(&mut self, memory: &mut Memory, adding: &Given) -> Result<(), String> {
        match &self.came {
            Some(Err(why)) => Err(why.clone()),
            Some(Ok(_)) => memory.before_adding(self.paths, adding),
            None => {
                let came = memory.before_raising(self.paths, self.goal, adding).and_then(|()| {
                    sudoers_file::converge(self.paths, self.text).map_err(|error| crate::chain(&error))
                });
                self.came.insert(came).as_ref().map(drop).map_err(Clone::clone)
            }
        }
    }

    /// Where everything is.
    pub(super) fn paths(&self) -> &'a HostPaths {
        self.paths
    }

    /// Why it failed, if it was done and failed.
    pub(super) fn failed(&self) -> Option<&str> {
        self.came.as_ref()?.as_ref().err().map(String::as_str)
    }

    /// What came of it, done now at the latest.
    pub(super) fn done(mut self, memory: &mut Memory) -> Result<Converged, String> {
        if self.came.is_none() {
            self.make_so(memory, &Given::new())?;
        }
        self.came.unwrap_or_else(|| Err("nothing was done".into()))
    }
}
