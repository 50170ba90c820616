//! Ends what holds groups after grants have ended: one thread, one order after the other. Nobody waits for it; what came of an order
//! comes as a message.

use std::collections::{BTreeMap, BTreeSet};

use jit_mechanisms::HostPaths;
use jit_mechanisms::groups::Membership;
use jit_mechanisms::groups::sweep::{Sweep, Swept, sweep};
use jitd_core::now::NANOS;

use crate::clock;
use crate::engine::{Handle, Message};

/// Nanoseconds for a look at all processes.
const LONGEST: i64 = NANOS;

/// What is to be done.
#[derive(Debug)]
pub struct Order {
    /// To whom.
    pub sweeps: BTreeMap<Membership, Sweep>,
    /// But not to these processes.
    pub spare: BTreeSet<u32>,
    /// The host.
    pub paths: HostPaths,
    /// Who wants to know what came of it.
    pub answer_to: Handle,
}

/// What came of an order, or why nothing did.
pub type Done = Result<Swept, String>;

/// Carries out an order.
pub fn carry_out(order: Box<Order>) {
    let Order { sweeps, spare, paths, answer_to } = *order;
    let done = sweep(&paths, &sweeps, &spare, clock::time_for(LONGEST)).map_err(|why| crate::chain(&why));
    // An engine that has stopped wants no answer.
    let _ = answer_to.tell_blocking(Message::Swept(Box::new(done)));
}
