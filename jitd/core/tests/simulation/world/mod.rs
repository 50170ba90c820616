//! Everything around jitd: people, clocks, the disk, the host, the guard, and what is on its way to jitd.

pub(crate) mod clocks;
pub(crate) mod disk;
pub(crate) mod fate;
pub(crate) mod guard;
pub(crate) mod host;
pub(crate) mod messages;
pub(crate) mod people;
pub(crate) mod policies;

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use jit_common::ids::RequestId;
use jitd_core::now::Now;
use jitd_core::policy::{GroupState, PersonFacts};

use self::clocks::Clocks;
use self::disk::Disk;
pub(crate) use self::fate::Died;
use self::fate::Fate;
use self::guard::Guard;
use self::host::Host;
use self::messages::{Found, Message, Whom};
use self::people::{Account, GROUPS, People};
use self::policies::{HOST_GROUPS, Spec};
use crate::chance::Chance;

/// What the policy files hold.
#[derive(Clone, Debug)]
pub(crate) enum Files {
    /// A policy.
    Good(Rc<Spec>),
    /// Something that does not parse.
    Bad,
}

/// The world.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) chance: Chance,
    pub(crate) clocks: Clocks,
    pub(crate) people: People,
    pub(crate) disk: Disk,
    pub(crate) host: Host,
    pub(crate) guard: Guard,
    pub(crate) fate: Fate,
    pub(crate) files: Files,
    /// Groups that the directory service cannot look up just now.
    pub(crate) unreachable: BTreeSet<&'static str>,
    /// Messages on their way to jitd, in any order.
    pub(crate) inbox: Vec<Message>,
    /// Look-ups that are under way.
    pub(crate) lookups: Vec<(u64, Whom)>,
    /// Questions to sudo that are under way.
    pub(crate) sudo_asked: Vec<RequestId>,
    ids: u64,
}

impl World {
    pub(crate) fn new(seed: u64) -> Self {
        let mut chance = Chance::of(seed);
        let count = u32::try_from(chance.between(20, 400)).unwrap_or(20);
        let people = People::some(count, &mut chance);
        let files = Files::Good(Rc::new(Spec::some(&mut chance)));
        let mut world = Self {
            chance,
            clocks: Clocks::new(),
            people,
            disk: Disk::new(),
            host: Host::new(),
            guard: Guard::new(),
            fate: Fate::default(),
            files,
            unreachable: BTreeSet::new(),
            inbox: Vec::new(),
            lookups: Vec::new(),
            sudo_asked: Vec::new(),
            ids: seed << 32,
        };
        for _ in 0..count / 10 {
            let uid = world.people.any_uid(&mut world.chance);
            world.admin_puts_in(uid);
        }
        world
    }

    pub(crate) fn now(&self) -> Now {
        self.clocks.now()
    }

    /// An id that nobody had before.
    pub(crate) fn new_id(&mut self) -> RequestId {
        self.ids += 1;
        let mixed = Chance::of(self.ids).next().to_be_bytes();
        RequestId::from_random([mixed[0], mixed[1], mixed[2], mixed[3], mixed[4]])
    }

    /// An admin puts somebody into a group of the host by hand.
    pub(crate) fn admin_puts_in(&mut self, uid: u32) {
        let Some((_, gid)) = self.chance.pick(&HOST_GROUPS).copied() else { return };
        let name = self.people.get(uid).map(|account| account.name.clone());
        self.host.members.extend(name.map(|name| (gid, name)));
    }

    /// What the account database says of somebody now. A directory service that is away gives fewer groups.
    pub(crate) fn facts(&self, account: &Account) -> PersonFacts {
        let known = account.groups.iter().filter(|group| !self.unreachable.contains(*group));
        let host =
            HOST_GROUPS.iter().filter(|(_, gid)| self.host.members.contains(&(*gid, account.name.clone())));
        let numbers = host.clone().map(|(name, gid)| (*gid, (*name).to_owned()));
        let host = host.map(|(name, _)| name);
        PersonFacts {
            uid: account.uid,
            name: account.name.clone(),
            groups: known.chain(host).map(|group| (*group).to_owned()).collect(),
            numbers: numbers.collect(),
            password: account.password,
            account: account.state.clone(),
        }
    }

    /// What became of looking up each group.
    pub(crate) fn group_states(&self) -> BTreeMap<String, GroupState> {
        let state = |group: &str| match self.unreachable.contains(group) {
            true => GroupState::Unreachable { why: "the directory is away".into() },
            false => GroupState::Exists,
        };
        let host = HOST_GROUPS.iter().map(|(name, _)| *name);
        GROUPS.iter().copied().chain(host).map(|group| (group.to_owned(), state(group))).collect()
    }

    /// Answers a look-up by what is so now.
    pub(crate) fn look_up(&self, whom: &Whom) -> Found {
        let is_still = |(uid, name): &(u32, String)| {
            self.people
                .get(*uid)
                .filter(|account| account.name == *name)
                .map(|account| (*uid, self.facts(account)))
        };
        let may_be = |account: &&Account| {
            whom.approvers
                .iter()
                .any(|entry| account.groups.iter().any(|group| entry.groups.contains(*group)))
        };
        let unlisted = whom.approvers.iter().flat_map(|entry| &entry.groups);
        Found {
            people: whom.people.iter().filter_map(is_still).collect(),
            groups: self.group_states(),
            candidates: self.people.all().filter(may_be).map(|account| self.facts(account)).collect(),
            unlisted: unlisted.filter(|group| self.unreachable.contains(group.as_str())).cloned().collect(),
            looked_up: self.now().boot,
        }
    }
}
