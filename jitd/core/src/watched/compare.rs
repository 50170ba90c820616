//! What differs between two looks.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use alloc::vec::Vec;

use super::{Found, LeftOut, Look, Seen, Thing};
use crate::record::{Change, How};

/// Who was in a group by jitd while one of the looks was under way: the group and the member. That they come and go is
/// nothing that somebody left behind.
pub type Lent = BTreeSet<(String, String)>;

/// What is other in `after` than in `before`, for a grant that began at `since`, nanoseconds of the wall clock.
///
/// Without a look before, and for what was changed before that look came to it, the time of the last change decides. What one of
/// the two has not looked at is not compared: it is in `left_out` of that one.
#[must_use]
pub fn compare(before: Option<&Look>, after: &Look, since: i64, lent: &Lent) -> Vec<Change> {
    let known: BTreeMap<&Thing, &Seen> = before.map(|look| by_thing(&look.found)).unwrap_or_default();
    let now = by_thing(&after.found);
    let unseen_before = before.map(|look| folders(&look.found.left_out)).unwrap_or_default();
    let unseen_after = folders(&after.found.left_out);
    let same_boot = before.is_some_and(|look| look.boot_id == after.boot_id);
    let mut changes = Vec::new();
    for (thing, seen) in &now {
        let late = seen.changed.is_some_and(|at| at >= since);
        let how = match known.get(thing) {
            Some(was) if was.mark != seen.mark => Some(How::Changed),
            Some(_) if late && before.is_some_and(|look| seen.changed <= Some(look.done)) => {
                Some(How::Touched)
            }
            Some(_) => None,
            None if before.is_some() && !is_under(thing, &unseen_before) => Some(How::New),
            None => late.then_some(How::Touched),
        };
        changes.extend(
            how.filter(|how| is_told(thing, *how, same_boot, lent)).map(|how| change(thing, how, seen)),
        );
    }
    for (thing, was) in known.iter().filter(|(thing, _)| !now.contains_key(*thing)) {
        if !is_under(thing, &unseen_after) && is_told(thing, How::Gone, same_boot, lent) {
            changes.push(change(thing, How::Gone, was));
        }
    }
    changes
}

fn by_thing(found: &Found) -> BTreeMap<&Thing, &Seen> {
    found.things.iter().map(|(thing, seen)| (thing, seen)).collect()
}

fn folders(left_out: &[LeftOut]) -> BTreeSet<&str> {
    left_out.iter().map(|left| left.path.as_str()).collect()
}

fn change(thing: &Thing, how: How, seen: &Seen) -> Change {
    Change { how, thing: thing.clone(), says: seen.says.clone(), gid: seen.gid }
}

/// Whether a difference says anything of what people did.
fn is_told(thing: &Thing, how: How, same_boot: bool, lent: &Lent) -> bool {
    match thing {
        // A port is opened by each start of a service, and closes with it.
        Thing::Port(_) => same_boot && how != How::Gone,
        Thing::Member(_, group, user) => !lent.contains(&(group.clone(), user.clone())),
        // What lies under /run is made anew by each boot.
        Thing::SetId(path) | Thing::Capability(path) | Thing::File(path) => {
            same_boot || !is_below(path, "/run")
        }
        Thing::Line(..) => true,
    }
}

/// Whether it, or a folder above it, is one of these.
fn is_under(thing: &Thing, folders: &BTreeSet<&str>) -> bool {
    let path = match thing {
        Thing::Line(file, _) | Thing::Member(file, _, _) => file,
        Thing::SetId(path) | Thing::Capability(path) | Thing::File(path) | Thing::Port(path) => path,
    };
    let above = path.match_indices('/').map(|(at, _)| path.get(..at.max(1)).unwrap_or_default());
    folders.contains(path.as_str()) || above.into_iter().any(|folder| folders.contains(folder))
}

fn is_below(path: &str, folder: &str) -> bool {
    path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;
    use crate::now::BootId;

    fn look(begun: i64, things: &[(Thing, &str, Option<i64>)], left_out: &[&str]) -> Look {
        let seen = |(thing, mark, changed): &(Thing, &str, Option<i64>)| {
            (thing.clone(), Seen { mark: (*mark).into(), changed: *changed, ..Seen::default() })
        };
        let left = |path: &&str| LeftOut { why: "no time".into(), path: (*path).into() };
        let found = Found {
            things: things.iter().map(seen).collect(),
            left_out: left_out.iter().map(left).collect(),
            entries: 0,
        };
        Look { begun, done: begun + 10, boot_id: BootId("a".into()), found }
    }

    fn set_id(path: &str) -> Thing {
        Thing::SetId(path.into())
    }

    fn told(before: Option<&Look>, after: &Look) -> Vec<String> {
        compare(before, after, 100, &Lent::new()).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_is_new_changed_or_gone_is_told_and_what_is_the_same_is_not() {
        let before = look(
            100,
            &[(set_id("/a"), "1", Some(5)), (set_id("/b"), "1", Some(5)), (set_id("/c"), "1", Some(5))],
            &[],
        );
        let after = look(
            200,
            &[(set_id("/a"), "1", Some(5)), (set_id("/b"), "2", Some(150)), (set_id("/d"), "1", Some(150))],
            &[],
        );
        assert_eq!(
            told(Some(&before), &after),
            ["changed: set-id file /b", "new: set-id file /d", "gone: set-id file /c"]
        );
        assert_eq!(told(Some(&before), &before), Vec::<String>::new());
    }

    #[test]
    fn what_was_made_between_the_start_and_the_first_look_is_told_by_its_time() {
        let before = look(105, &[(set_id("/early"), "1", Some(103)), (set_id("/old"), "1", Some(99))], &[]);
        assert_eq!(
            told(Some(&before), &before),
            ["new or changed since the start, before the first look came to it: set-id file /early"]
        );
        assert_eq!(told(None, &before).len(), 1, "a first look that is lost leaves the times");
    }

    #[test]
    fn what_one_look_left_out_is_not_compared() {
        let (before, after) =
            (look(100, &[(set_id("/mnt/x"), "1", Some(5))], &["/srv"]), look(200, &[], &["/mnt"]));
        assert_eq!(told(Some(&before), &after), Vec::<String>::new());
        let after =
            look(200, &[(set_id("/srv/old"), "1", Some(5)), (set_id("/srv/new"), "1", Some(150))], &["/mnt"]);
        assert_eq!(told(Some(&before), &after).len(), 1, "only what is newer than the grant");
        let all = look(100, &[], &["/"]);
        assert_eq!(told(Some(&all), &look(200, &[(set_id("/x"), "1", Some(5))], &[])), Vec::<String>::new());
    }

    #[test]
    fn members_that_jitd_lends_are_nobodys_doing() {
        let member = |user: &str| Thing::Member("/etc/group".into(), "docker".into(), user.into());
        let before = look(100, &[(member("alice"), "", None)], &[]);
        let after = look(200, &[(member("bob"), "", None)], &[]);
        let lent = |user: &str| Lent::from([("docker".into(), user.into())]);
        let told = |lent: &Lent| compare(Some(&before), &after, 100, lent).len();
        assert_eq!((told(&lent("alice")), told(&lent("bob")), told(&Lent::new())), (1, 1, 2));
    }

    #[test]
    fn another_boot_has_other_ports_and_another_run() {
        let before = look(
            100,
            &[(Thing::Port("tcp 0.0.0.0:22".into()), "", None), (Thing::File("/run/x".into()), "1", None)],
            &[],
        );
        let mut after = look(200, &[(Thing::Port("tcp 0.0.0.0:4444".into()), "", None)], &[]);
        assert_eq!(
            told(Some(&before), &after),
            ["new: port tcp 0.0.0.0:4444 on which root listens", "gone: file /run/x"]
        );
        after.boot_id = BootId("b".into());
        assert_eq!(told(Some(&before), &after), Vec::<String>::new());
    }
}
