//! Reading and following the record: whoever reads gets what they may see, as fast as they read it.

use jit_common::refusal::Refusal;
use jit_common::request::{LogQuery, LogUntil};
use jit_common::response::{LogEntry, Response};
use jitd_core::limits::ENTRIES_A_FRAME;
use jitd_core::policy::Policy;
use jitd_core::record::Entry;

use super::Reception;
use super::conversation::{Broken, Caller, Client};
use crate::engine::{admission, views};

/// Sends what the query asks for.
pub(super) async fn send(
    client: &mut Client,
    caller: &Caller,
    query: LogQuery,
    reception: &Reception,
) -> Result<(), Broken> {
    if let Err(refusal) = admission::caller_is_the_person(&caller.peer) {
        return client.refuse(refusal).await;
    }
    let live = reception.engine.policy();
    let view = View::of(&live.policy, caller, &query);
    if view.is_a_copy() {
        reception.engine.sign().await;
    }
    let mut head = reception.engine.head();
    let mut after = 0;
    loop {
        let newest = *head.borrow_and_update();
        while after < newest {
            let rows = match reception.engine.rows(after, ENTRIES_A_FRAME).await {
                Ok(rows) => rows,
                Err(why) => return client.refuse(Refusal::LedgerUnavailable { why }).await,
            };
            let Some(last) = rows.last() else { break };
            after = last.seq;
            let entries = rows.iter().map(views::log_entry);
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
                () = client.gone() => return Ok(()),
            },
        }
    }
}

/// Which entries a reader gets.
struct View<'a> {
    uid: u32,
    sees_all: bool,
    query: &'a LogQuery,
}

impl<'a> View<'a> {
    fn of(policy: &Policy, caller: &Caller, query: &'a LogQuery) -> Self {
        let sees_all = admission::sees_all(policy, caller.peer.uid, &caller.person);
        Self { uid: caller.peer.uid, sees_all, query }
    }

    /// Whether everything is read by somebody who may see everything: `jitctl log export`, for one.
    fn is_a_copy(&self) -> bool {
        let LogQuery { since, user, role, id, kinds, until } = self.query;
        let filtered =
            since.is_some() || user.is_some() || role.is_some() || id.is_some() || !kinds.is_empty();
        self.sees_all && !filtered && *until == LogUntil::Now
    }

    fn shows(&self, stored: &LogEntry) -> bool {
        // An entry that this version cannot read is shown to those who see everything, and to nobody else.
        let entry = serde_json::from_str::<Entry>(&stored.body).ok();
        let person = entry.as_ref().and_then(Entry::person);
        let query = self.query;
        let mine = person.is_some_and(|person| person.uid == self.uid);
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
