//! A link in the place of each file and folder that the daemons open: nothing is ever written through it, and what it keeps
//! from working is said in a sentence. Only root can plant one, for every folder above is root's alone.

use std::os::unix::fs::MetadataExt as _;
use std::time::Duration;

use jit_e2e::{Login, Release, RootBed, Running, Signal, until, workspace};

use crate::site::{Product as _, REASON, SOON, Site, host, measured, site_with};

/// Where the file lies that a link leads to, which has nothing to do with jitd: on the same file system, for a second name.
fn victim(path: &str) -> &'static str {
    if path.starts_with("/run") { "/run/victim" } else { "/srv/victim" }
}

/// What is in it.
const PRECIOUS: &str = "precious\n";

/// What is planted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Plant {
    /// A symbolic link to a file.
    Link,
    /// A symbolic link to where nothing is yet.
    Dangling,
    /// A second name of a file.
    HardLink,
    /// A pipe, of which nothing ever comes.
    Pipe,
}

const FILES: [Plant; 4] = [Plant::Link, Plant::Dangling, Plant::HardLink, Plant::Pipe];

/// What a path of ours is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    /// A file of the product's own: whatever stands there was never anybody else's.
    Ours,
    /// A file of the host that is rewritten: the victim is a copy of it.
    Hosts,
    /// A folder.
    Folder,
    /// Never opened for writing, and what reads it takes a link as the host's own arrangement.
    OnlyRead,
}

use What::{Folder, Hosts, OnlyRead, Ours};

/// Every path of common/src/paths.rs, and those that are made beside them.
const PATHS: &[(&str, What)] = &[
    ("/etc/jit/jitd.toml", Ours),
    ("/etc/jit/policy.d", Folder),
    ("/etc/jit/policy.d/10-web.toml", Ours),
    ("/run/jit", Folder),
    ("/run/jit/jitd.sock", Ours),
    ("/run/jit/jitd.new", Ours),
    ("/run/jit/sudoers.d", Folder),
    ("/run/jit/sudoers.d/jit", Ours),
    ("/run/jit/locked", Ours),
    ("/run/jit/limits", Folder),
    ("/sys/fs/cgroup", OnlyRead),
    ("/sys/fs/cgroup/system.slice/jit-guard.service", OnlyRead),
    ("/run/jit/converge.lock", Ours),
    ("/run/jit/guard.lock", Ours),
    ("/etc/sudoers", OnlyRead),
    ("/etc/sudoers-rs", OnlyRead),
    ("/etc/sudoers.d", OnlyRead),
    ("/etc/sudoers.d/00-jit", Ours),
    ("/etc/sudo.conf", OnlyRead),
    ("/usr/bin/sudo", OnlyRead),
    ("/usr/bin/journalctl", OnlyRead),
    ("/etc", OnlyRead),
    ("/etc/passwd", OnlyRead),
    ("/etc/group", Hosts),
    ("/etc/gshadow", Hosts),
    ("/etc/.pwd.lock", Hosts),
    ("/etc/group.lock", Hosts),
    ("/etc/gshadow.lock", Hosts),
    ("/etc/.group.jit-spare", Ours),
    ("/etc/.gshadow.jit-spare", Ours),
    ("/usr/sbin/nscd", OnlyRead),
    ("/run/nscd/socket", OnlyRead),
    ("/usr/sbin/sss_cache", OnlyRead),
    ("/proc", OnlyRead),
    ("/var/lib/jit", Folder),
    ("/var/lib/jit/ledger.db", Ours),
    ("/var/lib/jit/ledger.db-wal", Ours),
    ("/var/lib/jit/ledger.db-journal", Ours),
    ("/var/lib/jit/ledger.db-shm", Ours),
    ("/var/lib/jit/ledger.db.new", Ours),
    ("/var/lib/jit/ledger.lock", Ours),
    ("/var/lib/jit/ledger.reserve", Ours),
    ("/var/lib/jit/applied", Ours),
    ("/var/lib/jit/guard-notes", Ours),
    ("/var/lib/jit/managed", Ours),
    ("/var/lib/jit/host.key", Ours),
    ("/var/lib/jit/host.key.new", Ours),
    ("/var/lib/jit/host.key.pub", Ours),
    ("/var/lib/jit/host.key.pub.new", Ours),
    ("/var/lib/jit/sinks", Folder),
    ("/var/lib/jit/sinks/json.cursor", Ours),
    ("/var/lib/jit/sinks/json.cursor.new", Ours),
    ("/var/log/jit", Folder),
    ("/var/log/jit/events.jsonl", Ours),
    ("/usr/sbin/jitd", OnlyRead),
    ("/usr/sbin/jit-guard", OnlyRead),
    ("/usr/bin/jitctl", OnlyRead),
    ("/usr/lib/x86_64-linux-gnu/security/pam_jit.so", OnlyRead),
];

/// A role of a group, so that the group files are written as well.
const POLICY: &str = r#"
[role.docker]
summary = "Containers"
risk    = "high"
groups  = ["docker"]

[[rule]]
name         = "docker at once"
roles        = ["docker"]
eligible     = { groups = ["oncall"] }
max_duration = "1h"
"#;

/// Everything that writes, once. What is refused says so, and the end is a failure then.
const EVERYTHING: &str = "
    alice() { setpriv --reuid=$(id -u alice) --regid=$(id -g alice) --init-groups jitctl \"$@\"; }
    for role in ids docker; do alice elevate $role --reason \"$1\" || no=1; done
    jitctl lock --note x || no=1; jitctl unlock --note x || no=1; jitctl status
    alice drop --all || no=1; exit ${no:-0}";

/// Everything as it was before.
const BACK: &str = "
    rm -rf /run/jit /var/lib/jit /var/log/jit /etc/jit /etc/sudoers.d/00-jit /srv/victim /run/victim /srv/folder
    rm -rf /etc/{group,gshadow} /etc/{group,gshadow}.lock /etc/.{group,gshadow}.jit-spare /etc/.pwd.lock
    cp -a /srv/kept/. /";

/// Until then jitd has started, or never will.
const LONG_ENOUGH: Duration = Duration::from_secs(6);

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Done {
    All,
    NotAll,
}

#[test]
fn every_path_of_the_product_is_in_the_table() {
    let source = std::fs::read_to_string(workspace::root().join("common/src/paths.rs")).unwrap();
    let named: Vec<&str> = source
        .lines()
        .filter(|line| line.starts_with("pub const"))
        .filter_map(|line| line.split('"').nth(1).filter(|path| path.starts_with('/')))
        .collect();
    assert!(named.len() > 30, "{named:?}");
    let missing: Vec<&&str> =
        named.iter().filter(|path| !PATHS.iter().any(|(known, _)| known == *path)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn nothing_is_written_through_a_link_in_the_place_of_a_file() {
    let work: Vec<(&str, What, Plant)> = PATHS
        .iter()
        .filter(|(_, what)| matches!(what, Ours | Hosts))
        .flat_map(|&(path, what)| FILES.map(|plant| (path, what, plant)))
        // A host whose group file is a pipe has no groups, for anybody.
        .filter(|&(_, what, plant)| (what, plant) != (Hosts, Plant::Pipe))
        .collect();
    in_beds(&work, |bed, &(path, what, plant)| {
        plant_file(bed, path, what, plant);
        let (done, said) = everything(bed);
        let at = format!("{plant:?} at {path}: {said}");
        match plant {
            Plant::HardLink if what == Hosts => Ok(at),
            Plant::Link | Plant::HardLink => is_whole(bed, what, path).map(|()| at),
            Plant::Dangling | Plant::Pipe if bed.exists(victim(path)) => Err("something was made".to_owned()),
            Plant::Dangling | Plant::Pipe => Ok(at),
        }
        .and_then(|at| done_or_said(done, path, &said).map(|()| at))
        .map_err(|why| format!("{why}: {plant:?} at {path}: {said}"))
    });
}

#[test]
fn nothing_is_made_in_the_folder_that_a_link_leads_to() {
    let work: Vec<&str> = PATHS.iter().filter(|(_, what)| *what == Folder).map(|&(path, _)| path).collect();
    in_beds(&work, |bed, path| {
        // As somebody would have it who wants to hold what is written there.
        let plant = format!(
            "rm -rf {path} && mkdir -p /srv/folder $(dirname {path}) && chown alice /srv/folder && ln -s /srv/folder {path}"
        );
        bed.sh(&plant).unwrap().expect_ok();
        let (done, said) = everything(bed);
        let made = bed.sh("ls -A /srv/folder").unwrap().expect_ok().out;
        match made.as_str() {
            "" => done_or_said(done, path, &said).map(|()| format!("{path}: {said}")),
            made => Err(format!("{made} was made in the place of {path}: {said}")),
        }
    });
}

/// What keeps the file from being written, how it is put right, and what is said of it.
const JSON: [(&str, &str, &str); 4] = [
    (
        "chmod 770 /var/log/jit",
        "chmod 750 /var/log/jit",
        "has mode 0770, so others can write in it; chmod go-w it",
    ),
    ("ln /var/log/jit/events.jsonl /srv/backup", "rm /srv/backup", "it has 2 names"),
    (
        "mv /var/log/jit /srv/jit-log; ln -s /srv/jit-log /var/log/jit; chown -h alice /var/log/jit",
        "chown -h root /var/log/jit",
        "is a link and is not followed",
    ),
    ("chmod 1777 /srv", "chmod 755 /srv", "/srv has mode 1777"),
];

#[test]
fn what_keeps_the_json_file_from_being_written_is_said_with_what_to_do_and_then_it_catches_up() {
    let settings = "[sinks]\njson = \"on\"\n";
    for release in Release::ALL {
        let host = site_with(release, |bed| bed.write("/etc/jit/jitd.toml", settings).unwrap());
        let Some(mut site) = host else { return };
        let status = |site: &Site| site.jitctl("root", &["status"]).unwrap().expect_ok().text();
        for (spoil, repair, said) in JSON {
            site.jitd.terminate().unwrap().expect_ok();
            site.sh(spoil).unwrap().expect_ok();
            site.restart_jitd();
            let told = || status(&site).contains(said).then_some(());
            until(&format!("status to say: {said}"), SOON, told).unwrap();
            site.sh(repair).unwrap().expect_ok();
            let caught_up = || (!status(&site).contains("the sink json is")).then_some(());
            until("the sink to catch up", SOON, caught_up).unwrap();
        }
        let verified = ["jitctl", "log", "verify", "/srv/jit-log/events.jsonl"];
        site.run(&verified).unwrap().expect_ok();
    }
}

/// How many beds the work is done in at once. They mostly wait.
const BEDS: usize = 4;

/// Does the work in a few beds, each put back to its beginning after each piece.
fn in_beds<T: Sync>(work: &[T], check: impl Fn(&RootBed, &T) -> Result<String, String> + Sync) {
    let in_one = &|(release, part): (Release, &[T])| {
        let Some(bed) = prepared(release) else { return Vec::new() };
        let checked = part.iter().map(|piece| {
            bed.sh(BACK).unwrap().expect_ok();
            let begun = std::time::Instant::now();
            check(&bed, piece).inspect(|said| measured(&format!("T {:?} {said}", begun.elapsed())))
        });
        checked.filter_map(Result::err).collect::<Vec<_>>()
    };
    let parts = Release::ALL.into_iter().cycle().zip(work.chunks(work.len().div_ceil(BEDS)));
    let wrong: Vec<String> = std::thread::scope(|scope| {
        let all: Vec<_> = parts.map(|part| scope.spawn(move || in_one(part))).collect();
        all.into_iter().flat_map(|one| one.join().unwrap()).collect()
    });
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), work.len(), wrong.join("\n"));
}

/// A bed in which jitd has run once, and what it and the host had then is kept.
fn prepared(release: Release) -> Option<RootBed> {
    let bed = host(release)?;
    bed.run(&["groupadd", "docker"]).unwrap().expect_ok();
    bed.policy("30-groups.toml", POLICY).unwrap();
    bed.write("/etc/jit/jitd.toml", "[limits]\nrequests_per_minute = 10000\n[sinks]\njson = \"on\"\n")
        .unwrap();
    let (guard, jitd) = (bed.start_guard().unwrap(), bed.start_jitd().unwrap());
    bed.grant("alice", "docker", "30m");
    bed.jitctl("alice", &["drop", "--all"]).unwrap().expect_ok();
    jitd.terminate().unwrap().expect_ok();
    guard.terminate().unwrap();
    let keep = "cd / && mkdir -p /srv/kept && cp -a --parents etc/jit etc/sudoers.d etc/group etc/gshadow var/lib/jit var/log/jit /srv/kept";
    bed.sh(keep).unwrap().expect_ok();
    Some(bed)
}

fn plant_file(bed: &RootBed, path: &str, what: What, plant: Plant) {
    let has = match what {
        Hosts if bed.exists(path) => bed.read(path).unwrap(),
        Ours | Hosts | Folder | OnlyRead => PRECIOUS.to_owned(),
    };
    let victim = victim(path);
    bed.write_mode(victim, &has, 0o600).unwrap();
    let plant = match plant {
        Plant::Link => format!("ln -s {victim} {path}"),
        Plant::Dangling => format!("rm {victim}; ln -s {victim} {path}"),
        Plant::HardLink => format!("ln {victim} {path}"),
        Plant::Pipe => format!("rm {victim}; mkfifo -m 600 {path}"),
    };
    bed.sh(&format!("mkdir -p $(dirname {path}) && rm -rf {path}; {plant}")).unwrap().expect_ok();
}

/// Starts both daemons, does everything with them, and ends them; whether all of it worked, and all that was said.
fn everything(bed: &RootBed) -> (Done, String) {
    let guard = bed.start_guard();
    let mut said = guard.as_ref().map_or_else(jit_e2e::Error::chain, Running::text);
    let jitd = bed.command(&["/usr/sbin/jitd"]).spawn().unwrap();
    let listens = || {
        let status = bed.command(&["jitctl", "--timeout", "1s", "status"]).run().unwrap();
        (status.success() || !jitd.is_running()).then_some(())
    };
    if until("jitd to answer or to end", LONG_ENOUGH, listens).is_err() {
        jitd.kill().unwrap();
        said += "jitd hung";
    }
    let all = bed
        .command(&["bash", "-c", EVERYTHING, "all", REASON])
        .login(Login::Nobody)
        .limit(SOON)
        .run()
        .unwrap();
    for daemon in [&jitd].into_iter().chain(&guard) {
        if daemon.is_running() {
            daemon.signal(Signal::SIGTERM).unwrap();
            daemon.wait_end(SOON).unwrap();
        }
        said += &daemon.text();
    }
    let done = if all.success() { Done::All } else { Done::NotAll };
    (done, all.text() + &said)
}

/// What does not work says which path is the cause.
fn done_or_said(done: Done, path: &str, said: &str) -> Result<(), String> {
    match done {
        Done::All => Ok(()),
        Done::NotAll if said.contains(path.rsplit('/').next().unwrap()) && !said.contains("jitd hung") => {
            Ok(())
        }
        Done::NotAll => Err("nobody says why".to_owned()),
    }
}

/// What was in the victim is in it, and it is whose it was.
fn is_whole(bed: &RootBed, what: What, path: &str) -> Result<(), String> {
    let kept = format!("/srv/kept{path}");
    let has = match what {
        Hosts if bed.exists(&kept) => bed.read(&kept).unwrap(),
        Ours | Hosts | Folder | OnlyRead => PRECIOUS.to_owned(),
    };
    let meta = bed.metadata(victim(path)).unwrap();
    let is = (bed.run(&["cat", victim(path)]).unwrap().out, meta.mode() & 0o7777, meta.uid());
    if is == (has, 0o600, 0) { Ok(()) } else { Err(format!("it is now {is:?}")) }
}
