//! What can happen, and how often: people call, answers come, time passes, things break and are mended, in any order.

mod people;
mod trouble;

use crate::chance::Chance;
use crate::invariants::Broken;
use crate::run::Run;
use crate::world::World;
use crate::world::messages::{Agrees, Message};

type Done = Result<(), Broken>;

/// One thing that can happen, with its weight.
type Action = (usize, fn(&mut Run) -> Done);

/// What can happen, each with its weight.
const ACTIONS: [Action; 22] = [
    (230, people::asks),
    (260, people::approves),
    (12, people::denies),
    (10, people::cancels),
    (80, people::extends),
    (25, people::drops),
    (14, people::revokes),
    (3, people::locks),
    (150, deliver),
    (170, directory_answers),
    (90, sudo_answers),
    (60, people::wait_a_moment),
    (16, people::wait_minutes),
    (2, people::wait_hours),
    (12, trouble::wall_clock_is_set),
    (6, trouble::suspend),
    (5, trouble::reboot),
    (14, trouble::kill),
    (2, trouble::guard_takes_all),
    (30, trouble::break_or_mend),
    (30, trouble::account_changes),
    (22, trouble::admin_or_policy),
];

/// One step.
pub(crate) fn step(run: &mut Run) -> Done {
    if run.jitd.is_none() && run.world.chance.once_in(4) {
        return run.start();
    }
    if run.witness.model.locked && run.world.chance.once_in(8) {
        return people::unlocks(run);
    }
    let weights = ACTIONS.iter().zip(&run.temper).map(|((weight, action), temper)| (weight * temper, action));
    let mut at = run.world.chance.below(weights.clone().map(|(weight, _)| weight).sum());
    for (weight, action) in weights {
        if at < weight {
            return action(run);
        }
        at -= weight;
    }
    Ok(())
}

/// How much of each action a run has: some runs have none of one and plenty of another, so that what rarely meets does in some
/// run (A. Groce et al., "Swarm Testing", ISSTA 2012).
pub(crate) fn temper(chance: &mut Chance) -> Vec<usize> {
    ACTIONS.iter().map(|_| chance.pick(&[0, 1, 2, 2, 2, 2, 3, 6]).copied().unwrap_or(2)).collect()
}

/// Some messages reach jitd, in any order; some of them twice.
fn deliver(run: &mut Run) -> Done {
    let count = 1 + run.world.chance.below(6);
    let mut messages: Vec<Message> = Vec::new();
    for _ in 0..count {
        let World { chance, inbox, .. } = &mut run.world;
        let Some(message) = chance.draw(inbox) else { break };
        if chance.once_in(20) {
            inbox.push(message.clone());
        }
        messages.push(message);
    }
    if run.jitd.is_some() {
        for message in &messages {
            run.tell(told(message));
        }
    }
    run.pass(messages)
}

fn told(message: &Message) -> String {
    match message {
        Message::Call(call) => {
            format!("jitd hears {} (login {:?}): {:?}", call.person.name, call.login_uid, call.what)
        }
        Message::Answered { ticket, found } => {
            let found = found.as_ref().map_or("in vain".into(), |found| format!("{:?}", found.people));
            format!("look-up {ticket} is back: {found}")
        }
        Message::SudoSaid { id, agrees } => format!("sudo says {agrees:?} about {id}"),
        Message::Reload => "jitd reads its policy".into(),
        Message::Gone(people) => format!("gone: {people:?}"),
    }
}

/// A look-up comes back, by what is so now; it may fail, and its answer may lie around.
fn directory_answers(run: &mut Run) -> Done {
    let World { chance, lookups, .. } = &mut run.world;
    let Some((ticket, whom)) = chance.draw(lookups) else { return Ok(()) };
    let fails = chance.once_in(25);
    let found = (!fails).then(|| run.world.look_up(&whom));
    let message = Message::Answered { ticket, found };
    answer(run, message)
}

/// Sudo answers.
fn sudo_answers(run: &mut Run) -> Done {
    let World { chance, sudo_asked, .. } = &mut run.world;
    let Some(id) = chance.draw(sudo_asked) else { return Ok(()) };
    let agrees = if chance.once_in(20) { Agrees::No } else { Agrees::Yes };
    answer(run, Message::SudoSaid { id, agrees })
}

/// A message arrives at once, or lies around for a while.
fn answer(run: &mut Run, message: Message) -> Done {
    match run.world.chance.once_in(4) {
        true => {
            run.world.inbox.push(message);
            Ok(())
        }
        false => {
            run.tell(told(&message));
            run.pass(vec![message])
        }
    }
}
