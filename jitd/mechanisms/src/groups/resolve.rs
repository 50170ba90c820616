//! Which gid a group has, for roles that give groups: asked when the policy is loaded, and again at each request.
//!
//! Only `/etc/group` counts: a group of a directory cannot be given, so the name service is not asked.

use std::collections::{BTreeMap, BTreeSet};

use jitd_core::policy::GroupRef;

use super::file::{self, Found};
use super::refusal::{Kind, Refusal};
use super::text::{Firsts, GroupFile, name_of, ranges};
use crate::dir::{Dir, DirError};
use crate::paths::{HostPaths, name_of as last_part};

/// Why a group of this name is not given to anybody on this host.
#[derive(Debug, thiserror::Error)]
pub enum NotGiven {
    /// There is no line for it, or none that members can be put into.
    #[error(transparent)]
    Line(#[from] Refusal),
    /// It is root's group, whatever it is called.
    #[error("the group {group} has gid 0, which is root's and is never given")]
    Root {
        /// The group.
        group: String,
    },
    /// Its gid is the number that means "no group" (chown(2)).
    #[error("the group {group} has gid 4294967295, which means \"no group\"; give it another gid")]
    NoGid {
        /// The group.
        group: String,
    },
    /// Whoever is given the one is given the other.
    #[error("the groups {group} and {other} have the same gid {gid}; give one of them another")]
    Shared {
        /// The group.
        group: String,
        /// The one that has its gid, too.
        other: String,
        /// The gid.
        gid: u32,
    },
    /// Nobody can be put into any group.
    #[error("/etc/group cannot be changed: {why}")]
    Fixed {
        /// Why not.
        why: String,
    },
    /// It could not be read.
    #[error("/etc/group could not be read")]
    Read(#[source] DirError),
}

/// Looks every name up in one reading of `/etc/group`. In the order of the names, each once.
///
/// # Errors
/// Everything that is wrong with any of them: a role is given whole or not at all.
pub fn resolve<'n>(
    paths: &HostPaths,
    names: impl IntoIterator<Item = &'n str>,
) -> Result<Vec<GroupRef>, Vec<NotGiven>> {
    let names: BTreeSet<&str> = names.into_iter().collect();
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let found = Dir::open(&paths.etc_dir, paths.owner)
        .and_then(|dir| file::read(&dir, last_part(&paths.etc_group)))
        .map_err(|error| vec![NotGiven::Read(error)])?;
    let bytes = match found {
        Found::File(read) => read.bytes,
        // No file at all is a file without groups.
        Found::Missing => Vec::new(),
        Found::Fixed(why) => return Err(vec![NotGiven::Fixed { why }]),
    };
    let (mut groups, mut wrong) = (Vec::new(), Vec::new());
    for group in look_up(&bytes, &names) {
        match group {
            Ok(group) => groups.push(group),
            Err(why) => wrong.push(why),
        }
    }
    if wrong.is_empty() { Ok(groups) } else { Err(wrong) }
}

/// What the text of `/etc/group` says of each name.
fn look_up(bytes: &[u8], names: &BTreeSet<&str>) -> Vec<Result<GroupRef, NotGiven>> {
    let numbers = Numbers::read(bytes, names);
    let file = GroupFile::parse(bytes, Kind::Group, names);
    names
        .iter()
        .map(|name| {
            let group = || (*name).to_owned();
            // Without a gid there is no such line or it is a bad one, and the file knows which.
            let gid = numbers.of_name.get(name.as_bytes()).copied().unwrap_or_default();
            file.members(name, gid)?;
            match gid {
                0 => return Err(NotGiven::Root { group: group() }),
                u32::MAX => return Err(NotGiven::NoGid { group: group() }),
                _ => {}
            }
            let others = numbers.names.get(&gid).map(Vec::as_slice).unwrap_or_default();
            if let Some(other) = others.iter().find(|other| **other != name.as_bytes()) {
                let other = String::from_utf8_lossy(other).into_owned();
                return Err(NotGiven::Shared { group: group(), other, gid });
            }
            Ok(GroupRef { gid, name: group() })
        })
        .collect()
}

/// The gids of the groups that are asked for, and every name that has one of them.
#[derive(Default)]
struct Numbers<'b> {
    of_name: BTreeMap<&'b [u8], u32>,
    names: BTreeMap<u32, Vec<&'b [u8]>>,
}

impl<'b> Numbers<'b> {
    fn read(bytes: &'b [u8], names: &BTreeSet<&str>) -> Self {
        let wanted: BTreeSet<&[u8]> = names.iter().map(|name| name.as_bytes()).collect();
        let firsts = Firsts::of(names);
        let lines = || ranges(bytes).filter_map(|(_, range)| bytes.get(range));
        let mut numbers = Self::default();
        let theirs = lines().filter(|line| firsts.may_begin(line)).filter_map(name_and_gid);
        for (name, gid) in theirs.filter(|(name, _)| wanted.contains(name)) {
            numbers.of_name.entry(name).or_insert(gid);
            numbers.names.entry(gid).or_default();
        }
        for (name, gid) in lines().filter_map(name_and_gid) {
            if let Some(names) = numbers.names.get_mut(&gid) {
                names.push(name);
            }
        }
        numbers
    }
}

/// The first and the third field of a line. A gid is read more freely than where members are changed, so that no odd way
/// of writing hides that two groups share it.
fn name_and_gid(line: &[u8]) -> Option<(&[u8], u32)> {
    let name = name_of(line)?;
    // Byte after byte: fields are short, and every line of a long file comes here.
    let colon = |text: &[u8]| text.iter().position(|&byte| byte == b':');
    let second = line.get(colon(line)? + 1..)?;
    let third = second.get(colon(second)? + 1..)?;
    let third = third.get(..colon(third).unwrap_or(third.len()))?;
    Some((name, number(third)?))
}

fn number(field: &[u8]) -> Option<u32> {
    let digit = |number: Option<u32>, byte: &u8| match byte {
        b'0'..=b'9' => number?.checked_mul(10)?.checked_add(u32::from(byte - b'0')),
        _ => None,
    };
    let plain = if field.is_empty() { None } else { field.iter().fold(Some(0), digit) };
    plain.or_else(|| std::str::from_utf8(field).ok()?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]
    use std::fs;
    use std::os::unix::fs::PermissionsExt;
    use std::time::{Duration, Instant};

    use super::*;
    use crate::scratch::Scratch;

    fn host(text: &str) -> Scratch {
        let scratch = Scratch::new();
        fs::write(scratch.paths().etc_group, text).unwrap();
        scratch
    }

    fn said(text: &str, name: &str) -> String {
        let wrong = resolve(&host(text).paths(), [name]).unwrap_err();
        assert_eq!(wrong.len(), 1, "{wrong:?}");
        wrong.first().unwrap().to_string()
    }

    const GROUPS: &str = "root:x:0:\ndocker:x:998:alice\nadm:x:4:syslog,alice\n+::0:\nlast:x:1000:";

    #[test]
    fn every_name_gets_its_gid_in_the_order_of_the_names() {
        let host = host(GROUPS);
        let found = resolve(&host.paths(), ["last", "docker", "adm", "docker"]).unwrap();
        let found: Vec<(&str, u32)> = found.iter().map(|group| (group.name.as_str(), group.gid)).collect();
        assert_eq!(found, [("adm", 4), ("docker", 998), ("last", 1000)]);
        assert_eq!(resolve(&host.paths(), []).unwrap(), []);
    }

    #[test]
    fn a_group_that_is_not_there_once_and_in_good_shape_is_not_given() {
        for (text, name, what) in [
            (GROUPS, "dockers", "there is no group dockers in /etc/group"),
            ("", "docker", "there is no group docker in /etc/group"),
            ("+docker:x:998:\n", "docker", "there is no group docker"),
            ("# docker:x:998:\n", "docker", "there is no group docker"),
            (GROUPS, "root", "gid 0"),
            ("toor:x:0:\n", "toor", "gid 0"),
            ("toor:x:00:\n", "toor", "gid 0"),
            ("none:x:4294967295:\n", "none", "means \"no group\""),
            ("big:x:4294967296:\n", "big", "not a gid"),
            ("docker:x::\n", "docker", "not a gid"),
            ("docker:x:998\n", "docker", "3 fields and not 4"),
            (" docker:x:998:\n", "docker", "white space"),
            ("docker:x:998:alice\r\n", "docker", "carriage return"),
            ("docker:x:998:\ndocker:x:997:\n", "docker", "more than once (lines 1, 2)"),
            (
                "docker:x:998:\nvideo:x:44:\nadmins:x:998:\n",
                "docker",
                "docker and admins have the same gid 998",
            ),
            ("admins:x:00998:\ndocker:x:998:\n", "docker", "docker and admins have the same gid 998"),
            ("admins:x:998\ndocker:x:998:\n", "docker", "docker and admins have the same gid 998"),
        ] {
            let said = said(text, name);
            assert!(said.contains(what), "{text:?} {name}: {said}");
        }
    }

    #[test]
    fn all_that_is_wrong_is_told_at_once() {
        let host = host(GROUPS);
        let wrong = resolve(&host.paths(), ["root", "docker", "nope"]).unwrap_err();
        assert_eq!(wrong.len(), 2, "{wrong:?}");
    }

    #[test]
    fn without_a_file_to_change_there_is_no_group_to_give() {
        let scratch = Scratch::new();
        let paths = scratch.paths();
        let first = || resolve(&paths, ["docker"]).unwrap_err().remove(0);
        assert!(matches!(first(), NotGiven::Line(Refusal::NoSuchGroup { .. })), "{:?}", first());
        fs::create_dir(&paths.etc_group).unwrap();
        assert!(matches!(first(), NotGiven::Fixed { .. }), "{:?}", first());
        fs::set_permissions(&paths.etc_dir, fs::Permissions::from_mode(0o777)).unwrap();
        assert!(matches!(first(), NotGiven::Read(_)), "{:?}", first());
    }

    #[test]
    fn ten_thousand_groups_are_looked_through_in_no_time() {
        use std::fmt::Write as _;
        let mut text = String::new();
        for at in 0..10_000 {
            writeln!(text, "team{at}:x:{}:anna{at},bert{at},cleo{at},dora{at},emil{at}", 2_000 + at).unwrap();
        }
        let host = host(&text);
        let names = ["team9999", "team1", "team5000"];
        let once = || {
            let began = Instant::now();
            assert_eq!(resolve(&host.paths(), names).unwrap().len(), 3);
            began.elapsed()
        };
        let best = (0..20).map(|_| once()).min().unwrap();
        // Two milliseconds are what a request may spend on it; a build without optimisation takes many times longer.
        let limit = if cfg!(debug_assertions) { Duration::from_millis(50) } else { Duration::from_millis(2) };
        assert!(best < limit, "{best:?}");
    }
}
