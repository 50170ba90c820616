//! What people do: ask, vote, give back, take away, and let time pass.

use jit_common::ids::RequestId;
use jitd_core::now::NANOS;
use jitd_core::policy::{AccountState, PersonFacts};

use super::{Done, answer};
use crate::run::Run;
use crate::world::messages::{Call, Live, Message, Revoke, What};
use crate::world::people::FIRST_UID;

const ROLES: [&str; 6] = ["web", "database", "docker", "logs", "backups", "nothing"];

/// Most calls come from a few people, so that what they do meets.
fn somebody(run: &mut Run) -> u32 {
    match run.world.chance.once_in(4) {
        true => run.world.people.any_uid(&mut run.world.chance),
        false => FIRST_UID + u32::try_from(run.world.chance.below(14)).unwrap_or(0),
    }
}

/// Somebody calls: looked up now, heard at some time.
fn call(run: &mut Run, uid: u32, what: What) -> Done {
    let person = match run.world.people.get(uid) {
        Some(account) => run.world.facts(account),
        None if uid == 0 => {
            PersonFacts { name: "root".into(), account: AccountState::Root, ..PersonFacts::default() }
        }
        None => return Ok(()),
    };
    let login_uid = match run.world.chance.below(20) {
        0 => Some(somebody(run)),
        1 | 2 => None,
        _ => Some(uid),
    };
    let (groups, looked_up) = (run.world.group_states(), run.world.now().boot);
    let call = Call { person, login_uid, groups, looked_up, what };
    if run.world.chance.once_in(25) {
        run.world.inbox.push(Message::Call(call.clone()));
    }
    match run.world.chance.once_in(3) {
        true => {
            run.world.inbox.push(Message::Call(call));
            Ok(())
        }
        false => answer(run, Message::Call(call)),
    }
}

fn some_seconds(run: &mut Run) -> u32 {
    u32::try_from(match run.world.chance.below(4) {
        0 => run.world.chance.between(1, 20),
        1 => run.world.chance.between(20, 900),
        2 => run.world.chance.between(60, 3600),
        _ => run.world.chance.between(600, 20_000),
    })
    .unwrap_or(60)
}

pub(super) fn asks(run: &mut Run) -> Done {
    let uid = somebody(run);
    let role = run.world.chance.pick(&ROLES).copied().unwrap_or("web").to_owned();
    let seconds = if run.world.chance.once_in(3) { None } else { Some(some_seconds(run)) };
    let reason = (!run.world.chance.once_in(4)).then(|| "INC-1".to_owned());
    let ahead = run.world.chance.between(1, 900) * NANOS;
    let start = run.world.chance.once_in(10).then(|| run.world.now().wall + ahead);
    call(run, uid, What::Elevate { role, seconds, reason, start })
}

fn an_open(run: &mut Run) -> Option<RequestId> {
    let open: Vec<RequestId> = run.witness.model.open.keys().copied().collect();
    let over: Vec<RequestId> = run.witness.model.over.iter().copied().take(20).collect();
    let of = if run.world.chance.once_in(30) { over } else { open };
    run.world.chance.pick(&of).copied()
}

fn a_live(run: &mut Run) -> Option<RequestId> {
    let live: Vec<RequestId> = run.witness.model.live.keys().copied().collect();
    run.world.chance.pick(&live).copied()
}

/// Mostly somebody who could.
fn an_approver(run: &mut Run, id: RequestId) -> u32 {
    let could: Vec<u32> = match run.witness.model.open.get(&id) {
        Some(open) => open.terms.could.iter().map(|choice| choice.person.uid).collect(),
        None => Vec::new(),
    };
    let of_them = run.world.chance.pick(&could).copied();
    match of_them.filter(|_| !run.world.chance.once_in(4)) {
        Some(uid) => uid,
        None => somebody(run),
    }
}

pub(super) fn approves(run: &mut Run) -> Done {
    let Some(id) = an_open(run) else { return Ok(()) };
    let own =
        run.witness.model.open.get(&id).map(|open| open.by.uid).filter(|_| run.world.chance.once_in(10));
    let uid = own.unwrap_or_else(|| an_approver(run, id));
    let seconds = run.world.chance.once_in(4).then(|| some_seconds(run));
    call(run, uid, What::Approve { id, seconds })
}

pub(super) fn denies(run: &mut Run) -> Done {
    let Some(id) = an_open(run) else { return Ok(()) };
    let uid = an_approver(run, id);
    call(run, uid, What::Deny { id })
}

pub(super) fn cancels(run: &mut Run) -> Done {
    let Some(id) = an_open(run) else { return Ok(()) };
    let own = run.witness.model.open.get(&id).map(|open| open.by.uid);
    let uid = own.unwrap_or_else(|| somebody(run));
    call(run, uid, What::Cancel { id })
}

fn holder(run: &mut Run, id: RequestId) -> u32 {
    let own = run.witness.model.live.get(&id).map(|grant| grant.by.uid);
    own.filter(|_| !run.world.chance.once_in(12)).unwrap_or_else(|| somebody(run))
}

pub(super) fn extends(run: &mut Run) -> Done {
    let Some(id) = a_live(run) else { return Ok(()) };
    let (uid, seconds) = (holder(run, id), some_seconds(run));
    call(run, uid, What::Extend { id, seconds })
}

pub(super) fn drops(run: &mut Run) -> Done {
    let Some(id) = a_live(run) else { return Ok(()) };
    let uid = holder(run, id);
    call(run, uid, What::Drop { id })
}

pub(super) fn revokes(run: &mut Run) -> Done {
    let uid = if run.world.chance.once_in(2) { 0 } else { somebody(run) };
    let target = match run.world.chance.below(8) {
        0 => Revoke::All,
        1 | 2 => {
            let whose = somebody(run);
            let name = run.world.people.get(whose).map(|account| account.name.clone());
            Revoke::User(name.unwrap_or_default())
        }
        _ => match a_live(run) {
            Some(id) => Revoke::One(id),
            None => return Ok(()),
        },
    };
    call(run, uid, What::Revoke(target))
}

pub(super) fn locks(run: &mut Run) -> Done {
    let uid = if run.world.chance.once_in(2) { 0 } else { somebody(run) };
    let live = if run.world.chance.once_in(2) { Live::Keep } else { Live::Revoke };
    call(run, uid, What::Lock(live))
}

pub(super) fn unlocks(run: &mut Run) -> Done {
    call(run, 0, What::Unlock)
}

pub(super) fn wait_a_moment(run: &mut Run) -> Done {
    let nanos = run.world.chance.between(1, 3 * NANOS);
    run.pass_time(nanos)
}

pub(super) fn wait_minutes(run: &mut Run) -> Done {
    let nanos = run.world.chance.between(1, 180 * NANOS);
    run.tell(format!("{} s pass", nanos / NANOS));
    run.pass_time(nanos)
}

pub(super) fn wait_hours(run: &mut Run) -> Done {
    let nanos = run.world.chance.between(1, 5 * 3600 * NANOS);
    run.tell(format!("{} s pass", nanos / NANOS));
    run.pass_time(nanos)
}
