//! What people see: their grants and jitd's state, the roles they could have, the whole story of one request.

use jit_common::explanation::Outcome as Told;
use jit_common::ids::{IdPrefix, RequestId};
use jit_common::refusal::Refusal;
use jit_common::request::Ask;
use jit_common::response::{
    Armed, EarlierView, GivesView, GrantView, Response, RoleView, SinkView, StateView, StatusView, StoryView,
    WayOff,
};
use jitd_core::lifecycle::open::Open;
use jitd_core::lifecycle::registry::Grant;
use jitd_core::lifecycle::state::State;
use jitd_core::lifecycle::step;
use jitd_core::now::{Deadline, Now};
use jitd_core::policy::{AtExpiry, Authenticate, Expiry, Gives, GroupRef, Logins, Role, Subcommands, votes};
use jitd_core::record::{Draft, Entry, Person};
use jitd_core::sudoers::{LogSubcmds, NotAfter};

use super::calls::{Besides, Known, caller};
use super::message::Call;
use super::past::Past;
use super::{Engine, admission, open_views, views};
use crate::ledger::REQUESTS_LIKE;

/// Earlier grants that somebody who decides is shown.
const EARLIER: usize = 5;

impl Engine {
    pub(super) fn status(&self, call: &Call, now: &Now) -> Response {
        let view = |grant: &Grant| views::grant(grant, now, None);
        let sees_all = admission::sees_all(&self.live.policy, call.peer.uid, &call.person);
        // A uid may have had another account before.
        let caller = caller(call);
        let mine = self.registry.of(call.peer.uid).filter(|grant| grant.by == caller);
        let locked = self.registry.lock().map(|lock| admission::locked(lock).to_string());
        let policy = self.live.invalid_because().or_else(|| self.live.is_empty_because());
        let not_granting = [locked, self.not_granting(), policy];
        Response::Status(Box::new(StatusView {
            mine: mine.map(view).collect(),
            open: self.open_for(call, now),
            waiting: sees_all.then(|| self.waiting(now)),
            all: sees_all.then(|| self.registry.live().map(view).collect()),
            daemon: env!("CARGO_PKG_VERSION").to_owned(),
            not_granting: not_granting.into_iter().flatten().collect(),
            attention: if sees_all { self.attention() } else { Vec::new() },
            sudo: self.host.sudo_line(),
            policy: self.live.is_valid().then(|| self.live.policy.hash().to_string()),
            live: self.registry.len() as u64,
            entries: self.book.head(),
            sinks: self.sinks.iter().map(|sink| sink.view(self.book.head())).collect::<Vec<SinkView>>(),
        }))
    }

    /// What an admin should look at.
    fn attention(&self) -> Vec<String> {
        let stuck = self.registry.live().filter(|grant| matches!(grant.state, State::Stuck { .. }));
        let stuck = stuck.map(|grant| {
            format!(
                "grant {} of {} ({}) could not be removed in {} tries and is still on the host",
                grant.id,
                grant.by.name,
                grant.role,
                grant.state.tries()
            )
        });
        let disabled =
            self.live.disabled.iter().map(|(role, why)| format!("the role {role} is disabled: {why}"));
        let owed = match self.book.owed() {
            0 => None,
            owed => Some(format!("{owed} entries wait until the ledger can be written again")),
        };
        let rejected =
            self.live.rejected.iter().map(|error| format!("the policy on disk was not taken: {error}"));
        let guard = self.host.guard_trouble().map(|why| format!("jit-guard would take nothing off: {why}"));
        let host = guard.into_iter().chain(self.host_attention());
        let starts = self.starts.attention();
        stuck.chain(host).chain(starts).chain(disabled).chain(owed).chain(rejected).collect()
    }

    /// The same of the host alone.
    pub(super) fn host_attention(&self) -> impl Iterator<Item = String> + '_ {
        self.host.include_trouble().into_iter().chain(self.host.attention())
    }

    pub(super) fn roles(&self, call: &Call) -> Response {
        let view = |role: &jitd_core::policy::Role| {
            let ask = Ask { role: role.name.clone(), ..Ask::default() };
            let known = Known { groups: &call.groups, local_time: &call.local_time };
            let explanation = self.decide(&call.person, known, &ask, Besides::default()).explanation;
            match explanation.outcome {
                Told::Refused(Refusal::NoSuchRole { .. }) => None,
                Told::Refused(_) | Told::Permitted { .. } => Some(RoleView {
                    name: role.name.clone(),
                    summary: role.summary.clone(),
                    risk: role.risk.to_string(),
                    gives: self.gives_here(role),
                    equals_root: self.live.equals_root(&role.name),
                    disabled: self.live.disabled.get(&role.name).into_iter().cloned().collect(),
                    now: explanation,
                }),
            }
        };
        Response::Roles(self.live.policy.roles().filter_map(view).collect())
    }

    /// What a role gives, with the number that each group has here.
    fn gives_here(&self, role: &Role) -> GivesView {
        let unknown = |name: &String| GroupRef { gid: u32::MAX, name: name.clone() };
        let groups = self.host.resolve(&role.groups);
        let groups = groups.unwrap_or_else(|_| role.groups.iter().map(unknown).collect());
        views::gives(&Gives { sudo: role.sudo.clone(), groups }, &[])
    }

    /// The story of a request, without what runs with it; and the grant that it was, when it is over.
    pub(super) fn show(
        &mut self,
        call: &Call,
        prefix: &IdPrefix,
        now: &Now,
    ) -> Result<(RequestId, Option<Grant>, Box<StoryView>), Refusal> {
        let (id, past) = self.find_request(call, prefix)?;
        let rows = self.book.rows_of(id).map_err(|why| Refusal::LedgerUnavailable { why })?;
        let entries = match admission::sees_all(&self.live.policy, call.peer.uid, &call.person) {
            true => rows.iter().map(views::log_entry).collect(),
            false => rows.iter().filter_map(views::limited_entry).collect(),
        };
        let live = self.registry.get(id).cloned();
        let view = match &live {
            Some(grant) => Some(views::grant(grant, now, None)),
            None => views::past_grant(&past, now),
        };
        let grant = live.as_ref().or(past.grant.as_ref());
        let open = self.registry.open_request(id).cloned();
        let as_asked = past.terms.as_ref().map(|terms| terms.change.clone());
        let now_on = open.as_ref().map(|open| self.would_change(open, now));
        let change = grant.map(|grant| grant.change.clone()).or(now_on).or(as_asked);
        let role = grant.map(|grant| &grant.role).or(past.open.as_ref().map(|open| &open.role));
        let gives = grant.map(|grant| (&grant.by, &*grant.gives));
        let gives = gives.or(past.open.as_ref().map(|open| (&open.by, &open.terms.gives)));
        let expiry = grant.map(|grant| grant.expiry).or(past.terms.as_ref().map(|terms| terms.expiry));
        let expiry = expiry.unwrap_or_default();
        let story = StoryView {
            ways_off: match (&live, &view) {
                (Some(_), Some(view)) => self.ways_off(view),
                (Some(_), None) | (None, _) => Vec::new(),
            },
            change: change
                .map(|change| change.iter().map(|line| format!("+ {line}")).collect())
                .unwrap_or_default(),
            equals_root: role.map(|role| self.live.equals_root(role)).unwrap_or_default(),
            side_effects: {
                let logs = self.host.dialect().log_subcmds;
                let side_effects = gives.map(|(by, gives)| side_effects(by, gives, expiry, logs));
                side_effects.into_iter().flatten().chain(unusual(expiry.then)).collect()
            },
            not_seen: self.not_seen(id, expiry),
            entries,
            grant: view,
            earlier: open.as_ref().map(|open| self.earlier(open)).unwrap_or_default(),
            live: open.as_ref().map(|open| self.live_of(open, now)).unwrap_or_default(),
            open: match (&open, &past.open) {
                (Some(open), _) => Some(self.open_view(open, Some(call), now)),
                (None, Some(open)) => Some(open_views::open_as_asked(open, StateView::Closed)),
                (None, None) => None,
            },
            conditions: past.conditions,
            running: Vec::new(),
        };
        Ok((id, past.grant, Box::new(story)))
    }

    /// What of the starts of commands is not seen, where the rule says that they are to be.
    fn not_seen(&self, id: RequestId, expiry: Expiry) -> Vec<String> {
        match (expiry.subcommands, self.host.dialect().log_subcmds) {
            (Subcommands::NotLogged, _) => Vec::new(),
            (Subcommands::Logged, LogSubcmds::NotTaken) => {
                vec!["what commands start: the rule wants it, and this host's sudo does not say it (log_subcmds)".into()]
            }
            (Subcommands::Logged, LogSubcmds::Taken) => {
                let trouble =
                    self.starts.trouble().map(|why| format!("what commands start, at present: {why}"));
                let never =
                    "what a program does without starting another, and what goes on after its sudo has ended";
                trouble.into_iter().chain(self.starts.unheard_of(id)).chain([never.into()]).collect()
            }
        }
    }

    /// What an open request would change if everybody decided now.
    fn would_change(&self, open: &Open, now: &Now) -> Vec<String> {
        let extended = open.terms.extends.and_then(|id| self.registry.get(id));
        let deadline = match extended {
            Some(grant) => grant.deadline.later_by(open.seconds()),
            None => {
                let start = open.terms.start.filter(|start| *start > now.wall).unwrap_or(now.wall);
                Deadline::after(&now.at_wall(start), open.seconds())
            }
        };
        let subcommands = open.terms.expiry.subcommands;
        self.host.change(open.id, &open.by, &open.terms.gives, subcommands, &deadline)
    }

    /// The last grants of the same role to the same person, the newest first.
    fn earlier(&self, open: &Open) -> Vec<EarlierView> {
        let ids = self.book.grants_of(&open.by, &open.role, EARLIER).unwrap_or_else(|why| {
            crate::log::error(&format!("earlier grants cannot be read: {why}"));
            Vec::new()
        });
        let view = |id: RequestId| {
            let past = Past::of(id, &self.book.rows_of(id).ok()?);
            let grant = past.grant?;
            let (until, end, residue) = (grant.deadline.wall, past.end, past.residue);
            Some(EarlierView { id, start: grant.start, until, end, reason: grant.reason, residue })
        };
        ids.into_iter().filter_map(view).collect()
    }

    fn live_of(&self, open: &Open, now: &Now) -> Vec<GrantView> {
        let theirs = self.registry.of(open.by.uid).filter(|grant| grant.by == open.by);
        theirs.map(|grant| views::grant(grant, now, None)).collect()
    }

    /// The one request that begins so and that the caller may see.
    fn find_request(&mut self, call: &Call, prefix: &IdPrefix) -> Result<(RequestId, Past), Refusal> {
        let nothing = || Refusal::NoSuchThing { what: "request".into(), id: prefix.to_string() };
        let unreadable = |why: String| Refusal::LedgerUnavailable { why };
        let sees_all = admission::sees_all(&self.live.policy, call.peer.uid, &call.person);
        let mut seen: Vec<(RequestId, Past)> = Vec::new();
        let like = self.book.requests_like(prefix.as_str()).map_err(unreadable)?;
        if like.len() > REQUESTS_LIKE {
            // Not which: they may be other people's.
            let fits = vec![format!("more than {REQUESTS_LIKE} requests")];
            return Err(Refusal::AmbiguousId { prefix: prefix.to_string(), fits });
        }
        let caller = caller(call);
        for id in like {
            let past = Past::of(id, &self.book.rows_of(id).map_err(unreadable)?);
            let decides = past
                .terms
                .as_ref()
                .is_some_and(|terms| !votes::eligible_entries(&terms.approvals, &call.person).is_empty());
            // Somebody else's request is as if it were not there, unless it is theirs to decide.
            if sees_all || decides || past.person.as_ref() == Some(&caller) {
                seen.push((id, past));
            }
        }
        match seen.len() {
            0 => Err(nothing()),
            1 => Ok(seen.swap_remove(0)),
            _ => {
                let fits = seen.iter().map(|(id, _)| id.to_string()).collect();
                Err(Refusal::AmbiguousId { prefix: prefix.to_string(), fits })
            }
        }
    }

    /// Erases what people typed for a request. That it was done is on the record before it is done.
    pub(super) fn erase(&mut self, call: &Call, prefix: &IdPrefix, now: &Now) -> Result<Response, Refusal> {
        if call.peer.uid != 0 {
            return Err(Refusal::NotPermitted { action: "erase what was typed".into(), need: "root".into() });
        }
        let (id, _) = self.find_request(call, prefix)?;
        let by = caller(call);
        let entry = Entry::TextsErased { by, from: call.peer.origin.clone() };
        let erased = step::erase(Draft { at: now.wall, request: Some(id), entry, texts: Vec::new() });
        let unavailable = |why| Refusal::LedgerUnavailable { why };
        let released = self.book.raise(vec![erased], now).map_err(unavailable)?;
        self.registry.take(&released);
        self.book.erase_texts(id).map_err(unavailable)?;
        Ok(Response::Done)
    }

    /// The three ways off the host, each independent of the others.
    fn ways_off(&self, view: &GrantView) -> Vec<WayOff> {
        let live = matches!(view.state, StateView::Active | StateView::Applying);
        let armed = |yes: bool| if yes && live { Armed::Yes } else { Armed::No };
        let not_after = self.host.dialect().not_after == NotAfter::Honoured;
        let guard = self.host.guard_trouble();
        vec![
            WayOff {
                name: "jitd's timer".into(),
                armed: armed(self.no_alarm.is_none()),
                detail: self.no_alarm.clone().unwrap_or_else(|| "takes it off when its time is up".into()),
            },
            WayOff {
                name: "jit-guard".into(),
                armed: armed(guard.is_none()),
                detail: guard
                    .unwrap_or_else(|| "takes it off half a second later, with or without jitd".into()),
            },
            WayOff {
                name: "sudo's NOTAFTER".into(),
                armed: armed(not_after),
                detail: match (not_after, view.gives.groups.is_empty()) {
                    (true, true) => "sudo itself refuses after the second in which it ends".into(),
                    (true, false) => {
                        "sudo itself refuses after the second in which it ends; it has no hold on membership"
                            .into()
                    }
                    (false, _) => "this host's sudo does not take it".into(),
                },
            },
        ]
    }
}

/// What becomes of what still runs, where that is not the usual.
fn unusual(at_expiry: AtExpiry) -> Option<String> {
    (!at_expiry.is_end()).then(|| format!("of `jitctl elevate ROLE -- COMMAND`, {}", at_expiry.phrase()))
}

/// Effects beyond the grant itself.
fn side_effects(by: &Person, gives: &Gives, expiry: Expiry, logs: LogSubcmds) -> Vec<String> {
    let name = &by.name;
    let logins = match expiry.logins {
        Logins::Stay => ", but for logins, which are named",
        Logins::End => ", logins as well",
    };
    let when = match expiry.then {
        AtExpiry::End | AtExpiry::Pause(_) => "ended with it",
        AtExpiry::Finish(_) => "ended when nothing may finish any more",
    };
    let asks = gives.sudo.as_ref().is_some_and(|sudo| sudo.password == Authenticate::Asked);
    let password = asks.then(|| {
        format!(
            "sudo asks {name} for the password every time while this grant is live, for their standing sudo rights as well"
        )
    });
    let groups = gives.groups.iter().map(|group| {
        format!(
            "membership of {0} reaches new logins of {name} only; `sudo -g {0} COMMAND` works at once, and what still \
             holds the group is {when}{logins}; files that {name} makes set-gid to it meanwhile stay, and nobody looks \
             for them",
            group.name
        )
    });
    let logged = expiry.subcommands == Subcommands::Logged && logs == LogSubcmds::Taken;
    let starts = logged.then(|| {
        format!(
            "sudo logs what the commands that {name} runs start while this grant is live, for their standing sudo rights as well"
        )
    });
    password.into_iter().chain(starts).chain(groups).collect()
}
