//! Reading a policy: what is taken, and what every mistake is told.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failed assumption is a failed test"
)]

mod policy_world;

use jitd_core::policy::{Arguments, Authenticate, Commands, DenyRoles, Policy, PolicyError, Risk};
use policy_world::{TEAM, WEB, policy};

fn errors(text: &str) -> Vec<PolicyError> {
    match Policy::parse(&[("p.toml", text)]) {
        Ok(_) => panic!("this was taken:\n{text}"),
        Err(errors) => errors,
    }
}

/// A policy of one role, with one of its lines replaced.
fn role_with(line: &str) -> String {
    let key = line.split('=').next().unwrap().trim();
    let mut lines = vec!["summary = \"x\"", "risk = \"low\"", "sudo = { commands = [[\"/usr/bin/id\"]] }"];
    lines.retain(|other| !other.starts_with(key));
    format!("[role.r]\n{line}\n{}\n", lines.join("\n"))
}

/// A policy of one role and one rule, with one line of the rule replaced or added, at line 5.
fn rule_with(line: &str) -> String {
    let key = line.split('=').next().unwrap().trim();
    let mut lines = vec![
        "name = \"n\"",
        "roles = [\"r\"]",
        "eligible = { users = [\"alice\"] }",
        "max_duration = \"1h\"",
    ];
    lines.retain(|other| !other.starts_with(&format!("{key} ")));
    format!(
        "[role.r]\nsummary = \"x\"\nsudo = {{ commands = [[\"/usr/bin/id\"]] }}\n[[rule]]\n{line}\n{}\n",
        lines.join("\n")
    )
}

#[test]
fn a_whole_policy_is_read_with_its_places() {
    let policy = policy(WEB);
    let role = policy.role("web-restart").unwrap();
    assert_eq!(role.location.to_string(), "10-web.toml:2");
    assert_eq!(role.risk, Risk::Low);
    assert_eq!(role.sudo.as_ref().unwrap().password, Authenticate::NotAsked);
    let Commands::These(commands) = &role.sudo.as_ref().unwrap().commands else { panic!() };
    assert_eq!(commands[0].to_string(), "/usr/bin/systemctl restart nginx");
    assert_eq!(commands[1].arguments(), &Arguments::Exactly(vec![]));
    let places: Vec<String> = policy.rules().iter().map(|rule| rule.location.to_string()).collect();
    assert_eq!(places, ["10-web.toml:14", "10-web.toml:24", "10-web.toml:31"]);
    assert_eq!(policy.denies()[0].location.to_string(), "10-web.toml:37");
    assert_eq!(
        policy.groups_named().into_iter().collect::<Vec<_>>(),
        ["contractors", "dba", "oncall", "web"]
    );
    assert_eq!(policy.zones_named().into_iter().collect::<Vec<_>>(), ["Europe/Berlin"]);
}

#[test]
fn what_is_left_out_gets_the_careful_default() {
    let policy = policy(WEB);
    let role = policy.role("db-shell").unwrap();
    assert_eq!(role.risk, Risk::Medium);
    assert_eq!(role.sudo.as_ref().unwrap().password, Authenticate::Asked, "sudo asks unless told otherwise");
    let rule = &policy.rules()[2];
    assert!(rule.default_duration.is_none() && rule.schedule.is_none() && rule.max_active.is_none());
    assert!(policy.duties().operators.groups.is_empty(), "nobody but root");
}

#[test]
fn no_file_at_all_is_a_policy_that_grants_nothing() {
    let policy = Policy::parse(&[]).unwrap();
    assert_eq!(policy.roles().count(), 0);
    assert!(Policy::parse(&[("empty.toml", "# nothing yet\n")]).is_ok());
}

#[test]
fn files_are_taken_in_the_order_of_their_names() {
    let role = "[role.r]\nsummary = \"x\"\nsudo = { commands = \"ALL\" }\n";
    let rule = |name: &str| {
        format!(
            "[[rule]]\nname = \"{name}\"\nroles = [\"r\"]\neligible = {{ users = [\"a\"] }}\nmax_duration = \"1h\"\n"
        )
    };
    let (first, second) = (rule("first"), rule("second"));
    let policy = Policy::parse(&[("20.toml", &second), ("90.toml", role), ("10.toml", &first)]).unwrap();
    let names: Vec<&str> = policy.rules().iter().map(|rule| rule.name.as_str()).collect();
    assert_eq!(names, ["first", "second"]);
}

#[test]
fn the_hash_is_of_names_and_texts_and_of_nothing_else() {
    let hash = |files: &[(&str, &str)]| Policy::parse(files).unwrap().hash().to_string();
    let base = hash(&[("a.toml", "# x"), ("b.toml", "# y")]);
    assert_eq!(base, hash(&[("b.toml", "# y"), ("a.toml", "# x")]), "order of handing in");
    assert_eq!(base.len(), 64);
    for other in [
        hash(&[("a.toml", "# x"), ("b.toml", "# z")]),
        hash(&[("a.toml", "# x"), ("c.toml", "# y")]),
        hash(&[("a.toml", "# x")]),
        hash(&[("a.toml", "# x# y"), ("b.toml", "")]),
        hash(&[("a.toml# x", ""), ("b.toml", "# y")]),
    ] {
        assert_ne!(base, other);
    }
}

/// One mistake, one error: at this place, saying this.
fn check_each(mistakes: &[(String, &str, &str)]) {
    for (text, place, said) in mistakes {
        let errors = errors(text);
        let shown = errors[0].to_string();
        assert!(
            shown.starts_with(&format!("p.toml:{place}: ")) && shown.contains(said),
            "{text}\n{errors:#?}"
        );
        assert_eq!(errors.len(), 1, "one mistake, one error: {errors:#?}");
    }
}

#[test]
fn each_mistake_in_a_role_is_told_with_its_place_and_what_is_expected() {
    check_each(&[
        (role_with("risk = \"huge\""), "2:8", "\"low\", \"medium\" or \"high\""),
        (role_with("risk = 3"), "2:8", "is a string, not a number"),
        (role_with("colour = \"red\""), "2:1", "the keys are summary, risk, sudo, groups"),
        (role_with("groups = []"), "2:10", "groups is empty"),
        (role_with("groups = \"docker\""), "2:10", "is a list"),
        (role_with("groups = [\"docker\", \"docker\"]"), "2:21", "twice"),
        (role_with("groups = [\"docker\", \"root\"]"), "2:21", "the group root is never given"),
        (role_with("groups = [\"0\"]"), "2:11", "is a number"),
        (role_with("groups = [\"%docker\"]"), "2:11", "plain name"),
        (role_with("groups = [\"a:b\"]"), "2:11", "no name of an account or a group"),
        (role_with("summary = \"\""), "2:11", "empty"),
        (role_with("summary = \"a\\u001Bb\""), "2:11", "control characters"),
        (role_with("sudo = { commands = [] }"), "2:21", "at least one command"),
        (role_with("sudo = { commands = \"/usr/bin/id\" }"), "2:21", "a shell line is not taken"),
        (role_with("sudo = { commands = [\"/usr/bin/id -u\"] }"), "2:22", "write [\"/usr/bin/id\", \"-u\"]"),
        (role_with("sudo = { commands = [[\"id\"]] }"), "2:22", "not absolute"),
        (role_with("sudo = { commands = [[\"/usr/bin/id\"], [\"/usr/bin/../bin/id\"]] }"), "2:39", "\"..\""),
        (role_with("sudo = { run_as = \"#-1\", commands = \"ALL\" }"), "2:19", "never a number"),
        (
            role_with("sudo = { password = \"no\", commands = \"ALL\" }"),
            "2:21",
            "true or false, not a string",
        ),
        (role_with("sudo = { }"), "2:8", "sudo needs commands"),
        ("[role.r]\nsummary = \"x\"\n".into(), "1:1", "or groups = [\"docker\"], or both"),
        ("[role.Web]\nsummary = \"x\"\nsudo = { commands = \"ALL\" }\n".into(), "1:7", "no role name"),
        ("[rol.web]\n".into(), "1:2", "unknown key \"rol\""),
        ("role = 3\n".into(), "1:8", "[role.web-restart]"),
        ("[rule]\nname = \"x\"\n".into(), "1:1", "two brackets"),
        ("[[deny]]\nname = \"d\"\nroles = \"ALL\"\nsubjects = { }\n".into(), "4:12", "names nobody"),
        ("[duties]\nkings = { users = [\"a\"] }\n".into(), "2:1", "auditors, operators"),
    ]);
}

#[test]
fn each_mistake_in_a_rule_is_told_with_its_place_and_what_is_expected() {
    check_each(&[
        (rule_with("max_duration = \"30M\""), "5:16", "30m"),
        (rule_with("max_duration = 30"), "5:16", "in quotes"),
        (rule_with("max_duration = \"31d\""), "5:16", "1s to 30d"),
        (rule_with("default_duration = \"2h\""), "5:20", "longer than max_duration 1h"),
        (rule_with("roles = []"), "5:9", "name the roles"),
        (rule_with("roles = [\"r\", \"nope\"]"), "5:15", "define [role.nope]"),
        (rule_with("roles = [\"r\", \"r\"]"), "5:15", "twice"),
        (rule_with("roles = \"ALL\""), "5:9", "is a list"),
        (rule_with("eligible = { }"), "5:12", "names nobody"),
        (rule_with("eligible = { groups = [\"%oncall\"] }"), "5:24", "plain name"),
        (rule_with("eligible = { users = [\"1000\"] }"), "5:23", "is a number"),
        (rule_with("eligible = { user = [\"a\"] }"), "5:14", "the keys are users, groups"),
        (rule_with("reason = { required = true, min_length = 1025 }"), "5:42", "from 1 to 1024"),
        (rule_with("reason = { min_length = -1 }"), "5:25", "from 1 to 1024"),
        (rule_with("reason = { pattern = '(' }"), "5:22", "no regular expression"),
        (rule_with("reason = { pattern = '(a{1000}){1000}' }"), "5:22", "no regular expression"),
        (rule_with("ticket = { prompt = 7 }"), "5:21", "is a string"),
        (rule_with("max_active = 0"), "5:14", "from 1 to 100"),
        (rule_with("schedule = { }"), "5:12", "needs zone"),
        (rule_with("schedule = { zone = \"../../etc/passwd\" }"), "5:21", "no time zone"),
        (rule_with("schedule = { zone = \"/etc/localtime\" }"), "5:21", "no time zone"),
        (rule_with("schedule = { days = \"Monday\", zone = \"UTC\" }"), "5:21", "write Mon, Tue"),
        (rule_with("schedule = { from = \"8:00\", zone = \"UTC\" }"), "5:21", "08:00"),
        (rule_with("schedule = { from = \"24:01\", zone = \"UTC\" }"), "5:21", "08:00"),
        (
            rule_with("schedule = { from = \"08:00\", to = \"08:00\", zone = \"UTC\" }"),
            "5:12",
            "begins where it ends",
        ),
    ]);
}

#[test]
fn each_mistake_in_approvals_is_told_with_its_place_and_what_is_expected() {
    check_each(&[
        (rule_with("approvals = []"), "5:13", "1 to 8 entries, not 0"),
        (rule_with("approvals = { by = { users = [\"b\"] } }"), "5:13", "is a list"),
        (rule_with("approvals = [\"x\"]"), "5:14", "an approval is a table"),
        (rule_with("approvals = [{ count = 1 }]"), "5:14", "an approval needs by"),
        (rule_with("approvals = [{ by = { } }]"), "5:21", "by names nobody"),
        (rule_with("approvals = [{ count = 0, by = { groups = [\"x\"] } }]"), "5:24", "from 1 to 20"),
        (rule_with("approvals = [{ count = 21, by = { groups = [\"x\"] } }]"), "5:24", "from 1 to 20"),
        (rule_with("approvals = [{ count = \"1\", by = { groups = [\"x\"] } }]"), "5:24", "a whole number"),
        (
            rule_with("approvals = [{ from = 1, by = { groups = [\"x\"] } }]"),
            "5:16",
            "the keys are count, by",
        ),
        (
            rule_with("approvals = [{ count = 3, by = { users = [\"a\", \"b\"] } }]"),
            "5:14",
            "the approval of 3 is asked for and 2 are named",
        ),
        (
            rule_with(
                "approvals = [{ by = { users = [\"b\"] } }, { by = { groups = [\"x\"] } }, { by = { users = [\"b\"] } }]",
            ),
            "5:13",
            "asks for 1 person: b and 1 person: b, all of them different people: name more",
        ),
        (rule_with("pending_timeout = \"9s\""), "5:19", "from 10s to 7d"),
        (rule_with("pending_timeout = \"169h\""), "5:19", "from 10s to 7d"),
        (rule_with("pending_timeout = \"2H\""), "5:19", "not understood"),
    ]);
}

#[test]
fn all_mistakes_of_all_files_are_told_at_once() {
    let one = "[role.a]\nrisk = \"huge\"\n";
    let two = "[[rule]]\nname = \"\"\nroles = [\"b\"]\neligible = 7\nmax_duration = \"0s\"\n";
    let broken = "[role.c\n";
    let errors = Policy::parse(&[("2.toml", two), ("1.toml", one), ("3.toml", broken)]).unwrap_err();
    let places: Vec<String> = errors.iter().map(|error| format!("{}:{}", error.file, error.line)).collect();
    assert_eq!(places, ["1.toml:1", "1.toml:1", "1.toml:2", "2.toml:2", "2.toml:4", "2.toml:5", "3.toml:1"]);
}

#[test]
fn a_syntax_error_does_not_bring_forth_unknown_roles() {
    let rule =
        "[[rule]]\nname = \"n\"\nroles = [\"r\"]\neligible = { users = [\"a\"] }\nmax_duration = \"1h\"\n";
    let errors =
        Policy::parse(&[("1.toml", rule), ("2.toml", "[role.r]\nsummary = \"x\nsudo = 1\n")]).unwrap_err();
    assert!(
        errors.iter().all(|error| error.file == "2.toml" && error.message.starts_with("not TOML")),
        "{errors:#?}"
    );
}

#[test]
fn what_stands_twice_is_told_with_both_places() {
    let role = "[role.r]\nsummary = \"x\"\nsudo = { commands = \"ALL\" }\n";
    let rule =
        "[[rule]]\nname = \"n\"\nroles = [\"r\"]\neligible = { users = [\"a\"] }\nmax_duration = \"1h\"\n";
    let deny = "[[deny]]\nname = \"d\"\nroles = [\"r\"]\nsubjects = { users = [\"a\"] }\n";
    let duties = "[duties]\nauditors = { users = [\"a\"] }\n";
    for (text, place) in
        [(role, "2.toml:1:7"), (rule, "2.toml:1:1"), (deny, "2.toml:1:1"), (duties, "2.toml:1:1")]
    {
        let files = [("0.toml", if text == role { "" } else { role }), ("1.toml", text), ("2.toml", text)];
        let errors = Policy::parse(&files).unwrap_err();
        assert_eq!(errors.len(), 1, "{errors:#?}");
        let shown = errors[0].to_string();
        assert!(shown.starts_with(place) && shown.contains("1.toml:1 already"), "{shown}");
    }
}

#[test]
fn columns_count_characters_and_not_bytes() {
    let errors =
        errors("[role.r]\nsummary = \"x\"\nsudo = { commands = [[\"/usr/bin/id\", \"äöü\"], [\"id\"]] }\n");
    assert_eq!(errors[0].column, 46, "{errors:#?}");
}

#[test]
fn a_deny_may_take_away_every_role() {
    let policy = policy("[[deny]]\nname = \"d\"\nroles = \"ALL\"\nsubjects = { users = [\"eve\"] }\n");
    assert_eq!(policy.denies()[0].roles, DenyRoles::All);
}

#[test]
fn groups_and_approvals_are_read_with_their_defaults() {
    let policy = policy(TEAM);
    let (containers, logs) = (policy.role("containers").unwrap(), policy.role("logs").unwrap());
    assert!(containers.sudo.is_none() && logs.sudo.is_some());
    assert_eq!(containers.groups.iter().collect::<Vec<_>>(), ["docker"]);
    assert_eq!(logs.groups.iter().collect::<Vec<_>>(), ["adm", "systemd-journal"]);
    let (rule, free) = (&policy.rules()[0], &policy.rules()[1]);
    let phrases: Vec<String> = rule.approvals.iter().map(|entry| entry.phrase()).collect();
    assert_eq!(phrases, ["1 person in leads", "2 people: sam or somebody in security"]);
    assert_eq!(rule.pending_timeout.to_string(), "2h");
    assert!(free.approvals.is_empty());
    assert_eq!(free.pending_timeout.to_string(), "8h", "a request may wait for its start");
    let named: Vec<&str> = policy.groups_named().into_iter().collect();
    assert_eq!(named, ["engineers", "leads", "security"], "groups that are given are not asked about");
}

#[test]
fn how_many_groups_and_approvals_there_may_be() {
    let groups = |count: usize| {
        let names: Vec<String> = (0..count).map(|at| format!("\"g{at}\"")).collect();
        role_with(&format!("groups = [{}]", names.join(", ")))
    };
    assert!(Policy::parse(&[("p.toml", &groups(16))]).is_ok());
    assert!(errors(&groups(17))[0].message.contains("at most 16"));
    let entries = |count: usize| {
        let entries = vec!["{ by = { groups = [\"x\"] } }"; count];
        rule_with(&format!("approvals = [{}]", entries.join(", ")))
    };
    assert!(Policy::parse(&[("p.toml", &entries(8))]).is_ok());
    assert!(errors(&entries(9))[0].message.contains("1 to 8 entries, not 9"));
    for timeout in ["60s", "1m", "7d"] {
        assert!(
            Policy::parse(&[("p.toml", &rule_with(&format!("pending_timeout = \"{timeout}\"")))]).is_ok()
        );
    }
}

#[test]
fn size_has_limits() {
    let large = format!("#{}", "x".repeat(1024 * 1024));
    assert!(errors(&large)[0].message.contains("split it"));
    let roles: String = (0..1001)
        .map(|at| format!("[role.r{at}]\nsummary = \"x\"\nsudo = {{ commands = \"ALL\" }}\n"))
        .collect();
    assert!(errors(&roles)[0].message.contains("at most 1000"));
    let files: Vec<(String, String)> = (0..257).map(|at| (format!("{at:03}.toml"), String::new())).collect();
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    assert!(Policy::parse(&files).unwrap_err()[0].message.contains("at most 256"));
    assert!(!errors(&"a = [".repeat(10_000)).is_empty(), "deep nesting is an error and no crash");
}

/// A policy with `[pam]` at line 1, and a role that gives `engineers` if it is to.
fn gate_with(lines: &str) -> String {
    format!("[pam]\n{lines}\n[role.g]\nsummary = \"x\"\ngroups = [\"lent\"]\n")
}

#[test]
fn who_gets_in_by_a_grant_alone_is_read_with_its_programs() {
    let text = gate_with(
        "managed = { users = [\"alice\"], groups = [\"engineers\"] }\nservices = [\"sudo\", \"su\"]",
    );
    let policy = policy(&text);
    let gate = policy.gate().unwrap();
    assert_eq!(gate.location.to_string(), "10-web.toml:1");
    assert_eq!(
        policy.managed().render(),
        "jit-managed 1\nservice sudo\nservice su\nuser alice\ngroup engineers\nend\n"
    );
    assert!(Policy::parse(&[]).unwrap().gate().is_none());
}

#[test]
fn what_is_wrong_with_the_gate_is_said_at_its_place() {
    for (lines, place, says) in [
        ("services = [\"sudo\"]", "1:", "pam needs managed: write managed = { groups = [\"engineers\"] }"),
        ("managed = { users = [\"a\"] }", "1:", "pam needs services"),
        ("managed = { users = [\"a\"] }\nservices = []", "3:12", "services names no program"),
        ("managed = { users = [\"a\"] }\nservices = [\"cron\"]", "3:13", "these are sudo, su, login, sshd"),
        ("managed = { users = [\"a\"] }\nservices = [\"su\", \"su\"]", "3:19", "stands twice"),
        ("managed = {}\nservices = [\"su\"]", "2:11", "managed names nobody"),
        ("managed = { users = [\"root\"] }\nservices = [\"su\"]", "2:11", "root is never managed"),
        (
            "managed = { groups = [\"lent\"] }\nservices = [\"su\"]",
            "2:23",
            "the role \"g\" gives the group \"lent\"",
        ),
        (
            "managed = { users = [\"a\"] }\nservices = [\"su\"]\nfail = \"open\"",
            "4:1",
            "unknown key \"fail\" in pam",
        ),
    ] {
        let found = errors(&gate_with(lines));
        let [only] = found.as_slice() else { panic!("{lines}: {found:?}") };
        let told = only.to_string();
        assert!(told.starts_with(&format!("p.toml:{place}")) && told.contains(says), "{lines}: {told}");
    }
    let one = gate_with("managed = { users = [\"a\"] }\nservices = [\"su\"]");
    let two = "[pam]\nmanaged = { users = [\"b\"] }\nservices = [\"su\"]\n";
    let twice = Policy::parse(&[("a.toml", &one), ("b.toml", two)]).unwrap_err();
    assert!(twice[0].to_string().starts_with("b.toml:1:1: [pam] stands in a.toml:1 already"), "{twice:?}");
}
