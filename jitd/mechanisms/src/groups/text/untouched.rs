//! A second look at a changed text, by other means than those that changed it: what else is different?

use std::collections::BTreeSet;

use super::{name_of, ranges};

/// Whether nothing but the member lists of these groups differs between two texts. (An editor of another project
/// overwrote gids: CVE-2026-6970.)
#[must_use]
pub fn only_members_differ(before: &[u8], after: &[u8], groups: &BTreeSet<&str>) -> bool {
    let (mut old, mut new) = (ranges(before), ranges(after));
    let line = |bytes: &[u8], range: std::ops::Range<usize>| bytes.get(range).unwrap_or_default().to_vec();
    if before.ends_with(b"\n") != after.ends_with(b"\n") {
        return false;
    }
    loop {
        match (old.next(), new.next()) {
            (None, None) => return true,
            (Some((_, old)), Some((_, new))) => {
                if before.get(old.clone()) == after.get(new.clone()) {
                    continue;
                }
                let (old, new) = (line(before, old), line(after, new));
                let named = name_of(&old)
                    .and_then(|name| std::str::from_utf8(name).ok())
                    .is_some_and(|name| groups.contains(name));
                if !named || head(&old) != head(&new) || old.ends_with(b"\r") != new.ends_with(b"\r") {
                    return false;
                }
            }
            (Some(_), None) | (None, Some(_)) => return false,
        }
    }
}

/// All but the last field.
fn head(line: &[u8]) -> &[u8] {
    let end = line.iter().rposition(|&byte| byte == b':').unwrap_or(line.len());
    line.get(..end).unwrap_or_default()
}
