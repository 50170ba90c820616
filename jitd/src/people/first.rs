//! Groups that need no question to NSS: where it asks /etc/group before anything else, a group with one plain line there is that
//! line. Each question would be a walk through the whole file.

use std::collections::BTreeMap;
use std::ffi::CString;

use nix::unistd::{Gid, Group};

/// Whether NSS ends its search for a group at /etc/group when it is found there (nsswitch.conf(5)). Anything out of the
/// ordinary is a no: a second line, an action in brackets behind the source, another source before it.
pub(super) fn files_come_first(nsswitch: &str) -> bool {
    let plain = nsswitch.lines().map(|line| line.split('#').next().unwrap_or_default());
    let mut sources =
        plain.filter_map(|line| line.trim_start().strip_prefix("group")?.trim_start().strip_prefix(':'));
    let (Some(only), None) = (sources.next(), sources.next()) else { return false };
    let mut words = only.split_ascii_whitespace();
    words.next() == Some("files") && words.next().is_none_or(|next| !next.starts_with('['))
}

/// The groups of these names that have one line in `text`, which is /etc/group, and a line that can be read in one way only.
pub(super) fn plain_groups<'a>(
    text: &str,
    names: impl Iterator<Item = &'a String>,
) -> BTreeMap<String, Group> {
    // What stands under a name: a group, or that nobody but NSS can tell.
    let mut found: BTreeMap<&str, Option<Option<Group>>> = names.map(|name| (name.as_str(), None)).collect();
    // Most lines of a long file are passed over by their first byte.
    let firsts: Vec<u8> = found.keys().filter_map(|name| name.bytes().next()).collect();
    let may_be = |line: &&str| {
        let first = line.bytes().next();
        first.is_some_and(|byte| firsts.contains(&byte) || !byte.is_ascii_graphic())
    };
    for line in text.lines().filter(may_be) {
        let end = line.bytes().position(|byte| byte == b':').unwrap_or(line.len());
        let name = line.get(..end).unwrap_or_default();
        if let Some(seen) = found.get_mut(name.trim()) {
            *seen = Some(if seen.is_some() { None } else { plain(line) });
        }
    }
    let group = |(name, seen): (&str, Option<Option<Group>>)| Some((name.to_owned(), seen??));
    found.into_iter().filter_map(group).collect()
}

/// A line as groupadd(8) and gpasswd(1) write it.
fn plain(line: &str) -> Option<Group> {
    let is_plain =
        |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic()) && !text.starts_with(['+', '-', '#']);
    let mut fields = line.split(':');
    let (name, _password, gid, members) = (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
    if fields.next().is_some()
        || name.is_empty()
        || !is_plain(line)
        || !gid.bytes().all(|byte| byte.is_ascii_digit())
    {
        return None;
    }
    let mem = members.split(',').filter(|member| !member.is_empty()).map(str::to_owned).collect();
    let gid = Gid::from_raw(gid.parse().ok()?);
    Some(Group { name: name.to_owned(), passwd: CString::default(), gid, mem })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_source_is_known_only_where_it_is_said_plainly() {
        for first in [
            "group: files",
            "passwd: sss\ngroup:\t files systemd # all\n",
            " group : files sss [NOTFOUND=return]",
        ] {
            assert!(files_come_first(first), "{first}");
        }
        let others = [
            "",
            "passwd: files",
            "#group: files",
            "group: sss files",
            "group: compat",
            "group:",
            "group: files [SUCCESS=merge] sss",
            "group: files [SUCCESS=continue] sss",
            "group: files\ngroup: sss files",
            "gshadow: files",
            "groups: files",
        ];
        for other in others {
            assert!(!files_come_first(other), "{other}");
        }
    }

    #[test]
    fn only_what_can_be_read_in_one_way_is_taken() {
        let text = "leads:x:50:alice,bob\nempty:!:51:\ntwice:x:52:\ntwice:x:53:carol\nshort:x:54\nlong:x:55:a:b\n\
            odd:x:5x:\nsigned:x:+56:\nspaced:x:57:a, b\n indented:x:58:\nled:x:59:\n led:x:60:\nbroken\nhuge:x:99999999999:\n";
        let names = [
            "leads", "empty", "twice", "short", "long", "odd", "signed", "spaced", "indented", "led",
            "broken", "huge",
        ];
        let names: Vec<String> = names.into_iter().chain(["missing", "lead"]).map(str::to_owned).collect();
        let found = plain_groups(text, names.iter());
        let told: Vec<_> = found
            .values()
            .map(|group| (group.name.as_str(), group.gid.as_raw(), group.mem.join(" ")))
            .collect();
        assert_eq!(told, [("empty", 51, String::new()), ("leads", 50, "alice bob".to_owned())]);
    }
}
