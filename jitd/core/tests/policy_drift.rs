//! `[drift]`: what becomes of differences between the host and the record.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed assumption is a failed test")]

mod policy_world;

use jitd_core::policy::{OnDrift, Policy, PutBack, Strangers, TakenAway};
use policy_world::policy;

#[test]
fn what_becomes_of_differences_is_read_and_is_nothing_that_cannot_be_undone_where_nothing_is_said() {
    assert_eq!(policy("").on_drift(), OnDrift::default());
    let all =
        policy("[drift]\ntaken_away = \"end\"\nput_back = \"remove\"\nstrangers = \"remove\"\n").on_drift();
    assert_eq!(
        all,
        OnDrift { taken_away: TakenAway::End, put_back: PutBack::Remove, strangers: Strangers::Remove }
    );
    let one = policy("[drift]\nput_back = \"remove\"\n").on_drift();
    assert_eq!(one, OnDrift { put_back: PutBack::Remove, ..OnDrift::default() });
    for (text, says) in [
        ("[drift]\ntaken_away = \"end\"\n[drift]\n", "not TOML"),
        ("[drift]\ntaken_away = \"End\"\n", "taken_away \"End\" is neither \"restore\" nor \"end\""),
        ("[drift]\nstrangers = true\n", "strangers"),
        ("[drift]\nputback = \"leave\"\n", "unknown key \"putback\""),
    ] {
        let errors = Policy::parse(&[("p.toml", text)]).unwrap_err();
        assert!(errors.iter().any(|error| error.to_string().contains(says)), "{text}: {errors:?}");
    }
    let two = [("a.toml", "[drift]\n"), ("b.toml", "[drift]\n")];
    let error = Policy::parse(&two).unwrap_err().remove(0).to_string();
    assert_eq!(error, "b.toml:1:1: [drift] stands in a.toml:1 already: one place holds it all");
}
