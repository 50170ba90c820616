//! The editor of `/etc/group` and `/etc/gshadow`: whatever the text, it comes out as the plainest editor would leave it.
//!
//! The first line of the bytes says what is done: `file group gid +user -user …`, the file being `group` or `gshadow`.

use std::collections::BTreeSet;

use jit_mechanisms::groups::text::plainest::{Act, Doing, changed};
use jit_mechanisms::groups::text::{Change, GroupFile, only_members_differ};
use jit_mechanisms::groups::{Kind, Refusal};

use crate::sentence;

/// The most changes in one go.
const MOST: usize = 8;

/// Panics when it does not hold.
pub fn holds(data: &[u8]) {
    let end = data.iter().position(|byte| *byte == b'\n').unwrap_or(data.len());
    let text = data.get(end + 1..).unwrap_or_default();
    let Ok(first) = std::str::from_utf8(&data[..end]) else { return };
    let mut words = first.split(' ');
    let kind = match words.next() {
        Some("gshadow") => Kind::Gshadow,
        _ => Kind::Group,
    };
    let group = words.next().unwrap_or_default();
    let gid = words.next().and_then(|gid| gid.parse().ok()).unwrap_or(999);
    let changes: Vec<(&str, Act)> = words.filter_map(act).take(MOST).collect();
    let to = Doing { group, gid, kind };
    // Group names come from the policy, which takes plain ones alone.
    if !group.is_empty() && group.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte)) {
        edits(text, &to, &changes);
    }
}

fn act(word: &str) -> Option<(&str, Act)> {
    let act = match word.chars().next()? {
        '+' => Act::Add,
        '-' => Act::Remove,
        _ => return None,
    };
    // No account is called nothing.
    word.get(1..).filter(|user| !user.is_empty()).map(|user| (user, act))
}

fn edits(text: &[u8], to: &Doing<'_>, changes: &[(&str, Act)]) {
    let groups = BTreeSet::from([to.group]);
    let mut file = GroupFile::parse(text, to.kind, &groups);
    for (at, (user, act)) in changes.iter().enumerate() {
        let before = changed(text, to, &changes[..at]);
        let after = changed(text, to, &changes[..=at]);
        let held = file.holds(to.group, user);
        let done = match act {
            Act::Add => file.add_member(to.group, to.gid, user),
            Act::Remove => file.remove_member(to.group, to.gid, user),
        };
        match &done {
            Ok(Change::Done) => {
                assert_ne!(before, after, "{act:?} {user}");
                assert_eq!(file.holds(to.group, user), *act == Act::Add, "{act:?} {user}");
            }
            Ok(Change::AlreadySo) => {
                assert_eq!(before, after, "{act:?} {user}");
                assert_eq!(held, *act == Act::Add, "{act:?} {user}");
            }
            Err(why) => {
                assert_eq!(before, after, "{act:?} {user}: {why}");
                is_told(why);
            }
        }
    }
    let found = file.rendered().unwrap_or_else(|| text.to_vec());
    let expected = changed(text, to, changes);
    let shown = |bytes: &[u8]| bytes.escape_ascii().to_string();
    assert_eq!(shown(&found), shown(&expected), "{changes:?} to {}", shown(text));
    assert!(only_members_differ(text, &found, &groups));
    let again = GroupFile::parse(&found, to.kind, &groups);
    for (user, _) in changes {
        assert_eq!(again.holds(to.group, user), file.holds(to.group, user), "{user} as it is read anew");
    }
    let _ = file.names_of_gids(&BTreeSet::from([to.gid]));
}

fn is_told(why: &Refusal) {
    // Names in it are escaped where it is shown.
    sentence::is_one(&jit_common::escape::escaped(&why.to_string()).to_string());
}
