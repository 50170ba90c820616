//! From three texts, what is wanted and what was given: what has to change, decided without touching anything.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};

use super::accounts::{Accounts, Elsewhere, names_of_uids};
use super::refusal::{Kind, Refusal, writable};
use super::text::{Change, GroupFile, Named};
use super::{Given, Membership, Outcome, Wanted};

/// What stands in `/etc/gshadow`.
#[derive(Debug)]
pub(super) enum Gshadow<'b> {
    /// There is none, which is fine.
    Absent,
    /// This.
    Text(&'b [u8]),
    /// Something that cannot be changed, in words.
    Unusable(String),
}

/// What the files hold.
#[derive(Debug)]
pub(super) struct Texts<'b> {
    pub(super) group: &'b [u8],
    pub(super) gshadow: Gshadow<'b>,
    pub(super) passwd: &'b [u8],
}

/// What has to change.
#[derive(Debug)]
pub(super) struct Plan {
    /// One for everything wanted and everything given, as it will be when the texts are written.
    pub(super) outcomes: BTreeMap<Membership, Outcome>,
    /// The new text of `/etc/group`, if it changes.
    pub(super) group: Option<Vec<u8>>,
    /// The new text of `/etc/gshadow`, if it changes.
    pub(super) gshadow: Option<Vec<u8>>,
}

impl Plan {
    /// What would be put in for the first time: it has to be noted before it is.
    pub(super) fn added(&self) -> Given {
        let added = self.outcomes.iter().filter(|(_, outcome)| **outcome == Outcome::Added);
        added.map(|(of, _)| of.clone()).collect()
    }

    /// Whether anybody is out by it, perhaps of one file alone, or was seen to be.
    pub(super) fn lowers(&self) -> bool {
        self.outcomes.values().any(|outcome| match outcome {
            Outcome::Removed | Outcome::WasGone | Outcome::Refused(_) => true,
            Outcome::Added | Outcome::PutBack | Outcome::Kept | Outcome::AlreadyNatural => false,
        })
    }

    /// Who would be in and is not.
    pub(super) fn raised(&self) -> impl Iterator<Item = &Membership> {
        self.outcomes.iter().filter_map(|(of, outcome)| match outcome {
            Outcome::Added | Outcome::PutBack => Some(of),
            Outcome::Kept | Outcome::AlreadyNatural | Outcome::Removed => None,
            Outcome::WasGone | Outcome::Refused(_) => None,
        })
    }
}

/// The groups that anything is wanted of or was given in.
pub(super) fn groups<'a>(wanted: &'a Wanted, given: &'a Given) -> BTreeSet<&'a str> {
    wanted.memberships().chain(given).map(|of| of.group.as_str()).collect()
}

/// Decides. Removals come first, so that a list is never longer than it has to be.
pub(super) fn plan(texts: &Texts<'_>, wanted: &Wanted, given: &Given, elsewhere: &mut Elsewhere<'_>) -> Plan {
    let names = groups(wanted, given);
    let users = wanted.memberships().chain(given).map(|of| of.user.as_str()).collect();
    let gshadow = match &texts.gshadow {
        Gshadow::Text(text) => Ok(Some(GroupFile::parse(text, Kind::Gshadow, &names))),
        Gshadow::Absent => Ok(None),
        Gshadow::Unusable(why) => Err(Refusal::Gshadow { why: why.clone() }),
    };
    let all = || wanted.memberships().chain(given);
    let mut work = Work {
        passwd: texts.passwd,
        gids: all().map(|of| of.gid).collect(),
        uids: all().map(|of| of.uid).collect(),
        by_gid: OnceCell::new(),
        by_uid: OnceCell::new(),
        group: GroupFile::parse(texts.group, Kind::Group, &names),
        gshadow,
        accounts: Accounts::find(texts.passwd, &users),
        elsewhere,
    };
    let mut outcomes = BTreeMap::new();
    for of in given.iter().filter(|of| wanted.grants(of).is_none()) {
        outcomes.insert(of.clone(), work.take(of).unwrap_or_else(Outcome::Refused));
    }
    for of in wanted.memberships() {
        let outcome = if given.contains(of) { work.keep(of) } else { work.give(of) };
        outcomes.insert(of.clone(), outcome.unwrap_or_else(Outcome::Refused));
    }
    let gshadow = work.gshadow.ok().flatten().and_then(|file| file.rendered());
    Plan { outcomes, group: work.group.rendered(), gshadow }
}

/// The texts while they are being changed.
struct Work<'b, 'e> {
    group: GroupFile<'b>,
    /// Or why it cannot be changed, though it is there.
    gshadow: Result<Option<GroupFile<'b>>, Refusal>,
    accounts: Accounts,
    elsewhere: &'e mut Elsewhere<'e>,
    passwd: &'b [u8],
    /// The numbers of all groups and people that are looked at.
    gids: BTreeSet<u32>,
    uids: BTreeSet<u32>,
    /// What these are called, read when it is asked for the first time: hardly ever.
    by_gid: OnceCell<BTreeMap<u32, Vec<Named<'b>>>>,
    by_uid: OnceCell<BTreeMap<u32, Vec<&'b str>>>,
}

impl Work<'_, '_> {
    /// Somebody who was not given it before.
    fn give(&mut self, of: &Membership) -> Result<Outcome, Refusal> {
        self.agree(of)?;
        if self.group.is_member(&of.group, of.gid, &of.user)? || self.accounts.is_primary(of) {
            return Ok(Outcome::AlreadyNatural);
        }
        let (Change::Done | Change::AlreadySo) = self.add(of)?;
        Ok(Outcome::Added)
    }

    /// Somebody who was given it before and shall keep it.
    fn keep(&mut self, of: &Membership) -> Result<Outcome, Refusal> {
        self.agree(of)?;
        match self.add(of)? {
            Change::Done => Ok(Outcome::PutBack),
            Change::AlreadySo => Ok(Outcome::Kept),
        }
    }

    /// Somebody who was given it before and shall not have it any more.
    fn take(&mut self, of: &Membership) -> Result<Outcome, Refusal> {
        let shadowed = self.in_gshadow(of);
        if !self.group.names(&of.group) {
            self.not_under_another_name(of)?;
        }
        if !self.group.holds(&of.group, &of.user) && shadowed == Ok(false) {
            self.not_by_another_name(of)?;
            return Ok(Outcome::WasGone);
        }
        match self.accounts.agree(of, self.elsewhere) {
            // His name is nobody's: out of the list with it.
            Ok(()) | Err(Refusal::NoSuchUser { .. }) => {}
            Err(why) => return Err(why),
        }
        // From `/etc/group` in any case, for that is what counts; what is wrong with the other is told all the same.
        let from_group = self.group.remove_member(&of.group, of.gid, &of.user)?;
        let from_gshadow = match &mut self.gshadow {
            Ok(Some(file)) => file.remove_member(&of.group, of.gid, &of.user)?,
            Ok(None) => Change::AlreadySo,
            Err(why) => return Err(why.clone()),
        };
        match (from_group, from_gshadow) {
            (Change::AlreadySo, Change::AlreadySo) => Ok(Outcome::WasGone),
            (Change::Done, _) | (_, Change::Done) => Ok(Outcome::Removed),
        }
    }

    /// Into both files, or into none.
    fn add(&mut self, of: &Membership) -> Result<Change, Refusal> {
        writable(&of.user)?;
        let shadowed = match &self.gshadow {
            // A group without a line there has its members in `/etc/group` alone: so shadow-utils have it.
            Ok(Some(file)) if file.names(&of.group) => file.is_member(&of.group, of.gid, &of.user)?,
            Ok(Some(_) | None) => true,
            Err(why) => return Err(why.clone()),
        };
        let change = self.group.add_member(&of.group, of.gid, &of.user)?;
        match &mut self.gshadow {
            Ok(Some(file)) if !shadowed => file.add_member(&of.group, of.gid, &of.user),
            Ok(_) | Err(_) => Ok(change),
        }
    }

    /// Group, gid, user and uid are still what they were.
    fn agree(&mut self, of: &Membership) -> Result<(), Refusal> {
        if !self.group.names(&of.group) {
            self.renamed(of, |_| true)?;
            return Err(Refusal::NoSuchGroup { group: of.group.clone() });
        }
        self.group.is_member(&of.group, of.gid, &of.user)?;
        self.accounts.agree(of, self.elsewhere)
    }

    fn not_under_another_name(&self, of: &Membership) -> Result<(), Refusal> {
        self.renamed(of, |named| named.members.contains(of.user.as_bytes()))
    }

    /// Refuses when the gid goes by another name, and the group is such.
    fn renamed(&self, of: &Membership, such: impl Fn(&Named<'_>) -> bool) -> Result<(), Refusal> {
        let by_gid = self.by_gid.get_or_init(|| self.group.names_of_gids(&self.gids));
        match by_gid.get(&of.gid).into_iter().flatten().find(|named| such(named)) {
            Some(Named { name, .. }) => {
                Err(Refusal::Renamed { group: of.group.clone(), gid: of.gid, now: (*name).to_owned() })
            }
            None => Ok(()),
        }
    }

    /// Refuses when the person goes by another name, and is in the group by that: usermod -l changes lists of members as
    /// well. Where the old name still is the person's, the other is a second one that he had all along.
    fn not_by_another_name(&mut self, of: &Membership) -> Result<(), Refusal> {
        if self.accounts.agree(of, self.elsewhere).is_ok() {
            return Ok(());
        }
        let by_uid = self.by_uid.get_or_init(|| names_of_uids(self.passwd, &self.uids));
        match by_uid.get(&of.uid).into_iter().flatten().find(|name| self.group.holds(&of.group, name)) {
            Some(now) => Err(Refusal::UserRenamed {
                user: of.user.clone(),
                uid: of.uid,
                now: (*now).to_owned(),
                group: of.group.clone(),
            }),
            None => Ok(()),
        }
    }

    fn in_gshadow(&self, of: &Membership) -> Result<bool, ()> {
        match &self.gshadow {
            Ok(Some(file)) => Ok(file.holds(&of.group, &of.user)),
            Ok(None) => Ok(false),
            Err(_) => Err(()),
        }
    }
}
