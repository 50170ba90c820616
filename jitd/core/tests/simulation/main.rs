//! A simulation of the core: jitd's decisions among hundreds of people, on a host and a disk that fail, with crashes anywhere.
//!
//! `world` is everything around jitd, `daemon` is jitd as far as the core needs one, `actions` is what can happen, `witness` sees it
//! all, and `invariants` says what always holds, which `checks` checks. A failure names its seed, and the seed is the whole story.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failed assumption is a failed test"
)]
#![allow(clippy::print_stderr, reason = "how much was simulated is for whoever reads the test's output")]

mod actions;
mod chance;
mod checks;
mod daemon;
mod invariants;
mod run;
mod seeds;
mod witness;
mod world;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use jitd_core::record::{Cause, Closed};

use self::run::{Failure, Tally, run};
use self::seeds::{STEPS, Seeds};

/// Events that the fixed seeds make at the least. Fewer, and the simulation does not simulate.
const FEWEST_EVENTS: u64 = 100_000;

#[test]
fn whatever_happens_the_invariants_hold() {
    let seeds = Seeds::asked_for();
    let (fixed, mut events, mut runs) = (seeds.fixed, 0, 0);
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    for seed in seeds {
        let tally = one(seed);
        events += tally.events;
        runs += 1;
        for (what, count) in tally.counts {
            *counts.entry(what).or_default() += count;
        }
    }
    eprintln!("{events} events in {runs} runs, and every invariant after each");
    for (what, count) in &counts {
        eprintln!("{count:>9} {what}");
    }
    if fixed {
        assert!(events >= FEWEST_EVENTS, "only {events} events were simulated");
        let ended = Cause::ALL.map(|cause| format!("ended as {}", cause.as_str()));
        let closed = Closed::ALL.map(|cause| format!("closed as {}", cause.as_str()));
        for end in ended.iter().chain(&closed) {
            assert!(counts.contains_key(end), "nothing {end} in any run");
        }
    }
}

fn one(seed: u64) -> Tally {
    match catch_unwind(AssertUnwindSafe(|| run(seed, STEPS))) {
        Ok(Ok(tally)) => tally,
        Ok(Err(failure)) => panic!("{}", story(&failure)),
        Err(_) => panic!("something panicked: JIT_SIM_SEED={seed} shows it again"),
    }
}

fn story(failure: &Failure) -> String {
    let Failure { seed, step, broken, last } = failure;
    format!(
        "at step {step} of seed {seed} it did not hold that {}\n({:?}: {})\nThe last events:\n{}\nAgain: JIT_SIM_SEED={seed} cargo test \
         -p jitd-core --test simulation",
        broken.invariant.sentence(),
        broken.invariant,
        broken.what,
        last.join("\n")
    )
}
