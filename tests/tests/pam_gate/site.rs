//! A host with the module in the stacks of sudo and su.

use std::time::{Duration, Instant};

use jit_e2e::{OrSkip as _, Output, Release, RootBed, Running};

/// The module gives jitd 200 ms for each question. The rest is for a machine under load: it tells slow from hung.
pub const SOON: Duration = Duration::from_secs(3);
pub const LIMIT: Duration = Duration::from_secs(20);

/// What who gets in by a grant alone reads without one, and where jitd does not say.
pub const NO_GRANT: &str = "jit: you get in here by a grant alone, and hold none that is live";
pub const NO_ANSWER: &str = "jit: you get in here by a grant alone, and jitd does not say whether";

/// alice and the engineers are managed; carol is not.
pub const POLICY: &str = r#"
[pam]
managed  = { users = ["alice"], groups = ["engineers"] }
services = ["sudo", "su"]

[role.look]
summary = "Look who one is"
risk = "low"
sudo = { run_as = "root", password = false, commands = [["/usr/bin/id"]] }

[role.files]
summary = "Read the files of adm"
risk = "low"
groups = ["adm"]

[[rule]]
name = "all may look"
roles = ["look", "files"]
eligible = { groups = ["looking"] }
max_duration = "1h"
"#;

/// Everybody may run anything with sudo, by a standing rule, so that only the gate keeps anybody out; su asks no password.
pub fn bed(release: Release) -> Option<RootBed> {
    let bed = bare(release)?;
    bed.write_mode("/etc/sudoers.d/zz-all", "ALL ALL=(ALL:ALL) NOPASSWD: ALL\n", 0o440).unwrap();
    Some(bed)
}

/// The same without that rule.
pub fn bare(release: Release) -> Option<RootBed> {
    let bed = RootBed::with_product(release).or_skip()?;
    bed.add_user("alice", &["looking"], None).unwrap();
    bed.add_user("bob", &["looking", "engineers"], None).unwrap();
    bed.add_user("carol", &["looking"], None).unwrap();
    stacks(&bed, "");
    bed.policy("10-look.toml", POLICY).unwrap();
    Some(bed)
}

/// Puts the module into both stacks, as docs/pam.md shows it.
pub fn stacks(bed: &RootBed, arguments: &str) {
    let account = format!("account required pam_jit.so {arguments}\n");
    let session = format!("session required pam_jit.so {arguments}\n");
    let sudo = format!(
        "{account}@include common-auth\n@include common-account\nsession required pam_limits.so\n{session}"
    );
    bed.write("/etc/pam.d/sudo", &sudo).unwrap();
    let su = format!(
        "auth sufficient pam_permit.so\n{account}@include common-account\nsession required pam_unix.so\n{session}"
    );
    bed.write("/etc/pam.d/su", &su).unwrap();
}

/// Runs a command as a user and does not take long.
#[track_caller]
pub fn soon(bed: &RootBed, user: &str, words: &[&str]) -> Output {
    let began = Instant::now();
    let output = bed.as_user(user, words).unwrap();
    let took = began.elapsed();
    assert!(took < SOON, "{took:?}: {output}");
    output
}

/// `sudo -n true`.
#[track_caller]
pub fn sudo(bed: &RootBed, user: &str) -> Output {
    soon(bed, user, &["sudo", "-n", "true"])
}

#[track_caller]
pub fn kept_out(output: &Output, why: &str) {
    assert!(output.code != 0 && output.text().contains(why), "{output}");
}

/// Nobody but the managed is kept out, and root by nothing.
#[track_caller]
pub fn others_get_in(bed: &RootBed) {
    sudo(bed, "carol").expect_ok();
    soon(bed, "carol", &["su", "bob", "-c", "true"]).expect_ok();
    for words in
        [&["sudo", "-n", "true"][..], &["sudo", "-n", "-u", "alice", "true"], &["su", "alice", "-c", "true"]]
    {
        let output = bed.run(words).unwrap().expect_ok();
        assert!(!output.text().contains("jit"), "{output}");
    }
}

/// What goes to syslog.
pub fn syslog(bed: &RootBed) -> Running {
    let log = bed.command(&["socat", "-u", "UNIX-RECV:/dev/log,mode=666", "-"]).spawn().unwrap();
    bed.wait_for_file("/dev/log", LIMIT).unwrap();
    log
}

/// Tells a measured value to whoever runs the tests with `--nocapture`.
#[expect(
    clippy::print_stderr,
    reason = "libtest captures it, and shows it when it is asked for or the test fails"
)]
pub fn measured(what: &str) {
    eprintln!("{what}");
}
