//! A second look at a changed text, by other means than those that changed it: what else is different?

use std::collections::BTreeSet;

use super::{name_of, ranges};

/// How much is compared at a time.
const CHUNK: usize = 4096;

/// Whether nothing but the member lists of these groups differs between two texts. (An editor of another project
/// overwrote gids: CVE-2026-6970.)
#[must_use]
pub fn only_members_differ(before: &[u8], after: &[u8], groups: &BTreeSet<&str>) -> bool {
    if before.ends_with(b"\n") != after.ends_with(b"\n") {
        return false;
    }
    // What is the same up to the first difference and from the last one on needs no look line by line.
    let start = line_start(before, same_at_the_start(before, after));
    let (before, after) = (before.get(start..).unwrap_or_default(), after.get(start..).unwrap_or_default());
    let end = same_at_the_end(before, after);
    let (before, after) = (upto_line_end(before, end), upto_line_end(after, end));
    let (mut old, mut new) = (ranges(before), ranges(after));
    loop {
        match (old.next(), new.next()) {
            (None, None) => return true,
            (Some((_, old)), Some((_, new))) => {
                let (old, new) = (before.get(old).unwrap_or_default(), after.get(new).unwrap_or_default());
                if old != new && !is_change_of_members(old, new, groups) {
                    return false;
                }
            }
            (Some(_), None) | (None, Some(_)) => return false,
        }
    }
}

fn is_change_of_members(old: &[u8], new: &[u8], groups: &BTreeSet<&str>) -> bool {
    let named = name_of(old).and_then(|name| std::str::from_utf8(name).ok());
    named.is_some_and(|name| groups.contains(name)) && head(old) == head(new) && keeps_its_ending(old, new)
}

/// A carriage return before the newline stays. A new one is the end of a member who stood further ahead, and is the last one now.
fn keeps_its_ending(old: &[u8], new: &[u8]) -> bool {
    match (old.ends_with(b"\r"), new.ends_with(b"\r")) {
        (true, true) | (false, false) => true,
        (true, false) => false,
        (false, true) => {
            let separates = |byte: &u8| *byte == b':' || *byte == b',';
            let last = new.rsplit(separates).next().unwrap_or_default();
            old.rsplit(separates).any(|field| field == last)
        }
    }
}

/// All but the last field.
fn head(line: &[u8]) -> &[u8] {
    let end = line.iter().rposition(|&byte| byte == b':').unwrap_or(line.len());
    line.get(..end).unwrap_or_default()
}

/// How many bytes are the same from the start on, at least: whole chunks only.
fn same_at_the_start(one: &[u8], other: &[u8]) -> usize {
    let pairs = one.chunks_exact(CHUNK).zip(other.chunks_exact(CHUNK));
    pairs.take_while(|(one, other)| one == other).count() * CHUNK
}

/// The same from the end on.
fn same_at_the_end(one: &[u8], other: &[u8]) -> usize {
    let pairs = one.rchunks_exact(CHUNK).zip(other.rchunks_exact(CHUNK));
    pairs.take_while(|(one, other)| one == other).count() * CHUNK
}

/// Where the line of this byte begins.
fn line_start(text: &[u8], at: usize) -> usize {
    let before = text.get(..at).unwrap_or_default();
    before.iter().rposition(|&byte| byte == b'\n').map_or(0, |newline| newline + 1)
}

/// Without those of its last `same` bytes that are whole lines.
fn upto_line_end(text: &[u8], same: usize) -> &[u8] {
    let from = text.len().saturating_sub(same);
    let newline = text.get(from..).unwrap_or_default().iter().position(|&byte| byte == b'\n');
    newline.and_then(|newline| text.get(..=from + newline)).unwrap_or(text)
}
