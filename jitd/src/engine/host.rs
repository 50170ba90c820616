//! The host as the engine sees it: what was found of its sudo, and one call that makes it equal to what is wanted.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, TryLockError};
use std::time::Duration;

use jit_common::ids::RequestId;
use jit_mechanisms::HostPaths;
use jit_mechanisms::applied::{self, Applied, AppliedGrant, Undo};
use jit_mechanisms::dir::Durability;
use jit_mechanisms::groups::Given;
use jit_mechanisms::include;
use jit_mechanisms::removal;
use jit_mechanisms::sudo::{self, Fingerprint, Flavour, Sudo};
use jit_mechanisms::sudoers_file::{self, Converged, Found};
use jitd_core::now::Deadline;
use jitd_core::policy::SudoRole;
use jitd_core::sudoers::{self as text, Dialect, NotAfter, SudoGrant};
use jitd_core::wanted::{Wanted, until_secs};

/// How long sudo and visudo may take to say what they are.
const PROBE_PATIENCE: Duration = Duration::from_secs(10);

/// A difference between the host and what was wanted, made right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// What was found.
    pub found: String,
    /// What was done about it.
    pub done: String,
}

/// The host.
#[derive(Debug)]
pub struct Host {
    /// Where everything is.
    pub paths: HostPaths,
    sudo: Result<Sudo, String>,
    /// What `applied` holds, as far as this jitd has written it.
    applied: Option<Applied>,
    /// What the sudoers file held when this jitd wrote it last, or what the record says it should have held.
    left: Option<String>,
}

impl Host {
    /// Asks the host what its sudo is.
    #[must_use]
    pub fn probe(paths: HostPaths) -> Self {
        let sudo = sudo::probe(&paths, PROBE_PATIENCE).map_err(|error| crate::chain(&error));
        Self { paths, sudo, applied: None, left: None }
    }

    /// What the probe found, in a line.
    #[must_use]
    pub fn sudo_line(&self) -> String {
        match &self.sudo {
            Ok(sudo) => {
                let flavour = match sudo.flavour() {
                    Flavour::Classic => "sudo",
                    Flavour::SudoRs => "sudo-rs",
                };
                let not_after = match sudo.dialect().not_after {
                    NotAfter::Honoured => "takes NOTAFTER",
                    NotAfter::NotAccepted => "does not take NOTAFTER",
                };
                format!("{flavour} {}, {not_after}", sudo.version())
            }
            Err(why) => why.clone(),
        }
    }

    /// What may be written into the sudoers file. A sudo that is not known gets the least.
    #[must_use]
    pub fn dialect(&self) -> Dialect {
        match &self.sudo {
            Ok(sudo) => sudo.dialect(),
            Err(_) => Dialect { not_after: NotAfter::NotAccepted },
        }
    }

    /// Why this host cannot carry any grant, if that is so.
    #[must_use]
    pub fn unfit(&self) -> Option<String> {
        self.sudo.as_ref().err().cloned()
    }

    /// The installed sudo.
    ///
    /// # Errors
    /// A sentence, when there is none that jitd knows.
    pub fn sudo(&self) -> Result<&Sudo, String> {
        self.sudo.as_ref().map_err(Clone::clone)
    }

    /// Why sudo would not read what jitd writes, if that is so.
    #[must_use]
    pub fn include_trouble(&self) -> Option<String> {
        let sudo = self.sudo.as_ref().ok()?;
        match include::state(&self.paths, sudo.flavour()) {
            Ok(state) => state.problem(),
            Err(error) => Some(crate::chain(&error)),
        }
    }

    /// Why the guard would not take anything off, if that is so: it holds its lock for as long as it runs.
    #[must_use]
    pub fn guard_trouble(&self) -> Option<String> {
        let not_running = || Some("it is not running: systemctl start jit-guard".to_owned());
        match File::open(&self.paths.guard_lock).map(|lock| lock.try_lock_shared()) {
            Ok(Err(TryLockError::WouldBlock)) => None,
            Ok(Ok(()) | Err(TryLockError::Error(_))) | Err(_) => not_running(),
        }
    }

    /// The state of the host's sudoers tree, for remembering what sudo said about it.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        sudo::fingerprint(&self.paths)
    }

    /// The lines that a grant adds to the host.
    #[must_use]
    pub fn change(&self, id: RequestId, uid: u32, role: &SudoRole, deadline: &Deadline) -> Vec<String> {
        let id = id.to_string();
        let grant = SudoGrant { id: &id, uid, role, until_wall_secs: until_secs(deadline) };
        let all = text::render(&[grant], self.dialect());
        let none = text::render(&[], self.dialect());
        all.strip_prefix(none.as_str()).unwrap_or(&all).lines().map(str::to_owned).collect()
    }

    /// Makes the host equal to `wanted`: first the guard knows how to take off whatever is added, then sudo's file is
    /// written and read back, then the guard forgets what is gone.
    ///
    /// # Errors
    /// A sentence, when the host is not as wanted. It may be between the two, so whatever was to be added has to be
    /// ended and whatever was to go is still there.
    pub fn make_so(&mut self, wanted: &Wanted) -> Result<Option<Difference>, String> {
        let sentence = |error: &dyn std::error::Error| crate::chain(error);
        let goal = applied_from(wanted);
        let before = match self.applied.take() {
            Some(known) => known,
            None => applied::read(&self.paths).ok().flatten().unwrap_or_default(),
        };
        let both = union(&before, &goal);
        if both != before {
            applied::write(&self.paths, &both, Durability::ThisBoot).map_err(|error| sentence(&error))?;
        }
        let text = wanted.sudoers(self.dialect());
        let converged = match sudoers_file::converge(&self.paths, &text) {
            Ok(converged) => converged,
            Err(error) => {
                self.applied = Some(both);
                return Err(sentence(&error));
            }
        };
        // Forgetting may fail on a full disk: then the guard looks for something that is not there, and does nothing.
        self.applied = match both == goal {
            true => Some(goal),
            false => match applied::write(&self.paths, &goal, Durability::ThisBoot) {
                Ok(()) => Some(goal),
                Err(error) => {
                    crate::log::error(&sentence(&error));
                    Some(both)
                }
            },
        };
        let left = self.left.replace(text);
        Ok(left.and_then(|left| difference(&converged, &left)))
    }

    /// Says what the sudoers file should hold by the record, before it is written for the first time. After a reboot there
    /// is none, as there should be.
    pub fn expect(&mut self, wanted: &Wanted) {
        let none_yet =
            matches!(sudoers_file::look(&self.paths), Ok(Found::Missing)) && wanted.grants().is_empty();
        self.left = (!none_yet).then(|| wanted.sudoers(self.dialect()));
    }

    /// The grants that are on the host. What cannot be read is not.
    #[must_use]
    pub fn present(&self) -> BTreeSet<RequestId> {
        removal::on_host(&self.paths).map(|on_host| on_host.ids()).unwrap_or_default()
    }

    /// Takes these grants off without writing anything: for when the host cannot be made as wanted.
    ///
    /// # Errors
    /// A sentence, when they may still be there.
    pub fn take_off(&self, ids: &BTreeSet<RequestId>) -> Result<(), String> {
        removal::remove(&self.paths, ids).map(|_| ()).map_err(|error| crate::chain(&error))
    }
}

fn applied_from(wanted: &Wanted) -> Applied {
    let grants = wanted.grants().iter().map(|grant| AppliedGrant {
        id: grant.id,
        uid: grant.uid,
        deadline: grant.deadline.clone(),
        undo: vec![Undo::Sudoers],
        groups: Vec::new(),
    });
    Applied { grants: grants.collect(), given: Given::new() }
}

/// What is there already, and what is to come; of a grant that is in both, what is to come.
fn union(before: &Applied, goal: &Applied) -> Applied {
    let both = before.grants.iter().chain(&goal.grants);
    let by_id: BTreeMap<RequestId, &AppliedGrant> = both.map(|grant| (grant.id, grant)).collect();
    let given = before.given.union(&goal.given).cloned().collect();
    Applied { grants: by_id.into_values().cloned().collect(), given }
}

fn difference(converged: &Converged, left: &str) -> Option<Difference> {
    match converged {
        Converged::AlreadySo => None,
        Converged::Written { found } => found.drift_from(left).map(|how| Difference {
            found: format!("the sudoers file of jitd was not as it was left: {how}"),
            done: "it was written anew from the live grants".to_owned(),
        }),
    }
}
