//! Who may decide about a request and who may not: the table of stories, each told on the real socket, by the people it is
//! about, with their logins. And what time and change do to a request that waits.

mod seen;
mod stories;
mod told;

use jit_e2e::{Login, Release, until};
use serde_json::Value;

use self::stories::{POLICY, STORIES, Step};
use crate::site::{HEADER, Product as _, REASON, SOON, Site, json, site_with, wall};

/// The host of the stories: two leads, two of security, and one who is both.
fn approvals(release: Release) -> Option<Site> {
    site_with(release, |bed| {
        for group in ["leads", "security", "empties"] {
            bed.run(&["groupadd", group]).unwrap().expect_ok();
        }
        for (name, groups) in [
            ("lena", &["leads"][..]),
            ("lars", &["leads"]),
            ("sina", &["security"]),
            ("sven", &["security"]),
            ("bea", &["leads", "security"]),
        ] {
            bed.add_user(name, groups, None).unwrap();
        }
        bed.policy("20-approvals.toml", POLICY).unwrap();
        bed.write("/etc/jit/jitd.toml", "[limits]\nrequests_per_minute = 10000\n").unwrap();
    })
}

/// A story while it is told.
struct Told<'a> {
    site: &'a mut Site,
    title: &'static str,
    id: String,
}

impl Told<'_> {
    fn say(&self, user: &str, login: Login, words: &str) -> jit_e2e::Output {
        let script = format!("jitctl {}", words.replace("ID", &self.id));
        self.site.command(&["bash", "-c", &script]).user(user).login(login).run().unwrap()
    }

    fn has_it(&self) -> bool {
        self.site.sudo("alice", &["cat", "/etc/hostname"]).success()
    }

    fn entries(&self, kind: &str) -> Vec<Value> {
        let entries = self.site.record(kind).into_iter();
        entries.filter(|entry| entry["id"] == *self.id).collect()
    }

    fn step(&mut self, step: &Step) {
        use Step::{Asks, Closed, For, Granted, Host, IsRefused, IsRefusedAs, Restart, Says, Waits};
        let title = self.title;
        match step {
            Asks(user, role) => {
                let asked = self.site.jitctl(user, &["elevate", role, "--no-wait", "--reason", REASON]);
                asked.unwrap().expect_code(4);
                self.id = self.site.record("pending").last().unwrap()["id"].as_str().unwrap().to_owned();
            }
            Says(user, words, says) => {
                let said = self.say(user, Login::Themselves, words);
                assert!(said.success(), "{title}: {said}");
                said.expect_says(says);
            }
            IsRefused(user, words, says) => {
                let said = self.say(user, Login::Themselves, words);
                assert!([3, 6, 7].contains(&said.code), "{title}: {said}");
                said.expect_says(says);
            }
            IsRefusedAs(user, login, words, says) => {
                let said = self.say(user, Login::Of((*login).to_owned()), words);
                said.expect_code(7).expect_says(says);
            }
            Host(script) => self.host(script),
            Restart => {
                self.site.jitd.kill().unwrap();
                self.site.restart_jitd();
            }
            Granted => {
                assert!(self.has_it(), "{title}");
                assert_eq!(self.entries("decided").len(), 1, "{title}");
            }
            Waits => {
                assert!(!self.has_it(), "{title}");
                assert!(self.entries("closed").is_empty() && self.entries("intent").is_empty(), "{title}");
                let pending = json(&self.site.jitctl("root", &["pending", "--json"]).unwrap().expect_ok());
                assert!(pending.to_string().contains(&self.id), "{title}: {pending}");
            }
            Closed(cause) => {
                assert!(!self.has_it(), "{title}");
                let closed = self.entries("closed");
                assert_eq!(closed.len(), 1, "{title}");
                assert_eq!(closed[0]["body"]["cause"], *cause, "{title}");
            }
            For(seconds) => {
                let intent = &self.entries("intent")[0]["body"];
                let length = intent["deadline"]["wall"].as_i64().unwrap() - intent["start"].as_i64().unwrap();
                // A deadline is cut to a whole second.
                assert!((seconds - 1..=*seconds).contains(&(length / 1_000_000_000)), "{title}: {length}");
            }
        }
    }

    /// Does something to the host, and waits until jitd has read what was done to the policy.
    fn host(&self, script: &str) {
        let policies = || self.site.record("policy-loaded").len();
        let before = policies();
        self.site.sh(script).unwrap().expect_ok();
        if script.contains("/etc/jit/policy.d") {
            let read = || (policies() > before).then_some(());
            self.site.jitd.signal(jit_e2e::Signal::SIGHUP).unwrap();
            until("the policy to be read", SOON, read).unwrap();
        }
    }
}

#[test]
fn who_may_decide_and_who_may_not() {
    for release in Release::ALL {
        let Some(mut site) = approvals(release) else { return };
        for (title, steps) in STORIES {
            let mut told = Told { site: &mut site, title, id: String::new() };
            steps.iter().for_each(|step| told.step(step));
            // Nothing of it is left for the next story.
            site.sh("for id in $(jitctl pending --json | grep -oE '\"id\": ?\"[0-9a-z]{8}\"' | grep -oE '[0-9a-z]{8}'); \
                     do jitctl deny $id --note over; done; jitctl revoke --all")
                .unwrap()
                .expect_ok();
            assert_eq!(site.sudoers(), HEADER, "{title}");
        }
        site.sh("jitctl log export > /tmp/export && jitctl log verify /tmp/export").unwrap().expect_ok();
    }
}

#[test]
fn a_request_lapses_also_while_jitd_is_away() {
    let Some(mut site) = approvals(Release::Trixie) else { return };
    let open = |site: &Site| {
        site.jitctl("alice", &["elevate", "quick", "--no-wait", "--reason", REASON]).unwrap().expect_code(4);
        let pending = site.record("pending").pop().unwrap();
        let lapse = pending["body"]["terms"]["lapse"]["wall"].as_i64().unwrap();
        (pending["id"].as_str().unwrap().to_owned(), lapse)
    };
    let closed = |site: &Site, id: &str| site.record("closed").into_iter().find(|entry| entry["id"] == *id);
    let (id, lapse) = open(&site);
    let entry = until("it to lapse", SOON, || closed(&site, &id)).unwrap();
    assert_eq!(entry["body"]["cause"], "lapsed");
    assert!(entry["body"]["why"].as_str().unwrap().contains("1 person in leads"), "{entry}");
    assert!(wall() >= lapse);
    let (id, lapse) = open(&site);
    site.jitd.kill().unwrap();
    until("its time to be up", SOON, || (wall() > lapse).then_some(())).unwrap();
    site.restart_jitd();
    assert_eq!(closed(&site, &id).unwrap()["body"]["cause"], "lapsed");
    site.jitctl("lena", &["approve", &id]).unwrap().expect_code(3).expect_says("lapsed");
    assert!(!site.sudo("alice", &["cat", "/etc/hostname"]).success());
}

#[test]
fn a_newcomer_with_the_uid_of_whoever_waits_gets_nothing() {
    for release in Release::ALL {
        let Some(site) = approvals(release) else { return };
        let uid = site.account("alice").unwrap().uid.to_string();
        site.jitctl("alice", &["elevate", "vault", "--no-wait", "--reason", REASON]).unwrap().expect_code(4);
        let id = site.record("pending")[0]["id"].as_str().unwrap().to_owned();
        site.jitctl("lena", &["approve", &id]).unwrap().expect_ok();
        let succeed = format!("userdel -r alice; useradd -m -u {uid} -p '*' -G oncall mallory");
        site.sh(&succeed).unwrap().expect_ok();
        site.jitctl("mallory", &["show", &id]).unwrap().expect_code(6);
        let sina = site.jitctl("sina", &["approve", &id]).unwrap();
        assert_eq!(sina.code, 3, "{sina}");
        assert_eq!(site.record("closed")[0]["body"]["cause"], "ineligible");
        assert!(!site.sudo("mallory", &["cat", "/etc/hostname"]).success());
        // And a newcomer in the place of somebody who approved does not count.
        site.jitctl("dora", &["elevate", "vault", "--no-wait", "--reason", REASON]).unwrap().expect_code(4);
        let id = site.record("pending")[1]["id"].as_str().unwrap().to_owned();
        site.jitctl("lena", &["approve", &id]).unwrap().expect_ok();
        let uid = site.account("lena").unwrap().uid.to_string();
        let succeed = format!("userdel -r lena; useradd -m -u {uid} -p '*' -G leads nils");
        site.sh(&succeed).unwrap().expect_ok();
        site.jitctl("sina", &["approve", &id]).unwrap().expect_ok().expect_says("in leads");
        assert!(!site.sudo("dora", &["cat", "/etc/hostname"]).success());
        site.jitctl("lars", &["approve", &id]).unwrap().expect_ok();
        assert!(site.sudo("dora", &["cat", "/etc/hostname"]).success());
    }
}

#[test]
fn a_wait_is_taken_up_again() {
    let Some(mut site) = approvals(Release::Trixie) else { return };
    let ask = |site: &Site| {
        let asked = site.jitctl("alice", &["elevate", "vault", "--no-wait", "--reason", REASON]).unwrap();
        let id = site.record("pending").last().unwrap()["id"].as_str().unwrap().to_owned();
        asked.expect_code(4).expect_says(&format!("jitctl wait {id}"));
        id
    };
    let id = ask(&site);
    let again = site.jitctl("alice", &["elevate", "vault", "--reason", REASON]).unwrap();
    again.expect_code(3).expect_says(&format!("jitctl wait {id}"));
    let first = site.command(&["jitctl", "wait"]).user("alice").spawn().unwrap();
    first.wait_for("waiting for people", SOON).unwrap();
    first.signal(jit_e2e::Signal::SIGINT).unwrap();
    first.wait_end(SOON).unwrap().expect_code(4).expect_says(&format!("jitctl wait {id}"));
    site.jitd.kill().unwrap();
    site.restart_jitd();
    let second = site.command(&["jitctl", "wait", "vault"]).user("alice").spawn().unwrap();
    second.wait_for("in leads: ", SOON).unwrap();
    second.wait_for("waiting for people", SOON).unwrap();
    site.jitctl("lena", &["wait", &id]).unwrap().expect_code(7).expect_says("a request of alice");
    site.jitctl("lena", &["approve", &id]).unwrap().expect_ok();
    second.wait_for("lena approved", SOON).unwrap();
    site.jitctl("sina", &["approve", &id]).unwrap().expect_ok();
    second.wait_end(SOON).unwrap().expect_ok().expect_says("granted by rule");
    assert!(site.sudo("alice", &["cat", "/etc/hostname"]).success());
    // What is decided is told at once, and what is over too.
    site.jitctl("alice", &["wait", &id]).unwrap().expect_ok().expect_says("granted by rule");
    site.jitctl("alice", &["wait"]).unwrap().expect_code(6).expect_says("no open request of yours");
    site.jitctl("alice", &["drop", "--all"]).unwrap().expect_ok();
    site.jitctl("alice", &["wait", &id]).unwrap().expect_code(3).expect_says("nothing to wait for");
    let id = ask(&site);
    site.jitctl("sven", &["deny", &id, "--note", "not tonight"]).unwrap().expect_ok();
    site.jitctl("alice", &["wait", &id]).unwrap().expect_code(3).expect_says("denied by sven");
}

#[test]
fn whoever_waits_is_told_and_ctrl_c_leaves_the_question_open() {
    let Some(site) = approvals(Release::Bookworm) else { return };
    let ask =
        || site.command(&["jitctl", "elevate", "vault", "--reason", REASON]).user("alice").spawn().unwrap();
    let waiting = ask();
    waiting.wait_for("in leads", SOON).unwrap();
    let id = site.record("pending")[0]["id"].as_str().unwrap().to_owned();
    for name in ["lena", "lars", "sina", "sven", "bea"] {
        waiting.wait_for(name, SOON).unwrap();
    }
    site.jitctl("lena", &["approve", &id, "--note", "go on"]).unwrap().expect_ok();
    waiting.wait_for("lena approved", SOON).unwrap();
    waiting.signal(jit_e2e::Signal::SIGINT).unwrap();
    let left = waiting.wait_end(SOON).unwrap().expect_code(4);
    assert!(left.text().contains(&format!("jitctl cancel {id}")), "{left}");
    site.jitctl("sina", &["approve", &id]).unwrap().expect_ok();
    assert!(site.sudo("alice", &["cat", "/etc/hostname"]).success(), "the question was open");
    site.jitctl("alice", &["drop", "--all"]).unwrap().expect_ok();
    // A command runs as soon as it may.
    let words = ["jitctl", "elevate", "vault", "--reason", REASON, "--", "cat", "/etc/hostname"];
    let waiting = site.command(&words).user("alice").spawn().unwrap();
    waiting.wait_for("in leads", SOON).unwrap();
    let id = site.record("pending")[1]["id"].as_str().unwrap().to_owned();
    site.jitctl("lena", &["approve", &id]).unwrap().expect_ok();
    site.jitctl("sina", &["approve", &id]).unwrap().expect_ok();
    let host = site.read("/etc/hostname").unwrap();
    waiting.wait_end(SOON).unwrap().expect_ok().expect_says(host.trim());
    site.jitctl("alice", &["drop", "--all"]).unwrap();
    // Denied while somebody waits.
    let waiting = ask();
    waiting.wait_for("in leads", SOON).unwrap();
    let id = site.record("pending")[2]["id"].as_str().unwrap().to_owned();
    site.jitctl("sven", &["deny", &id, "--note", "not tonight"]).unwrap().expect_ok();
    waiting.wait_end(SOON).unwrap().expect_code(3).expect_says("denied by sven").expect_says("not tonight");
}

#[test]
fn a_scheduled_request_whose_approver_left_can_be_saved_by_another() {
    let Some(site) = approvals(Release::Bookworm) else { return };
    let at = site.run(&["date", "-u", "-d", "6 seconds", "+%Y-%m-%dT%H:%M:%SZ"]).unwrap().expect_ok();
    let words = ["elevate", "vault", "--no-wait", "--reason", REASON, "--at", at.out.trim()];
    site.jitctl("alice", &words).unwrap().expect_code(4);
    let id = site.record("pending")[0]["id"].as_str().unwrap().to_owned();
    site.jitctl("lena", &["approve", &id]).unwrap().expect_ok();
    site.jitctl("sina", &["approve", &id]).unwrap().expect_ok();
    assert_eq!(site.record("scheduled").len(), 1);
    site.jitctl("lars", &["approve", &id]).unwrap().expect_code(3).expect_says("approved already");
    site.run(&["gpasswd", "-d", "lena", "leads"]).unwrap().expect_ok();
    let held_up = || {
        let shown = site.jitctl("lars", &["show", &id]).unwrap().expect_ok();
        shown.out.contains("it lacks 1 person in leads").then_some(())
    };
    until("its start to find that lena may not any more", SOON, held_up).unwrap();
    assert!(!site.sudo("alice", &["cat", "/etc/hostname"]).success());
    site.jitctl("lars", &["approve", &id]).unwrap().expect_ok().expect_says("alice has vault");
    assert!(site.sudo("alice", &["cat", "/etc/hostname"]).success());
    let by = site.record("decided").pop().unwrap()["body"]["approved-by"].clone();
    let names: Vec<&str> = by.as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["sina", "lars"], "lena did not bring it about");
    let shown = site.jitctl("alice", &["status"]).unwrap().expect_ok();
    assert!(!shown.out.contains("lena"), "{shown}");
}
