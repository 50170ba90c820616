//! For tests: the same changes of a text, made the plainest way. Whole lines are taken apart and put together, one change
//! after the other, by the rules of group(5) and of the C library and not by looking at the editor.

use super::{Change, Kind};

/// What is done to somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Put in.
    Add,
    /// Taken out.
    Remove,
}

/// To which group, in which file.
#[derive(Clone, Copy, Debug)]
pub struct Doing<'a> {
    /// Its name.
    pub group: &'a str,
    /// Its number.
    pub gid: u32,
    /// The file.
    pub kind: Kind,
}

/// The text with all changes that can be made.
#[must_use]
pub fn changed(text: &[u8], to: &Doing<'_>, changes: &[(&str, Act)]) -> Vec<u8> {
    let mut lines: Vec<Vec<u8>> = text.split(|&byte| byte == b'\n').map(<[u8]>::to_vec).collect();
    for (user, act) in changes {
        let _ = change(&mut lines, to, user, *act);
    }
    lines.join(&b"\n"[..])
}

/// Makes one change; what came of it, or `None` when it may not be made.
fn change(lines: &mut [Vec<u8>], to: &Doing<'_>, user: &str, act: Act) -> Option<Change> {
    let all = lines.iter().filter(|line| is_of(line, to.group)).count();
    let within = |line: &Vec<u8>| is_of(line, to.group) && members(line).iter().any(|field| is(field, user));
    match act {
        Act::Add => {
            let one = |line: &&mut Vec<u8>| is_good(line, to) && !line.ends_with(b"\r");
            let line = lines.iter_mut().find(one).filter(|_| all == 1 && may_be_written(user))?;
            let mut list = members(line);
            if list.iter().any(|field| is(field, user)) {
                return Some(Change::AlreadySo);
            }
            list.push(user.as_bytes().to_vec());
            put(line, &list);
        }
        Act::Remove => {
            if !lines.iter().any(within) {
                return Some(Change::AlreadySo);
            }
            if lines.iter().any(|line| within(line) && !is_good(line, to)) {
                return None;
            }
            for line in lines.iter_mut().filter(|line| within(line)) {
                let mut list = members(line);
                list.retain(|field| !is(field, user));
                put(line, &list);
            }
        }
    }
    Some(Change::Done)
}

/// Whether the C library takes the line for one of this group.
fn is_of(line: &[u8], group: &str) -> bool {
    let line = without_white_space(line);
    !line.starts_with(b"+")
        && !line.starts_with(b"-")
        && !line.starts_with(b"#")
        && line.split(|&byte| byte == b':').next() == Some(group.as_bytes())
        && !line.is_empty()
}

/// Whether every reader takes the line for the same: four fields, the right number, nothing before the name.
fn is_good(line: &[u8], to: &Doing<'_>) -> bool {
    let fields: Vec<&[u8]> = line.split(|&byte| byte == b':').collect();
    let number = |field: &&[u8]| {
        let digits = !field.is_empty() && field.iter().all(u8::is_ascii_digit);
        let value = std::str::from_utf8(field).ok().and_then(|text| text.parse::<u32>().ok());
        digits && value == Some(to.gid)
    };
    is_of(line, to.group)
        && line.starts_with(to.group.as_bytes())
        && !line.contains(&0)
        && fields.len() == 4
        && match to.kind {
            Kind::Group => fields.get(2).is_some_and(number),
            Kind::Gshadow => true,
        }
}

/// The fields of the list, as they stand.
fn members(line: &[u8]) -> Vec<Vec<u8>> {
    let last = line.rsplit(|&byte| byte == b':').next().unwrap_or_default();
    let last = last.strip_suffix(b"\r").unwrap_or(last);
    if last.is_empty() { Vec::new() } else { last.split(|&byte| byte == b',').map(<[u8]>::to_vec).collect() }
}

fn put(line: &mut Vec<u8>, members: &[Vec<u8>]) {
    let ending: &[u8] = if line.ends_with(b"\r") { b"\r" } else { b"" };
    let head = line.iter().rposition(|&byte| byte == b':').map_or(0, |colon| colon + 1);
    line.truncate(head);
    line.extend(members.join(&b","[..]));
    line.extend_from_slice(ending);
}

fn is(field: &[u8], user: &str) -> bool {
    without_white_space(field) == user.as_bytes()
}

/// As isspace(3) has it: the standard library's ASCII white space is without the vertical tab.
fn without_white_space(text: &[u8]) -> &[u8] {
    let white = text.iter().take_while(|&&byte| byte == b' ' || (0x09..=0x0d).contains(&byte)).count();
    text.get(white..).unwrap_or_default()
}

/// A name that every reader of the list takes for that name.
fn may_be_written(user: &str) -> bool {
    let odd = |c: char| c.is_control() || c == ':' || c == ',';
    !user.is_empty() && !user.contains(odd) && !user.starts_with(['+', '-']) && user == user.trim()
}
