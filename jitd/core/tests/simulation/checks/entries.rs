//! One entry of the record, held against everything that happened before it.

use jit_common::ids::RequestId;
use jitd_core::now::{Deadline, NANOS, Now};
use jitd_core::policy::{ApprovalRule, Gives};
use jitd_core::record::{About, AboutOpen, Approval, Closed, Draft, Entry, Person, Span, Terms};

use crate::invariants::{Checked, Invariant as I, broken, holds};
use crate::witness::model::{Holding, Phase, Question};
use crate::witness::oracle::{accounts, are_enough, lately, past, rules};
use crate::witness::{Row, Witness};
use crate::world::World;
use crate::world::policies::{RuleSpec, Spec};

/// One entry, held against everything that happened before it.
pub(super) fn happened(world: &World, witness: &mut Witness, draft: &Draft) -> Checked {
    witness.count(draft.entry.kind().to_owned());
    let Some(id) = draft.request else { return Ok(()) };
    let name = || format!("{id}: {:?}", draft.entry);
    let raises = matches!(
        draft.entry,
        Entry::Requested { .. }
            | Entry::Pending { .. }
            | Entry::Approved { .. }
            | Entry::Scheduled { .. }
            | Entry::Decided { .. }
            | Entry::Intent { .. }
    );
    holds(I::Locked, !(raises && witness.model.locked), name)?;
    holds(I::Final, !witness.model.over.contains(&id), name)?;
    match &draft.entry {
        Entry::Pending { about, terms } => opened(world, witness, about, terms),
        Entry::Approved { approval, .. } => voted(world, witness, id, approval),
        Entry::Closed { cause, .. } => {
            witness.count(format!("closed as {}", cause.as_str()));
            closed(world, witness, id, *cause)
        }
        Entry::Scheduled { .. } => match witness.model.open.get(&id) {
            Some(open) => enough(world, open, &open.terms.approvals, &[]),
            None => broken(I::Final, name()),
        },
        Entry::Intent { about, gives, deadline, span, .. } => {
            let new = New { id, about, gives, deadline, span: *span };
            begins(world, witness, &new)
        }
        Entry::Applied { .. } => wanted(witness, id, name),
        Entry::Ending { cause, .. } => {
            witness.count(format!("ended as {}", cause.as_str()));
            wanted(witness, id, name)?;
            witness.were_to_end.insert(id);
            Ok(())
        }
        Entry::Stuck { tries, .. } => {
            let grant = witness.model.live.get(&id).filter(|grant| grant.phase == Phase::Leaving);
            holds(I::OnTheBooks, grant.is_some_and(|grant| grant.tries + 1 == *tries), name)
        }
        Entry::Ended { .. } => {
            let leaving = witness.model.live.get(&id).is_some_and(|grant| grant.phase == Phase::Leaving);
            holds(I::Final, leaving, name)
        }
        _ => Ok(()),
    }
}

fn wanted(witness: &Witness, id: RequestId, name: impl FnOnce() -> String) -> Checked {
    holds(I::Final, witness.model.live.get(&id).is_some_and(|grant| grant.phase == Phase::Wanted), name)
}

fn opened(world: &World, witness: &Witness, about: &AboutOpen, terms: &Terms) -> Checked {
    let Some(spec) = witness.policy(&terms.policy) else { return broken(I::Permitted, "by no policy") };
    // Who could approve takes a while to find out. What was looked up of the requester before that is looked up again before
    // anything is given.
    let rules = rules(world, &spec, &about.by, &about.role, 0);
    let fits = rules.iter().find(|rule| rule.name == about.rule.name);
    let Some(rule) = fits else { return broken(I::Permitted, format!("{about:?}")) };
    holds(I::WithinTheRule, terms.seconds <= rule.max && terms.longest <= rule.max, || format!("{terms:?}"))
}

fn voted(world: &World, witness: &Witness, id: RequestId, approval: &Approval) -> Checked {
    let Some(open) = witness.model.open.get(&id) else { return broken(I::Final, format!("{approval:?}")) };
    let Approval { approver, of, .. } = approval;
    let what = || format!("{approver:?} for {id} of {:?}", open.by);
    let login = witness.model.asked.get(&id).and_then(|asked| asked.from.login_uid);
    let own = approver.uid == open.by.uid
        || login == Some(approver.uid)
        || approval.from.login_uid == Some(open.by.uid);
    holds(I::OnePersonOnce, !own && !open.votes.iter().any(|(by, _)| by == approver), what)?;
    let may = |at: &usize| {
        open.terms.approvals.get(*at).is_some_and(|entry| {
            let groups = &entry.by.groups;
            accounts(world, approver, lately(world))
                .iter()
                .any(|one| one.groups.iter().any(|group| groups.contains(*group)))
        })
    };
    holds(I::OnePersonOnce, !of.is_empty() && of.iter().all(may), what)
}

/// Enough people for these entries: of those who voted, whoever still may, and never the requester.
fn enough(world: &World, open: &Question, entries: &[ApprovalRule], named: &[Person]) -> Checked {
    let voters: Vec<Person> =
        open.votes.iter().map(|(by, _)| by.clone()).filter(|by| by.uid != open.by.uid).collect();
    let all_voted = named.iter().all(|by| voters.contains(by));
    let what = || format!("{:?} asked, {voters:?} voted, {named:?} are named, for {entries:?}", open.by);
    holds(I::Approved, all_voted && are_enough(world, entries, &voters), what)
}

fn closed(world: &World, witness: &Witness, id: RequestId, cause: Closed) -> Checked {
    let Some(open) = witness.model.open.get(&id) else { return broken(I::Final, format!("{id}")) };
    let over = past_its_time(open, &world.now()) >= 0;
    holds(I::QuestionsLast, cause != Closed::Lapsed || over, || format!("{id} lapsed early: {open:?}"))
}

/// Nanoseconds by which a question is open for too long.
pub(super) fn past_its_time(open: &Question, now: &Now) -> i64 {
    let terms = &open.terms;
    match terms.start.filter(|_| open.scheduled) {
        Some(start) => now.wall - start - i64::from(terms.patience) * NANOS,
        None if terms.lapse.boot_id == now.boot_id => past(&terms.lapse, now),
        None => now.wall - terms.lapse.wall,
    }
}

/// What an intent says.
struct New<'e> {
    id: RequestId,
    about: &'e About,
    gives: &'e Gives,
    deadline: &'e Deadline,
    span: Option<Span>,
}

impl New<'_> {
    fn replaces(&self) -> Option<RequestId> {
        self.span.and_then(|span| span.replaces)
    }

    fn told(&self) -> String {
        format!("{}: {:?} until {:?}", self.id, self.about, self.deadline)
    }
}

/// A grant begins: the heart of it.
fn begins(world: &World, witness: &mut Witness, new: &New<'_>) -> Checked {
    let told = || new.told();
    let Some((policy, named)) = witness.model.decided.get(&new.id).cloned() else {
        return broken(I::Permitted, told());
    };
    let spec = witness.policy(&policy).filter(|_| witness.in_force.as_ref() == Some(&policy));
    let Some(spec) = spec else {
        return broken(I::Permitted, format!("{}: not by the policy in force", told()));
    };
    let rules = rules(world, &spec, &new.about.by, &new.about.role, lately(world));
    let Some(rule) = rules.iter().find(|rule| rule.name == new.about.rule.name) else {
        return broken(I::Permitted, told());
    };
    permitted(witness, new, rule)?;
    holds(I::TermsShrink, gives_as_written(&spec, new), told)?;
    holds(I::RebootEnds, new.deadline.boot_id == world.now().boot_id, told)?;
    let before = extends(witness, new)?;
    let now = world.now();
    let from = before.map_or((now.boot, now.wall), |grant| (grant.deadline.boot, grant.deadline.wall));
    let lasts = (new.deadline.boot - from.0).max(new.deadline.wall - from.1);
    let asked = witness.model.asked.get(&new.id).and_then(|asked| asked.seconds).unwrap_or(u32::MAX);
    holds(I::WithinTheRule, lasts <= i64::from(asked.min(rule.max)) * NANOS, told)?;
    match witness.model.open.get(&new.id) {
        None => holds(I::Approved, rule.approvals.is_empty() && named.is_empty(), told)?,
        Some(open) => approved(world, open, new, &spec, (lasts, &named))?,
    }
    in_all(witness, new, rule, now.boot)
}

fn permitted(witness: &Witness, new: &New<'_>, rule: &RuleSpec) -> Checked {
    let (model, about) = (&witness.model, new.about);
    let Some(asked) = model.asked.get(&new.id) else { return broken(I::RecordFirst, new.told()) };
    let theirs = |(id, grant): &(&RequestId, &Holding)| {
        grant.by.uid == about.by.uid && grant.phase == Phase::Wanted && Some(**id) != new.replaces()
    };
    let others: Vec<&Holding> = model.live.iter().filter(theirs).map(|(_, grant)| grant).collect();
    let of_the_rule = others.iter().filter(|grant| grant.rule == rule.name).count();
    let active = rule.max_active.is_none_or(|most| of_the_rule < most as usize);
    let twice = others.iter().any(|grant| grant.role == about.role);
    let reasoned = !rule.wants_reason || asked.reason.is_some();
    let same = asked.by == about.by && asked.role == about.role;
    holds(I::Permitted, active && !twice && reasoned && same, || new.told())
}

/// Whether it gives what its role gives as written.
fn gives_as_written(spec: &Spec, new: &New<'_>) -> bool {
    let Some(role) = spec.role(&new.about.role) else { return false };
    let told = format!("{:?}", new.gives.sudo);
    let commands = role.commands.iter().all(|path| told.contains(&format!("{path:?}")));
    let groups = new.gives.groups.iter().map(|group| group.name.as_str());
    commands && role.commands.is_empty() == new.gives.sudo.is_none() && groups.eq(role.groups.iter().copied())
}

/// The grant whose place it takes.
fn extends<'w>(
    witness: &'w Witness,
    new: &New<'_>,
) -> Result<Option<&'w Holding>, crate::invariants::Broken> {
    let Some(other) = new.replaces() else { return Ok(None) };
    let is_theirs = |grant: &&Holding| {
        grant.phase == Phase::Wanted && grant.by == new.about.by && grant.role == new.about.role
    };
    match witness.model.live.get(&other).filter(is_theirs) {
        Some(grant) => Ok(Some(grant)),
        None => {
            let before = witness.model.live.get(&other);
            broken(I::ExtendsWhatIsLive, format!("{} in the place of {other}: {before:?}", new.told()))
        }
    }
}

/// What was open begins: on its terms, after its start, with its people, and with those whom the rule asks for by now.
fn approved(
    world: &World,
    open: &Question,
    new: &New<'_>,
    spec: &Spec,
    (lasts, named): (i64, &[Person]),
) -> Checked {
    let told = || format!("{} of {open:?}", new.told());
    let counted = open.votes.iter().filter(|(by, _)| named.contains(by));
    let shortest = counted.filter_map(|(_, seconds)| *seconds).fold(open.terms.seconds, u32::min);
    let same = open.terms.gives == *new.gives && open.by == new.about.by && open.rule == new.about.rule.name;
    let short = lasts <= i64::from(shortest) * NANOS;
    holds(I::TermsShrink, short && same && open.terms.extends == new.replaces(), told)?;
    holds(I::NotBeforeItsStart, open.terms.start.is_none_or(|start| start <= world.now().wall), told)?;
    enough(world, open, &open.terms.approvals, named)?;
    let by_now = spec.rules.iter().find(|rule| rule.name == new.about.rule.name);
    let by_now = by_now.map(RuleSpec::entries).unwrap_or_default();
    enough(world, open, &by_now, named)
}

/// The whole row of extensions, by the boot clock from the start of the first to the end of this one.
fn in_all(witness: &mut Witness, new: &New<'_>, rule: &RuleSpec, boot: i64) -> Checked {
    let before = new.replaces().and_then(|other| witness.spans.get(&other).cloned());
    let mut row = before.unwrap_or(Row { boot, longest: rule.max });
    row.longest = row.longest.min(rule.max);
    let in_all = new.deadline.boot - row.boot;
    let told = || format!("{}: {in_all} ns with its extensions", new.told());
    holds(I::WithinTheRule, in_all <= i64::from(row.longest) * NANOS, told)?;
    if new.replaces().is_some() {
        witness.count("extended".into());
    }
    witness.spans.insert(new.id, row);
    Ok(())
}
