//! The text of `applied`: written in the second version of the format, read in both.
//!
//! ```text
//! jit-applied 2
//! grant ID uid=UID boot=BOOT_ID until_boot=NANOS until_wall=NANOS undo=sudoers,groups groups=MEMBERSHIP,…
//! given MEMBERSHIP
//! end COUNT
//! ```
//!
//! Grants come before what was given. `COUNT` counts both, so a file that was cut off anywhere is noticed. A membership
//! is one word (see [`Membership::to_word`]). The first version has neither `groups=` nor `given`; it is read because
//! jitd may be upgraded while grants of the older one are live.

use std::collections::BTreeSet;
use std::fmt::{self, Write};

use jitd_core::now::{BootId, Deadline};

use super::{Applied, AppliedError, AppliedGrant, Damage, Undo};
use crate::groups::Membership;

/// The first line: what this is, and in which version of the format.
pub(super) const HEADER: &str = "jit-applied 2";

/// The first line of the version before.
pub(super) const HEADER_1: &str = "jit-applied 1";

/// Which version a text is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Version {
    One,
    Two,
}

/// The text of the file.
///
/// # Errors
/// A boot id that the format cannot hold.
pub fn render(applied: &Applied) -> Result<String, AppliedError> {
    let mut text = format!("{HEADER}\n");
    for grant in &applied.grants {
        let AppliedGrant { id, uid, deadline: Deadline { wall, boot, boot_id }, undo, groups } = grant;
        if !is_boot_id(&boot_id.0) {
            return Err(AppliedError::BootId { id: *id, boot_id: boot_id.0.to_string() });
        }
        let undo: Vec<_> = undo.iter().map(|undo| undo.word()).collect();
        let groups: Vec<_> = groups.iter().map(Membership::to_word).collect();
        let (undo, groups) = (undo.join(","), groups.join(","));
        let times = format_args!("until_boot={boot} until_wall={wall}");
        // Writing to a String cannot fail.
        let _ = writeln!(text, "grant {id} uid={uid} boot={boot_id} {times} undo={undo} groups={groups}");
    }
    for of in &applied.given {
        let _ = writeln!(text, "given {}", of.to_word());
    }
    let _ = writeln!(text, "end {}", count(applied));
    Ok(text)
}

/// Reads a text: all of it or nothing.
///
/// # Errors
/// The first line that is wrong, and why. A text that was cut off anywhere is wrong.
pub fn parse(text: &str) -> Result<Applied, Damage> {
    let lines: Vec<&str> = text.split('\n').collect();
    let at = |index: usize, why: &dyn fmt::Display| Damage { line: index + 1, why: why.to_string() };
    let version = match lines.first() {
        Some(&HEADER) => Version::Two,
        Some(&HEADER_1) => Version::One,
        _ => return Err(at(0, &format_args!("it begins with neither {HEADER:?} nor {HEADER_1:?}"))),
    };
    let mut applied = Applied::default();
    let mut seen = BTreeSet::new();
    for (index, line) in lines.iter().enumerate().skip(1) {
        if let Some(count) = line.strip_prefix("end ") {
            check_count(count, &applied).map_err(|why| at(index, &why))?;
            return match lines.get(index + 1..) {
                Some([""]) => Ok(applied),
                Some([]) => Err(at(index, &"the line has no end")),
                _ => Err(at(index + 1, &"something follows the last line")),
            };
        }
        if line.is_empty() && index + 1 == lines.len() {
            break;
        }
        if let (Some(word), Version::Two) = (line.strip_prefix("given "), version) {
            let of = membership(word).map_err(|why| at(index, &why))?;
            if applied.given.last().is_some_and(|last| *last >= of) {
                return Err(at(index, &format_args!("{word} is here twice, or in the wrong place")));
            }
            applied.given.insert(of);
            continue;
        }
        let grant = parse_grant(line, version).map_err(|why| at(index, &why))?;
        if !seen.insert(grant.id) {
            return Err(at(index, &format_args!("grant {} is here twice", grant.id)));
        }
        if !applied.given.is_empty() {
            return Err(at(index, &"a grant follows what was given"));
        }
        applied.grants.push(grant);
    }
    Err(at(lines.len().saturating_sub(1), &"it ends before its \"end\" line"))
}

/// How many lines there are between the first and the last.
fn count(applied: &Applied) -> usize {
    applied.grants.len() + applied.given.len()
}

fn check_count(said: &str, applied: &Applied) -> Result<(), String> {
    let here = count(applied);
    match said == here.to_string() {
        true => Ok(()),
        false => Err(format!("it counts {said:?} lines, {here} are here")),
    }
}

fn parse_grant(line: &str, version: Version) -> Result<AppliedGrant, String> {
    let mut words = line.split(' ');
    if words.next() != Some("grant") {
        return Err(format!(
            "{:?} is none of \"grant\", \"given\" and \"end\"",
            line.chars().take(40).collect::<String>()
        ));
    }
    let id = words.next().unwrap_or_default();
    let id = id.parse().map_err(|why| format!("the id {id:?}: {why}"))?;
    let uid = number(value(words.next(), "uid")?)?;
    let boot_id = value(words.next(), "boot")?;
    if !is_boot_id(boot_id) {
        return Err(format!("{boot_id:?} is no boot id"));
    }
    let boot_id = BootId(boot_id.into());
    let boot = number(value(words.next(), "until_boot")?)?;
    let wall = number(value(words.next(), "until_wall")?)?;
    let undo = value(words.next(), "undo")?;
    let undo = undo
        .split(',')
        .map(|word| Undo::parse(word).ok_or_else(|| format!("this version cannot undo {word:?}")))
        .collect::<Result<_, _>>()?;
    let groups = match version {
        Version::One => Vec::new(),
        Version::Two => memberships(value(words.next(), "groups")?)?,
    };
    match words.next() {
        None => Ok(AppliedGrant { id, uid, deadline: Deadline { wall, boot, boot_id }, undo, groups }),
        Some(word) => Err(format!("{word:?} is too much")),
    }
}

fn memberships(words: &str) -> Result<Vec<Membership>, String> {
    match words {
        "" => Ok(Vec::new()),
        words => words.split(',').map(membership).collect(),
    }
}

fn membership(word: &str) -> Result<Membership, String> {
    Membership::from_word(word).ok_or_else(|| format!("{word:?} is no membership"))
}

pub(crate) fn value<'a>(word: Option<&'a str>, key: &str) -> Result<&'a str, String> {
    let word = word.unwrap_or_default();
    word.strip_prefix(key)
        .and_then(|rest| rest.strip_prefix('='))
        .ok_or_else(|| format!("{word:?} is not {key}=…"))
}

pub(crate) fn number<N: std::str::FromStr + fmt::Display>(text: &str) -> Result<N, String> {
    match text.parse::<N>() {
        // Only as we write it: no plus sign, no leading zeros.
        Ok(number) if number.to_string() == text => Ok(number),
        _ => Err(format!("{text:?} is not a number")),
    }
}

pub(crate) fn is_boot_id(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}
