//! What a grant does to what its holder runs: package managers are cut short at its end, what other services start goes on, and what commands start
//! may be logged beyond its own.

use alloc::format;
use alloc::vec::Vec;

use super::programs::PACKAGE_MANAGERS;
use super::{About, Finding, FindingKind};
use crate::policy::model::{Policy, Role, Rule};
use crate::policy::sudo_role::{Arguments, Commands};
use crate::policy::{AtExpiry, Subcommands};

/// Programs that have another service run something.
const STARTERS: [&str; 7] = ["systemd-run", "at", "batch", "crontab", "docker", "podman", "machinectl"];

/// Programs that do so by some of their words. A service that is started anew ran before.
const BY_WORD: [&str; 2] = ["systemctl", "service"];

/// Such words.
const WORDS: [&str; 4] = ["start", "enable", "isolate", "edit"];

pub(super) fn look_at(policy: &Policy, findings: &mut Vec<Finding>) {
    for role in policy.roles() {
        for program in programs(role, starts_elsewhere) {
            findings.push(Finding {
                kind: FindingKind::StartsElsewhere,
                about: About::Role(role.name.clone()),
                location: role.location.clone(),
                message: format!(
                    "what {program} starts belongs to another service, and goes on when the grant ends"
                ),
            });
        }
    }
    for rule in policy.rules().iter().filter(|rule| rule.expiry.subcommands == Subcommands::Logged) {
        findings.push(Finding {
            kind: FindingKind::LogsStanding,
            about: About::Rule(rule.name.clone()),
            location: rule.location.clone(),
            message: "while such a grant is live, sudo logs what commands start for all that its holder runs by sudo, by standing rights as well"
                .into(),
        });
    }
    for rule in policy.rules().iter().filter(|rule| rule.expiry.then == AtExpiry::End) {
        findings.extend(rule.roles.iter().filter_map(|role| cut_short(rule, policy.role(role)?)));
    }
}

/// A package manager that is killed half-way leaves a package half-installed.
fn cut_short(rule: &Rule, role: &Role) -> Option<Finding> {
    let program = programs(role, |name, _| PACKAGE_MANAGERS.contains(&name)).into_iter().next()?;
    Some(Finding {
        kind: FindingKind::CutShort,
        about: About::Rule(rule.name.clone()),
        location: rule.location.clone(),
        message: format!(
            "the role {} runs {program}, which is killed half-way when a grant ends: write at_expiry = \"finish\" and at_expiry_limit = \"1h\"",
            role.name
        ),
    })
}

fn starts_elsewhere(name: &str, arguments: &Arguments) -> bool {
    let says_so = match arguments {
        Arguments::Any => true,
        Arguments::Exactly(words) => words.iter().any(|word| WORDS.contains(&word.as_str())),
    };
    STARTERS.contains(&name) || (BY_WORD.contains(&name) && says_so)
}

/// The names of the programs of a role of which this holds, each once.
fn programs(role: &Role, holds: impl Fn(&str, &Arguments) -> bool) -> Vec<&str> {
    let commands = match role.sudo.as_ref().map(|sudo| &sudo.commands) {
        Some(Commands::These(commands)) => commands.as_slice(),
        Some(Commands::All) | None => &[],
    };
    let mut names: Vec<&str> = Vec::new();
    for command in commands {
        let name = command.path().rsplit('/').next().unwrap_or_default();
        if holds(name, command.arguments()) && !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]
    use super::*;

    fn found(rule: &str) -> Vec<(FindingKind, alloc::string::String)> {
        let text = format!(
            "[role.r]\nsummary = \"x\"\nrisk = \"high\"\nsudo = {{ commands = [[\"/usr/bin/apt-get\", \"upgrade\"], \
             [\"/usr/bin/systemctl\", \"restart\", \"nginx\"], [\"/usr/bin/systemctl\", \"start\", \"nginx\"], \
             [\"/usr/bin/systemctl\", \"enable\", \"nginx\"]] }}\n\
             [[rule]]\nname = \"n\"\nroles = [\"r\"]\neligible = {{ groups = [\"g\"] }}\nmax_duration = \"1h\"\n{rule}"
        );
        let policy = Policy::parse(&[("p.toml", &text)]).unwrap();
        let mut findings = Vec::new();
        look_at(&policy, &mut findings);
        findings.into_iter().map(|finding| (finding.kind, format!("{}", finding.about))).collect()
    }

    #[test]
    fn what_is_cut_short_and_what_goes_on_is_pointed_out_once() {
        let elsewhere = (FindingKind::StartsElsewhere, "role r".into());
        assert_eq!(found(""), [elsewhere.clone(), (FindingKind::CutShort, "rule \"n\"".into())]);
        let finish = "at_expiry = \"finish\"\nat_expiry_limit = \"1h\"\n";
        assert_eq!(found(finish), core::slice::from_ref(&elsewhere));
        let logs = (FindingKind::LogsStanding, "rule \"n\"".into());
        assert_eq!(found(&format!("{finish}log_subcmds = true\n")), [elsewhere, logs]);
    }
}
