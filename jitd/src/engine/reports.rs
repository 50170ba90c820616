//! The closing reports: the host is looked at when grants begin and after they have ended, and what differs is on the record.
//!
//! A grant never waits for its look. Grants that begin within a minute share one, and so do grants that have ended by the time it
//! begins. A report comes when nothing of the grant runs any more; when the look takes too long, without it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use jit_common::ids::RequestId;
use jit_mechanisms::groups::Given;
use jit_mechanisms::watch_list::Source;
use jitd_core::lifecycle::registry::Grant;
use jitd_core::lifecycle::step::Released;
use jitd_core::now::{NANOS, Now};
use jitd_core::record::report::MOST_CHANGES;
use jitd_core::record::{About, Change, Entry, Looks, Report};
use jitd_core::watched::{Lent, Look, Thing};

use super::Engine;
use super::elevate::Waiting;
use crate::clock::Clock;
use crate::config;
use crate::looks::{self, Left, Over, Question, Seen};
use crate::worker::Worker;

/// Nanoseconds for which grants that begin share a look.
const SHARED: i64 = 60 * NANOS;

/// Looks that are kept. When there are so many, a grant that begins shares the newest, however old it is.
const MOST_LOOKS: usize = 16;

/// Questions that may wait.
const ROOM: usize = 2;

/// Nanoseconds beyond its limit after which a look is not waited for any longer.
const PATIENCE: i64 = 10 * NANOS;

/// Nanoseconds for which a report waits for what still runs and does not end.
const STUCK: i64 = 30 * NANOS;

/// Nanoseconds between two looks at what a report waits for.
const AGAIN: i64 = NANOS / 4;

/// Other grants that a report names. The others are counted.
const BESIDE: usize = 8;

/// Grants that are over and whose time is remembered.
const REMEMBERED: usize = 1024;

/// The most reports that are written in one pass: each reads what the record has of its grant.
const IN_A_PASS: usize = 128;

/// The most grants that one look at their end is for: what it finds is kept for each of them. Of thousands that end together
/// the others have the next one.
const FOR_A_LOOK: usize = 256;

/// Characters of a path or a name in a report.
const LONGEST: usize = 512;

/// Everything about reports.
#[derive(Debug)]
pub(super) struct Reports {
    settings: Arc<config::Report>,
    clock: Clock,
    worker: Worker<Box<Question>>,
    looks: BTreeMap<u64, Kept>,
    next: u64,
    /// The first look of each grant that has one.
    first: BTreeMap<RequestId, u64>,
    closing: BTreeMap<RequestId, Closing>,
    /// What was seen of grants whose reports are not written yet.
    seen: VecDeque<(Option<Arc<Look>>, Left)>,
    /// From when to when grants were live that are over.
    over: VecDeque<(RequestId, i64, i64)>,
}

/// A look that was asked for.
#[derive(Debug)]
struct Kept {
    /// When, on the boot clock.
    asked: i64,
    /// Who was in a group by jitd while it was under way.
    lent: Lent,
    /// What it has seen, when it has.
    look: Option<Arc<Look>>,
}

/// A grant that is over and whose report is to come.
#[derive(Debug)]
struct Closing {
    about: About,
    source: Option<Source>,
    since: i64,
    ended: i64,
    memberships: Given,
    gids: Vec<u32>,
    late_ms: Option<i64>,
    /// Until when its look is waited for, on the boot clock, once it is asked for.
    until: Option<i64>,
}

impl Reports {
    pub(super) fn new(settings: config::Report, clock: Clock) -> Self {
        let worker = Worker::new("looks", ROOM, looks::answer);
        let (looks, first, closing, seen, over) = Default::default();
        Self { settings: Arc::new(settings), clock, worker, looks, next: 1, first, closing, seen, over }
    }

    /// Nanoseconds until something is due.
    pub(super) fn next(&self, now: &Now) -> Option<i64> {
        if !self.seen.is_empty() {
            return Some(0);
        }
        let until = |closing: &Closing| closing.until.map_or(AGAIN, |at| at.saturating_sub(now.boot).max(0));
        self.closing.values().map(until).min()
    }

    /// Whether a look was asked for and has not come.
    fn is_looking(&self, now: &Now) -> bool {
        self.looks.values().any(|kept| kept.look.is_none() && self.may_come(kept.asked, now))
    }

    /// Whether a look that was asked for then can be waited for.
    fn may_come(&self, asked: i64, now: &Now) -> bool {
        now.boot.saturating_sub(asked) < self.patience()
    }

    /// Nanoseconds that a look may take in all.
    fn patience(&self) -> i64 {
        i64::from(self.settings.milliseconds).saturating_mul(NANOS / 1000).saturating_add(PATIENCE)
    }

    /// Lets go of what nobody will ask for.
    fn forget(&mut self, now: &Now) {
        let newest = self.looks.keys().next_back().copied();
        let patience = self.patience();
        let wanted: BTreeSet<u64> = self.first.values().copied().collect();
        self.looks.retain(|number, kept| {
            let age = now.boot.saturating_sub(kept.asked);
            let comes = kept.look.is_none() && age < patience;
            comes || (Some(*number) == newest && age < SHARED) || wanted.contains(number)
        });
    }
}

impl Engine {
    /// These grants begin. The look at their start is asked for first, unless there is one that serves them: what comes next on
    /// the host is what it has to explain.
    pub(super) fn begin_with_look(&mut self, released: &Released, which: &[Waiting], now: &Now) {
        self.registry.take(released);
        if self.reports.settings.watch == config::Watch::Off {
            return;
        }
        self.reports.forget(now);
        let newest = self.reports.looks.last_key_value().map(|(number, kept)| (*number, kept.asked));
        let full = self.reports.looks.len() >= MOST_LOOKS;
        let shared = newest.filter(|(_, asked)| full || now.boot.saturating_sub(*asked) < SHARED);
        let number = match shared {
            Some((number, _)) => Some(number),
            None => self.ask_look(Vec::new(), now),
        };
        if let Some(number) = number {
            self.reports.first.extend(which.iter().map(|one| (one.id, number)));
        }
    }

    /// Has the host looked at. Which look it will be, if anybody can.
    fn ask_look(&mut self, over: Vec<Over>, now: &Now) -> Option<u64> {
        let (number, lent) = (self.reports.next, self.lent());
        let question = Question {
            number,
            asked: now.wall,
            over,
            lent: lent.clone(),
            settings: self.reports.settings.clone(),
            paths: self.host.paths.clone(),
            clock: self.reports.clock.clone(),
            answer_to: self.handle.clone(),
        };
        match self.reports.worker.give(Box::new(question)) {
            Ok(()) => {
                self.reports.next = number.saturating_add(1);
                self.reports.looks.insert(number, Kept { asked: now.boot, lent, look: None });
                Some(number)
            }
            Err(why) => {
                crate::log::error(&format!("the host is not looked at: {}", crate::chain(&why)));
                None
            }
        }
    }

    /// Who is in a group by jitd.
    fn lent(&self) -> Lent {
        self.host.given().iter().map(|of| (of.group.clone(), of.user.clone())).collect()
    }

    /// A grant is off the host, since when by the wall clock and how late: its report is to come.
    pub(super) fn close_with_report(
        &mut self,
        grant: &Grant,
        (late_ms, ended): (Option<i64>, i64),
        memberships: Given,
        now: &Now,
    ) {
        let same_boot = grant.deadline.boot_id == now.boot_id;
        let began = grant.deadline.boot.saturating_sub(grant.deadline.wall.saturating_sub(grant.start));
        let closing = Closing {
            about: grant.about(),
            source: same_boot.then_some(Source { uid: grant.by.uid, since: began }),
            since: grant.start,
            ended,
            memberships,
            gids: grant.gives.gids(),
            late_ms,
            until: None,
        };
        self.reports.over.push_back((grant.id, grant.start, ended));
        if self.reports.over.len() > REMEMBERED {
            self.reports.over.pop_front();
        }
        self.reports.closing.insert(grant.id, closing);
    }

    /// Whether the report of a grant that is over is still to come.
    pub(super) fn has_report_to_come(&self, id: RequestId) -> bool {
        self.reports.closing.contains_key(&id)
    }

    /// Asks for the looks that reports wait for, and writes the reports whose look has come or will not.
    pub(super) fn keep_reports(&mut self, now: &Now) {
        if self.reports.is_looking(now) {
            let lent = self.lent();
            let looking = self.reports.looks.values_mut().filter(|kept| kept.look.is_none());
            looking.for_each(|kept| kept.lent.extend(lent.iter().cloned()));
        }
        for _ in 0..IN_A_PASS {
            let Some((look, left)) = self.reports.seen.pop_front() else { break };
            self.write_report(look.as_deref(), left, now);
        }
        let late = |closing: &Closing| closing.until.is_some_and(|until| until <= now.boot);
        let late: Vec<RequestId> =
            self.reports.closing.iter().filter(|(_, closing)| late(closing)).map(|(id, _)| *id).collect();
        for id in late {
            let left_out = vec!["the host after its end: that look took too long".to_owned()];
            let left = Left { id, alive: Vec::new(), changes: Vec::new(), stripped: Vec::new(), left_out };
            self.write_report(None, left, now);
        }
        if self.reports.is_looking(now) {
            return;
        }
        let (sessions, sweeps) = (&self.sessions, &self.sweeps);
        let ready = |(id, closing): &(&RequestId, &Closing)| {
            let waits = sessions.until(**id).map(|last| last.left(now).saturating_add(STUCK));
            closing.until.is_none() && !sweeps.has(**id) && waits.is_none_or(|left| left <= 0)
        };
        let ready = self.reports.closing.iter().filter(ready).map(|(id, _)| *id);
        let ready: Vec<RequestId> = ready.take(FOR_A_LOOK).collect();
        if ready.is_empty() {
            return;
        }
        let over = ready.iter().filter_map(|id| self.over(*id)).collect();
        // Nobody to look is the same as a look that never ends.
        let patience = self.ask_look(over, now).map_or(0, |_| self.reports.patience());
        for id in ready {
            if let Some(closing) = self.reports.closing.get_mut(&id) {
                closing.until = Some(now.boot.saturating_add(patience));
            }
        }
    }

    fn over(&self, id: RequestId) -> Option<Over> {
        let closing = self.reports.closing.get(&id)?;
        let first = self.reports.first.get(&id).and_then(|number| self.reports.looks.get(number));
        Some(Over {
            id,
            source: closing.source,
            since: closing.since,
            memberships: closing.memberships.clone(),
            gids: closing.gids.clone(),
            first: first.and_then(|kept| kept.look.clone()),
        })
    }

    /// A look has come.
    pub(super) fn looked(&mut self, seen: Seen, now: &Now) {
        let Seen { number, look, left } = seen;
        let mut lent = self.lent();
        let kept = self.reports.looks.get_mut(&number);
        lent.extend(kept.as_ref().map(|kept| kept.lent.clone()).unwrap_or_default());
        let look = look.map(|look| Arc::new(without(Arc::unwrap_or_clone(look), &lent)));
        match (kept, &look) {
            (Some(kept), Some(look)) => kept.look = Some(look.clone()),
            (Some(_), None) => drop(self.reports.looks.remove(&number)),
            // It came too late.
            (None, _) => {}
        }
        for mut left in left {
            left.changes.retain(|change| !is_lent(&change.thing, &lent));
            self.reports.seen.push_back((look.clone(), left));
        }
        self.keep_reports(now);
    }

    fn write_report(&mut self, look: Option<&Look>, left: Left, now: &Now) {
        let Left { id, alive, mut changes, stripped, mut left_out } = left;
        // It was written without it.
        let Some(closing) = self.reports.closing.remove(&id) else { return };
        let first = self.reports.first.remove(&id).and_then(|number| self.reports.looks.get(&number));
        let first = first.and_then(|kept| kept.look.clone());
        let milliseconds = |nanoseconds: i64| nanoseconds / (NANOS / 1000);
        let looks = look.map(|look| Looks {
            first_ms: first.map(|first| milliseconds(first.done.saturating_sub(closing.since))),
            took_ms: milliseconds(look.done.saturating_sub(look.begun)),
            entries: look.found.entries,
        });
        let more = changes.len().saturating_sub(MOST_CHANGES);
        changes.truncate(MOST_CHANGES);
        changes.iter_mut().for_each(shorten);
        left_out.extend(self.starts.unheard_of(id));
        let (beside, beside_more) = self.beside(id, &closing);
        let report = Report {
            sessions: self.book.sessions_of(id).unwrap_or_default(),
            late_ms: closing.late_ms,
            alive,
            changes,
            more,
            stripped,
            beside,
            beside_more,
            looks,
            left_out,
            withheld: None,
        };
        self.book.note(now, Some(id), Entry::Report { about: closing.about, report });
        self.reports.forget(now);
    }

    /// Other grants that were live while this one was.
    fn beside(&self, id: RequestId, closing: &Closing) -> (Vec<RequestId>, usize) {
        let over = self
            .reports
            .over
            .iter()
            .filter(|(_, since, until)| *since < closing.ended && *until > closing.since);
        let live = self.registry.live().filter(|grant| grant.start < closing.ended).map(|grant| grant.id);
        let mut all: Vec<RequestId> =
            over.map(|(id, ..)| *id).chain(live).filter(|other| *other != id).collect();
        all.sort_unstable();
        all.dedup();
        let more = all.len().saturating_sub(BESIDE);
        all.truncate(BESIDE);
        (all, more)
    }
}

/// Whether somebody is in a group by jitd: that they come and go is nothing that anybody left behind.
fn is_lent(thing: &Thing, lent: &Lent) -> bool {
    match thing {
        Thing::Member(_, group, user) => lent.contains(&(group.clone(), user.clone())),
        Thing::SetId(_) | Thing::Capability(_) | Thing::File(_) | Thing::Line(..) | Thing::Port(_) => false,
    }
}

/// A look as if nobody were in a group by jitd.
fn without(mut look: Look, lent: &Lent) -> Look {
    look.found.things.retain(|(thing, _)| !is_lent(thing, lent));
    look
}

/// A path of thousands of characters is a name that somebody chose.
fn shorten(change: &mut Change) {
    let cut = |text: &mut String| {
        if let Some((at, _)) = text.char_indices().nth(LONGEST) {
            text.truncate(at);
            text.push('…');
        }
    };
    match &mut change.thing {
        Thing::SetId(text) | Thing::Capability(text) | Thing::File(text) | Thing::Port(text) => cut(text),
        Thing::Line(_, name) => cut(name),
        Thing::Member(_, group, user) => {
            cut(group);
            cut(user);
        }
    }
    cut(&mut change.says);
}
