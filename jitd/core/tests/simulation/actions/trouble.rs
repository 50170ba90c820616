//! What goes wrong, and what others do to the host: clocks, crashes, disks, locks, accounts, admins, policies.

use std::rc::Rc;

use jitd_core::now::NANOS;
use jitd_core::policy::AccountState;
use jitd_core::sudoers::remove_blocks;

use super::Done;
use crate::checks::Act;
use crate::run::Run;
use crate::world::disk::Health;
use crate::world::guard::{Guard, Runs};
use crate::world::host::{By, GroupsHealth, Membership, StateHealth, SudoersHealth};
use crate::world::messages::Message;
use crate::world::people::GROUPS;
use crate::world::policies::Spec;
use crate::world::{Files, World};

pub(super) fn wall_clock_is_set(run: &mut Run) -> Done {
    let nanos = match run.world.chance.below(4) {
        0 => run.world.chance.between(-2 * NANOS, 2 * NANOS),
        1 | 2 => run.world.chance.between(-7200 * NANOS, 7200 * NANOS),
        _ => run.world.chance.between(-400 * 86_400 * NANOS, 400 * 86_400 * NANOS),
    };
    run.tell(format!("the wall clock is set by {} s", nanos / NANOS));
    run.world.clocks.set_wall_by(nanos);
    run.jumped = true;
    run.check(Act::World)?;
    both_look(run)
}

/// jitd and the guard are woken, in any order, or one of them a little later.
fn both_look(run: &mut Run) -> Done {
    match run.world.chance.below(3) {
        0 => {
            run.sweep()?;
            run.pass(Vec::new())
        }
        1 => run.pass(Vec::new()).and_then(|()| run.sweep()),
        _ => Ok(()),
    }
}

pub(super) fn suspend(run: &mut Run) -> Done {
    let nanos = run.world.chance.between(NANOS, 20_000 * NANOS);
    run.tell(format!("suspended for {} s", nanos / NANOS));
    run.world.clocks.pass(nanos);
    run.jumped = true;
    run.check(Act::World)?;
    both_look(run)
}

pub(super) fn reboot(run: &mut Run) -> Done {
    run.tell("the power is cut");
    run.kill()?;
    let World { host, chance, clocks, guard, .. } = &mut run.world;
    host.power_cut(clocks.true_time, |versions| chance.below(versions));
    clocks.reboot(chance.between(NANOS, 40_000 * NANOS));
    guard.forget();
    run.jumped = true;
    run.check(Act::World)?;
    match run.world.chance.once_in(10) {
        true => Ok(()),
        false => run.sweep(),
    }
}

/// jitd is killed, is away for a while, or hangs for one.
pub(super) fn kill(run: &mut Run) -> Done {
    let nanos = run.world.chance.between(1, 40 * NANOS);
    if run.world.chance.once_in(3) {
        run.tell(format!("jitd hangs for {} s", nanos / NANOS));
        run.jumped = true;
        run.world.clocks.pass(nanos);
        run.sweep()?;
        return run.pass(Vec::new());
    }
    run.tell("jitd is killed");
    run.kill()?;
    run.pass_time(nanos)
}

/// An admin ends everything without jitd: `jit-guard --all`.
pub(super) fn guard_takes_all(run: &mut Run) -> Done {
    run.tell("an admin has the guard take everything off");
    run.witness.trouble = run.world.clocks.true_time;
    let now = run.world.now();
    let World { host, clocks, .. } = &mut run.world;
    Guard::take_all(host, &now, clocks.true_time);
    run.check(Act::World)
}

pub(super) fn break_or_mend(run: &mut Run) -> Done {
    let world = &mut run.world;
    let all_fine = !world.chance.once_in(3);
    if all_fine {
        world.disk.health = Health::Fine;
        world.host.sudoers_health = SudoersHealth::Fine;
        world.host.groups_health = GroupsHealth::Fine;
        world.host.state_health = StateHealth::Fine;
        world.guard.runs = Runs::Yes;
        world.unreachable.clear();
    } else {
        match world.chance.below(9) {
            0 => world.disk.health = Health::ReserveOnly,
            1 | 2 => world.disk.health = Health::Full,
            3 => world.host.sudoers_health = SudoersHealth::CannotWrite,
            4 => world.host.sudoers_health = SudoersHealth::CannotTouch,
            5 => world.host.groups_health = GroupsHealth::Locked,
            6 => world.host.state_health = StateHealth::Full,
            7 => {
                world.guard.runs = Runs::No;
                world.guard.forget();
            }
            _ => world.unreachable.extend(world.chance.pick(&GROUPS).copied()),
        }
    }
    let (disk, host) = (run.world.disk.health, &run.world.host);
    let told = format!(
        "the disk is {disk:?}, sudo's file {:?}, the groups {:?}, jitd's folder {:?}, the guard runs: {:?}",
        host.sudoers_health, host.groups_health, host.state_health, run.world.guard.runs
    );
    run.tell(told);
    run.check(Act::World)
}

pub(super) fn account_changes(run: &mut Run) -> Done {
    let World { people, chance, clocks, host, .. } = &mut run.world;
    let involved = run.witness.model.live.values().map(|grant| grant.by.uid);
    let asking = run.witness.model.open.values().map(|open| open.by.uid);
    let voted = run.witness.model.open.values().flat_map(|open| open.votes.iter().map(|(by, _)| by.uid));
    let involved: Vec<u32> = involved.chain(asking).chain(voted).collect();
    let uid = match chance.pick(&involved).copied().filter(|_| chance.once_in(2)) {
        Some(uid) => uid,
        None => people.any_uid(chance),
    };
    let at = clocks.true_time;
    let told = match chance.below(10) {
        0 => {
            let gone = people.replace(uid, at, chance);
            if let Some(name) = &gone {
                let of: Vec<u32> =
                    host.members.iter().filter(|(_, user)| user == name).map(|(gid, _)| *gid).collect();
                of.into_iter().for_each(|gid| host.take_out(gid, name, By::Others, at));
            }
            format!("the account {gone:?} is deleted and its uid {uid} given away")
        }
        1 => {
            let state = if chance.once_in(3) { AccountState::Locked } else { AccountState::Ordinary };
            people.change(uid, at, |account| account.state = state);
            format!("{uid} is locked or unlocked")
        }
        _ => {
            let group = chance.pick(&GROUPS).copied().unwrap_or("leads");
            people.change(uid, at, |account| {
                if !account.groups.remove(group) {
                    account.groups.insert(group);
                }
            });
            format!("{uid} joins or leaves {group}")
        }
    };
    run.tell(told);
    run.check(Act::World)
}

pub(super) fn admin_or_policy(run: &mut Run) -> Done {
    run.witness.trouble = run.world.clocks.true_time;
    match run.world.chance.below(5) {
        0 => new_policy(run),
        1 => {
            let blocks = run.world.host.blocks().unwrap_or_default();
            let ids: Vec<_> = blocks.into_iter().collect();
            let Some(id) = run.world.chance.pick(&ids).copied() else { return Ok(()) };
            run.tell(format!("an admin takes {id} out of sudo's file"));
            let text = run.world.host.sudoers.take();
            run.world.host.sudoers = text.and_then(|text| remove_blocks(&text, &[id.as_str()]));
            run.check(Act::World)
        }
        _ => members_by_hand(run),
    }
}

/// An admin puts somebody into a group or takes somebody out. Whoever is noted as put in by jitd is jitd's, whoever put them
/// back, for nobody could tell; but for those whom the guard took out.
fn members_by_hand(run: &mut Run) -> Done {
    let world = &mut run.world;
    let members: Vec<(u32, String)> = world.host.members.iter().cloned().collect();
    if world.chance.once_in(2) {
        let Some((gid, user)) = world.chance.pick(&members).cloned() else { return Ok(()) };
        let at = world.clocks.true_time;
        world.host.take_out(gid, &user, By::Others, at);
        run.tell(format!("an admin takes {user} out of {gid}"));
        return run.check(Act::World);
    }
    let uid = crate::world::people::FIRST_UID + u32::try_from(world.chance.below(14)).unwrap_or(0);
    let before = world.host.members.clone();
    world.admin_puts_in(uid);
    let new: Vec<(u32, String)> = world.host.members.difference(&before).cloned().collect();
    let in_memory = run.jitd.iter().flat_map(|jitd| &jitd.host.given);
    let applied = run.world.host.applied.iter().flat_map(|applied| &applied.given);
    let noted: Vec<Membership> = in_memory.chain(applied).cloned().collect();
    let (guard, host) = (&run.world.guard, &run.world.host);
    let ours: Vec<Membership> = noted
        .into_iter()
        .filter(|of| new.contains(&(of.gid, of.user.clone())) && !guard.took(host, of))
        .collect();
    run.world.host.put_in.extend(ours);
    run.tell(format!("an admin puts in {new:?}"));
    run.check(Act::World)
}

fn new_policy(run: &mut Run) -> Done {
    run.world.files = match run.world.chance.once_in(6) {
        true => Files::Bad,
        false => Files::Good(Rc::new(Spec::some(&mut run.world.chance))),
    };
    run.tell("the policy files are changed, and jitd reads them");
    run.pass(vec![Message::Reload])
}
