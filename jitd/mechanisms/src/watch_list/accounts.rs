//! The files of accounts and groups, line by line: whose line is another, and who is in which group. Passwords and their hashes go
//! into a mark and nowhere else.

use std::collections::{BTreeMap, BTreeSet};

use jitd_core::watched::{Seen, Thing, mark};

use super::Finds;
use super::shown::shown;
use super::tree::{Tree, content};

/// Bytes of such a file.
const LONGEST: u64 = 8 * 1024 * 1024;

/// Which of them there are, each with the field that names members.
const FILES: [(&str, Option<usize>); 6] = [
    ("/etc/passwd", None),
    ("/etc/shadow", None),
    ("/etc/group", Some(3)),
    ("/etc/gshadow", Some(3)),
    ("/etc/subuid", None),
    ("/etc/subgid", None),
];

/// Homes of accounts of the system that are none: a link to a folder of programs on most hosts.
const PROGRAMS: [&[u8]; 2] = [b"/bin", b"/sbin"];

/// Where the fields of passwd(5) stand.
const UID: usize = 2;
const HOME: usize = 5;

/// Looks at all of them. The homes of the accounts.
pub(super) fn look(tree: &Tree, finds: &mut Finds) -> BTreeSet<Vec<u8>> {
    let mut homes = BTreeSet::new();
    for (path, members) in FILES {
        let file = match tree.file(path.as_bytes()) {
            Ok(file) => file,
            Err(rustix::io::Errno::NOENT) => continue,
            Err(why) => {
                finds.leave_out(path, format!("cannot be opened: {why}"));
                continue;
            }
        };
        match content(&file, LONGEST) {
            Ok(Some(text)) => {
                lines(path, &text, members, finds);
                if path == "/etc/passwd" {
                    homes.extend(text.split(|byte| *byte == b'\n').filter_map(|line| field(line, HOME)));
                }
            }
            Ok(None) => finds.leave_out(path, format!("longer than {LONGEST} bytes")),
            Err(why) => finds.leave_out(path, format!("cannot be read: {why}")),
        }
    }
    homes.retain(|home| home.starts_with(b"/") && home.len() > 1 && !PROGRAMS.contains(&home.as_slice()));
    homes
}

/// Each line by its name; of two with the same name both count.
fn lines(path: &str, text: &[u8], members: Option<usize>, finds: &mut Finds) {
    let mut by_name: BTreeMap<String, (Vec<u8>, String)> = BTreeMap::new();
    for line in text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let fields: Vec<&[u8]> = line.split(|byte| *byte == b':').collect();
        let name = shown(fields.first().copied().unwrap_or_default());
        let (all, says) = by_name.entry(name.clone()).or_default();
        for (at, field) in fields.iter().enumerate().filter(|(at, _)| Some(*at) != members) {
            all.extend_from_slice(at.to_string().as_bytes());
            all.push(b':');
            all.extend_from_slice(field);
        }
        all.push(b'\n');
        if path == "/etc/passwd" {
            let uid = String::from_utf8_lossy(fields.get(UID).copied().unwrap_or_default()).into_owned();
            *says = format!("uid {}", shown(uid.as_bytes()));
        }
        let theirs = members.and_then(|at| fields.get(at)).copied().unwrap_or_default();
        for member in theirs.split(|byte| *byte == b',').filter(|member| !member.is_empty()) {
            finds.add(Thing::Member(path.to_owned(), name.clone(), shown(member)), Seen::default());
        }
    }
    for (name, (all, says)) in by_name {
        let seen = Seen { mark: mark(&all), says, ..Seen::default() };
        finds.add(Thing::Line(path.to_owned(), name), seen);
    }
}

fn field(line: &[u8], at: usize) -> Option<Vec<u8>> {
    Some(line.split(|byte| *byte == b':').nth(at)?.to_vec())
}
