//! A small policy and a person, for the tests of the policy.
#![allow(dead_code, reason = "each test file takes what it needs")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed assumption is a failed test")]

use jit_common::refusal::Refusal;
use jitd_core::policy::{
    AccountState, Ask, CivilTime, Decision, Facts, GroupState, HasPassword, Outcome, PersonFacts, Policy,
    Terms, decide,
};

/// Two roles, one asking a password, and one rule of each kind.
pub(crate) const WEB: &str = r#"
[role.web-restart]
summary = "Restart and inspect the web tier"
risk    = "low"
sudo    = { run_as = "root", password = false, commands = [
  ["/usr/bin/systemctl", "restart", "nginx"],
  ["/usr/bin/id"],
] }

[role.db-shell]
summary = "A shell as postgres"
sudo    = { run_as = "postgres", commands = [["/usr/bin/psql", "..."]] }

[[rule]]
name             = "on-call restarts web at once"
roles            = ["web-restart"]
eligible         = { groups = ["oncall"], users = ["dave"] }
max_duration     = "1h"
default_duration = "30m"
reason           = { required = true, min_length = 10, pattern = '^(INC|CHG)-\d+', prompt = "Start with the incident" }
schedule         = { days = "Mon-Fri", from = "08:00", to = "19:00", zone = "Europe/Berlin" }
max_active       = 1

[[rule]]
name         = "web team at any time"
roles        = ["web-restart"]
eligible     = { groups = ["web"] }
max_duration = "4h"
ticket       = { required = true, pattern = '^CHG-\d+$' }

[[rule]]
name         = "dbas"
roles        = ["db-shell"]
eligible     = { groups = ["dba"] }
max_duration = "2h"

[[deny]]
name     = "contractors never"
roles    = ["web-restart"]
subjects = { groups = ["contractors"] }
"#;

/// Roles of groups, alone and beside sudo, and a rule that wants two people behind it.
pub(crate) const TEAM: &str = r#"
[role.containers]
summary = "Start and stop containers"
risk    = "high"
groups  = ["docker"]

[role.logs]
summary = "Read what services write"
sudo    = { password = false, commands = [["/usr/bin/systemctl", "--no-pager", "status", "web"]] }
groups  = ["adm", "systemd-journal"]

[[rule]]
name            = "engineers get docker with two people behind it"
roles           = ["containers"]
eligible        = { groups = ["engineers"] }
max_duration    = "30m"
approvals       = [{ by = { groups = ["leads"] } }, { count = 2, by = { users = ["sam"], groups = ["security"] } }]
pending_timeout = "2h"

[[rule]]
name         = "engineers read logs"
roles        = ["logs"]
eligible     = { groups = ["engineers"] }
max_duration = "1h"
"#;

/// The policy of one file.
pub(crate) fn policy(text: &str) -> Policy {
    Policy::parse(&[("10-web.toml", text)]).unwrap_or_else(|errors| panic!("{errors:#?}"))
}

/// What the policy needs to know of an ordinary person on a Monday at noon, every group being there.
pub(crate) fn facts(policy: &Policy, name: &str, groups: &[&str]) -> Facts {
    let mut facts = Facts {
        person: PersonFacts {
            uid: 1000,
            name: name.into(),
            groups: groups.iter().map(|group| (*group).into()).collect(),
            password: HasPassword::Usable,
            account: AccountState::Ordinary,
            ..PersonFacts::default()
        },
        known_groups: policy
            .groups_named()
            .into_iter()
            .map(|group| (group.into(), GroupState::Exists))
            .collect(),
        ..Facts::default()
    };
    set_time(policy, &mut facts, "2026-11-23T12:00");
    facts
}

/// Sets the clock of every zone that the policy names.
pub(crate) fn set_time(policy: &Policy, facts: &mut Facts, time: &str) {
    let local = CivilTime::parse(time).unwrap().local();
    facts.local_time = policy.zones_named().into_iter().map(|zone| (zone.into(), local)).collect();
}

/// A request that the first rule permits.
pub(crate) fn ask(role: &str) -> Ask<'_> {
    Ask { role, duration: None, reason: Some("INC-42 nginx is stuck"), ticket: None }
}

/// The terms of a decision that has to be a yes.
pub(crate) fn terms(decision: Decision) -> Terms {
    match decision.outcome {
        Outcome::Permit(terms) => terms,
        Outcome::Refuse(refusal) => panic!("refused: {refusal}"),
    }
}

/// The refusal of a decision that has to be a no.
pub(crate) fn refusal(decision: Decision) -> Refusal {
    match decision.outcome {
        Outcome::Refuse(refusal) => refusal,
        Outcome::Permit(terms) => panic!("permitted: {terms:?}"),
    }
}

/// Decides and gives the code of the refusal, or the name of the rule that permits.
pub(crate) fn verdict(policy: &Policy, ask: &Ask<'_>, facts: &Facts) -> String {
    match decide(policy, ask, facts).outcome {
        Outcome::Permit(terms) => terms.rule.name,
        Outcome::Refuse(refusal) => refusal.code().into(),
    }
}

/// Makes the lookup of a group fail.
pub(crate) fn unreachable(facts: &mut Facts, group: &str) {
    facts.known_groups.insert(group.into(), GroupState::Unreachable { why: "the directory is down".into() });
}

/// The same numbers on every run: xorshift64*, seeded by hand.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    /// A number below the bound.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        usize::try_from(self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33).unwrap() % bound
    }
}
