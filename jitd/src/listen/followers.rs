//! Reading and following the record: whoever reads gets what they may see, as fast as they read it, and for as long as
//! they may see it.

use std::sync::Arc;
use std::time::Duration;

use jit_common::refusal::Refusal;
use jit_common::request::{LogQuery, LogUntil};
use jit_common::response::{LogEntry, Response};
use jitd_core::limits::ENTRIES_A_FRAME;
use jitd_core::now::NANOS;
use jitd_core::policy::{AccountState, PersonFacts, Policy};
use jitd_core::record::{Entry, Person};
use tokio::sync::watch;

use super::Reception;
use super::callers::{self, Caller};
use super::conversation::{Broken, Client};
use super::facts::Facts;
use crate::engine::{admission, views};
use crate::ledger::Row;
use crate::policy_files::Live;

/// How long somebody reads before it is looked again whether they still may.
const LOOK_AGAIN: Duration = Duration::from_secs(60);

/// Sends what the query asks for.
pub(super) async fn send(
    client: &mut Client,
    mut caller: Caller,
    query: &LogQuery,
    reception: &Reception,
) -> Result<(), Broken> {
    if let Err(refusal) = admission::caller_is_the_person(&caller.peer) {
        return client.refuse(refusal).await;
    }
    let mut right = Right::now(reception);
    caller.person = match reception.engine.natural(caller.person).await {
        Ok(person) => person,
        Err(_) => return client.refuse(Refusal::Stopping).await,
    };
    let caller = &caller;
    let view = View::of(&reception.engine.policy().policy, caller, query);
    let unknown = reception.engine.policy().invalid_because();
    if let Some(why) = unknown.filter(|_| caller.peer.uid != 0) {
        // Nobody knows who may see what. A part of the record that looks like all of it would be worse than none.
        return client.refuse(Refusal::PolicyInvalid { why }).await;
    }
    if view.is_a_copy() {
        reception.engine.sign().await;
    }
    let mut head = reception.engine.head();
    let mut after = 0;
    loop {
        let newest = *head.borrow_and_update();
        while after < newest {
            if let Err(refusal) = right.holds(&view, caller, reception).await {
                return client.refuse(refusal).await;
            }
            let looked = match reception.engine.look(after, ENTRIES_A_FRAME, view.only()).await {
                Ok(looked) if looked.to > after => looked,
                Ok(_) => break,
                Err(why) => return client.refuse(Refusal::LedgerUnavailable { why }).await,
            };
            after = looked.to;
            let entries = looked.rows.iter().filter_map(|row| view.entry(row));
            let shown: Vec<LogEntry> = entries.filter(|entry| view.shows(entry)).collect();
            if !shown.is_empty() {
                client.say(Response::Log(shown)).await?;
            }
        }
        match query.until {
            LogUntil::Now => return client.say(Response::LogEnd).await,
            LogUntil::HangUp => tokio::select! {
                changed = head.changed() => match changed {
                    Ok(()) => {}
                    Err(_) => return client.say(Response::LogEnd).await,
                },
                () = right.is_to_be_looked_at() => {
                    if let Err(refusal) = right.holds(&view, caller, reception).await {
                        return client.refuse(refusal).await;
                    }
                }
                () = client.gone() => return Ok(()),
            },
        }
    }
}

/// When it was seen last that somebody may read, and what may have changed since.
struct Right {
    policies: watch::Receiver<Arc<Live>>,
    /// When to look again, on the boot clock.
    next: i64,
}

impl Right {
    fn now(reception: &Reception) -> Self {
        let mut policies = reception.engine.policies();
        policies.mark_unchanged();
        Self { policies, next: next_look(reception) }
    }

    /// Waits until the policy changes or a minute is over.
    async fn is_to_be_looked_at(&mut self) {
        // A policy that cannot change any more leaves the minute.
        let changed = async {
            match self.policies.clone().changed().await {
                Ok(()) => {}
                Err(_) => std::future::pending().await,
            }
        };
        tokio::select! {
            () = changed => {}
            () = tokio::time::sleep(LOOK_AGAIN) => {}
        }
    }

    /// Looks the reader up again, when it is time to.
    async fn holds(
        &mut self,
        view: &View<'_>,
        caller: &Caller,
        reception: &Reception,
    ) -> Result<(), Refusal> {
        let is_new = self.policies.has_changed().unwrap_or(false);
        if !is_new && reception.clock.now().boot < self.next {
            return Ok(());
        }
        self.policies.mark_unchanged();
        self.next = next_look(reception);
        let found = callers::find_caller(caller.peer.clone(), Facts::Person, reception).await?;
        let person = reception.engine.natural(found.person).await.map_err(|_| Refusal::Stopping)?;
        view.still_holds(&reception.engine.policy().policy, &person)
    }
}

fn next_look(reception: &Reception) -> i64 {
    let minute = i64::try_from(LOOK_AGAIN.as_nanos()).unwrap_or(60 * NANOS);
    reception.clock.now().boot.saturating_add(minute)
}

/// Which entries a reader gets.
struct View<'a> {
    reader: Person,
    account: AccountState,
    sees_all: bool,
    query: &'a LogQuery,
}

impl<'a> View<'a> {
    fn of(policy: &Policy, caller: &Caller, query: &'a LogQuery) -> Self {
        let sees_all = admission::sees_all(policy, caller.peer.uid, &caller.person);
        let reader = Person { uid: caller.peer.uid, name: caller.person.name.clone() };
        Self { reader, account: caller.person.account.clone(), sees_all, query }
    }

    /// Whom alone the entries are about that are read at all.
    fn only(&self) -> Option<Person> {
        (!self.sees_all).then(|| self.reader.clone())
    }

    /// Whether the reader, as found anew, may see what this view shows.
    fn still_holds(&self, policy: &Policy, person: &PersonFacts) -> Result<(), Refusal> {
        let no = |need: &str| {
            Err(Refusal::NotPermitted { action: "go on reading the log".into(), need: need.into() })
        };
        let was_ordinary = self.account == AccountState::Ordinary;
        if person.name != self.reader.name || (was_ordinary && person.account != AccountState::Ordinary) {
            return no("the account that began to, neither locked nor expired");
        }
        // More would be seen as well as less: what was passed over before would be missing.
        if self.sees_all != admission::sees_all(policy, self.reader.uid, person) {
            return no("the same duties as when you began; ask again to see what you may see now");
        }
        Ok(())
    }

    /// Whether everything is read by somebody who may see everything: `jitctl log export`, for one.
    fn is_a_copy(&self) -> bool {
        let LogQuery { since, user, role, id, kinds, until } = self.query;
        let filtered =
            since.is_some() || user.is_some() || role.is_some() || id.is_some() || !kinds.is_empty();
        self.sees_all && !filtered && *until == LogUntil::Now
    }

    /// A row as the reader may see it, if they see it.
    fn entry(&self, row: &Row) -> Option<LogEntry> {
        if self.sees_all { Some(views::log_entry(row)) } else { views::limited_entry(row) }
    }

    fn shows(&self, stored: &LogEntry) -> bool {
        // An entry that this version cannot read is shown to those who see everything, and to nobody else.
        let entry = serde_json::from_str::<Entry>(&stored.body).ok();
        let person = entry.as_ref().and_then(Entry::person);
        let query = self.query;
        // A uid may have had another account before.
        let is_reader = |person| person == Some(&self.reader);
        let mine = is_reader(person) || is_reader(entry.as_ref().and_then(Entry::decided_by));
        let user = |name: &String| person.is_some_and(|person| person.name == *name);
        let role = |role: &String| entry.as_ref().and_then(Entry::role) == Some(role);
        (self.sees_all || mine)
            && query.since.is_none_or(|since| stored.at >= since)
            && query.user.as_ref().is_none_or(user)
            && query.role.as_ref().is_none_or(role)
            && query.id.as_ref().is_none_or(|id| stored.request.is_some_and(|request| id.matches(request)))
            && (query.kinds.is_empty() || query.kinds.contains(&stored.kind))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::peer::Peer;
    use jitd_core::record::Origin;

    fn person(uid: u32, name: &str, account: AccountState) -> PersonFacts {
        PersonFacts { uid, name: name.into(), account, ..PersonFacts::default() }
    }

    fn everything() -> LogQuery {
        let until = LogUntil::Now;
        LogQuery { since: None, user: None, role: None, id: None, kinds: Vec::new(), until }
    }

    fn with_view(person: PersonFacts, test: impl FnOnce(&mut View<'_>)) {
        let peer = Peer { uid: person.uid, origin: Origin::default() };
        let caller = Caller { peer, person, groups: std::collections::BTreeMap::new(), looked_up: 0 };
        test(&mut View::of(&Live::default().policy, &caller, &everything()));
    }

    #[test]
    fn a_newcomer_with_the_uid_of_another_reads_nothing_of_theirs() {
        with_view(person(1000, "mallory", AccountState::Ordinary), |view| {
            let about = |name: &str| {
                let by = Person { uid: 1000, name: name.into() };
                let entry = Entry::RefusalsCounted { by, count: 1, seconds: 60 };
                let body = serde_json::to_string(&entry).unwrap_or_default();
                let (kind, hash) = (entry.kind().to_owned(), [0; 32]);
                LogEntry { seq: 1, at: 1, kind, request: None, body, hash, texts: Vec::new() }
            };
            assert!(view.shows(&about("mallory")));
            assert!(!view.shows(&about("alice")));
            assert_eq!(view.only().map(|person| person.name).as_deref(), Some("mallory"));
        });
    }

    #[test]
    fn a_view_ends_when_it_would_be_smaller_now() {
        let policy = &Live::default().policy;
        let alice = |account| person(1000, "alice", account);
        with_view(alice(AccountState::Ordinary), |view| {
            assert_eq!(view.still_holds(policy, &alice(AccountState::Ordinary)), Ok(()));
            assert!(view.still_holds(policy, &alice(AccountState::Locked)).is_err());
            assert!(view.still_holds(policy, &alice(AccountState::NoAccount)).is_err());
            assert!(view.still_holds(policy, &person(1000, "bob", AccountState::Ordinary)).is_err());
            view.sees_all = true;
            assert!(view.still_holds(policy, &alice(AccountState::Ordinary)).is_err(), "no auditor any more");
        });
        with_view(person(0, "root", AccountState::Root), |view| {
            assert_eq!(view.only(), None);
            assert_eq!(view.still_holds(policy, &person(0, "root", AccountState::Root)), Ok(()));
        });
    }
}
