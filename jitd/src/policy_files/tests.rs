//! Which files are policy, which roles this host cannot carry, and what is read again by itself.

#![allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use jit_mechanisms::scratch::Scratch;

use super::*;

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn only_plain_files_of_root_alone_are_policy() {
    let scratch = Scratch::new();
    let etc = scratch.path().join("etc/jit");
    let dir = etc.join("policy.d");
    let read = || read_all(&dir, Uid::effective()).map_err(|error| crate::chain(&error));
    let says = |why: &str| {
        let error = read().unwrap_err();
        assert!(error.contains(why), "{error}");
    };
    assert_eq!(read(), Ok(Vec::new()), "no directory is an empty policy");
    fs::create_dir_all(&dir).unwrap();
    let file = dir.join("10-web.toml");
    for (path, mode) in [(&etc, 0o755), (&dir, 0o755)] {
        set_mode(path, mode);
    }
    fs::write(&file, "a").unwrap();
    fs::write(dir.join("notes"), "b").unwrap();
    set_mode(&file, 0o644);
    assert_eq!(read(), Ok(vec![("10-web.toml".to_owned(), "a".to_owned())]));
    for path in [&etc, &dir] {
        set_mode(path, 0o775);
        says("others can write in it");
        set_mode(path, 0o755);
    }
    set_mode(&file, 0o664);
    says("may be written by others than root");
    set_mode(&file, 0o644);
    fs::write(&file, [0xff]).unwrap();
    says("not UTF-8");
    fs::write(&file, "x".repeat(1024 * 1024 + 1)).unwrap();
    says("longer than 1048576 bytes");
    fs::rename(&file, scratch.path().join("elsewhere")).unwrap();
    symlink(scratch.path().join("elsewhere"), &file).unwrap();
    says("symbolic link");
    fs::rename(&dir, etc.join("real")).unwrap();
    symlink("real", &dir).unwrap();
    says("perhaps a link");
}

#[test]
fn a_role_whose_groups_cannot_be_given_is_disabled_with_every_reason() {
    let scratch = Scratch::new();
    let paths = scratch.paths();
    fs::write(&paths.etc_group, "root:x:0:\ntoor:x:0:\ndocker:x:998:\nadm:x:4:\nadm2:x:4:\n").unwrap();
    let why = |groups: &str| {
        let text = format!("[role.r]\nsummary = \"x\"\ngroups = {groups}\n");
        let policy = Policy::parse(&[("p.toml", &text)]).unwrap();
        let no_sudo = Err("there is no sudo".to_owned());
        let why = reasons_against(policy.role("r").unwrap(), &paths, &no_sudo, |_| Ok(true));
        why.iter().map(|why| why.text().to_owned()).collect::<Vec<String>>()
    };
    assert_eq!(why("[\"docker\"]"), ["there is no sudo"], "the group itself is fine");
    let all = why("[\"docker\", \"adm\", \"nope\", \"toor\"]");
    for (at, part) in
        ["the same gid 4", "no group nope in /etc/group", "gid 0", "there is no sudo"].iter().enumerate()
    {
        assert!(all.get(at).unwrap().contains(part), "{all:?}");
    }
    assert_eq!(all.len(), 4, "{all:?}");
}

#[test]
fn a_doubt_is_settled_by_the_same_files_alone() {
    let of = |text: &str, disabled: &[&str], certainty| {
        let policy = Policy::parse(&[("p.toml", text)]).unwrap();
        let disabled = disabled.iter().map(|role| ((*role).to_owned(), String::new())).collect();
        Loaded { outcome: Ok(Live { policy, disabled, ..Live::default() }), certainty }
    };
    let (certain, doubtful) = (Certainty::Certain, Certainty::Doubtful);
    let doubt = of("", &["a", "b"], doubtful).doubt();
    assert!(of("", &["b"], doubtful).settles(&doubt) && of("", &["a", "b"], certain).settles(&doubt));
    assert!(!of("", &["a", "b"], doubtful).settles(&doubt), "no news");
    assert!(!of("# edited", &[], certain).settles(&doubt));
    let unread = || Loaded { outcome: Err(Vec::new()), certainty: Certainty::Doubtful };
    assert!(of("# whatever", &[], certain).settles(&unread().doubt()));
    assert!(!unread().settles(&unread().doubt()));
}

#[test]
fn before_the_first_policy_a_refusal_says_that_it_is_being_read() {
    let live = Live::default();
    assert!(live.invalid_because().unwrap().contains("the policy is being read"));
}
