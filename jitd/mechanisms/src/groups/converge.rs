//! Makes the host's groups equal to what is wanted: under the locks, in one rewrite of each file, and read back.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::PathBuf;
use std::time::Duration;

use super::accounts::Elsewhere;
use super::ended::barred;
use super::file::{self, Found, Read};
use super::locks::{LinkLock, LinkLocked, PasswordLock, PasswordLocked};
use super::plan::{Adds, Gshadow, Plan, Texts, groups, plan};
use super::refusal::Refusal;
use super::tell::tell;
use super::text::only_members_differ;
use super::{Given, Membership, Outcome, Report, Wanted};
use crate::dir::{Dir, DirError, Identity};
use crate::paths::{HostPaths, name_of};

/// How often it starts over because somebody without the first lock wrote a file meanwhile.
const TRIES: u32 = 8;

/// What only the caller knows or keeps.
pub trait Caller {
    /// Notes down what is about to be put in for the first time, so that whatever happens next, it is known to be
    /// ours. Called under the locks and before anything is written, sometimes more than once, not at all when there
    /// is nothing to put in.
    ///
    /// # Errors
    /// Why it could not be noted: nobody is put in then, and removals are done all the same.
    fn about_to_add(&mut self, adding: &Given) -> Result<(), String>;

    /// The uid of a user that is not in `/etc/passwd`, as looked up before: a lock is held, so nobody may be asked
    /// who takes long. `None` when there is no such user.
    fn uid_elsewhere(&mut self, user: &str) -> Option<u32>;

    /// Told what is so, after it was read back and while the first lock is still held: nobody who takes that lock is
    /// in the middle of a change. Not called where nothing had to be written and no lock was taken.
    fn done(&mut self, outcomes: &BTreeMap<Membership, Outcome>) {
        let _ = outcomes;
    }
}

/// Why nothing could be done at all, or not to the end.
#[derive(Debug, thiserror::Error)]
pub enum GroupsError {
    /// A directory or file could not be used.
    #[error(transparent)]
    Dir(#[from] DirError),
    /// There is no such file.
    #[error("there is no {}", .path.display())]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// There is something that cannot be replaced by a rename.
    #[error("{} cannot be changed: {why}", .path.display())]
    Fixed {
        /// The file.
        path: PathBuf,
        /// What it is.
        why: String,
    },
    /// Somebody held a lock for the whole wait.
    #[error("{} is locked by {holder} and was not let go in time; see who that is, then try again", .path.display())]
    Locked {
        /// The lock.
        path: PathBuf,
        /// Who holds it, in words.
        holder: String,
    },
    /// Somebody writes the file without the locks.
    #[error("{} was written {TRIES} times by somebody who takes no lock; find out who that is", .path.display())]
    Contended {
        /// The file.
        path: PathBuf,
    },
    /// Our own change would have touched something else. Nothing was written.
    #[error("the change to {} would have touched more than lists of members; this is a bug in jitd", .path.display())]
    NotOnlyMembers {
        /// The file.
        path: PathBuf,
    },
    /// The first file is written and the second is not.
    #[error("/etc/group is changed, and {} could not be; once that is put right, the next try does the rest", .path.display())]
    Half {
        /// The second file.
        path: PathBuf,
        /// Why not.
        source: DirError,
    },
    /// It was written and is not there.
    #[error("{} was written but does not hold what was written; somebody else writes there", .path.display())]
    ReadBack {
        /// The file.
        path: PathBuf,
    },
}

/// What would become of everything wanted and given, with nothing changed and no lock taken.
///
/// # Errors
/// A file cannot be read, or `/etc/group` cannot be changed.
pub fn look(
    paths: &HostPaths,
    wanted: &Wanted,
    given: &Given,
    caller: &mut impl Caller,
) -> Result<Report, GroupsError> {
    let dir = Dir::open(&paths.etc_dir, paths.owner)?;
    let files = Files::read(&dir, paths)?;
    let plan = files.plan(wanted, given, &Adds::Open, &mut |user| caller.uid_elsewhere(user));
    Ok(Report { outcomes: plan.outcomes, told: Vec::new() })
}

/// As [`look`], and under the first lock, which is waited for up to about `wait`. [`Caller::done`] is told of what is so
/// already, and of nothing that would first have to be done.
///
/// # Errors
/// As [`look`], or somebody holds the lock.
pub fn look_locked(
    paths: &HostPaths,
    wanted: &Wanted,
    given: &Given,
    wait: Duration,
    caller: &mut impl Caller,
) -> Result<Report, GroupsError> {
    let dir = Dir::open(&paths.etc_dir, paths.owner)?;
    let _lock = password_lock(&dir, paths, wait)?;
    let report = look(paths, wanted, given, caller)?;
    let so = report.outcomes.iter().filter(|(_, outcome)| outcome.is_so_already());
    caller.done(&so.map(|(of, outcome)| (of.clone(), outcome.clone())).collect());
    Ok(report)
}

/// Makes it so. Each lock is waited for up to about `wait`. Where it is so already, no lock is taken and nothing
/// written or synced; else each changed file is synced once, and `/etc` once if anybody was taken out. Whoever is
/// put in does not have to be in after a power cut, for that ends every grant: then the file from before may be there.
///
/// # Errors
/// It may not be so. Whatever was noted by [`Caller::about_to_add`] may or may not be in the files.
pub fn converge(
    paths: &HostPaths,
    wanted: &Wanted,
    given: &Given,
    wait: Duration,
    caller: &mut impl Caller,
) -> Result<Report, GroupsError> {
    let dir = Dir::open(&paths.etc_dir, paths.owner)?;
    let mut goal = Goal::new(wanted, given);
    let mut files = Files::read(&dir, paths)?;
    let mut plan = goal.plan(&files, caller);
    if plan.is_done() {
        return Ok(Report { outcomes: plan.outcomes, told: Vec::new() });
    }
    let _lock = password_lock(&dir, paths, wait)?;
    for _ in 0..TRIES {
        if !files.are_current() {
            files = Files::read(&dir, paths)?;
            plan = goal.plan(&files, caller);
        }
        // With the lock: the guard is not between a removal and its note.
        if goal.bar(&barred(paths, &goal.wanted, &plan)) == Goes::Anew {
            plan = goal.plan(&files, caller);
        }
        let adding = plan.added();
        if !adding.is_empty()
            && let Err(why) = caller.about_to_add(&adding)
        {
            goal.adds = Adds::Closed(why);
            plan = goal.plan(&files, caller);
        }
        files.check(&plan, wanted, given)?;
        match files.write(&plan, wait)? {
            Wrote::Nothing => {
                caller.done(&plan.outcomes);
                return Ok(Report { outcomes: plan.outcomes, told: Vec::new() });
            }
            Wrote::Over => {
                caller.done(&plan.outcomes);
                return Ok(Report { outcomes: plan.outcomes, told: tell(paths) });
            }
            Wrote::Changed => {}
        }
    }
    Err(GroupsError::Contended { path: paths.etc_group.clone() })
}

/// What is to be made so, less what turned out to be none of our business.
struct Goal {
    wanted: Wanted,
    given: Given,
    adds: Adds,
    barred: BTreeMap<Membership, Refusal>,
}

/// Whether a plan still holds.
#[derive(PartialEq, Eq)]
enum Goes {
    On,
    Anew,
}

impl Goal {
    fn new(wanted: &Wanted, given: &Given) -> Self {
        Self { wanted: wanted.clone(), given: given.clone(), adds: Adds::Open, barred: BTreeMap::new() }
    }

    fn plan(&self, files: &Files<'_>, caller: &mut impl Caller) -> Plan {
        let elsewhere = &mut |user: &str| caller.uid_elsewhere(user);
        let mut plan = files.plan(&self.wanted, &self.given, &self.adds, elsewhere);
        let barred = self.barred.iter().map(|(of, why)| (of.clone(), Outcome::Refused(why.clone())));
        plan.outcomes.extend(barred);
        plan
    }

    /// Leaves these as they are.
    fn bar(&mut self, barred: &BTreeMap<Membership, Refusal>) -> Goes {
        for (of, why) in barred {
            self.wanted.0.remove(of);
            self.given.remove(of);
            self.barred.insert(of.clone(), why.clone());
        }
        if barred.is_empty() { Goes::On } else { Goes::Anew }
    }
}

impl Plan {
    fn is_done(&self) -> bool {
        self.group.is_none() && self.gshadow.is_none()
    }

    /// Whether anybody is taken out, perhaps of one file alone.
    fn takes(&self) -> bool {
        self.outcomes.values().any(|outcome| match outcome {
            Outcome::Removed | Outcome::Refused(_) => true,
            Outcome::Added | Outcome::PutBack | Outcome::Kept => false,
            Outcome::AlreadyNatural | Outcome::WasGone => false,
        })
    }
}

/// The files as they were read.
struct Files<'a> {
    dir: &'a Dir,
    group_name: &'a OsStr,
    gshadow_name: &'a OsStr,
    group: Read,
    gshadow: Found,
    passwd_name: &'a OsStr,
    passwd: (Vec<u8>, Option<Identity>),
}

/// What came of writing.
enum Wrote {
    /// There was nothing to write.
    Nothing,
    /// It is written.
    Over,
    /// Somebody else had written in between; nothing of ours is there.
    Changed,
}

impl<'a> Files<'a> {
    fn read(dir: &'a Dir, paths: &'a HostPaths) -> Result<Self, GroupsError> {
        let (group_name, gshadow_name) = (name_of(&paths.etc_group), name_of(&paths.etc_gshadow));
        let passwd_name = name_of(&paths.etc_passwd);
        let path = || file::path(dir, group_name);
        let group = match file::read(dir, group_name)? {
            Found::File(read) => read,
            Found::Missing => return Err(GroupsError::Missing { path: path() }),
            Found::Fixed(why) => return Err(GroupsError::Fixed { path: path(), why }),
        };
        let gshadow = file::read(dir, gshadow_name)?;
        let passwd = file::bytes(dir, passwd_name)?;
        Ok(Self { dir, group_name, gshadow_name, group, gshadow, passwd_name, passwd })
    }

    /// Whether all three still are as they were read.
    fn are_current(&self) -> bool {
        let gshadow = match &self.gshadow {
            Found::Missing => self.dir.identity(self.gshadow_name).is_none(),
            Found::File(read) => read.is_current(self.dir, self.gshadow_name),
            Found::Fixed(_) => false,
        };
        gshadow
            && self.group.is_current(self.dir, self.group_name)
            && self.dir.identity(self.passwd_name) == self.passwd.1
    }

    fn plan(&self, wanted: &Wanted, given: &Given, adds: &Adds, elsewhere: &mut Elsewhere<'_>) -> Plan {
        let gshadow = match &self.gshadow {
            Found::Missing => Gshadow::Absent,
            Found::File(read) => Gshadow::Text(&read.bytes),
            Found::Fixed(why) => Gshadow::Unusable(why.clone()),
        };
        let texts = Texts { group: &self.group.bytes, gshadow, passwd: &self.passwd.0 };
        plan(&texts, wanted, given, adds, elsewhere)
    }

    /// What the plan changes: the file's name, as it was, and as it shall be. In the order of shadow-utils.
    fn changes<'p>(&'p self, plan: &'p Plan) -> Vec<(&'p OsStr, &'p Read, &'p [u8])> {
        let group = plan.group.as_deref().map(|text| (self.group_name, &self.group, text));
        let gshadow = match (&self.gshadow, plan.gshadow.as_deref()) {
            (Found::File(read), Some(text)) => Some((self.gshadow_name, read, text)),
            (Found::File(_) | Found::Missing | Found::Fixed(_), _) => None,
        };
        group.into_iter().chain(gshadow).collect()
    }

    /// Looks whether the plan changes lists of members and nothing else.
    fn check(&self, plan: &Plan, wanted: &Wanted, given: &Given) -> Result<(), GroupsError> {
        let groups = groups(wanted, given);
        for (name, read, text) in self.changes(plan) {
            if !only_members_differ(&read.bytes, text, &groups) {
                return Err(GroupsError::NotOnlyMembers { path: file::path(self.dir, name) });
            }
        }
        Ok(())
    }

    fn write(&self, plan: &Plan, wait: Duration) -> Result<Wrote, GroupsError> {
        let changes = self.changes(plan);
        if changes.is_empty() {
            return Ok(Wrote::Nothing);
        }
        let mut staged = Vec::new();
        for (name, read, text) in &changes {
            staged.push(read.stage(self.dir, name, text)?);
        }
        // After all are written: the file system then has less to commit for the second.
        for staged in &staged {
            staged.sync()?;
        }
        let names = match &self.gshadow {
            Found::Missing => vec![self.group_name],
            Found::File(_) | Found::Fixed(_) => vec![self.group_name, self.gshadow_name],
        };
        let locks = link_locks(self.dir, &names, wait)?;
        if changes.iter().any(|(name, read, _)| !read.is_current(self.dir, name)) {
            return Ok(Wrote::Changed);
        }
        let mut first = true;
        for (staged, (name, ..)) in staged.into_iter().zip(&changes) {
            match staged.publish() {
                Ok(()) => first = false,
                Err(why) if first => return Err(why.into()),
                Err(source) => return Err(GroupsError::Half { path: file::path(self.dir, name), source }),
            }
        }
        // Before the sync, so that it takes the lock files off the disk as well. The first lock is still held.
        drop(locks);
        if plan.takes() {
            self.dir.sync()?;
        }
        for (name, _, text) in changes {
            if file::bytes(self.dir, name)?.0 != text {
                return Err(GroupsError::ReadBack { path: file::path(self.dir, name) });
            }
        }
        Ok(Wrote::Over)
    }
}

fn password_lock(dir: &Dir, paths: &HostPaths, wait: Duration) -> Result<PasswordLock, GroupsError> {
    match PasswordLock::take(dir, name_of(&paths.password_lock), wait)? {
        PasswordLocked::Held(lock) => Ok(lock),
        PasswordLocked::Busy { holder } => {
            let holder = holder.map_or_else(|| "somebody".into(), |pid| format!("process {pid}"));
            Err(GroupsError::Locked { path: paths.password_lock.clone(), holder })
        }
    }
}

/// Takes the second kind of lock for each of the files, in this order; let go in the reverse order.
fn link_locks<'d>(dir: &'d Dir, names: &[&OsStr], wait: Duration) -> Result<Vec<LinkLock<'d>>, GroupsError> {
    let mut held = Vec::new();
    for name in names {
        match LinkLock::take(dir, name, wait)? {
            LinkLocked::Held(lock) => held.insert(0, lock),
            LinkLocked::Busy { name, holder } => {
                return Err(GroupsError::Locked { path: file::path(dir, &name), holder });
            }
        }
    }
    Ok(held)
}
