//! The account databases of this host in /etc, read once for one look-up: passwd(5), group(5), shadow(5).

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;

use nix::unistd::Group;

use super::PeopleError;
use super::first;
use super::shadow::Shadow;

/// The accounts of this host.
pub(super) const PASSWD: &str = "/etc/passwd";

/// The texts of the local databases.
#[derive(Default)]
pub(super) struct Local {
    pub(super) passwd: String,
    pub(super) group: String,
    pub(super) shadow: String,
    pub(super) nsswitch: String,
}

impl Local {
    /// Reads all of them, and where NSS looks.
    ///
    /// # Errors
    /// When one is there and cannot be read.
    pub(super) fn read() -> Result<Self, PeopleError> {
        Ok(Self {
            passwd: local_file(PASSWD)?,
            group: local_file("/etc/group")?,
            shadow: local_file("/etc/shadow")?,
            nsswitch: local_file("/etc/nsswitch.conf")?,
        })
    }

    /// Every account name that has this uid here.
    pub(super) fn names_of(&self, uid: u32) -> impl Iterator<Item = String> {
        let named = accounts(&self.passwd).filter(move |(_, its_uid)| *its_uid == uid);
        named.map(|(name, _)| name.to_owned())
    }

    /// The line of `name` in /etc/shadow.
    pub(super) fn shadow(&self, name: &str) -> Shadow {
        Shadow::parse(&self.shadow, name)
    }

    /// Every name that these numbers have in /etc/group; a number without a name is not among them.
    pub(super) fn names_of_groups(&self, gids: &[u32]) -> BTreeMap<u32, Vec<String>> {
        let mut names: BTreeMap<u32, Vec<String>> = BTreeMap::new();
        for line in self.groups().filter(|line| gids.contains(&line.gid)) {
            names.entry(line.gid).or_default().push(line.name.to_owned());
        }
        names
    }

    /// Those of the groups of which NSS would say what stands here, and nothing else.
    pub(super) fn first_groups(&self, names: &BTreeSet<String>) -> BTreeMap<String, Group> {
        match first::files_come_first(&self.nsswitch) {
            true => first::plain_groups(&self.group, names.iter()),
            false => BTreeMap::new(),
        }
    }

    /// Whether /etc/group has a group of this name.
    pub(super) fn has_group(&self, name: &str) -> bool {
        self.groups().any(|line| line.name == name)
    }

    /// Accounts that are in a group by what is written here: listed in a line of its name or its number, or with its
    /// number as their primary group.
    pub(super) fn members(&self, name: &str, gid: u32) -> BTreeSet<String> {
        let lines = self.groups().filter(|line| line.name == name || line.gid == gid);
        let listed = lines.flat_map(|line| line.members.split(',')).map(str::trim);
        let primary = self.passwd.lines().filter_map(|line| {
            let mut fields = line.split(':');
            let (name, its_gid) = (fields.next()?, fields.nth(2)?);
            (its_gid.parse() == Ok(gid)).then_some(name)
        });
        listed.chain(primary).filter(|name| !name.is_empty()).map(str::to_owned).collect()
    }

    fn groups(&self) -> impl Iterator<Item = GroupLine<'_>> {
        self.group.lines().filter_map(GroupLine::parse)
    }
}

/// Every uid in the text of a passwd(5).
pub(super) fn uids(passwd: &str) -> impl Iterator<Item = u32> {
    accounts(passwd).map(|(_, uid)| uid)
}

/// The name and the uid in each line that has both.
fn accounts(passwd: &str) -> impl Iterator<Item = (&str, u32)> {
    passwd.lines().filter_map(|line| {
        let mut fields = line.split(':');
        Some((fields.next()?, fields.nth(1)?.parse().ok()?))
    })
}

/// A line of /etc/group.
struct GroupLine<'a> {
    name: &'a str,
    gid: u32,
    members: &'a str,
}

impl<'a> GroupLine<'a> {
    /// `None` for a line that is none of a group, as glibc passes it over.
    fn parse(line: &'a str) -> Option<Self> {
        let (name, rest) = field(line);
        let (gid, rest) = field(field(rest?).1?);
        Some(Self { name, gid: gid.parse().ok()?, members: rest.map_or("", |rest| field(rest).0) })
    }
}

/// The text up to the first colon, and what stands behind it. Fields are short: looking at byte after byte finds their end
/// faster than what finds one far away, and a look-up goes through all lines.
fn field(line: &str) -> (&str, Option<&str>) {
    let colon = line.bytes().position(|byte| byte == b':').and_then(|at| line.split_at_checked(at));
    match colon {
        Some((field, rest)) => (field, rest.get(1..)),
        None => (line, None),
    }
}

/// The text of a local database; nothing when this host has none.
fn local_file(path: &'static str) -> Result<String, PeopleError> {
    match fs::read(path) {
        Ok(text) => Ok(String::from_utf8(text)
            .unwrap_or_else(|odd| String::from_utf8_lossy(odd.as_bytes()).into_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
        Err(source) => Err(PeopleError::File { path, source }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_that_shares_its_number_is_a_group_all_the_same() {
        let group = "users:x:100:\nstaff:x:50:alice\ncontractors:x:100:\nbroken\nother:x:7:\n".to_owned();
        let local = Local { group, ..Local::default() };
        let names = local.names_of_groups(&[100, 50, 9]);
        assert_eq!(
            names.get(&100).map(Vec::as_slice),
            Some(&["users".to_owned(), "contractors".to_owned()][..])
        );
        assert_eq!(names.get(&50).map(Vec::as_slice), Some(&["staff".to_owned()][..]));
        assert_eq!(names.len(), 2);
    }

    #[test]
    fn members_are_listed_or_have_the_group_as_their_first() {
        let local = Local {
            passwd: "alice:x:1000:50::/:/bin/sh\nbob:x:1001:100::/:/bin/sh\nbroken\nhalf:x:7\n".into(),
            group: "leads:x:50:carol, dave,\nalso:x:50:erin\nleads:x:51:fred\nother:x:7:bob\n".into(),
            ..Local::default()
        };
        let members = |name, gid| local.members(name, gid).into_iter().collect::<Vec<_>>().join(" ");
        assert_eq!(members("leads", 50), "alice carol dave erin fred");
        assert_eq!(members("other", 7), "bob");
        assert_eq!(members("of-a-directory", 100), "bob");
        assert!(local.has_group("other") && !local.has_group("broken") && !local.has_group("lead"));
    }
}
