//! One group's line: its members, and what shall become of them.

use std::borrow::Cow;
use std::ops::Range;

use crate::groups::refusal::{Kind, Odd};

/// A line of a group that somebody asked for.
#[derive(Debug)]
pub(super) struct Line<'b> {
    /// Which one, counted from 1.
    pub(super) number: usize,
    /// Where it stands, without its newline.
    pub(super) range: Range<usize>,
    /// What it says, or why nobody can tell.
    pub(super) entry: Result<Entry<'b>, Odd>,
    /// Whatever stands behind the last colon, for a look into a line that is odd.
    last_field: &'b [u8],
}

/// A line in the shape of group(5) or gshadow(5).
#[derive(Debug)]
pub(super) struct Entry<'b> {
    /// `/etc/gshadow` has none.
    pub(super) gid: Option<u32>,
    /// Up to the last colon, which is in it.
    head: &'b [u8],
    /// What stands between the commas; nothing at all where the list is empty.
    fields: Vec<Cow<'b, [u8]>>,
    ending: Ending,
    state: State,
}

/// Whether anything was done to a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    AsRead,
    Changed,
}

/// What stands between the last member and the newline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    Plain,
    CarriageReturn,
}

impl<'b> Line<'b> {
    /// Reads `text`, which is the line at `range`, for the group `name`.
    pub(super) fn read(text: &'b [u8], number: usize, range: Range<usize>, name: &str, kind: Kind) -> Self {
        let last_field = text.rsplit(|&byte| byte == b':').next().unwrap_or_default();
        Self { number, range, entry: Entry::read(text, name, kind), last_field }
    }

    /// Whether the user is in it, odd or not.
    pub(super) fn has(&self, user: &str) -> bool {
        match &self.entry {
            Ok(entry) => entry.has(user),
            Err(_) => {
                let list = self.last_field.strip_suffix(b"\r").unwrap_or(self.last_field);
                fields(list).any(|field| is(field, user))
            }
        }
    }
}

impl<'b> Entry<'b> {
    fn read(text: &'b [u8], name: &str, kind: Kind) -> Result<Self, Odd> {
        if !text.starts_with(name.as_bytes()) {
            return Err(Odd::LeadingSpace);
        }
        if text.contains(&0) {
            return Err(Odd::Nul);
        }
        let colons: Vec<usize> =
            text.iter().enumerate().filter(|(_, byte)| **byte == b':').map(|(at, _)| at).collect();
        let &[_, second, third] = colons.as_slice() else {
            return Err(Odd::Fields { found: colons.len().saturating_add(1) });
        };
        let gid = match kind {
            Kind::Group => Some(gid(text.get(second + 1..third).unwrap_or_default()).ok_or(Odd::Gid)?),
            Kind::Gshadow => None,
        };
        let (head, members) = text.split_at(third + 1);
        let (members, ending) = match members.strip_suffix(b"\r") {
            Some(members) => (members, Ending::CarriageReturn),
            None => (members, Ending::Plain),
        };
        let fields =
            if members.is_empty() { Vec::new() } else { fields(members).map(Cow::Borrowed).collect() };
        Ok(Self { gid, head, fields, ending, state: State::AsRead })
    }

    /// The members, empty fields left out.
    pub(super) fn members(&self) -> impl Iterator<Item = &[u8]> {
        self.fields.iter().map(|field| trimmed(field)).filter(|field| !field.is_empty())
    }

    /// Whether the user is in it.
    pub(super) fn has(&self, user: &str) -> bool {
        self.fields.iter().any(|field| is(field, user))
    }

    /// Whether a member put at its end would count.
    pub(super) fn takes_members(&self) -> Result<(), Odd> {
        match self.ending {
            Ending::Plain => Ok(()),
            Ending::CarriageReturn => Err(Odd::CarriageReturn),
        }
    }

    /// Puts the user behind the last member; he is not in it.
    pub(super) fn add(&mut self, user: &str) {
        self.fields.push(Cow::Owned(user.as_bytes().to_vec()));
        self.state = State::Changed;
    }

    /// Takes the user out, however often he is in it.
    pub(super) fn remove(&mut self, user: &str) {
        self.fields.retain(|field| !is(field, user));
        // What is left of "alice," without alice is an empty list, and not one empty member.
        if self.fields == [b"".as_slice()] {
            self.fields.clear();
        }
        self.state = State::Changed;
    }

    /// The line as it is now, without its newline; `None` when nothing was done to it.
    pub(super) fn rendered(&self) -> Option<Vec<u8>> {
        if self.state == State::AsRead {
            return None;
        }
        let mut line = self.head.to_vec();
        line.extend(self.fields.join(&b","[..]));
        if self.ending == Ending::CarriageReturn {
            line.push(b'\r');
        }
        Some(line)
    }
}

fn fields(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|&byte| byte == b',')
}

/// Whether a field names the user. The C library passes over white space before a member, so we do.
fn is(field: &[u8], user: &str) -> bool {
    trimmed(field) == user.as_bytes()
}

/// White space, as isspace(3) has it.
pub(super) const WHITE: [u8; 6] = [b' ', 0x09, 0x0a, 0x0b, 0x0c, 0x0d];

/// Without the white space before it.
pub(super) fn trimmed(text: &[u8]) -> &[u8] {
    let white = text.iter().take_while(|byte| WHITE.contains(byte)).count();
    text.get(white..).unwrap_or_default()
}

/// The gid in the third field of a line, if it has one.
pub(super) fn gid_of(text: &[u8]) -> Option<u32> {
    text.split(|&byte| byte == b':').nth(2).and_then(gid)
}

/// The members in the last field of a line, empty ones left out.
pub(super) fn members_of(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let list = text.rsplit(|&byte| byte == b':').next().unwrap_or_default();
    fields(list.strip_suffix(b"\r").unwrap_or(list)).map(trimmed).filter(|member| !member.is_empty())
}

fn gid(field: &[u8]) -> Option<u32> {
    let digits = !field.is_empty() && field.iter().all(u8::is_ascii_digit);
    if digits { std::str::from_utf8(field).ok()?.parse().ok() } else { None }
}
