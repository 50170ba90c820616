//! Ends what still holds a group after its membership has ended: one signal to each, and the caller comes again for those
//! that do not listen.
//!
//! A process is held by a pidfd before it is looked at, and is looked at again then: a number that was given to somebody else
//! meanwhile gets nothing (pidfd_open(2)). Never signalled are pid 1, this process, what acts as another uid (so nobody who
//! holds the lock of the account files), and logins unless they are to end as well.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::io;

use jitd_core::policy::Logins;
pub use rustix::process::Signal;
use rustix::process::pidfd_send_signal;

use super::file;
use super::holders::{Holder, Holders, holders, holds_still};
use super::place::Place;
use super::text::GroupFile;
use super::{Given, Kind, Membership};
use crate::control_groups::{hold, is_there};
use crate::dir::Dir;
use crate::paths::{HostPaths, name_of};

/// What is to be done about the holders of a membership.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sweep {
    /// What they are sent.
    pub signal: Signal,
    /// Which of them.
    pub logins: Logins,
}

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Who was sent the signal, of each membership.
    pub signalled: BTreeMap<Membership, Vec<Holder>>,
    /// Who holds it and was left alone.
    pub left: BTreeMap<Membership, Vec<Holder>>,
    /// What was not looked at, in words.
    pub unknown: Vec<String>,
}

/// Sends each holder of these memberships its signal, but nobody to `spare`. Whoever has become a member again by anybody holds the
/// group rightly.
///
/// # Errors
/// The processes or the groups cannot be read, so nobody was sent anything.
pub fn sweep(
    paths: &HostPaths,
    orders: &BTreeMap<Membership, Sweep>,
    spare: &BTreeSet<u32>,
    has_time: impl FnMut() -> bool,
) -> io::Result<Swept> {
    let out = without_members(paths, orders.keys())?;
    let Holders { found, unseen, left_out } = holders(paths, &out, has_time)?;
    let mut swept = Swept::default();
    swept.unknown.extend(unseen.map(|(count, why)| format!("{count} processes ({why})")));
    swept.unknown.extend((left_out > 0).then(|| format!("{left_out} processes (no more time)")));
    // One process may hold several groups: it is sent one signal.
    let mut done = BTreeSet::new();
    for (of, holders) in found {
        let Some(order) = orders.get(&of) else { continue };
        for holder in holders.into_iter().filter(|holder| !spare.contains(&holder.pid)) {
            let sent = done.contains(&holder.pid) || signal(paths, &of, &holder, *order);
            let to = if sent { &mut swept.signalled } else { &mut swept.left };
            done.extend(sent.then_some(holder.pid));
            to.entry(of.clone()).or_default().push(holder);
        }
    }
    Ok(swept)
}

/// Whether a process was sent its signal.
fn signal(paths: &HostPaths, of: &Membership, holder: &Holder, order: Sweep) -> bool {
    let may = match holder.place {
        Place::Work => true,
        Place::Login => order.logins == Logins::End,
        Place::SetUid => false,
    };
    // Root's own processes are no person's.
    if !may || of.uid == 0 || holder.pid <= 1 || holder.pid == std::process::id() {
        return false;
    }
    let Some(process) = hold(holder.pid) else { return false };
    holds_still(paths, of, holder) && is_there(&process) && pidfd_send_signal(&process, order.signal).is_ok()
}

/// Those who are not members by the group file of now.
///
/// # Errors
/// It cannot be read.
pub fn without_members<'m>(
    paths: &HostPaths,
    of: impl Iterator<Item = &'m Membership> + Clone,
) -> io::Result<Given> {
    let dir = Dir::open_as_it_is(&paths.etc_dir, paths.owner).map_err(io::Error::other)?;
    let name: &OsStr = name_of(&paths.etc_group);
    let (bytes, _) = file::bytes(&dir, name).map_err(io::Error::other)?;
    let names: BTreeSet<&str> = of.clone().map(|of| of.group.as_str()).collect();
    let file = GroupFile::parse(&bytes, Kind::Group, &names);
    Ok(of.filter(|of| !file.holds(&of.group, &of.user)).cloned().collect())
}
