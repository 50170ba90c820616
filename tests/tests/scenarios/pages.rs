//! What people are shown: the story of a request, the state of things, a warning before the end; and nothing raw.

use std::time::Duration;

use jit_e2e::{Release, Terminal};

use crate::site::{Product as _, REASON, SOON, json, site};

#[test]
fn show_tells_the_whole_story() {
    for release in Release::ALL {
        let Some(site) = site(release) else { return };
        let grant = site.grant("alice", "everything", "30m");
        let uid = site.account("alice").unwrap().uid;
        let live = site.jitctl("alice", &["show", &grant.id[..5]]).unwrap().expect_ok().out;
        for part in [
            &format!("{}  everything: live", grant.id),
            &format!("alice (uid {uid})"),
            "sudo ANY COMMAND",
            REASON,
            "\"on-call at once\" (10-web.toml:",
            "you are in oncall",
            &format!("#{uid} ALL=(root) NOTAFTER="),
            &format!("Defaults:#{uid} timestamp_timeout=0"),
            "jitd's timer",
            "jit-guard",
            "sudo's NOTAFTER",
            "for their standing sudo rights as well",
            "asked for everything for 30m",
        ] {
            assert!(live.contains(part), "{part:?} is not in:\n{live}");
        }
        assert_eq!(live.matches("armed").count() - live.matches("NOT armed").count(), 3, "{live}");
        site.jitctl("dora", &["show", &grant.id]).unwrap().expect_code(6);
        site.jitctl("audrey", &["show", &grant.id]).unwrap().expect_ok();
        site.guard.kill().unwrap();
        site.jitctl("alice", &["show", &grant.id]).unwrap().expect_says("NOT armed  jit-guard");
        site.jitctl("olga", &["revoke", &grant.id, "--note", "enough"]).unwrap().expect_ok();
        let over = site.jitctl("alice", &["show", &grant.id]).unwrap().expect_ok();
        over.expect_says("ended").expect_says("revoked").expect_says("by olga").expect_says("enough");
    }
}

#[test]
fn everybody_sees_what_is_theirs_to_see() {
    let Some(site) = site(Release::Bookworm) else { return };
    site.grant("alice", "ids", "30m");
    let bare = site.jitctl("alice", &[]).unwrap().expect_ok();
    bare.expect_says("ids").expect_says("in 30 min").expect_says("jitctl drop ids");
    for (user, sees) in [("alice", false), ("dora", false), ("olga", true), ("audrey", true), ("root", true)]
    {
        let status = site.status(user);
        assert_eq!(status["live"], 1);
        assert_eq!(status["all"].is_array(), sees, "{user}");
        assert_eq!(status["mine"].as_array().unwrap().len(), usize::from(user == "alice"), "{user}");
        let log = site.jitctl(user, &["log"]).unwrap().expect_ok().out;
        assert_eq!(log.contains(REASON), sees || user == "alice", "{user}");
    }
    let roles = site.jitctl("dora", &["roles"]).unwrap().expect_ok().out;
    assert!(roles.contains("everything") && roles.contains("Look at ids"), "{roles}");
    assert!(!site.jitctl("bob", &["roles"]).unwrap().expect_ok().out.contains("ids"));
    let why = site.jitctl("root", &["explain", "ids", "--user", "carl"]).unwrap();
    why.expect_says("contractors never");
    site.jitctl("alice", &["explain", "ids", "--user", "carl"]).unwrap().expect_code(7);
}

#[test]
fn what_people_type_never_reaches_a_terminal_raw() {
    for release in Release::ALL {
        let Some(site) = site(release) else { return };
        let reason = "INC-7 \u{1b}]0;owned\u{7}\u{1b}[2J\u{202e}\r\n# x ALL=(ALL) ALL \u{9b}31m\u{8}";
        let answer = site.jitctl("alice", &["elevate", "ids", "--reason", reason, "--json"]).unwrap();
        let id = json(&answer.expect_ok())["grant"]["id"].as_str().unwrap().to_owned();
        site.jitctl("root", &["lock", "--note", reason]).unwrap().expect_ok();
        site.elevate("dora", "ids\u{1b}[2J", "30m").expect_code(3);
        let raw = ["\u{1b}]", "\u{1b}[2J", "\u{7}", "\u{202e}", "\u{9b}", "\u{8}", "\n# x"];
        for words in [&["status"][..], &["log"], &["show", &id], &["elevate", "ids"], &["log", "--json"]] {
            for terminal in [Terminal::None, Terminal::Pty] {
                let command =
                    site.command(&[&["jitctl"], words].concat()).terminal(terminal).env("TERM", "xterm");
                let shown = command.run().unwrap().text();
                for part in raw {
                    assert!(!shown.contains(part), "{words:?} shows {part:?}: {shown:?}");
                }
                assert!(terminal == Terminal::Pty || !shown.contains('\u{1b}'), "no colour: {shown:?}");
            }
        }
        let sudoers = site.sudoers();
        assert!(!sudoers.contains("INC-7") && !sudoers.contains("# x"), "{sudoers}");
    }
}

#[test]
fn a_person_is_warned_on_their_terminal_a_minute_before_the_end() {
    let Some(site) = site(Release::Bookworm) else { return };
    let terminal = |user: &str| {
        let words = ["bash", "-c", "mesg y; echo here; exec cat"];
        let terminal = site.command(&words).user(user).terminal(Terminal::Pty).spawn().unwrap();
        terminal.wait_for("here", SOON).unwrap();
        terminal
    };
    let (alice, dora) = (terminal("alice"), terminal("dora"));
    let grant = site.grant("alice", "ids", "2m5s");
    alice.wait_for("ends in 1 minute", Duration::from_secs(90)).unwrap();
    let left = Duration::from_nanos(u64::try_from(grant.deadline - crate::site::wall()).unwrap());
    assert!((50..=60).contains(&left.as_secs()), "{left:?} before the end");
    assert!(alice.text().contains(&grant.id));
    assert!(!dora.text().contains("minute"), "it is nobody else's business");
}
