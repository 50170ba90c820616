//! Holds the invariants against the world.

mod entries;
mod state;

use crate::daemon::Jitd;
use crate::invariants::{Checked, Invariant as I, holds};
use crate::witness::Witness;
use crate::world::World;
use crate::world::host::{GroupsHealth, StateHealth, SudoersHealth};

pub(crate) use self::state::on_time;

/// What has just happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    /// jitd has worked through a pass.
    Jitd,
    /// jitd has started.
    Start,
    /// The guard has looked.
    Guard,
    /// Anything else.
    World,
}

/// Holds everything against the world.
pub(crate) fn check(world: &World, jitd: Option<&Jitd>, witness: &mut Witness, act: Act) -> Checked {
    witness.read_rows(world);
    holds(I::Chain, witness.unchained.is_empty(), || format!("rows {:?}", witness.unchained))?;
    let host = &world.host;
    let files = host.sudoers_health == SudoersHealth::Fine && host.state_health == StateHealth::Fine;
    if !files || host.groups_health != GroupsHealth::Fine {
        witness.trouble = world.clocks.true_time;
    }
    if let Some(live) = jitd.and_then(|jitd| jitd.live.as_ref()) {
        witness.policies.entry(live.hash.clone()).or_insert_with(|| live.clone());
    }
    if let Some(jitd) = jitd {
        witness.in_force = jitd.policy().map(str::to_owned);
    }
    for draft in witness.news(world, jitd) {
        entries::happened(world, witness, &draft)?;
        witness.model.take(&draft);
    }
    state::on_the_host(world, witness)?;
    match (act, jitd) {
        (Act::Jitd, Some(jitd)) => state::after_a_pass(world, jitd, witness)?,
        (Act::Start, Some(jitd)) => {
            state::after_a_start(world, jitd)?;
            state::after_a_pass(world, jitd, witness)?;
        }
        (Act::Guard, _) => state::after_a_look(world, witness)?,
        (Act::Jitd | Act::Start, None) | (Act::World, _) => {}
    }
    witness.blocks = world.host.blocks().unwrap_or_default();
    Ok(())
}
