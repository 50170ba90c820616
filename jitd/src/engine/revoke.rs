//! What operators and root do: take grants away, close requests, lock and unlock the host.

use jit_common::ids::IdPrefix;
use jit_common::refusal::{Refusal, TextField};
use jit_common::request::{LiveGrants, RevokeTarget};
use jit_common::response::{EndedView, Response, WasView};
use jit_mechanisms::kill_switch;
use jitd_core::lifecycle::open::Open;
use jitd_core::lifecycle::registry::Grant;
use jitd_core::lifecycle::step::{self, ClosedBy, EndedBy};
use jitd_core::now::Now;
use jitd_core::record::{Cause, Closed, Entry, Person};

use super::calls::{Answer, ambiguous, are_one, caller, draft, ended_by};
use super::message::Call;
use super::{Engine, admission, views};

/// Grants to take away, and open requests that could become such.
#[derive(Debug, Default)]
struct Chosen {
    live: Vec<Grant>,
    open: Vec<Open>,
}

impl Engine {
    pub(super) fn revoke(
        &mut self,
        call: &Call,
        target: &RevokeTarget,
        note: Option<&String>,
        now: &Now,
    ) -> Answer {
        admission::text_length(TextField::Note, note)?;
        self.may_revoke(call, "revoke grants")?;
        let nothing = |what: &str, id: &str| Refusal::NoSuchThing { what: what.into(), id: id.to_owned() };
        let chosen = match target {
            RevokeTarget::All => self.of(|_| true),
            RevokeTarget::User(name) => {
                let theirs = self.of(|person| person.name == *name);
                // In an emergency a mistyped name must not look like a success.
                if theirs.live.is_empty() && theirs.open.is_empty() {
                    return Err(nothing("live grant or open request of", name));
                }
                theirs
            }
            RevokeTarget::Grant(prefix) => {
                let chosen = self.fitting(prefix);
                match (chosen.live.as_slice(), chosen.open.as_slice()) {
                    ([], []) => return Err(nothing("live grant or open request", prefix.as_str())),
                    ([], [_]) => chosen,
                    (live, []) if are_one(live) => chosen,
                    (_, _) => return Err(chosen.ambiguous(prefix)),
                }
            }
        };
        let by = ended_by(call, note)?;
        Ok(Response::Ended(self.take_away(&chosen, Cause::Revoked, call, &by, now)))
    }

    /// Everything of these people.
    fn of(&self, whose: impl Fn(&Person) -> bool) -> Chosen {
        Chosen {
            live: self.registry.live().filter(|grant| whose(&grant.by)).cloned().collect(),
            open: self.registry.open().filter(|open| whose(&open.by)).cloned().collect(),
        }
    }

    fn fitting(&self, prefix: &IdPrefix) -> Chosen {
        Chosen {
            live: self.registry.matching(prefix).cloned().collect(),
            open: self.registry.open_matching(prefix).cloned().collect(),
        }
    }

    /// Ends what is live, and closes what could become live: somebody whose grants are taken away gets none by a vote, or
    /// by a start, that comes a minute later.
    fn take_away(
        &mut self,
        chosen: &Chosen,
        cause: Cause,
        call: &Call,
        by: &EndedBy,
        now: &Now,
    ) -> Vec<EndedView> {
        for open in &chosen.open {
            let closed_by = ClosedBy {
                person: by.person.clone(),
                from: Some(call.peer.origin.clone()),
                note: by.note.clone(),
                texts: by.texts.clone(),
                why: String::new(),
            };
            self.close(open, Closed::Revoked, closed_by, now);
            self.notices.taken_away(open, &caller(call));
        }
        let mut ended = self.end_these(&chosen.live, cause, by, now);
        ended.extend(chosen.open.iter().map(closed_view));
        if !chosen.open.is_empty() {
            self.book.settle_now(now);
        }
        ended
    }

    pub(super) fn lock(&mut self, call: &Call, live: LiveGrants, note: Option<&String>, now: &Now) -> Answer {
        admission::text_length(TextField::Note, note)?;
        self.may_revoke(call, "lock this host")?;
        let by = ended_by(call, note)?;
        let marked = kill_switch::set(&self.host.paths, &call.person.name);
        let entry = Entry::Locked { by: caller(call), from: call.peer.origin.clone(), note: by.note.clone() };
        let released = step::lock(draft(now, entry, by.texts.clone())).end_anyway(self.book.debts());
        self.registry.take(&released);
        // What is taken away goes before anything waits for the disk.
        let ended = match live {
            LiveGrants::Keep => Vec::new(),
            LiveGrants::Revoke => {
                let all = self.of(|_| true);
                self.take_away(&all, Cause::Locked, call, &by, now)
            }
        };
        self.book.settle_now(now);
        match (marked, self.book.owed()) {
            (Err(error), 1..) => {
                let why =
                    format!("it is locked, but a restart of jitd would undo that: {}", crate::chain(&error));
                Err(Refusal::LedgerUnavailable { why })
            }
            (Ok(()), _) | (Err(_), 0) => Ok(Response::Ended(ended)),
        }
    }

    pub(super) fn unlock(&mut self, call: &Call, note: Option<&String>, now: &Now) -> Answer {
        admission::text_length(TextField::Note, note)?;
        self.may_revoke(call, "unlock this host")?;
        if self.registry.lock().is_some() {
            let by = ended_by(call, note)?;
            let entry = Entry::Unlocked { by: caller(call), from: call.peer.origin.clone(), note: by.note };
            let unlock = step::unlock(draft(now, entry, by.texts));
            let released =
                self.book.raise(vec![unlock], now).map_err(|why| Refusal::LedgerUnavailable { why })?;
            self.registry.take(&released);
        }
        // What was approved while it was locked comes into force now.
        let begin = self.waiting(now).approved;
        self.check_ready(now);
        match kill_switch::clear(&self.host.paths) {
            Ok(()) => Ok(Response::Unlocked { begin }),
            Err(error) => {
                let why = format!("it is unlocked until jitd restarts: {}", crate::chain(&error));
                Err(Refusal::LedgerUnavailable { why })
            }
        }
    }

    fn may_revoke(&self, call: &Call, action: &str) -> Result<(), Refusal> {
        if let Some(why) = self.book.damage() {
            let why = format!("{why}; `jit-guard --all` ends everything on this host without it");
            return Err(Refusal::LedgerUnavailable { why });
        }
        // Without a policy nobody knows who the operators are. Root is who it is.
        if let Some(why) = self.live.invalid_because().filter(|_| call.peer.uid != 0) {
            return Err(Refusal::PolicyInvalid { why });
        }
        match admission::revokes(&self.live.policy, call.peer.uid, &call.person) {
            true => Ok(()),
            false => Err(Refusal::NotPermitted { action: action.into(), need: "an operator or root".into() }),
        }
    }
}

impl Chosen {
    fn ambiguous(&self, prefix: &IdPrefix) -> Refusal {
        let live = self.live.iter().map(|grant| (grant.id, grant.role.as_str()));
        let open = self.open.iter().map(|open| (open.id, open.role.as_str()));
        ambiguous(prefix.as_str(), live.chain(open))
    }
}

fn closed_view(open: &Open) -> EndedView {
    EndedView {
        id: open.id,
        was: WasView::Open,
        person: views::person(&open.by),
        role: open.role.clone(),
        stuck: None,
        residue: Vec::new(),
    }
}
