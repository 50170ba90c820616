//! The editor of the text: tables of odd lines, and strange files against a naive reference.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "a failed assumption is a failed test"
)]

use super::plainest::{Act, Doing, changed as reference};
use super::*;

const NAME: &str = "docker";
const GID: u32 = 999;

fn parse(text: &str, kind: Kind) -> GroupFile<'_> {
    GroupFile::parse(text.as_bytes(), kind, &BTreeSet::from([NAME]))
}

fn added(text: &str) -> Result<String, Refusal> {
    let mut file = parse(text, Kind::Group);
    assert_eq!(file.add_member(NAME, GID, "alice")?, Change::Done);
    Ok(String::from_utf8(file.rendered().unwrap()).unwrap())
}

fn removed(text: &str) -> Result<String, Refusal> {
    let mut file = parse(text, Kind::Group);
    assert_eq!(file.remove_member(NAME, GID, "alice")?, Change::Done);
    Ok(String::from_utf8(file.rendered().unwrap()).unwrap())
}

#[test]
fn a_member_goes_behind_the_last_one_and_comes_out_without_a_trace() {
    for (before, after) in [
        ("docker:x:999:\n", "docker:x:999:alice\n"),
        ("docker:x:999:", "docker:x:999:alice"),
        ("docker:x:999:bob\n", "docker:x:999:bob,alice\n"),
        ("docker:x:999:bob,,carol,\n", "docker:x:999:bob,,carol,,alice\n"),
        ("docker:x:999:,\n", "docker:x:999:,,alice\n"),
        ("docker:!:0999:bob", "docker:!:0999:bob,alice"),
        ("docker:x:999:alice2,malice\n", "docker:x:999:alice2,malice,alice\n"),
        ("+docker:x:999:\ndocker:x:999:\n+::::\n", "+docker:x:999:\ndocker:x:999:alice\n+::::\n"),
        ("#docker:x:999:\r\n\n:::\ndocker:x:999:", "#docker:x:999:\r\n\n:::\ndocker:x:999:alice"),
        ("docker2:x:999:a\r\ndocker:x:999:\n", "docker2:x:999:a\r\ndocker:x:999:alice\n"),
    ] {
        assert_eq!(added(before).as_deref(), Ok(after));
        assert_eq!(removed(after).as_deref(), Ok(before));
        assert!(only_members_differ(before.as_bytes(), after.as_bytes(), &BTreeSet::from([NAME])));
    }
}

#[test]
fn a_member_comes_out_of_odd_lists_too() {
    for (before, after) in [
        ("docker:x:999:alice,alice,bob,alice\n", "docker:x:999:bob\n"),
        ("docker:x:999:bob, alice\n", "docker:x:999:bob\n"),
        ("docker:x:999:bob,alice\r\n", "docker:x:999:bob\r\n"),
        ("docker:x:999:alice,bob\ndocker:x:999:alice\n", "docker:x:999:bob\ndocker:x:999:\n"),
    ] {
        assert_eq!(removed(before).as_deref(), Ok(after));
    }
}

#[test]
fn whoever_is_in_is_not_put_in_again_and_whoever_is_not_is_not_taken_out() {
    for list in ["alice", "bob,alice", " alice", "alice,bob"] {
        let text = format!("docker:x:999:{list}\n");
        let mut file = parse(&text, Kind::Group);
        assert_eq!(file.add_member(NAME, GID, "alice"), Ok(Change::AlreadySo));
        assert_eq!(file.rendered(), None);
    }
    for text in ["docker:x:999:alice2,bob\n", "docker2:x:999:alice\n", "", "docker:x:999:\n", "docker\n"] {
        let mut file = parse(text, Kind::Group);
        assert_eq!(file.remove_member(NAME, GID, "alice"), Ok(Change::AlreadySo), "{text}");
        assert_eq!(file.rendered(), None);
    }
}

#[test]
fn what_is_put_in_and_taken_out_again_leaves_the_text_as_it_was() {
    let text = "docker:x:999:bob\n";
    let mut file = parse(text, Kind::Group);
    assert_eq!(file.add_member(NAME, GID, "alice"), Ok(Change::Done));
    assert_eq!(file.is_member(NAME, GID, "alice"), Ok(true));
    assert_eq!(file.remove_member(NAME, GID, "alice"), Ok(Change::Done));
    assert_eq!(file.is_member(NAME, GID, "alice"), Ok(false));
    assert_eq!(file.rendered().unwrap(), text.as_bytes());
    assert_eq!(file.members(NAME, GID).unwrap(), [b"bob"]);
}

#[test]
fn every_refusal_to_put_in() {
    let odd = |line, why| Refusal::Malformed { group: NAME.into(), file: Kind::Group, line, why };
    let differs = |found| Refusal::GidDiffers { group: NAME.into(), wanted: GID, found };
    for (text, refusal) in [
        ("", Refusal::NoSuchGroup { group: NAME.into() }),
        ("+docker:x:999:\n-docker:x:999:\n#docker:x:999:\n", Refusal::NoSuchGroup { group: NAME.into() }),
        ("docker:x:998:\n", differs(998)),
        ("docker:x:4294967295:\n", differs(u32::MAX)),
        ("docker:x:4294967296:\n", odd(1, Odd::Gid)),
        ("docker:x::\n", odd(1, Odd::Gid)),
        ("docker:x:+999:\n", odd(1, Odd::Gid)),
        ("docker:x: 999:\n", odd(1, Odd::Gid)),
        ("docker:x:999\n", odd(1, Odd::Fields { found: 3 })),
        ("docker\n", odd(1, Odd::Fields { found: 1 })),
        ("docker:x:999:a:b\n", odd(1, Odd::Fields { found: 5 })),
        ("a:x:1:\n docker:x:999:\n", odd(2, Odd::LeadingSpace)),
        ("docker:x:999:a\r\n", odd(1, Odd::CarriageReturn)),
        ("docker:x:999:\0\n", odd(1, Odd::Nul)),
        (
            "docker:x:999:\nb:x:1:\n\tdocker:x:999:\n",
            Refusal::Duplicate { group: NAME.into(), file: Kind::Group, lines: vec![1, 3] },
        ),
    ] {
        assert_eq!(added(text), Err(refusal), "{text:?}");
    }
}

#[test]
fn every_refusal_to_take_out_concerns_a_line_that_holds_the_user() {
    for (text, line) in [("docker:x:999:alice:\nx", None), ("docker:x:999:0:alice", Some(1))] {
        let mut file = parse(text, Kind::Group);
        let result = file.remove_member(NAME, GID, "alice");
        match line {
            None => assert_eq!(result, Ok(Change::AlreadySo)),
            Some(_) => assert!(matches!(result, Err(Refusal::Malformed { line: 1, .. }))),
        }
    }
    let differs = Err(Refusal::GidDiffers { group: NAME.into(), wanted: GID, found: 998 });
    let mut file = parse("docker:x:999:alice\ndocker:x:998:alice\n", Kind::Group);
    assert_eq!(file.remove_member(NAME, GID, "alice"), differs);
    assert_eq!(file.rendered(), None, "nothing is done by halves");
}

#[test]
fn names_that_would_be_read_as_something_else_are_refused() {
    for user in ["", "+alice", "-alice", " alice", "alice ", "a:b", "a,b", "a\nb", "a\0", "\u{a0}alice"] {
        let mut file = parse("docker:x:999:\n", Kind::Group);
        let refused = file.add_member(NAME, GID, user);
        assert!(matches!(refused, Err(Refusal::UserName { .. })), "{user:?}");
    }
    for user in ["alice", "alice.b-c_d$", "AD\\alice smith", "žofie", "alice+x"] {
        let mut file = parse("docker:x:999:\n", Kind::Group);
        assert_eq!(file.add_member(NAME, GID, user), Ok(Change::Done), "{user:?}");
    }
}

#[test]
fn gshadow_has_no_gids_and_its_administrators_are_left_alone() {
    let text = "docker:!:alice,bob:carol\n";
    let mut file = parse(text, Kind::Gshadow);
    assert_eq!(file.remove_member(NAME, GID, "alice"), Ok(Change::AlreadySo));
    assert_eq!(file.add_member(NAME, 5, "alice"), Ok(Change::Done));
    assert_eq!(file.rendered().unwrap(), b"docker:!:alice,bob:carol,alice\n");
}

#[test]
fn a_renamed_group_is_found_by_its_gid() {
    let file = parse("a:x:1:\nmoved:x:999:alice, bob\n+moved:x:999:eve\nbad:x:999\n", Kind::Group);
    let found = file.names_of_gids(&BTreeSet::from([GID, 7]));
    let members = BTreeSet::from([&b"alice"[..], b"bob"]);
    assert_eq!(found, BTreeMap::from([(GID, vec![Named { name: "moved", members }])]));
}

#[test]
fn the_second_look_finds_what_is_not_a_list_of_members() {
    let groups = BTreeSet::from([NAME]);
    let before = "a:x:1:x\ndocker:x:999:bob\nz:x:2:\n";
    for after in [
        "a:x:1:y\ndocker:x:999:bob\nz:x:2:\n",
        "a:x:1:x\ndocker:x:1000:bob\nz:x:2:\n",
        "a:x:1:x\ndocker:y:999:bob\nz:x:2:\n",
        "a:x:1:x\ndocker:x:999:bob\r\nz:x:2:\n",
        "a:x:1:x\ndocker:x:999:bob\nz:x:2:",
        "a:x:1:x\ndocker:x:999:bob\n",
        "a:x:1:x\ndocker:x:999:bob\nz:x:2:\n\n",
        "docker:x:999:bob\na:x:1:x\nz:x:2:\n",
        "",
    ] {
        assert!(!only_members_differ(before.as_bytes(), after.as_bytes(), &groups), "{after:?}");
    }
    assert!(only_members_differ(before.as_bytes(), before.as_bytes(), &groups));
}

#[test]
fn a_carriage_return_within_a_list_keeps_nobody_in() {
    // As usermod leaves it where an editor of another system has been.
    for (before, after) in [
        ("docker:x:999:bob\r,alice\n", "docker:x:999:bob\r\n"),
        ("docker:x:999:bob,\r,alice", "docker:x:999:bob,\r"),
    ] {
        assert_eq!(removed(before).as_deref(), Ok(after));
        assert!(only_members_differ(before.as_bytes(), after.as_bytes(), &BTreeSet::from([NAME])));
    }
    for (before, after) in [
        ("docker:x:999:bob,alice\n", "docker:x:999:bob\r\n"),
        ("docker:x:999:bob\r,alice\n", "docker:x:999:bob\r,carol\r\n"),
    ] {
        assert!(!only_members_differ(before.as_bytes(), after.as_bytes(), &BTreeSet::from([NAME])));
    }
}

#[test]
fn the_second_look_sees_every_byte_of_a_long_text() {
    let groups = BTreeSet::from([NAME]);
    let filler = |name: char| (0..500).map(|n| format!("{name}{n}:x:{n}:member\n")).collect::<String>();
    let text = |list: &str| format!("{}docker:x:999:{list}\n{}", filler('a'), filler('z')).into_bytes();
    let before = text("");
    let after = text(&["someone"; 2000].join(","));
    assert!(only_members_differ(&before, &after, &groups));
    assert!(only_members_differ(&after, &before, &groups));
    let list = "someone".len() * 2000 + 1999;
    let start = filler('a').len() + "docker:x:999:".len();
    for at in (0..after.len()).step_by(7).filter(|at| !(start..start + list).contains(at)) {
        let mut other = after.clone();
        other[at] ^= 1;
        assert!(!only_members_differ(&before, &other, &groups), "byte {at}");
    }
}

/// Numbers that look random and are the same every time (xorshift64*, Vigna 2016).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % sides
    }

    fn pick<'t>(&mut self, from: &[&'t [u8]]) -> &'t [u8] {
        from[self.roll(from.len())]
    }
}

/// A file of whatever stands in such files, and in some that should not be there.
fn strange(dice: &mut Dice) -> Vec<u8> {
    let names: [&[u8]; 8] = [b"docker", b"docker", b"wheel", b"a", b"+docker", b"-x", b"#c", b"\xff\xfe\x80"];
    let gids: [&[u8]; 8] = [b"999", b"999", b"999", b"999", b"10", b"", b"x", b"4294967296"];
    let members: [&[u8]; 9] =
        [b"alice", b"bob", b"carol", b"", b" alice", b"alice2", b"\xe9", b"bob", b"dave"];
    let ends: [&[u8]; 6] = [b"\n", b"\n", b"\n", b"\r\n", b"\n\n", b"\n+\n"];
    let mut text = Vec::new();
    for _ in 0..dice.roll(7) {
        let list: Vec<&[u8]> = (0..dice.roll(5)).map(|_| dice.pick(&members)).collect();
        let mut fields = vec![dice.pick(&names), b"x", dice.pick(&gids)];
        let list = list.join(&b","[..]);
        fields.push(&list);
        fields.truncate(if dice.roll(12) == 0 { 3 } else { 4 });
        text.extend(fields.join(&b":"[..]));
        text.extend(dice.pick(&ends));
    }
    if dice.roll(3) == 0 {
        text.pop();
    }
    text
}

#[test]
fn strange_files_come_out_as_the_plainest_editor_would_leave_them() {
    let mut dice = Dice(0x5eed_0001);
    let mut changed = 0;
    for round in 0..40_000 {
        let text = strange(&mut dice);
        let users = ["alice", "bob", "erin"];
        let mut changes: Vec<(&str, Act)> = Vec::new();
        for user in users.into_iter().take(1 + dice.roll(3)) {
            changes.push((user, if dice.roll(2) == 0 { Act::Add } else { Act::Remove }));
        }
        let mut file = GroupFile::parse(&text, Kind::Group, &BTreeSet::from([NAME]));
        for (user, change) in &changes {
            let _ = match change {
                Act::Add => file.add_member(NAME, GID, user),
                Act::Remove => file.remove_member(NAME, GID, user),
            };
        }
        let expected = reference(&text, &Doing { group: NAME, gid: GID, kind: Kind::Group }, &changes);
        let found = file.rendered().unwrap_or_else(|| text.clone());
        let shown = |bytes: &[u8]| bytes.escape_ascii().to_string();
        assert_eq!(shown(&found), shown(&expected), "round {round}: {changes:?} to {}", shown(&text));
        assert!(only_members_differ(&text, &found, &BTreeSet::from([NAME])));
        changed += usize::from(found != text);
    }
    assert!(changed > 5_000, "only {changed} texts were changed at all");
}

#[test]
fn a_line_of_ten_megabytes_is_edited_like_any_other() {
    let mut list: Vec<String> = (0..1_200_000).map(|number| format!("u{number:07}")).collect();
    let text = |list: &[String]| format!("a:x:1:\ndocker:x:999:{}\nz:x:2:é\n", list.join(","));
    let before = text(&list);
    assert!(before.len() > 10_000_000);
    let mut file = parse(&before, Kind::Group);
    for number in 0..5 {
        let user = format!("u{:07}", number * 200_000);
        assert_eq!(file.remove_member(NAME, GID, &user), Ok(Change::Done));
        list.retain(|member| *member != user);
    }
    assert_eq!(file.add_member(NAME, GID, "alice"), Ok(Change::Done));
    list.push("alice".into());
    assert!(file.rendered().unwrap() == text(&list).into_bytes());
}
