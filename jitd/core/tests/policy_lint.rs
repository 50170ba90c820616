//! What is pointed out as equal to root, and what is not.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failed assumption is a failed test"
)]

mod policy_world;

use jitd_core::policy::{FindingKind, Policy, equal_to_root, lint};
use policy_world::policy;

fn role(run_as: &str, commands: &str) -> Policy {
    policy(&format!(
        "[role.r]\nsummary = \"x\"\nrisk = \"high\"\nsudo = {{ run_as = \"{run_as}\", commands = {commands} }}\n"
    ))
}

fn ways(commands: &str) -> Vec<String> {
    let policy = role("root", commands);
    equal_to_root(&policy.role("r").unwrap().sudo).iter().map(ToString::to_string).collect()
}

#[test]
fn what_leads_to_root_is_pointed_out_with_the_way() {
    for (commands, why) in [
        ("\"ALL\"", "every command"),
        ("[[\"/bin/bash\"]]", "shell"),
        ("[[\"/bin/bash\", \"-l\"]]", "shell"),
        ("[[\"/usr/bin/python3.11\", \"...\"]]", "interpreter"),
        ("[[\"/usr/bin/python3\"]]", "interpreter"),
        ("[[\"/usr/bin/vim.basic\", \"/etc/hosts\"]]", "editor"),
        ("[[\"/usr/bin/nano\", \"/etc/hosts\"]]", "editor"),
        ("[[\"/usr/bin/sudoedit\", \"/etc/hosts\"]]", "editor"),
        ("[[\"/usr/bin/less\", \"/var/log/syslog\"]]", "pager"),
        ("[[\"/usr/bin/journalctl\", \"-u\", \"nginx\"]]", "--no-pager"),
        ("[[\"/usr/bin/systemctl\", \"status\", \"nginx\"]]", "--no-pager"),
        ("[[\"/usr/bin/systemctl\"]]", "--no-pager"),
        ("[[\"/usr/bin/systemctl\", \"list-timers\"]]", "--no-pager"),
        ("[[\"/usr/bin/systemctl\", \"edit\", \"nginx\"]]", "editor"),
        ("[[\"/usr/bin/systemctl\", \"...\"]]", "any unit"),
        ("[[\"/usr/bin/apt-get\", \"install\", \"vim\"]]", "package"),
        ("[[\"/usr/bin/dnf\", \"...\"]]", "package"),
        ("[[\"/usr/bin/tee\", \"...\"]]", "any file"),
        ("[[\"/usr/bin/cp\", \"...\"]]", "any file"),
        ("[[\"/usr/bin/dd\", \"...\"]]", "any file"),
        ("[[\"/usr/bin/chmod\", \"...\"]]", "set-uid"),
        ("[[\"/usr/bin/chown\", \"...\"]]", "set-uid"),
        ("[[\"/usr/bin/env\", \"...\"]]", "runs that"),
        ("[[\"/usr/bin/find\", \"...\"]]", "runs that"),
        ("[[\"/usr/bin/tar\", \"...\"]]", "any file"),
        ("[[\"/usr/bin/ssh\", \"...\"]]", "what it runs"),
        ("[[\"/usr/bin/docker\", \"...\"]]", "container"),
        ("[[\"/usr/bin/systemd-run\", \"...\"]]", "rights of root"),
        ("[[\"/usr/bin/mount\", \"...\"]]", "mounts"),
        ("[[\"/usr/bin/psql\", \"-l\"]]", "runs a shell"),
        ("[[\"/usr/bin/awk\", \"...\"]]", "interpreter"),
        ("[[\"/usr/bin/cat\", \"...\"]]", "reads any file"),
        ("[[\"/home/alice/bin/restart\"]]", "other than root"),
        ("[[\"/tmp/x\"]]", "other than root"),
        ("[[\"/usr/bin/crontab\", \"-e\"]]", "runs a shell"),
        ("[[\"/usr/bin/git\", \"log\"]]", "pager"),
    ] {
        let ways = ways(commands);
        assert!(ways.len() == 1 && ways[0].contains(why), "{commands}: {ways:?}");
    }
}

#[test]
fn what_does_only_what_it_says_is_left_in_peace() {
    for commands in [
        "[[\"/usr/bin/id\"]]",
        "[[\"/usr/bin/systemctl\", \"restart\", \"nginx\"], [\"/usr/bin/systemctl\", \"--no-pager\", \"status\", \"nginx\"]]",
        "[[\"/usr/bin/journalctl\", \"--no-pager\", \"-u\", \"nginx\"]]",
        "[[\"/bin/bash\", \"/usr/local/sbin/rotate\"]]",
        "[[\"/usr/bin/apt-get\", \"update\"]]",
        "[[\"/usr/bin/tee\", \"/proc/sys/vm/drop_caches\"]]",
        "[[\"/usr/bin/mount\", \"/mnt/backup\"]]",
        "[[\"/usr/local/sbin/rotate\", \"...\"]]",
    ] {
        assert!(ways(commands).is_empty(), "{commands}: {:?}", ways(commands));
    }
    let postgres = role("postgres", "\"ALL\"");
    assert!(equal_to_root(&postgres.role("r").unwrap().sudo).is_empty(), "another account is not root");
}

#[test]
fn a_policy_is_looked_over_in_the_order_of_its_lines() {
    let policy = policy(
        "[role.b]\nsummary = \"x\"\nsudo = { commands = [[\"/bin/sh\"], [\"/opt/tool\", \"...\"]] }\n\
         [role.a]\nsummary = \"x\"\nsudo = { commands = [[\"/usr/bin/id\"]] }\n\
         [[rule]]\nname = \"n\"\nroles = [\"b\"]\neligible = { users = [\"a\"] }\nmax_duration = \"1h\"\n",
    );
    let findings: Vec<(FindingKind, &str)> = lint(&policy)
        .iter()
        .map(|finding| (finding.kind, finding.role.clone()))
        .map(|(kind, role)| (kind, if role == "a" { "a" } else { "b" }))
        .collect();
    assert_eq!(
        findings,
        [
            (FindingKind::EqualToRoot, "b"),
            (FindingKind::RiskTooLow, "b"),
            (FindingKind::AnyArguments, "b"),
            (FindingKind::Unused, "a"),
        ]
    );
    let first = lint(&policy)[0].to_string();
    assert_eq!(first, "10-web.toml:1: role b: equal to root: /bin/sh: it is a shell");
}
