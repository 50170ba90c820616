//! What is so at any time, after a pass of jitd, and after a look of the guard.

use std::collections::BTreeSet;

use jit_common::ids::RequestId;
use jitd_core::limits::TOGETHER;
use jitd_core::now::{NANOS, Now};
use jitd_core::record::Cause;

use super::entries::past_its_time;
use crate::daemon::Jitd;
use crate::invariants::{Checked, Invariant as I, broken, holds};
use crate::witness::Witness;
use crate::witness::model::{Holding, Phase};
use crate::witness::oracle::{past, wrong_in_sudoers};
use crate::world::World;
use crate::world::guard::GRACE;
use crate::world::host::{GroupsHealth, Membership, Note, SudoersHealth};

/// What is on the host, at any time.
pub(super) fn on_the_host(world: &World, witness: &mut Witness) -> Checked {
    let Some(blocks) = world.host.blocks() else {
        return broken(I::SudosText, "it is in no shape of jitd's");
    };
    let unrecorded: Vec<&RequestId> =
        blocks.iter().filter(|id| !witness.deadlines.contains_key(*id)).collect();
    holds(I::RecordFirst, unrecorded.is_empty(), || format!("{unrecorded:?}"))?;
    let live = &witness.model.live;
    let forgotten: Vec<&RequestId> = blocks.iter().filter(|id| !live.contains_key(*id)).collect();
    holds(I::OnTheBooks, forgotten.is_empty(), || format!("{forgotten:?}"))?;
    for of in &world.host.put_in {
        let theirs = live.values().filter(|grant| grant.by.uid == of.uid && grant.by.name == of.user);
        let covered = theirs.flat_map(|grant| &grant.gives.groups).any(|group| group.gid == of.gid);
        holds(I::OnTheBooks, covered, || format!("{of:?}"))?;
    }
    let applied = world.host.applied.clone().unwrap_or_default();
    let unknown: Vec<&RequestId> = blocks.iter().filter(|id| !applied.lines.contains_key(*id)).collect();
    let unnamed: Vec<&Membership> =
        world.host.put_in.iter().filter(|of| !applied.given.contains(of)).collect();
    let known = unknown.is_empty() && (unnamed.is_empty() || world.host.applied_is_old);
    holds(I::GuardKnows, known, || format!("{unknown:?} {unnamed:?}"))?;
    let taken = &world.host.wronged;
    holds(I::NobodyElse, taken.is_empty(), || format!("{taken:?}"))?;
    let noted = world.host.notes.iter().filter_map(|note| match note {
        Note::Removed { id, .. } => Some(*id),
        Note::Member { .. } => None,
    });
    witness.were_to_end.extend(noted);
    let came_back: Vec<&RequestId> = blocks.intersection(&witness.off).collect();
    holds(I::StaysOff, came_back.is_empty(), || format!("{came_back:?}"))?;
    let off: BTreeSet<RequestId> = witness.were_to_end.difference(&blocks).copied().collect();
    witness.off.extend(off);
    if witness.text != world.host.sudoers {
        witness.text.clone_from(&world.host.sudoers);
        let wrong = world.host.sudoers.as_ref().and_then(|text| wrong_in_sudoers(text, live));
        holds(I::SudosText, wrong.is_none(), || wrong.clone().unwrap_or_default())?;
    }
    Ok(())
}

/// jitd has worked through a pass, or has started.
pub(super) fn after_a_pass(world: &World, jitd: &Jitd, witness: &Witness) -> Checked {
    let now = world.now();
    let mut folded = witness.kept.clone();
    for draft in jitd.book.owed.drafts() {
        folded.replay(draft.at, draft.request, &draft.entry, &draft.texts);
    }
    holds(I::Fold, folded == jitd.registry, || format!("{folded:#?}\nis not\n{:#?}", jitd.registry))?;
    let locked = jitd.registry.lock().is_some();
    holds(I::Locked, locked == witness.model.locked, || format!("locked: {locked}"))?;
    for (id, grant) in witness.model.live.iter().filter(|(_, grant)| grant.phase == Phase::Wanted) {
        let what = || format!("{id} until {:?} at {now:?}", grant.deadline);
        holds(I::RebootEnds, grant.deadline.boot_id == now.boot_id, what)?;
        holds(I::OverOnTime, past(&grant.deadline, &now) < 0, what)?;
        let taken_away = grant.replaces.and_then(|before| witness.model.live.get(&before));
        holds(
            I::ExtendsWhatIsLive,
            !taken_away.is_some_and(|grant| was_taken_away(jitd, grant, witness)),
            what,
        )?;
    }
    for (id, open) in &witness.model.open {
        holds(I::QuestionsLast, past_its_time(open, &now) < 0, || format!("{id}: {open:?} at {now:?}"))?;
    }
    // What is stuck is tried again within a minute, and the host is looked at.
    let calm = world.clocks.true_time - witness.trouble > 61 * NANOS;
    if calm {
        live_is_real(world, witness)?;
    }
    let leaving =
        |id: &&RequestId| witness.model.live.get(*id).is_some_and(|grant| grant.phase == Phase::Leaving);
    let blocks = world.host.blocks().unwrap_or_default();
    let left = blocks.iter().find(leaving).filter(|_| calm);
    holds(I::OverOnTime, left.is_none(), || format!("{left:?} was to go and is on the host"))
}

/// jitd has started.
pub(super) fn after_a_start(world: &World, jitd: &Jitd) -> Checked {
    let locked = jitd.registry.lock().is_some();
    holds(I::Locked, locked || world.host.mark.is_none(), || format!("{:?} threw it", world.host.mark))
}

/// Every live grant is on the host, all of it.
fn live_is_real(world: &World, witness: &Witness) -> Checked {
    let blocks = world.host.blocks().unwrap_or_default();
    for (id, grant) in witness.model.live.iter().filter(|(_, grant)| grant.phase == Phase::Wanted) {
        let is_in = |gid: u32| world.host.members.contains(&(gid, grant.by.name.clone()));
        let whole = blocks.contains(id) && grant.gives.groups.iter().all(|group| is_in(group.gid));
        let here = world.people.get(grant.by.uid).is_some_and(|account| account.name == grant.by.name);
        holds(I::LiveIsReal, whole || !here, || format!("{id}: {grant:?}"))?;
    }
    Ok(())
}

/// Whether somebody took this grant away and it is on its way off.
fn was_taken_away(jitd: &Jitd, grant: &Holding, witness: &Witness) -> bool {
    let id = witness.model.live.iter().find(|(_, other)| std::ptr::eq(*other, grant)).map(|(id, _)| *id);
    let cause = id.and_then(|id| jitd.registry.get(id)).and_then(|grant| grant.state.cause());
    matches!(cause, Some(Cause::Revoked | Cause::Dropped | Cause::Locked | Cause::PersonGone | Cause::Guard))
}

/// The guard has looked.
pub(super) fn after_a_look(world: &World, witness: &Witness) -> Checked {
    let now = world.now();
    let over = |id: &RequestId| witness.deadlines.get(id).is_none_or(|until| past(until, &now) >= GRACE);
    if world.host.sudoers_health != SudoersHealth::CannotTouch {
        let late: Vec<RequestId> = world.host.blocks().unwrap_or_default().into_iter().filter(over).collect();
        holds(I::GuardEndsIt, late.is_empty(), || format!("{late:?} in sudo's file at {now:?}"))?;
    }
    let blocks = world.host.blocks().unwrap_or_default();
    let mut gone = witness.blocks.difference(&blocks);
    let early = gone.find(|id| !over(id) && !witness.were_to_end.contains(*id));
    let whole_file = world.host.sudoers_health == SudoersHealth::CannotWrite;
    holds(I::NobodyElse, early.is_none() || whole_file, || format!("{early:?} was not due"))?;
    if world.host.groups_health == GroupsHealth::Fine && !world.host.applied_is_old {
        for of in world.host.put_in.iter().filter(|of| !world.guard.leaves_to_jitd(of)) {
            let theirs = |grant: &&Holding| {
                grant.by.name == of.user && grant.gives.groups.iter().any(|group| group.gid == of.gid)
            };
            let mut deadlines = witness.model.live.values().filter(theirs).map(|grant| &grant.deadline);
            let held = deadlines.any(|until| past(until, &now) < GRACE);
            holds(I::GuardEndsIt, held, || format!("{of:?} at {now:?}"))?;
        }
    }
    Ok(())
}

/// jitd's timer has woken it, and neither suspend nor a step of the wall clock came in between.
pub(crate) fn on_time(jitd: &Jitd, now: &Now) -> Checked {
    let is_late = |until| past(until, now) > TOGETHER + NANOS / 1000;
    let late = jitd.registry.live().find(|grant| grant.state.is_wanted() && is_late(&grant.deadline));
    let what =
        || format!("{:?} was due before, at {now:?}", late.map(|late| (late.id, late.state, &late.deadline)));
    holds(I::OverOnTime, late.is_none(), what)
}
