//! Accounts whose names no useradd would take, written into /etc/passwd by hand or told by a directory: whatever they are called, they get what
//! their uid may have or a refusal in a sentence, and nothing of the name is anything but a name.

use jit_e2e::Release;

use crate::site::{HEADER, Product as _, REASON, Site, json, site_with};
use crate::uids::told;

/// Uids from here on are theirs.
const FIRST: u32 = 4000;

/// Names that mean something to a shell, to sudoers, to a list of members, to a path, or to a terminal.
const NAMES: &[&str] = &[
    "a.b",
    "../../etc/x",
    "/",
    "two words",
    "-rf",
    "--all",
    "+",
    "a,b",
    "bob,carl",
    "#0",
    "#4010",
    "%oncall",
    "ALL",
    "!alice",
    "a=b",
    "a\\",
    "a\"b'c",
    "$(id)",
    "*",
    "x\u{1b}[31m",
    "x\rbob",
    "x\u{7f}",
    "x\u{202e}y",
    "j\u{f6}rg",
    "end 0",
    "uid=0",
];

const POLICY: &str = r#"
[role.docker]
summary = "Containers"
risk    = "high"
groups  = ["docker"]

[[rule]]
name         = "docker at once"
roles        = ["docker"]
eligible     = { groups = ["oncall"] }
max_duration = "1h"
"#;

/// A host where these bytes are lines of /etc/passwd, of accounts whose first group is oncall.
fn strange(release: Release, names: &[&[u8]]) -> Option<Site> {
    site_with(release, |bed| {
        bed.run(&["groupadd", "docker"]).unwrap().expect_ok();
        bed.policy("30-groups.toml", POLICY).unwrap();
        bed.write("/etc/jit/jitd.toml", "[limits]\nrequests_per_minute = 10000\n").unwrap();
        for (uid, name) in (FIRST..).zip(names) {
            let octal: String = name.iter().map(|byte| format!("\\0{byte:o}")).collect();
            let line = format!(
                "printf '%b:x:{uid}:%s::/tmp:/bin/bash\\n' '{octal}' \"$(getent group oncall | cut -d: -f3)\" >> /etc/passwd"
            );
            bed.sh(&line).unwrap().expect_ok();
        }
    })
}

#[test]
fn a_strange_name_is_granted_or_refused_in_a_sentence_and_forges_nothing() {
    for release in Release::ALL {
        let names: Vec<&[u8]> = NAMES.iter().map(|name| name.as_bytes()).collect();
        let Some(site) = strange(release, &names) else { return };
        let files = || ["/etc/group", "/etc/gshadow"].map(|file| site.read(file).unwrap());
        let before = files();
        let mut granted = Vec::new();
        for (uid, name) in (FIRST..).zip(NAMES) {
            for role in ["ids", "docker"] {
                let answer = told(&site, uid, &["elevate", role, "--reason", REASON]);
                assert!(answer.success() || answer.text().contains("refused: "), "{name:?}: {answer}");
                assert!(answer.text().chars().all(|c| c == '\n' || !c.is_control()), "{name:?}: {answer}");
                if answer.success() {
                    granted.push((role, *name));
                }
                nothing_is_forged(&site, uid, name);
            }
            site.jitctl("root", &["revoke", "--all"]).unwrap().expect_ok();
            assert_eq!(site.sudoers(), HEADER, "{name:?}");
            assert_eq!(files(), before, "{name:?}");
        }
        crate::site::measured(&format!("{release}: {granted:?}"));
        assert!(granted.contains(&("ids", "a.b")) && granted.contains(&("docker", "a.b")), "{granted:?}");
        the_record_names_each(&site);
    }
}

/// The one rule in sudo's file is for this uid, and the only one who is new in the group is called like that.
fn nothing_is_forged(site: &Site, uid: u32, name: &str) {
    for line in site.sudoers().lines().filter(|line| !HEADER.contains(line)) {
        let of_an_id = ["# grant ", "# end "].into_iter().find_map(|start| line.strip_prefix(start));
        let is_id = |word: &str| word.len() == 8 && word.bytes().all(|byte| byte.is_ascii_alphanumeric());
        assert!(of_an_id.map_or(line.starts_with(&format!("#{uid} ")), is_id), "{name:?}: {line}");
    }
    site.run(&["visudo", "-c"]).unwrap().expect_ok();
    let group = site.read("/etc/group").unwrap();
    let docker: Vec<&str> = group.lines().filter(|line| line.starts_with("docker:")).collect();
    assert_eq!(docker.len(), 1, "{name:?}");
    let members = docker[0].splitn(4, ':').nth(3).unwrap();
    assert!(members.is_empty() || members == name, "{name:?}: {members:?}");
}

/// One entry is one line, on a terminal as in JSON, and no name stands raw in it.
fn the_record_names_each(site: &Site) {
    let shown = site.jitctl("root", &["log"]).unwrap().expect_ok().out;
    assert!(shown.chars().all(|c| c == '\n' || !c.is_control()), "{shown}");
    let entries = site.record("requested");
    let asked: Vec<&str> = entries.iter().filter_map(|entry| entry["body"]["by"]["name"].as_str()).collect();
    assert!(asked.contains(&"two words") && asked.contains(&"x\u{1b}[31m"), "{asked:?}");
    site.sh("jitctl log export > /tmp/export && jitctl log verify /tmp/export").unwrap().expect_ok();
    let status = json(&site.jitctl("root", &["status", "--json"]).unwrap().expect_ok());
    assert_eq!(status["everybodys"], serde_json::Value::Null, "nothing is live: {status}");
}

/// NSS tells bytes, and jitd keeps text: two such names could be one.
#[test]
fn a_name_that_is_no_text_is_nobodys() {
    for release in Release::ALL {
        let Some(site) = strange(release, &[b"x\xff", "x\u{fffd}".as_bytes()]) else { return };
        // A deny that names a group of the one would be looked up for the other.
        for uid in [FIRST, FIRST + 1] {
            for role in ["ids", "docker"] {
                let answer = told(&site, uid, &["elevate", role, "--reason", REASON]);
                answer.expect_code(7).expect_says("refused: ").expect_says("by what is no name");
            }
        }
        assert_eq!(site.sudoers(), HEADER);
    }
}

#[test]
fn an_account_that_has_expired_or_is_locked_gets_nothing() {
    for release in Release::ALL {
        let Some(site) = site_with(release, |_| ()) else { return };
        for (how, says) in
            [("chage -E 0 alice", "expired"), ("chage -E -1 alice; usermod -L alice", "locked")]
        {
            site.sh(how).unwrap().expect_ok();
            site.elevate("alice", "ids", "30m").expect_code(3).expect_says(says);
        }
        site.sh("usermod -U alice").unwrap().expect_ok();
        site.grant("alice", "ids", "30m");
        // sudo asks PAM as well, of which this is the account's part.
        site.sh("chage -E 0 alice").unwrap().expect_ok();
        assert!(!site.may("alice"));
    }
}
