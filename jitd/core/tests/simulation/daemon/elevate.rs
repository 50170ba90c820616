//! From a request to a live grant (`jitd/src/engine/elevate.rs` and `extend.rs`): decide, record, make it real, ask sudo.

use std::mem;

use jit_common::duration::GrantDuration;
use jit_common::ids::RequestId;
use jit_common::refusal::Refusal;
use jitd_core::lifecycle::registry::Grant;
use jitd_core::lifecycle::step::{self, EndedBy, Extended, NewGrant, Request};
use jitd_core::limits::FARTHEST_START;
use jitd_core::now::{Deadline, NANOS, Now};
use jitd_core::policy::{
    self, Ask as PolicyAsk, Facts, Gives, GroupRef, LiveGrant, OpenRequest, Outcome, PersonFacts, Terms,
};
use jitd_core::record::{Asked, Cause, Origin, Person, TypedHash, TypedText, chain};
use jitd_core::wanted::WantedGrant;

use super::{Candidate, Jitd, Lived, Opening};
use crate::world::World;
use crate::world::messages::{Agrees, Call};
use crate::world::policies::HOST_GROUPS;

/// Nanoseconds for which what was looked up about a caller is decided on.
pub(crate) const OLDEST_FACTS: i64 = 5 * NANOS;

/// What somebody wants.
#[derive(Clone, Debug)]
pub(super) struct Wish {
    pub(super) role: String,
    pub(super) seconds: Option<u32>,
    pub(super) reason: Option<String>,
    pub(super) start: Option<i64>,
    pub(super) extends: Option<Grant>,
}

/// What a request is about, and so is nothing that stands in its way.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Besides {
    pub(super) grant: Option<RequestId>,
    pub(super) request: Option<RequestId>,
}

impl Jitd {
    /// Decides a request. A permitted one joins the others of this pass, or is opened.
    pub(super) fn ask(&mut self, world: &mut World, call: Call, wish: Wish, now: &Now) -> Lived {
        if self.candidates.iter().any(|one| one.uid == call.person.uid) {
            self.flush(world, now)?;
        }
        if now.boot.saturating_sub(call.looked_up) > OLDEST_FACTS {
            return Ok(());
        }
        let Some(terms) = self.judge(&call, &wish, now) else { return Ok(()) };
        if !terms.approvals.is_empty() || wish.start.is_some() {
            return self.open(world, Opening { call, wish, terms }, now);
        }
        let Some(gives) = self.gives(&terms.role) else { return Ok(()) };
        let id = world.new_id();
        let new = NewGrant {
            id,
            by: caller(&call),
            role: terms.role.clone(),
            rule: terms.rule.clone(),
            policy: terms.policy.to_string(),
            conditions: Vec::new(),
            approved_by: Vec::new(),
            gives,
            seconds: terms.duration.as_secs(),
            longest: longest(wish.extends.as_ref(), terms.max_duration.as_secs()),
            expiry: terms.expiry,
            extends: wish.extends.as_ref().map(extended),
        };
        let (by, gives) = (new.by.clone(), new.gives.clone());
        let subcommands = new.expiry.subcommands;
        let change = |deadline: &Deadline| {
            let (gives, deadline) = (gives.into(), deadline.clone());
            self.host.change(world, &WantedGrant { id, by, gives, subcommands, deadline })
        };
        let step = step::grant(request(&call, &wish), new, now, change);
        self.candidates.push(Candidate { step, id, uid: call.person.uid });
        Ok(())
    }

    /// Everything that stands between a request and its grant.
    pub(super) fn judge(&self, call: &Call, wish: &Wish, now: &Now) -> Option<Terms> {
        if !is_the_person(call) || !self.may_grant() {
            return None;
        }
        let ahead = |start: i64| start > now.wall && start.saturating_sub(now.wall) <= FARTHEST_START * NANOS;
        if !wish.start.is_none_or(ahead) {
            return None;
        }
        let besides = Besides { grant: wish.extends.as_ref().map(|grant| grant.id), request: None };
        let terms = self.decide(&call.person, &call.groups, wish, besides).ok()?;
        let left = wish.extends.as_ref().map(|grant| left(grant, terms.max_duration.as_secs()));
        left.is_none_or(|left| terms.duration.as_secs() <= left).then_some(terms)
    }

    /// Whether anything can be granted at present.
    pub(super) fn may_grant(&self) -> bool {
        self.registry.lock().is_none() && !self.book.is_closed() && self.live.is_some()
    }

    pub(super) fn decide(
        &self,
        person: &PersonFacts,
        groups: &std::collections::BTreeMap<String, policy::GroupState>,
        wish: &Wish,
        besides: Besides,
    ) -> Result<Terms, Refusal> {
        let live = self.registry.of(person.uid).filter(|grant| grant.state.is_wanted());
        let live = live.filter(|grant| Some(grant.id) != besides.grant);
        let live = live.map(|grant| LiveGrant {
            id: grant.id.to_string(),
            role: grant.role.clone(),
            rule: grant.rule.name.clone(),
            until_unix: grant.deadline.wall.div_euclid(NANOS),
        });
        let open = self.registry.open_of(person.uid).filter(|open| Some(open.id) != besides.request);
        let facts = Facts {
            person: person.clone(),
            known_groups: groups.clone(),
            live: live.collect(),
            open: open.map(|open| OpenRequest { id: open.id.to_string(), role: open.role.clone() }).collect(),
            ..Facts::default()
        };
        let ask = PolicyAsk {
            role: &wish.role,
            duration: wish.seconds.and_then(|seconds| GrantDuration::from_secs(seconds).ok()),
            reason: wish.reason.as_deref(),
            ticket: None,
        };
        let none = || Refusal::PolicyInvalid { why: "there is none".into() };
        let live = self.live.as_ref().ok_or_else(none)?;
        match policy::decide(&live.policy, &ask, &facts).outcome {
            Outcome::Permit(terms) => Ok(terms),
            Outcome::Refuse(refusal) => Err(refusal),
        }
    }

    /// What a role of the policy gives on this host now.
    pub(super) fn gives(&self, role: &str) -> Option<Gives> {
        let role = self.live.as_ref()?.policy.role(role)?;
        let reference = |name: &String| {
            let (name, gid) = HOST_GROUPS.iter().find(|(known, _)| known == name)?;
            Some(GroupRef { gid: *gid, name: (*name).to_owned() })
        };
        let groups = role.groups.iter().map(reference).collect::<Option<Vec<_>>>()?;
        Some(Gives { sudo: role.sudo.clone(), groups })
    }

    pub(super) fn join(&mut self, step: step::Raising, id: RequestId, uid: u32) {
        self.candidates.push(Candidate { step, id, uid });
    }

    /// Records the candidates in one commit, makes them real in one pass, and has sudo asked about them.
    pub(super) fn flush(&mut self, world: &mut World, now: &Now) -> Lived {
        if self.candidates.is_empty() {
            return Ok(());
        }
        let (steps, ids): (Vec<_>, Vec<_>) =
            mem::take(&mut self.candidates).into_iter().map(|one| (one.step, one.id)).unzip();
        let Some(released) = self.book.raise(world, steps, now)? else { return Ok(()) };
        self.registry.take(&released);
        let made = self.make_so(world, now)?;
        let mut failed = false;
        for id in ids {
            if made.not_made.contains(&id) {
                failed |= self.mark_ending(id, Cause::Failed, &EndedBy::default(), now);
            } else if world.chance.once_in(2) {
                // What sudo said is often remembered.
                self.sudo_said(world, id, Agrees::Yes, now)?;
            } else {
                world.sudo_asked.push(id);
            }
        }
        match failed {
            true => self.remove_ended(world, now),
            false => Ok(()),
        }
    }

    /// Sudo has answered about a grant.
    pub(super) fn sudo_said(&mut self, world: &mut World, id: RequestId, agrees: Agrees, now: &Now) -> Lived {
        let Some(grant) = self.registry.get(id) else { return Ok(()) };
        if agrees == Agrees::No {
            return self.end_all(world, &[(id, Cause::Failed)], &EndedBy::default(), now);
        }
        let replaced = grant.span.replaces;
        if let Some(step) = step::agreed(grant, now, Vec::new()) {
            let released = step.end_anyway(&mut self.book.owed);
            self.registry.take(&released);
            let replaced: Vec<_> = replaced.into_iter().map(|id| (id, Cause::Replaced)).collect();
            self.end_all(world, &replaced, &EndedBy::default(), now)?;
        }
        Ok(())
    }

    /// Takes a wish for more time for a live grant.
    pub(super) fn extend(
        &mut self,
        world: &mut World,
        call: Call,
        id: RequestId,
        seconds: u32,
        now: &Now,
    ) -> Lived {
        self.flush(world, now)?;
        let mine = self.registry.get(id).filter(|grant| grant.by == caller(&call) && grant.state.is_wanted());
        let Some(grant) = mine.cloned() else { return Ok(()) };
        let wish = Wish {
            role: grant.role.clone(),
            seconds: Some(seconds),
            reason: grant.reason.clone(),
            start: None,
            extends: Some(grant),
        };
        self.ask(world, call, wish, now)
    }
}

/// Seconds by which a grant can still be extended, when its rule permits `max` in all.
pub(super) fn left(grant: &Grant, max: u32) -> u32 {
    let had = grant.deadline.wall.saturating_sub(grant.span.since);
    let had = u32::try_from(had.saturating_add(NANOS - 1).div_euclid(NANOS)).unwrap_or(u32::MAX);
    longest(Some(grant), max).saturating_sub(had)
}

/// The longest that a grant may come to with extensions.
pub(super) fn longest(extends: Option<&Grant>, max: u32) -> u32 {
    extends.map_or(max, |grant| grant.span.longest.min(max))
}

pub(super) fn extended(grant: &Grant) -> Extended {
    Extended { id: grant.id, since: grant.span.since, deadline: grant.deadline.clone() }
}

pub(super) fn request(call: &Call, wish: &Wish) -> Request {
    let mut texts = Vec::new();
    let mut typed = |field: &'static str, text: &String| {
        let salt = [7; 16];
        texts.push(TypedText { field, salt, text: text.clone() });
        TypedHash(chain::typed(&salt, text))
    };
    let reason = wish.reason.as_ref().map(|text| typed("reason", text));
    let asked = Asked {
        by: caller(call),
        from: Origin { login_uid: call.login_uid, ..Origin::default() },
        role: wish.role.clone(),
        seconds: wish.seconds,
        reason,
        ticket: None,
    };
    Request { asked, texts }
}

pub(super) fn caller(call: &Call) -> Person {
    Person { uid: call.person.uid, name: call.person.name.clone() }
}

/// Whoever logged in as somebody else is refused.
pub(super) fn is_the_person(call: &Call) -> bool {
    call.person.uid == 0 || call.login_uid.is_none_or(|uid| uid == call.person.uid)
}
