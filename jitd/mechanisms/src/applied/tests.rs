//! Whatever is written is read back; whatever was damaged is noticed.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failed assumption is a failed test")]

use std::fs;
use std::os::unix::fs::PermissionsExt;

use jit_common::ids::RequestId;
use jitd_core::now::{BootId, Deadline};

use super::text::{HEADER, HEADER_1};
use super::*;
use crate::scratch::Scratch;

/// Numbers that look like chance and are the same in every run (xorshift).
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(end).unwrap()).unwrap()
    }

    fn grant(&mut self, number: u8) -> AppliedGrant {
        let bytes = self.next().to_le_bytes();
        let boot_id: String = (0..=self.below(36)).map(|_| char::from(b"0a9f-Z"[self.below(6)])).collect();
        AppliedGrant {
            id: RequestId::from_random([bytes[0], bytes[1], bytes[2], bytes[3], number]),
            uid: u32::from_le_bytes([bytes[4], bytes[5], bytes[6], bytes[7]]),
            deadline: Deadline {
                wall: self.next().cast_signed(),
                boot: self.next().cast_signed(),
                boot_id: BootId(boot_id.into()),
            },
            undo: vec![Undo::Sudoers, Undo::Groups],
            groups: (0..self.below(3)).map(|_| self.membership()).collect(),
        }
    }

    fn membership(&mut self) -> Membership {
        let names = ["docker", "", "a b,c=d:e", "100%", "é\u{202e}\u{0}", "x\nend 0\n", "given"];
        let number = |chance: &mut Self| u32::try_from(chance.next() % (1 << 32)).unwrap();
        Membership {
            gid: number(self),
            group: names[self.below(names.len())].into(),
            uid: number(self),
            user: names[self.below(names.len())].into(),
        }
    }

    fn applied(&mut self) -> Applied {
        let count = u8::try_from(self.below(6)).unwrap();
        Applied {
            grants: (0..count).map(|number| self.grant(number)).collect(),
            given: (0..self.below(4)).map(|_| self.membership()).collect(),
        }
    }
}

#[test]
fn what_is_written_is_read_back() {
    let mut chance = Chance(0x9e37_79b9_7f4a_7c15);
    for _ in 0..2000 {
        let applied = chance.applied();
        let text = render(&applied).unwrap();
        assert_eq!(parse(&text).as_ref(), Ok(&applied), "{text}");
    }
}

#[test]
fn a_text_cut_off_anywhere_is_damaged() {
    let mut chance = Chance(7);
    for _ in 0..50 {
        let text = render(&chance.applied()).unwrap();
        for end in 0..text.len() {
            assert!(parse(&text[..end]).is_err(), "{:?}", &text[..end]);
        }
    }
}

#[test]
fn whatever_is_read_is_what_would_be_written() {
    let mut chance = Chance(11);
    let mut read = 0;
    for _ in 0..5000 {
        let mut bytes = render(&chance.applied()).unwrap().into_bytes();
        let place = chance.below(bytes.len());
        match chance.below(3) {
            0 => bytes[place] = b"0 \n=,x-:%"[chance.below(9)],
            1 => drop(bytes.remove(place)),
            _ => bytes.insert(place, b"0 \n=,x-:%"[chance.below(9)]),
        }
        let text = String::from_utf8(bytes).unwrap();
        if let Ok(applied) = parse(&text) {
            // The change hit a digit and made another file that is whole: never one that means two things.
            assert_eq!(render(&applied).unwrap(), text);
            read += 1;
        }
    }
    assert!(read > 0, "no change was ever readable: the test does not test");
}

#[test]
fn the_line_and_the_reason_are_told() {
    let cases = [
        ("", 1, "begin"),
        ("jit-applied 3\nend 0\n", 1, "begin"),
        ("jit-applied 2\n", 2, "ends before"),
        ("jit-applied 2\nend 1\n", 2, "counts"),
        ("jit-applied 2\nend 00\n", 2, "counts"),
        ("jit-applied 2\nend 0", 2, "no end"),
        ("jit-applied 2\nend 0\n\n", 3, "follows"),
        ("jit-applied 2\nhello\nend 0\n", 2, "none of"),
        ("jit-applied 2\ngrant ../../x uid=1\nend 1\n", 2, "id"),
        ("jit-applied 2\ngiven 999:docker:1000\nend 1\n", 2, "no membership"),
        ("jit-applied 2\ngiven 9:g:1:a\ngiven 9:g:1:a\nend 2\n", 3, "twice"),
        ("jit-applied 2\ngiven 9:g:2:b\ngiven 9:g:1:a\nend 2\n", 3, "wrong place"),
        ("jit-applied 2\ngiven 9:g:1:a\nend 0\n", 3, "counts"),
        ("jit-applied 1\ngiven 9:g:1:a\nend 0\n", 2, "none of"),
    ];
    for (text, line, word) in cases {
        let damage = parse(text).unwrap_err();
        assert_eq!(damage.line, line, "{text:?}: {damage}");
        assert!(damage.why.contains(word), "{text:?}: {damage}");
    }
    let good = "grant aaaaaaaa uid=1000 boot=b-1 until_boot=5 until_wall=6 undo=sudoers groups=9:g:1:a";
    for (from, to, word) in [
        ("uid=1000", "uid=-1", "number"),
        ("uid=1000", "uid=01000", "number"),
        ("uid=1000", "uid=4294967296", "number"),
        ("boot=b-1", "boot=b/1", "boot id"),
        ("boot=b-1", "boot=", "boot id"),
        ("until_boot=5", "until=5", "until_boot"),
        ("until_wall=6", "until_wall=+6", "number"),
        ("undo=sudoers", "undo=sudoers,passwd", "passwd"),
        ("groups=9:g:1:a", "groups=9:g:1:a,", "no membership"),
        (" groups=9:g:1:a", "", "groups"),
        ("groups=9:g:1:a", "groups= more", "too much"),
    ] {
        let text =
            format!("{HEADER}\n{good}\n{}\nend 2\n", good.replace("aaaaaaaa", "bbbbbbbb").replace(from, to));
        let damage = parse(&text).unwrap_err();
        assert_eq!(damage.line, 3, "{damage}");
        assert!(damage.why.contains(word), "{to}: {damage}");
    }
    let twice = format!("{HEADER}\n{good}\n{good}\nend 2\n");
    assert!(parse(&twice).unwrap_err().why.contains("twice"));
    let after = format!("{HEADER}\ngiven 9:g:1:a\n{good}\nend 2\n");
    assert!(parse(&after).unwrap_err().why.contains("follows what was given"));
}

#[test]
fn what_the_version_before_wrote_is_read_and_cut_off_is_damaged() {
    let old = "grant aaaaaaaa uid=1000 boot=b-1 until_boot=5 until_wall=6 undo=sudoers";
    let text = format!("{HEADER_1}\n{old}\n{}\nend 2\n", old.replace("aaaaaaaa", "bbbbbbbb"));
    let applied = parse(&text).unwrap();
    assert_eq!(applied.grants.len(), 2);
    assert!(applied.given.is_empty() && applied.grants.iter().all(|grant| grant.groups.is_empty()));
    assert_eq!(parse(&render(&applied).unwrap()).as_ref(), Ok(&applied), "and written in this one");
    for end in 0..text.len() {
        assert!(parse(&text[..end]).is_err(), "{:?}", &text[..end]);
    }
    let mixed = format!("{HEADER_1}\n{old} groups=\nend 1\n");
    assert!(parse(&mixed).unwrap_err().why.contains("too much"));
}

#[test]
fn a_file_that_lost_a_line_of_either_kind_is_damaged() {
    let mut chance = Chance(13);
    for _ in 0..50 {
        let text = render(&chance.applied()).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        for lost in 0..lines.len() {
            let mut rest = lines.clone();
            rest.remove(lost);
            assert!(parse(&format!("{}\n", rest.join("\n"))).is_err());
        }
    }
}

#[test]
fn a_boot_id_that_would_break_the_line_is_not_written() {
    let mut grant = Chance(3).grant(1);
    grant.deadline.boot_id = BootId("a undo=sudoers\nend 0".into());
    let refused = render(&Applied { grants: vec![grant], given: Given::new() });
    assert!(matches!(refused, Err(AppliedError::BootId { .. })));
}

#[test]
fn on_disk_it_is_replaced_whole_and_others_cannot_write_it() {
    let scratch = Scratch::new();
    let paths = scratch.paths();
    assert!(read(&paths).unwrap().is_none());
    let applied = Applied { grants: vec![Chance(5).grant(1)], given: [Chance(5).membership()].into() };
    for durability in [Durability::ThisBoot, Durability::OldOrNew, Durability::AcrossReboot] {
        write(&paths, &applied, durability).unwrap();
        assert_eq!(read(&paths).unwrap().as_ref(), Some(&applied));
    }
    assert_eq!(fs::metadata(&paths.applied).unwrap().permissions().mode() & 0o7777, 0o600);
    assert_eq!(fs::read_dir(&paths.state_dir).unwrap().count(), 1, "no temporary file stays");

    fs::set_permissions(&paths.applied, fs::Permissions::from_mode(0o666)).unwrap();
    assert!(matches!(read(&paths), Err(AppliedError::Damaged { .. })), "others may have written it");
    fs::remove_file(&paths.applied).unwrap();
    fs::create_dir(&paths.applied).unwrap();
    assert!(matches!(read(&paths), Err(AppliedError::Damaged { .. })));
}

#[test]
fn a_missing_state_directory_is_made_for_writing_and_is_nothing_for_reading() {
    let scratch = Scratch::new();
    let paths = scratch.paths();
    fs::remove_dir(&paths.state_dir).unwrap();
    assert!(read(&paths).unwrap().is_none());
    write(&paths, &Applied::default(), Durability::ThisBoot).unwrap();
    assert_eq!(read(&paths).unwrap(), Some(Applied::default()));
}

#[test]
fn what_a_jitd_left_that_was_killed_while_it_wrote_is_swept_and_nothing_else() {
    let scratch = Scratch::new();
    let paths = scratch.paths();
    assert_eq!(sweep_litter(&paths).unwrap(), 0, "no directory");
    write(&paths, &Applied::default(), Durability::ThisBoot).unwrap();
    for name in [".applied.1.0.tmp", ".applied.77.3.tmp", "guard-notes", ".ledger.1.0.tmp"] {
        fs::write(paths.state_dir.join(name), "half").unwrap();
    }
    assert_eq!(sweep_litter(&paths).unwrap(), 2);
    assert!(paths.applied.exists() && paths.state_dir.join(".ledger.1.0.tmp").exists());
}
