//! One entry of each kind that no request has to wait for, as they follow one another on a bad day of a small host.

use jit_common::ids::RequestId;
use jit_common::refusal::RuleRef;
use jitd_core::now::{BootId, Deadline, NANOS};
use jitd_core::policy::{Authenticate, Command, Commands, Expiry, Gives, RunAs, SudoRole};
use jitd_core::record::chain;
use jitd_core::record::{
    About, Asked, Cause, DisabledRole, Draft, Drifted, Entry, Origin, Person, Span, TypedHash, TypedText,
};

/// 2026-11-22T14:02:00Z.
pub(crate) fn long_ago() -> i64 {
    1_795_356_120 * NANOS
}

pub(crate) fn request() -> RequestId {
    "7k2m9xqa".parse().unwrap()
}

/// A typed text and its hash.
pub(crate) fn typed(field: &'static str, text: &str) -> (TypedHash, TypedText) {
    let salt = [7; 16];
    (TypedHash(chain::typed(&salt, text)), TypedText { field, salt, text: text.to_owned() })
}

fn alice() -> Person {
    Person { uid: 1000, name: "alice".to_owned() }
}

fn bob() -> Person {
    Person { uid: 1001, name: "bob".to_owned() }
}

fn terminal() -> Origin {
    Origin {
        pid: Some(4711),
        exe: Some("/usr/bin/jitctl".to_owned()),
        tty: Some("pts/3".to_owned()),
        remote: Some("192.0.2.7".to_owned()),
        login_uid: Some(1000),
    }
}

fn about() -> About {
    About {
        by: alice(),
        role: "web-restart".to_owned(),
        rule: RuleRef {
            name: "on-call restarts web at once".to_owned(),
            location: "10-web.toml:12".to_owned(),
        },
        until: long_ago() + 1800 * NANOS,
    }
}

fn asked(reason: &TypedHash, ticket: Option<&TypedHash>) -> Asked {
    Asked {
        by: alice(),
        from: terminal(),
        role: "web-restart".to_owned(),
        seconds: Some(1800),
        reason: Some(reason.clone()),
        ticket: ticket.cloned(),
    }
}

fn about_jitd() -> Vec<Draft> {
    let entries = [
        Entry::Started {
            version: "0.1.0".to_owned(),
            host: "web1".to_owned(),
            boot_id: BootId("b5e0b4f2-5c1d-4b9e-9a52-0f1f4c3c2a11".into()),
            sudo: "sudo 1.9.13p3, NOTAFTER honoured".to_owned(),
            host_key: "77".repeat(32),
        },
        Entry::PolicyLoaded {
            hash: "3f".repeat(32),
            files: vec!["10-web.toml".to_owned(), "20-db.toml".to_owned()],
            disabled: vec![DisabledRole {
                role: "db-admin".to_owned(),
                why: vec!["/usr/bin/psql is not there".to_owned()],
            }],
        },
        Entry::PolicyRejected {
            errors: vec!["10-web.toml:3:5: unknown key \"rols\"".to_owned()],
            kept: Some("3f".repeat(32)),
        },
        Entry::Drift {
            what: Drifted::Unsaid,
            found: "/run/jit/sudoers.d/jit was changed".to_owned(),
            done: "written again".to_owned(),
            grants: Vec::new(),
        },
        Entry::GuardActed { note: "removed 7k2m9xqa 1795357921000000000 overdue".to_owned() },
        Entry::LedgerRestored { since: long_ago() - NANOS, owed: 2, why: "the disk is full".to_owned() },
    ];
    entries
        .into_iter()
        .map(|entry| Draft { at: long_ago(), request: None, entry, texts: Vec::new() })
        .collect()
}

fn about_a_grant() -> Vec<Draft> {
    let (reason, reason_text) = typed("reason", "INC-42 nginx stuck");
    let (ticket, ticket_text) = typed("ticket", "INC-42");
    let (note, note_text) = typed("note", "over for today");
    let restart: Vec<String> = ["/usr/bin/systemctl", "restart", "nginx"].map(str::to_owned).to_vec();
    let start = long_ago();
    let until = start + 1800 * NANOS;
    let deadline = Deadline { wall: until, boot: 1900 * NANOS, boot_id: BootId("b5e0b4f2".into()) };
    let sudo = SudoRole {
        run_as: RunAs::new("root").unwrap(),
        password: Authenticate::NotAsked,
        commands: Commands::These(vec![Command::new(&restart).unwrap()]),
    };
    let gives = Gives { sudo: Some(sudo), groups: vec![] };
    let span = Some(Span { since: start, longest: 3600, replaces: None });
    let change = vec!["sudo /usr/bin/systemctl restart nginx".to_owned()];
    let draft = |at: i64, entry: Entry, texts: Vec<TypedText>| Draft {
        at: start + at * NANOS,
        request: Some(request()),
        entry,
        texts,
    };
    let cause = Cause::Revoked;
    vec![
        draft(0, Entry::Requested { asked: asked(&reason, Some(&ticket)) }, vec![reason_text, ticket_text]),
        draft(
            0,
            Entry::Decided {
                about: about(),
                policy: "3f".repeat(32),
                conditions: vec!["alice is in group oncall".to_owned()],
                approved_by: vec![],
            },
            vec![],
        ),
        draft(
            0,
            Entry::Intent { about: about(), gives, start, deadline, change, span, expiry: Expiry::default() },
            vec![],
        ),
        draft(0, Entry::Applied { about: about(), refused: vec![] }, vec![]),
        draft(
            60,
            Entry::Ending { about: about(), cause, ended_by: Some(bob()), note: Some(note) },
            vec![note_text],
        ),
        draft(
            60,
            Entry::Stuck { about: about(), cause, tries: 2, why: "/run/jit is read-only".to_owned() },
            vec![],
        ),
        draft(61, Entry::Ended { about: about(), cause, late_ms: None, residue: vec![] }, vec![]),
    ]
}

fn about_people() -> Vec<Draft> {
    let (reason, reason_text) = typed("reason", "please\nNov 22 14:02:00 web1 jitd[1]: granted");
    let (note, note_text) = typed("note", "intruder on web2");
    let (released, released_text) = typed("note", "false alarm");
    let refused = Entry::Refused {
        asked: asked(&reason, None),
        code: "reason-pattern".to_owned(),
        text: "Start with the incident or change number".to_owned(),
        considered: vec!["on-call restarts web at once: the reason does not match".to_owned()],
    };
    let other: RequestId = "0h1n2p3q".parse().unwrap();
    let draft = |entry, texts| Draft { at: long_ago(), request: None, entry, texts };
    vec![
        Draft { request: Some(other), ..draft(refused, vec![reason_text]) },
        draft(Entry::RefusalsCounted { by: alice(), count: 40, seconds: 60 }, vec![]),
        draft(Entry::Locked { by: bob(), from: terminal(), note: Some(note) }, vec![note_text]),
        draft(
            Entry::Unlocked { by: bob(), from: Origin::default(), note: Some(released) },
            vec![released_text],
        ),
    ]
}

/// One entry of each of these kinds. The checkpoint is signed on its way into the ledger.
pub(crate) fn one_of_each() -> Vec<Draft> {
    let empty = String::new();
    let signed = Entry::Checkpoint { of: 0, hash: empty.clone(), host_key: empty.clone(), signature: empty };
    let last = [signed, Entry::Stopped { live: 1 }];
    let draft = |entry| Draft { at: long_ago() + 90 * NANOS, request: None, entry, texts: Vec::new() };
    let people = about_people();
    about_jitd().into_iter().chain(about_a_grant()).chain(people).chain(last.into_iter().map(draft)).collect()
}
