//! The closing report: what was left of a grant is on the record, each thing by its name; and nothing, where there is nothing.

use jit_e2e::{Inside, Release};
use serde_json::Value;

use crate::site::{Granted, Product as _, Site, measured, site_with};

const POLICY: &str = r#"
[role.docker]
summary = "Containers"
risk    = "high"
groups  = ["docker"]

[role.root]
summary = "A shell of root"
risk    = "high"
sudo    = { run_as = "root", password = false, commands = "ALL" }

[[rule]]
name         = "souvenirs"
roles        = ["docker", "root"]
eligible     = { groups = ["oncall"] }
max_duration = "1h"
"#;

/// What root leaves behind: a set-uid file, a set-gid file of the granted group, a key, a unit, and a process.
const PLANT: &str = "set -e
    cp /usr/bin/id /srv/rootid; chmod 4755 /srv/rootid
    cp /usr/bin/id /home/alice/dockerid; chgrp docker /home/alice/dockerid; chmod 2755 /home/alice/dockerid
    mkdir -p /home/dora/.ssh; echo 'ssh-ed25519 AAAA alice' >> /home/dora/.ssh/authorized_keys
    mkdir -p /etc/systemd/system; printf '[Service]\\nExecStart=/srv/rootid\\n' > /etc/systemd/system/later.service
    setsid sleep 4321 </dev/null >/dev/null 2>&1 &";

fn souvenirs(release: Release, settings: &str) -> Option<Site> {
    site_with(release, |bed| {
        bed.run(&["groupadd", "docker"]).unwrap().expect_ok();
        bed.policy("30-souvenirs.toml", POLICY).unwrap();
        bed.write_mode("/etc/jit/jitd.toml", settings, 0o644).unwrap();
    })
}

/// The report of a grant, as soon as it is there.
fn report(bed: &Inside, grant: &Granted) -> (Value, String) {
    let entry = bed.told(grant, "report");
    measured(&format!("{entry}"));
    let log = bed.jitctl("root", &["log", "--kind", "report", "--id", &grant.id]).unwrap().expect_ok();
    (entry["body"]["report"].clone(), log.out)
}

/// Waits until the look at the start of a grant is on no thread any more: a report of another grant has then been written.
fn first_look(bed: &Inside) {
    let grant = bed.grant("dora", "ids", "30m");
    bed.jitctl("dora", &["drop"]).unwrap().expect_ok();
    bed.told(&grant, "report");
}

#[test]
fn each_souvenir_is_named_by_both_of_two_grants() {
    for release in Release::ALL {
        let Some(site) = souvenirs(release, "") else { return };
        let (docker, root) = (site.grant("alice", "docker", "30m"), site.grant("alice", "root", "30m"));
        first_look(&site);
        site.sudo("alice", &["sh", "-c", PLANT]).expect_ok();
        site.jitctl("alice", &["drop", "docker"]).unwrap().expect_ok();
        let first = report(&site, &docker);
        site.jitctl("alice", &["drop", "root"]).unwrap().expect_ok();
        let second = report(&site, &root);
        for ((said, sentence), other) in [(first, &root), (second, &docker)] {
            let changes = said["changes"].to_string();
            for path in [
                "/srv/rootid",
                "/home/alice/dockerid",
                "/home/dora/.ssh/authorized_keys",
                "/etc/systemd/system/later.service",
            ] {
                assert!(changes.contains(path), "{path} is not in {said}");
            }
            assert!(said["alive"].to_string().contains("sleep ("), "{said}");
            assert!(said["beside"].to_string().contains(&other.id), "{said}");
            assert!(sentence.contains("other grant"), "{sentence}");
        }
        let shown = site.jitctl("olga", &["show", &docker.id]).unwrap().expect_ok();
        shown
            .expect_says("closing report")
            .expect_says("new: set-id file /srv/rootid (set-uid of uid 0, mode 4755)");
        let mode = site.sh("stat -c %a /home/alice/dockerid").unwrap();
        assert_eq!(mode.out, "2755\n", "it is only reported");
    }
}

/// Whoever holds a grant may not look into the homes of others, and learns nothing of them by its report.
#[test]
fn who_sees_only_their_own_gets_numbers_and_who_sees_all_gets_names() {
    let Some(site) = souvenirs(Release::Trixie, "") else { return };
    let grant = site.grant("alice", "docker", "30m");
    first_look(&site);
    let other = site.grant("dora", "logs", "30m");
    let plant = "mkdir -p -m 700 /home/bob/.ssh; ln -s /srv/of-bob-alone /home/bob/.ssh/authorized_keys
        chmod 700 /home/bob; usermod -p 'none at all' carl";
    site.sh(plant).unwrap().expect_ok();
    site.jitctl("alice", &["drop"]).unwrap().expect_ok();
    let (said, _) = report(&site, &grant);
    let told = said["changes"].as_array().unwrap().len();
    assert_eq!(told, 2, "{said}");
    let named = ["/home/bob", "of-bob-alone", "line of carl", "/etc/shadow", &other.id];
    let asked: [&[&str]; 4] = [
        &["show", &grant.id],
        &["show", &grant.id, "--json"],
        &["log", "--id", &grant.id],
        &["log", "--id", &grant.id, "--json"],
    ];
    for words in asked {
        let hers = site.jitctl("alice", words).unwrap().expect_ok().out;
        for name in named {
            assert!(!hers.contains(name), "{words:?}: {name} is in {hers}");
        }
        let count = if words.contains(&"--json") {
            format!("\"more\":{told},")
        } else {
            format!("{told} changes on the watch list")
        };
        assert!(hers.contains(&count), "{words:?}: {count} is not in {hers}");
        assert!(!hers.contains("\"hash\":\""), "{hers}");
        for all in ["olga", "audrey", "root"] {
            let theirs = site.jitctl(all, words).unwrap().expect_ok();
            theirs.expect_says("/home/bob/.ssh/authorized_keys").expect_says("of-bob-alone");
        }
    }
    let log = site.jitctl("alice", &["log", "--id", &grant.id]).unwrap().expect_ok();
    log.expect_says("auditors, operators and root can see the details");
    site.sh("jitctl log export > /tmp/export && jitctl log verify /tmp/export").unwrap().expect_ok();
}

#[test]
fn where_nothing_happened_nothing_was_left() {
    for release in Release::ALL {
        let Some(site) = souvenirs(release, "") else { return };
        let grant = site.grant("alice", "docker", "30m");
        site.sudo("alice", &["-g", "docker", "id"]).expect_ok();
        site.jitctl("alice", &["drop"]).unwrap().expect_ok();
        let (said, sentence) = report(&site, &grant);
        let empty = serde_json::json!([]);
        assert_eq!((&said["changes"], &said["alive"], &said["stripped"]), (&empty, &empty, &empty), "{said}");
        assert!(sentence.contains("nothing is left of what alice had with docker"), "{sentence}");
        site.jitctl("alice", &["show", &grant.id]).unwrap().expect_ok().expect_says("nothing was left");
    }
}

#[test]
fn a_set_gid_file_of_the_group_is_made_harmless_where_that_is_asked_for() {
    let Some(site) = souvenirs(Release::Trixie, "[report]\nset_gid = \"strip\"\n") else { return };
    let grant = site.grant("alice", "docker", "30m");
    first_look(&site);
    let plant = "cp /usr/bin/id /tmp/theirs; chgrp docker /tmp/theirs; chmod 2755 /tmp/theirs
        cp /usr/bin/id /tmp/other; chgrp oncall /tmp/other; chmod 2755 /tmp/other";
    site.sh(plant).unwrap().expect_ok();
    site.jitctl("alice", &["drop"]).unwrap().expect_ok();
    let (said, _) = report(&site, &grant);
    assert_eq!(
        said["stripped"],
        serde_json::json!(["the set-gid bit of /tmp/theirs was taken off"]),
        "{said}"
    );
    assert_eq!(site.sh("stat -c %a /tmp/theirs /tmp/other").unwrap().out, "755\n2755\n");
}

#[test]
fn without_a_watch_list_there_is_a_report_all_the_same() {
    let Some(site) = souvenirs(Release::Bookworm, "[report]\nwatch = \"off\"\n") else { return };
    let grant = site.grant("alice", "docker", "30m");
    site.jitctl("alice", &["drop"]).unwrap().expect_ok();
    let (said, sentence) = report(&site, &grant);
    assert!(said["looks"].is_null(), "{said}");
    assert!(sentence.contains("nobody looked whether anything is left"), "{sentence}");
}
