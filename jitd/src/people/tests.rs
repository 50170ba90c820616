//! Against this host's own accounts: every host has root and nobody.

#![allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]

use super::*;

/// A uid that nobody is given (systemd's `UID` ranges leave it out, and useradd ends at 60000).
const NOBODYS: u32 = 4_294_000_000;

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

#[tokio::test]
async fn nothing_is_asked_about_root() {
    let found = find(Asker::Engine, Whom::Uid(0), set(&["wheel"]), 0).await.unwrap().unwrap();
    assert_eq!((found.person.name.as_str(), found.person.account), ("root", AccountState::Root));
    assert!(found.groups.is_empty());
}

#[tokio::test]
async fn an_account_of_another_name_or_another_uid_is_missing() {
    let nobody = find(Asker::Engine, Whom::Name("nobody".into()), BTreeSet::new(), 0)
        .await
        .unwrap()
        .unwrap()
        .person
        .uid;
    let people = [(nobody, "nobody"), (nobody, "somebody"), (NOBODYS, "nobody"), (0, "nobody")];
    let people = people.map(|(uid, name)| (uid, name.to_owned())).into();
    let known = know(Question { people, ..Question::default() }, || true).await.unwrap();
    let found: Vec<_> = known.people.iter().map(|(uid, person)| (*uid, person.name.as_str())).collect();
    assert_eq!(found, [(nobody, "nobody")]);

    let people = BTreeSet::from([(nobody, "somebody".to_owned()), (NOBODYS, format!("#{NOBODYS}"))]);
    let known = know(Question { people, ..Question::default() }, || true).await.unwrap();
    assert!(known.people.is_empty(), "{known:?}");
}

#[tokio::test]
async fn approvers_are_looked_up_with_their_groups() {
    let approvers = vec![
        Subjects { users: set(&["nobody", "no-such-account-here"]), groups: set(&["no-such-group-here"]) },
        Subjects { users: set(&[]), groups: set(&["root"]) },
    ];
    let question = Question { named: set(&["daemon"]), approvers, ..Question::default() };
    let known = know(question, || true).await.unwrap();
    let groups: Vec<_> = known.groups.iter().map(|(name, state)| (name.as_str(), state.clone())).collect();
    let expected = [
        ("daemon", GroupState::Exists),
        ("no-such-group-here", GroupState::Missing),
        ("root", GroupState::Exists),
    ];
    assert_eq!(groups, expected);
    let names: Vec<_> = known.candidates.people.iter().map(|person| person.name.as_str()).collect();
    assert!(names.starts_with(&["nobody", "root"]), "root is there for its primary group: {names:?}");
    assert!(known.candidates.unlisted.is_empty());
}
