//! What the guard has to have done, worked out from the texts alone and by another way than the guard's.

use std::collections::{BTreeMap, BTreeSet};

use jit_common::ids::RequestId;
use jit_guard::GRACE;
use jit_mechanisms::Now;
use jit_mechanisms::applied::{self, Applied, AppliedGrant};
use jit_mechanisms::groups::text::plainest::{Act, Doing, changed};
use jit_mechanisms::groups::{Kind, Membership};
use jit_mechanisms::guard_notes::Note;
use jitd_core::sudoers::block_ids;

/// The host as texts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Texts {
    pub(crate) applied: Option<Vec<u8>>,
    /// Both files of notes.
    pub(crate) notes: [Option<Vec<u8>>; 2],
    pub(crate) sudoers: Option<Vec<u8>>,
    pub(crate) group: Vec<u8>,
    pub(crate) gshadow: Option<Vec<u8>>,
    pub(crate) passwd: Vec<u8>,
}

/// Which pass runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pass {
    /// The service, so often that what no grant wants is gone as well.
    Sweep,
    /// The one at boot, which does not wait for that.
    Boot,
    /// Everything ends.
    All,
}

/// What `applied` says.
#[derive(Debug)]
pub(crate) enum Known {
    Nothing,
    Grants(Applied),
    Damaged,
}

impl Texts {
    pub(crate) fn known(&self) -> Known {
        match &self.applied {
            None => Known::Nothing,
            Some(bytes) => match std::str::from_utf8(bytes).ok().and_then(|text| applied::parse(text).ok()) {
                Some(applied) => Known::Grants(applied),
                None => Known::Damaged,
            },
        }
    }

    /// Whether sudo's file is there in no shape that jitd writes.
    pub(crate) fn sudoers_is_unclear(&self) -> bool {
        let text = |bytes| std::str::from_utf8(bytes).ok();
        self.sudoers.as_deref().is_some_and(|bytes| text(bytes).and_then(block_ids).is_none())
    }

    /// What every line of the notes says, each read by itself.
    fn notes(&self) -> Vec<Note> {
        let lines = self.notes.iter().flatten().flat_map(|bytes| bytes.split(|byte| *byte == b'\n'));
        lines.flat_map(|line| Note::parse_all(&String::from_utf8_lossy(line))).collect()
    }

    /// The grants of which a note says that they are over.
    pub(crate) fn noted(&self) -> BTreeSet<RequestId> {
        self.notes().iter().filter_map(Note::removed_id).collect()
    }

    /// Whether notes say that a membership is over for all of these grants.
    fn is_over(&self, of: &Membership, grants: &BTreeSet<RequestId>) -> bool {
        let mut over: Option<BTreeSet<RequestId>> = None;
        for note in self.notes() {
            if let Note::Member { of: noted, grants, .. } = note
                && noted == *of
            {
                over.get_or_insert_default().extend(grants);
            }
        }
        over.is_some_and(|over| grants.is_subset(&over))
    }
}

/// Whether a grant is past its end, so that the guard has to come.
pub(crate) fn is_due(grant: &AppliedGrant, now: &Now) -> bool {
    let late = |until: i64, clock: i64| i128::from(clock) - i128::from(until) >= i128::from(GRACE);
    let Deadlines { wall, boot } = deadlines(grant);
    grant.deadline.boot_id != now.boot_id || late(wall, now.wall) || late(boot, now.boot)
}

struct Deadlines {
    wall: i64,
    boot: i64,
}

fn deadlines(grant: &AppliedGrant) -> Deadlines {
    Deadlines { wall: grant.deadline.wall, boot: grant.deadline.boot }
}

/// The memberships that have to be out: given, wanted by no grant that goes on, and not noted as over before.
pub(crate) fn leaving(texts: &Texts, applied: &Applied, pass: Pass, now: &Now) -> BTreeSet<Membership> {
    let noted = texts.noted();
    // At boot a file of sudo that nobody can read may hold anything, so every grant is over.
    let everything = pass == Pass::All || (pass == Pass::Boot && texts.sudoers_is_unclear());
    let goes = |grant: &&AppliedGrant| everything || is_due(grant, now) || noted.contains(&grant.id);
    let mut wanted_by: BTreeMap<&Membership, (BTreeSet<RequestId>, bool)> = BTreeMap::new();
    for grant in &applied.grants {
        for of in &grant.groups {
            let (grants, stays) = wanted_by.entry(of).or_default();
            grants.insert(grant.id);
            *stays |= !goes(&grant);
        }
    }
    let nobody = (BTreeSet::new(), false);
    let is_leaving = |of: &&Membership| {
        let (grants, stays) = wanted_by.get(of).unwrap_or(&nobody);
        !stays && !texts.is_over(of, grants)
    };
    applied.given.iter().filter(is_leaving).cloned().collect()
}

/// What `/etc/group` has to be when these are out, made by the plainest editor. Whom another account has the name of by now, or
/// who has another name by now, stays; so does everybody where `/etc/gshadow` or `/etc/passwd` makes it unclear.
pub(crate) fn group_without(texts: &Texts, leaving: &BTreeSet<Membership>) -> Vec<u8> {
    let mut text = texts.group.clone();
    for of in leaving.iter().filter(|of| uid(&texts.passwd, &of.user).is_none_or(|uid| uid == of.uid)) {
        let to = Doing { group: &of.group, gid: of.gid, kind: Kind::Group };
        text = changed(&text, &to, &[(&of.user, Act::Remove)]);
    }
    text
}

/// The uid of the first line of this name, as getpwnam(3) has it.
fn uid(passwd: &[u8], user: &str) -> Option<u32> {
    let line = passwd.split(|byte| *byte == b'\n').filter_map(|line| {
        let white = line.iter().take_while(|byte| **byte == b' ' || (0x09..=0x0d).contains(*byte)).count();
        let fields: Vec<&[u8]> = line[white..].split(|byte| *byte == b':').collect();
        let number = |at: usize| std::str::from_utf8(fields.get(at)?).ok()?.parse::<u32>().ok();
        let is_name = fields.first() == Some(&user.as_bytes()) && !user.starts_with(['+', '-', '#']);
        let account = number(2).zip(number(3));
        account.filter(|_| is_name && !user.is_empty()).map(|(uid, _)| uid)
    });
    line.into_iter().next()
}
