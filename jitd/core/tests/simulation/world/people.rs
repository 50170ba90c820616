//! Accounts, who is in which group, and who was a moment ago.

use std::collections::{BTreeMap, BTreeSet};

use jitd_core::policy::{AccountState, HasPassword};

use crate::chance::Chance;

/// Groups of people that policies name.
pub(crate) const GROUPS: [&str; 7] =
    ["engineers", "oncall", "dba", "leads", "security", "contractors", "operators"];

/// The first uid.
pub(crate) const FIRST_UID: u32 = 1000;

/// One account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Account {
    pub(crate) uid: u32,
    pub(crate) name: String,
    pub(crate) groups: BTreeSet<&'static str>,
    pub(crate) state: AccountState,
    pub(crate) password: HasPassword,
}

/// An account as it was.
#[derive(Clone, Debug)]
struct Past {
    until: i64,
    account: Account,
}

/// Everybody.
#[derive(Clone, Debug)]
pub(crate) struct People {
    by_uid: BTreeMap<u32, Account>,
    past: BTreeMap<u32, Vec<Past>>,
    named: u32,
}

impl People {
    /// So many of them.
    pub(crate) fn some(count: u32, chance: &mut Chance) -> Self {
        let mut people = Self { by_uid: BTreeMap::new(), past: BTreeMap::new(), named: 0 };
        for uid in FIRST_UID..FIRST_UID + count {
            let account = people.newcomer(uid, chance);
            people.by_uid.insert(uid, account);
        }
        people
    }

    fn newcomer(&mut self, uid: u32, chance: &mut Chance) -> Account {
        self.named += 1;
        let rare = |group: &&str| matches!(*group, "operators" | "contractors");
        let groups =
            GROUPS.iter().copied().filter(|group| chance.once_in(if rare(group) { 12 } else { 3 })).collect();
        let password = match chance.below(6) {
            0 => HasPassword::None,
            1 => HasPassword::Unknown,
            _ => HasPassword::Usable,
        };
        let name = format!("person{}", self.named);
        Account { uid, name, groups, state: AccountState::Ordinary, password }
    }

    pub(crate) fn get(&self, uid: u32) -> Option<&Account> {
        self.by_uid.get(&uid)
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &Account> {
        self.by_uid.values()
    }

    /// Any uid, of somebody who is here or was.
    pub(crate) fn any_uid(&self, chance: &mut Chance) -> u32 {
        let count = i64::try_from(self.by_uid.len()).unwrap_or(1);
        FIRST_UID + u32::try_from(chance.between(0, count - 1)).unwrap_or(0)
    }

    /// Changes an account; what it was is remembered.
    pub(crate) fn change(&mut self, uid: u32, at: i64, change: impl FnOnce(&mut Account)) {
        let Some(account) = self.by_uid.get_mut(&uid) else { return };
        let before = account.clone();
        change(account);
        if before != *account {
            let past = self.past.entry(uid).or_default();
            past.push(Past { until: at, account: before });
            if past.len() > 8 {
                past.remove(0);
            }
        }
    }

    /// The account is deleted, and its uid is given to somebody new. The name that is gone.
    pub(crate) fn replace(&mut self, uid: u32, at: i64, chance: &mut Chance) -> Option<String> {
        let newcomer = self.newcomer(uid, chance);
        let gone = self.by_uid.get(&uid)?.name.clone();
        self.change(uid, at, |account| *account = newcomer);
        Some(gone)
    }

    /// The account as it is, and as it was at any time from `since` on.
    pub(crate) fn since(&self, uid: u32, since: i64) -> impl Iterator<Item = &Account> {
        let past = self.past.get(&uid).into_iter().flatten().filter(move |past| past.until >= since);
        self.by_uid.get(&uid).into_iter().chain(past.map(|past| &past.account))
    }
}
