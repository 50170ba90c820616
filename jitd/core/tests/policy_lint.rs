//! What is pointed out as equal to root, and what is not.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failed assumption is a failed test"
)]

mod policy_world;

use jitd_core::policy::{About, FindingKind, Policy, equal_to_root, lint};
use policy_world::{TEAM, policy};

fn role(run_as: &str, commands: &str) -> Policy {
    policy(&format!(
        "[role.r]\nsummary = \"x\"\nrisk = \"high\"\nsudo = {{ run_as = \"{run_as}\", commands = {commands} }}\n"
    ))
}

fn ways(commands: &str) -> Vec<String> {
    let policy = role("root", commands);
    equal_to_root(policy.role("r").unwrap()).iter().map(ToString::to_string).collect()
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
    assert!(equal_to_root(postgres.role("r").unwrap()).is_empty(), "another account is not root");
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
        .map(|finding| (finding.kind, if finding.about == About::Role("a".into()) { "a" } else { "b" }))
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

fn ways_by_groups(groups: &str) -> Vec<String> {
    let text = format!("[role.r]\nsummary = \"x\"\nrisk = \"high\"\ngroups = {groups}\n");
    equal_to_root(policy(&text).role("r").unwrap()).iter().map(ToString::to_string).collect()
}

#[test]
fn groups_that_lead_to_root_are_pointed_out_with_the_way_and_others_are_not() {
    for (group, why) in [
        ("docker", "container"),
        ("lxd", "privileged"),
        ("incus-admin", "privileged"),
        ("libvirt", "disks"),
        ("disk", "below the files"),
        ("sudo", "every command"),
        ("wheel", "every command"),
        ("admin", "every command"),
        ("shadow", "password hashes"),
        ("staff", "/usr/local"),
    ] {
        let ways = ways_by_groups(&format!("[\"{group}\"]"));
        assert!(
            ways.len() == 1 && ways[0].starts_with(&format!("the group {group}: ")) && ways[0].contains(why),
            "{ways:?}"
        );
    }
    let harmless = "[\"adm\", \"systemd-journal\", \"kvm\", \"incus\", \"kmem\", \"video\", \"www-data\"]";
    assert!(ways_by_groups(harmless).is_empty());
    let both = "[role.r]\nsummary = \"x\"\nsudo = { commands = \"ALL\" }\ngroups = [\"disk\", \"docker\"]\n";
    assert_eq!(equal_to_root(policy(both).role("r").unwrap()).len(), 3);
}

/// What is found in the team's policy with something put in place of something else.
fn found(old: &str, new: &str) -> Vec<(FindingKind, String)> {
    let text = TEAM.replacen(old, new, 1);
    assert!(old.is_empty() || text != TEAM, "{old} is not there");
    lint(&policy(&text)).into_iter().map(|finding| (finding.kind, finding.to_string())).collect()
}

fn says(found: &[(FindingKind, String)], kind: FindingKind, what: &str) -> bool {
    let of_kind: Vec<&String> = found.iter().filter(|(one, _)| *one == kind).map(|(_, text)| text).collect();
    of_kind.len() == 1 && of_kind[0].contains(what)
}

#[test]
fn a_role_of_groups_is_looked_at_like_any_other() {
    let found = found("", "");
    assert_eq!(found.len(), 1, "{found:#?}");
    assert!(
        found[0].1.starts_with("10-web.toml:2: role containers: equal to root: the group docker: "),
        "{found:#?}"
    );
}

#[test]
fn that_membership_given_by_a_role_does_not_count_is_said_wherever_people_are_named() {
    let asking = found("[\"engineers\"]", "[\"docker\"]");
    assert!(
        says(
            &asking,
            FindingKind::GivenGroup,
            "10-web.toml:12: rule \"engineers get docker with two people behind it\": eligible names the group docker, which the role containers gives"
        ),
        "{asking:#?}"
    );
    assert!(says(
        &found("[\"leads\"]", "[\"adm\"]"),
        FindingKind::GivenGroup,
        "approvals names the group adm, which the role logs gives"
    ));
    let deny = "[[deny]]\nname = \"d\"\nroles = \"ALL\"\nsubjects = { groups = [\"adm\"] }\n[[rule]]";
    assert!(says(&found("[[rule]]", deny), FindingKind::GivenGroup, "deny \"d\": subjects names"));
    let duties = "[duties]\noperators = { groups = [\"adm\"] }\n[[rule]]";
    assert!(says(
        &found("[[rule]]", duties),
        FindingKind::GivenGroup,
        "10-web.toml:12: duties: operators names"
    ));
}

#[test]
fn what_approvals_do_not_achieve_is_said() {
    let nobody = found("approvals       =", "ticket = { required = true } #");
    assert!(
        says(
            &nobody,
            FindingKind::NoApproval,
            "gives the role containers, whose risk is high, and nobody has to approve"
        ),
        "{nobody:#?}"
    );
    let peers = found(
        "[{ by = { groups = [\"leads\"] } }, { count = 2, by = { users = [\"sam\"], groups = [\"security\"] } }]",
        "[{ by = { groups = [\"engineers\"] } }]",
    );
    assert!(
        says(&peers, FindingKind::PeersApprove, "whoever may approve (engineers) may ask as well"),
        "{peers:#?}"
    );
    let left =
        found("eligible        = { groups = [\"engineers\"] }", "eligible = { users = [\"sam\", \"tom\"] }");
    assert!(
        left.iter().all(|(kind, _)| *kind == FindingKind::EqualToRoot),
        "groups may hold others: {left:#?}"
    );
    let rule = "name = \"n\"\nroles = [\"logs\"]\neligible = { users = [\"sam\", \"tom\"] }\nmax_duration = \"1h\"\napprovals = [{ count = 2, by = { users = [\"sam\", \"uwe\"] } }]\n[[rule]]\nname";
    assert!(says(
        &found("name ", &format!("{rule} ")),
        FindingKind::NobodyLeft,
        "when sam asks, too few are left"
    ));
}
