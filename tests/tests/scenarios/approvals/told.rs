//! Who is told of what on their terminals: those who could decide, when something waits; whoever asked, when it is
//! decided; never whoever did it.

use jit_e2e::{Release, Running, Terminal};

use super::approvals;
use crate::site::{Product as _, REASON, SOON, Site};

/// A terminal of this user that takes messages.
fn terminal(site: &Site, user: &str) -> Running {
    let words = ["bash", "-c", "mesg y; echo here; exec cat"];
    let terminal = site.command(&words).user(user).terminal(Terminal::Pty).spawn().unwrap();
    terminal.wait_for("here", SOON).unwrap();
    terminal
}

#[test]
fn people_hear_of_what_others_did_and_not_of_what_they_did() {
    let Some(site) = approvals(Release::Trixie) else { return };
    let [alice, bob, lena, sina] = ["alice", "bob", "lena", "sina"].map(|user| terminal(&site, user));
    let ask = || {
        site.jitctl("alice", &["elevate", "vault", "--no-wait", "--reason", REASON]).unwrap().expect_code(4);
        site.record("pending").pop().unwrap()["id"].as_str().unwrap().to_owned()
    };
    let id = ask();
    for approver in [&lena, &sina] {
        approver.wait_for("alice asks for vault", SOON).unwrap();
        approver.wait_for(&format!("jitctl approve {id}"), SOON).unwrap();
    }
    site.jitctl("lena", &["approve", &id]).unwrap().expect_ok();
    alice.wait_for(&format!("lena approved your request {id}"), SOON).unwrap();
    site.jitctl("sina", &["approve", &id]).unwrap().expect_ok();
    alice.wait_for("vault is yours now", SOON).unwrap();
    site.jitctl("alice", &["drop", "--all"]).unwrap().expect_ok();
    let id = ask();
    lena.wait_for(&format!("jitctl approve {id}"), SOON).unwrap();
    site.jitctl("lena", &["approve", &id]).unwrap().expect_ok();
    site.jitctl("sina", &["deny", &id, "--note", "ask the owner"]).unwrap().expect_ok();
    alice.wait_for(&format!("sina denied your request {id}"), SOON).unwrap();
    lena.wait_for(&format!("sina denied {id}"), SOON).unwrap();
    assert!(!bob.text().contains("vault"), "it is none of his business: {}", bob.text());
    assert!(!sina.text().contains("denied"), "she did it: {}", sina.text());
    assert!(!lena.text().contains("lena"), "she did it: {}", lena.text());
    assert!(!alice.text().contains("asks for"), "she asked: {}", alice.text());
}
