//! People, requests and a ledger in memory, for the tests of the lifecycle.
#![allow(dead_code, reason = "each test file takes what it needs")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed assumption is a failed test")]

use jit_common::ids::RequestId;
use jit_common::refusal::RuleRef;
use jitd_core::lifecycle::open::Open;
use jitd_core::lifecycle::registry::{Grant, Registry, folded};
use jitd_core::lifecycle::step::{self, Durable, Extended, Lowering, NewGrant, Owed, Raising, Request};
use jitd_core::now::{BootId, Deadline, NANOS, Now};
use jitd_core::policy::{
    ApprovalRule, Authenticate, Command, Commands, Expiry, Gives, GroupRef, RunAs, Subjects, SudoRole,
};
use jitd_core::record::{Approval, Asked, Choice, Draft, Origin, Person, Terms, TypedHash, TypedText, chain};

pub(crate) const HOUR: u32 = 3600;

pub(crate) fn at(seconds: i64) -> Now {
    Now { wall: seconds * NANOS, boot: seconds * NANOS, boot_id: BootId("a".into()) }
}

/// The same moment of the wall clock, in another boot that has just begun.
pub(crate) fn after_reboot(seconds: i64) -> Now {
    Now { wall: seconds * NANOS, boot: NANOS, boot_id: BootId("b".into()) }
}

pub(crate) fn id(last: u8) -> RequestId {
    RequestId::from_random([1, 2, 3, 4, last])
}

pub(crate) fn person(uid: u32, name: &str) -> Person {
    Person { uid, name: name.into() }
}

pub(crate) fn alice() -> Person {
    person(1000, "alice")
}

/// A text as somebody typed it, and its hash.
pub(crate) fn typed(field: &'static str, text: &str) -> (TypedHash, TypedText) {
    let salt = [7; 16];
    (TypedHash(chain::typed(&salt, text)), TypedText { field, salt, text: text.into() })
}

pub(crate) fn rule() -> RuleRef {
    RuleRef { name: "two people behind it".into(), location: "10-docker.toml:3".into() }
}

pub(crate) fn request(seconds: u32) -> Request {
    let (reason, reason_text) = typed("reason", "INC-42 nginx stuck");
    let (ticket, ticket_text) = typed("ticket", "INC-42");
    let asked = Asked {
        by: alice(),
        from: Origin { tty: Some("pts/3".into()), ..Origin::default() },
        role: "docker".into(),
        seconds: Some(seconds),
        reason: Some(reason),
        ticket: Some(ticket),
    };
    Request { asked, texts: vec![reason_text, ticket_text] }
}

/// Commands and a group.
pub(crate) fn gives() -> Gives {
    Gives {
        sudo: Some(SudoRole {
            run_as: RunAs::new("root").unwrap(),
            password: Authenticate::NotAsked,
            commands: Commands::These(vec![Command::new(&["/usr/bin/id".into()]).unwrap()]),
        }),
        groups: vec![GroupRef { gid: 998, name: "docker".into() }],
    }
}

pub(crate) fn new_grant(last: u8, seconds: u32) -> NewGrant {
    NewGrant {
        id: id(last),
        by: alice(),
        role: "docker".into(),
        rule: rule(),
        policy: "hash".into(),
        conditions: vec!["you are in oncall".into()],
        approved_by: Vec::new(),
        gives: gives(),
        seconds,
        longest: HOUR,
        expiry: Expiry::default(),
        extends: None,
    }
}

fn one_in(group: &str) -> ApprovalRule {
    let groups = [group.to_owned()].into();
    ApprovalRule { count: 1, by: Subjects { groups, ..Subjects::default() } }
}

/// Terms of a request that was made at `now`: two people have to approve it within two hours.
pub(crate) fn terms(now: &Now) -> Terms {
    Terms {
        gives: gives(),
        change: vec!["member of docker".into()],
        seconds: 1800,
        longest: HOUR,
        expiry: Expiry::default(),
        start: None,
        approvals: vec![one_in("leads"), one_in("security")],
        could: vec![
            Choice { person: person(1001, "bob"), of: [0].into() },
            Choice { person: person(1002, "carol"), of: [0, 1].into() },
        ],
        unlisted: Vec::new(),
        lapse: Deadline::after(now, 2 * HOUR),
        patience: 2 * HOUR,
        extends: None,
        policy: "hash".into(),
        conditions: vec!["you are in engineers".into()],
    }
}

/// The yes of somebody who may stand for any of the approvals.
pub(crate) fn approval(approver: Person) -> Approval {
    Approval { approver, from: Origin::default(), of: [0, 1].into(), seconds: None, note: None }
}

pub(crate) fn start_at(seconds: i64) -> Option<i64> {
    Some(seconds * NANOS)
}

/// A ledger in memory, with a disk that may be full.
#[derive(Default)]
pub(crate) struct Memory {
    pub(crate) kept: Vec<Draft>,
    pub(crate) full: Option<()>,
}

impl Durable for Memory {
    type Error = &'static str;

    fn commit(&mut self, drafts: &[Draft]) -> Result<(), &'static str> {
        match self.full {
            Some(()) => Err("disk full"),
            None => {
                self.kept.extend_from_slice(drafts);
                Ok(())
            }
        }
    }
}

/// A ledger, what is owed to it, and a registry that is held against their fold after every step.
#[derive(Default)]
pub(crate) struct World {
    pub(crate) ledger: Memory,
    pub(crate) owed: Owed,
    pub(crate) registry: Registry,
}

impl World {
    /// Records a step and takes what it opens.
    pub(crate) fn raise(&mut self, step: Raising) -> Result<(), &'static str> {
        let released = self.ledger.append(&mut self.owed, vec![step]);
        released.map(|released| self.registry.take(&released)).inspect(|()| self.check())
    }

    /// Takes a step whose record is owed.
    pub(crate) fn lower(&mut self, step: Lowering) {
        self.registry.take(&step.end_anyway(&mut self.owed));
        self.check();
    }

    /// Writes what is owed.
    pub(crate) fn settle(&mut self) {
        while !self.owed.is_empty() {
            self.ledger.commit(self.owed.first_lot()).unwrap();
            self.owed.forget_first_lot();
        }
    }

    /// What jitd would know of it after a start.
    pub(crate) fn restarted(&self) -> Registry {
        folded(&self.ledger.kept)
    }

    fn check(&self) {
        let happened: Vec<Draft> = self.ledger.kept.iter().chain(self.owed.drafts()).cloned().collect();
        assert_eq!(folded(&happened), self.registry, "the registry is not the fold of the record");
    }

    pub(crate) fn kinds(&self) -> Vec<&'static str> {
        self.ledger.kept.iter().map(|draft| draft.entry.kind()).collect()
    }

    /// Grants at once.
    pub(crate) fn granted(&mut self, last: u8, seconds: u32) -> Grant {
        let step = step::grant(request(seconds), new_grant(last, seconds), &at(0), |_| vec!["a line".into()]);
        self.raise(step).unwrap();
        self.grant(last)
    }

    pub(crate) fn grant(&self, last: u8) -> Grant {
        self.registry.get(id(last)).unwrap().clone()
    }

    /// Opens a request with these terms.
    pub(crate) fn opened(&mut self, last: u8, terms: Terms) -> Open {
        self.raise(step::open(id(last), request(1800), rule(), terms, &at(0))).unwrap();
        self.open(last)
    }

    pub(crate) fn open(&self, last: u8) -> Open {
        self.registry.open_request(id(last)).unwrap().clone()
    }

    /// One approver, who may stand for any of the approvals, says yes with a note.
    pub(crate) fn approve(&mut self, last: u8, approver: Person, seconds: Option<u32>) -> Open {
        let (note, text) = typed("note", "fine with me");
        let approval = Approval { seconds, note: Some(note), ..approval(approver) };
        let step = step::approved(&self.open(last), approval, vec![text], Vec::new(), &at(10)).unwrap();
        self.raise(step).unwrap();
        self.open(last)
    }

    /// Makes a grant of an open request, as long as its approvers left it.
    pub(crate) fn activate(&mut self, last: u8, now: &Now) -> Grant {
        let open = self.open(last);
        let extends = open.terms.extends.and_then(|id| self.registry.get(id)).map(|grant| Extended {
            id: grant.id,
            since: grant.span.since,
            deadline: grant.deadline.clone(),
        });
        let approved_by = open.votes.iter().map(|vote| vote.by.clone()).collect();
        let new = NewGrant { approved_by, extends, ..new_grant(last, open.seconds()) };
        let step = step::activate(&open, new, now, |_| open.terms.change.clone()).unwrap();
        self.raise(step).unwrap();
        self.grant(last)
    }
}
