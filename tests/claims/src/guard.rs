//! The guard: whatever stands in `applied`, in its notes, in sudo's file and in the account files, it takes off what has to go,
//! and nothing else, and says so in lines; a line that nobody can read keeps no other from being heeded.
//!
//! The bytes are a first line of three letters (which pass, which boot, early or late) and sections between lines of `%%`:
//! applied, notes, notes that were taken, sudo's file, group, gshadow, passwd. An empty section is a file that is not there.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use jit_common::ids::RequestId;
use jit_guard::{GRACE, Guard};
use jit_mechanisms::groups::text::only_members_differ;
use jit_mechanisms::guard_notes::Note;
use jit_mechanisms::scratch::Scratch;
use jit_mechanisms::{BootId, HostPaths, NANOS, Now, applied};
use jitd_core::sudoers::{HEADER, block_ids, remove_blocks};

use crate::bytes::sections;
use crate::guard_oracle::{Known, Pass, Texts, group_without, is_due, leaving};
use crate::{measure, sentence};

/// The most work for one look at a host as small as these.
const WORK: Duration = Duration::from_secs(1);

/// A time after the deadlines of the bytes that are kept, and one before.
const LATE: i64 = 2_000 * NANOS;
const EARLY: i64 = 500 * NANOS;

/// Panics when it does not hold.
pub fn holds(data: &[u8]) {
    let [first, applied, notes, taken, sudoers, group, gshadow, passwd] = sections::<8>(data);
    let letter = |at: usize| first.get(at).copied().unwrap_or_default();
    let file = |bytes: &[u8]| (!bytes.is_empty() && bytes != b"\n").then(|| bytes.to_vec());
    let texts = Texts {
        applied: file(applied),
        notes: [file(notes), file(taken)],
        sudoers: file(sudoers),
        group: group.to_vec(),
        gshadow: file(gshadow),
        passwd: passwd.to_vec(),
    };
    let pass = match letter(0) {
        b'b' => Pass::Boot,
        b'a' => Pass::All,
        _ => Pass::Sweep,
    };
    let boot_id = BootId(if letter(1) == b'o' { "other".into() } else { "b-1".into() });
    let at = if letter(2) == b'e' { EARLY } else { LATE };
    is_read(&texts);
    let scratch = Scratch::new();
    let paths = scratch.paths();
    place(&paths, &texts);
    measure::within(WORK, || {
        let now = run(&paths, pass, &Now { wall: at, boot: at, boot_id });
        sudoers_is_right(&paths, &texts, pass, &now);
        groups_are_right(&paths, &texts, pass, &now);
        notes_are_kept(&paths, &texts);
    });
}

/// The texts alone: what is read is what would be written, and a text that is not is refused by a sentence.
fn is_read(texts: &Texts) {
    let Some(text) = texts.applied.as_ref().and_then(|bytes| std::str::from_utf8(bytes).ok()) else { return };
    match applied::parse(text) {
        Err(damage) => {
            sentence::is_one(&jit_common::escape::escaped(&damage.to_string()).to_string());
            assert!((1..=text.split('\n').count()).contains(&damage.line), "{damage}");
        }
        Ok(read) => {
            let written = applied::render(&read).unwrap();
            // The version before is read and not written any more.
            assert!(text == written || text.starts_with("jit-applied 1\n"));
            assert_eq!(applied::parse(&written).unwrap(), read);
            let ids: BTreeSet<RequestId> = read.grants.iter().map(|grant| grant.id).collect();
            assert_eq!(ids.len(), read.grants.len());
        }
    }
}

fn place(paths: &HostPaths, texts: &Texts) {
    let put = |path: &Path, bytes: Option<&Vec<u8>>, mode: u32| {
        if let Some(bytes) = bytes {
            fs::write(path, bytes).unwrap();
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        }
    };
    jit_mechanisms::paths::make_directories(paths).unwrap();
    put(&paths.applied, texts.applied.as_ref(), 0o600);
    put(&paths.guard_notes, texts.notes[0].as_ref(), 0o600);
    put(&taken(paths), texts.notes[1].as_ref(), 0o600);
    put(&paths.sudoers_file, texts.sudoers.as_ref(), 0o440);
    put(&paths.etc_group, Some(&texts.group), 0o644);
    put(&paths.etc_gshadow, texts.gshadow.as_ref(), 0o640);
    put(&paths.etc_passwd, Some(&texts.passwd), 0o644);
}

fn taken(paths: &HostPaths) -> std::path::PathBuf {
    paths.guard_notes.with_extension("taken")
}

/// Runs a pass; the time at which it was over.
fn run(paths: &HostPaths, pass: Pass, now: &Now) -> Now {
    let later = |nanos: i64| Now { wall: now.wall + nanos, boot: now.boot + nanos, ..now.clone() };
    match pass {
        Pass::Sweep => {
            let mut guard = Guard::new(paths);
            for at in [now, &later(GRACE), &later(2 * GRACE)] {
                guard.sweep(at).said.iter().for_each(|line| {
                    assert!(!line.contains('\n'), "two lines in one: {line:?}");
                });
            }
            later(2 * GRACE)
        }
        Pass::Boot => {
            let _ = jit_guard::boot(paths, || Ok(now.clone()), |_| {});
            now.clone()
        }
        Pass::All => {
            let _ = jit_guard::all(paths, now);
            now.clone()
        }
    }
}

/// The ids that have to be off, or `None` when everything has to.
fn going(texts: &Texts, pass: Pass, now: &Now) -> Option<BTreeSet<RequestId>> {
    let on_host: BTreeSet<RequestId> = {
        let text = texts.sudoers.as_ref().and_then(|bytes| std::str::from_utf8(bytes).ok());
        let ids = text.and_then(block_ids).unwrap_or_default();
        ids.iter().filter_map(|id| id.parse().ok()).collect()
    };
    let due = |applied: &applied::Applied| -> BTreeSet<RequestId> {
        applied.grants.iter().filter(|grant| is_due(grant, now)).map(|grant| grant.id).collect()
    };
    let named = |applied: &applied::Applied| -> BTreeSet<RequestId> {
        applied.grants.iter().map(|grant| grant.id).collect()
    };
    let came_back = texts.noted().intersection(&on_host).copied().collect::<BTreeSet<_>>();
    match (pass, texts.known()) {
        (Pass::All, _) | (_, Known::Damaged) => None,
        (Pass::Sweep, Known::Nothing) => Some(came_back),
        (Pass::Sweep, Known::Grants(applied)) => Some(&came_back | &due(&applied)),
        (Pass::Boot, Known::Nothing) => Some(on_host),
        (Pass::Boot, Known::Grants(applied)) => Some(&due(&applied) | &(&on_host - &named(&applied))),
    }
}

/// Of sudo's file exactly the blocks that have to go are gone; a file in no known shape goes as a whole when anything has to.
fn sudoers_is_right(paths: &HostPaths, texts: &Texts, pass: Pass, now: &Now) {
    let after = fs::read(&paths.sudoers_file).ok();
    let Some(before) = &texts.sudoers else {
        assert_eq!(after, None, "nothing was there");
        return;
    };
    let text = std::str::from_utf8(before).ok();
    let going = going(texts, pass, now);
    let Some(ids) = text.and_then(block_ids) else {
        let goes =
            pass != Pass::Sweep || going.is_none_or(|ids| !ids.is_empty()) || !noted_in(texts).is_empty();
        assert_eq!(after.is_none(), goes, "a file that nobody can read: {pass:?}");
        return;
    };
    let gone: Vec<&str> = match &going {
        None => ids.clone(),
        Some(going) => {
            ids.iter().copied().filter(|id| going.iter().any(|gone| gone.as_str() == *id)).collect()
        }
    };
    let expected = remove_blocks(text.unwrap(), &gone).unwrap();
    match after {
        Some(after) => assert_eq!(String::from_utf8_lossy(&after), expected),
        None => panic!("the whole file went, and it could be read"),
    }
    assert!(expected.starts_with(HEADER));
}

/// The ids that an unclear file names and of which a note says that they are over.
fn noted_in(texts: &Texts) -> BTreeSet<RequestId> {
    let text = String::from_utf8_lossy(texts.sudoers.as_deref().unwrap_or_default()).into_owned();
    let named = text.lines().filter_map(|line| line.strip_prefix("# grant "));
    let named: BTreeSet<RequestId> = named.filter_map(|id| id.trim().parse().ok()).collect();
    &named & &texts.noted()
}

/// Of the groups exactly those people are out who have to be.
fn groups_are_right(paths: &HostPaths, texts: &Texts, pass: Pass, now: &Now) {
    let after = fs::read(&paths.etc_group).unwrap();
    let gshadow = fs::read(&paths.etc_gshadow).ok();
    assert_eq!(fs::read(&paths.etc_passwd).unwrap(), texts.passwd);
    let Known::Grants(applied) = texts.known() else {
        assert_eq!((after, gshadow), (texts.group.clone(), texts.gshadow.clone()), "nobody knows whom");
        return;
    };
    let leaving = leaving(texts, &applied, pass, now);
    let groups: BTreeSet<&str> = leaving.iter().map(|of| of.group.as_str()).collect();
    let before = texts.gshadow.clone().unwrap_or_default();
    assert!(only_members_differ(&texts.group, &after, &groups));
    assert!(only_members_differ(&before, &gshadow.unwrap_or_default(), &groups));
    let expected = group_without(texts, &leaving);
    let shown =
        |bytes: &[u8]| String::from_utf8_lossy(&bytes.escape_ascii().collect::<Vec<_>>()).into_owned();
    assert_eq!(shown(&after), shown(&expected), "{leaving:?} had to go from {}", shown(&texts.group));
}

/// No note is lost, and every new one can be read.
fn notes_are_kept(paths: &HostPaths, texts: &Texts) {
    let now = [fs::read(&paths.guard_notes).ok(), fs::read(taken(paths)).ok()];
    let before = texts.notes[0].clone().unwrap_or_default();
    let after = now[0].clone().unwrap_or_default();
    assert!(after.starts_with(&before), "a note was changed");
    assert_eq!(now[1], texts.notes[1]);
    let new = String::from_utf8_lossy(&after[before.len()..]).into_owned();
    for note in Note::parse_all(&new) {
        match note {
            Note::Unreadable { line } => panic!("the guard wrote what it cannot read: {line:?}"),
            Note::Removed { .. }
            | Note::Member { .. }
            | Note::Processes { .. }
            | Note::Unlinked { .. }
            | Note::AppliedDamaged { .. } => {}
        }
    }
}
