//! With jitd well: no grant, no way in; with one, in; and after it, out again.

use jit_e2e::{Release, until};

use crate::site::{LIMIT, NO_ANSWER, NO_GRANT, bed, kept_out, others_get_in, soon, stacks, sudo, syslog};

#[test]
fn who_gets_in_by_a_grant_alone_is_told_what_to_do_and_gets_in_with_one() {
    for release in Release::ALL {
        let Some(bed) = bed(release) else { return };
        let _jitd = bed.start_jitd().unwrap();
        for user in ["alice", "bob"] {
            let output = sudo(&bed, user);
            kept_out(&output, NO_GRANT);
            assert!(output.text().contains("`jitctl elevate ROLE` asks"), "{output}");
            kept_out(&soon(&bed, user, &["sudo", "-n", "-l"]), NO_GRANT);
            kept_out(&soon(&bed, user, &["su", "carol", "-c", "true"]), NO_GRANT);
        }
        others_get_in(&bed);
        for user in ["alice", "bob"] {
            bed.jitctl(user, &["elevate", "look"]).unwrap().expect_ok();
            sudo(&bed, user).expect_ok();
            soon(&bed, user, &["su", "root", "-c", "true"]).expect_ok();
            bed.jitctl(user, &["drop"]).unwrap().expect_ok();
            kept_out(&sudo(&bed, user), NO_GRANT);
        }
    }
}

#[test]
fn it_holds_with_jitd_away_and_before_jitd_runs_after_a_boot() {
    for release in Release::ALL {
        let Some(bed) = bed(release) else { return };
        let jitd = bed.start_jitd().unwrap();
        bed.jitctl("alice", &["elevate", "look"]).unwrap().expect_ok();
        sudo(&bed, "alice").expect_ok();
        jitd.kill().unwrap();
        kept_out(&sudo(&bed, "alice"), NO_ANSWER);
        kept_out(&soon(&bed, "bob", &["su", "carol", "-c", "true"]), NO_ANSWER);
        others_get_in(&bed);
        // What a boot leaves of /run.
        bed.sh("rm -rf /run/jit").unwrap().expect_ok();
        kept_out(&sudo(&bed, "alice"), NO_ANSWER);
        others_get_in(&bed);
    }
}

#[test]
fn a_policy_that_manages_nobody_opens_the_gate_and_one_that_is_wrong_changes_nothing() {
    let Some(bed) = bed(Release::Bookworm) else { return };
    let jitd = bed.start_jitd().unwrap();
    kept_out(&sudo(&bed, "alice"), NO_GRANT);
    let reload = |text: &str, kind: &str| {
        let seen = bed.jitctl("root", &["log", "--json"]).unwrap().out.matches(kind).count();
        bed.policy("10-look.toml", text).unwrap();
        jitd.signal(nix::sys::signal::Signal::SIGHUP).unwrap();
        let again = || {
            (bed.jitctl("root", &["log", "--json"]).unwrap().out.matches(kind).count() > seen).then_some(())
        };
        until("the policy to be read", LIMIT, again).unwrap();
    };
    reload("[pam]\nmanaged = 1\n", "policy-rejected");
    kept_out(&sudo(&bed, "alice"), NO_GRANT);
    reload(&crate::site::POLICY.replace("\"alice\"", "\"carol\""), "policy-loaded");
    sudo(&bed, "alice").expect_ok();
    kept_out(&sudo(&bed, "carol"), NO_GRANT);
    let nobody = crate::site::POLICY.split_once("[role.look]").unwrap().1;
    reload(&format!("[role.look]{nobody}"), "policy-loaded");
    for user in ["alice", "bob", "carol"] {
        sudo(&bed, user).expect_ok();
    }
    assert!(!bed.exists("/var/lib/jit/managed"));
}

#[test]
fn a_wrong_argument_is_a_line_in_syslog_and_opens_nothing() {
    let Some(bed) = bed(Release::Bookworm) else { return };
    let _jitd = bed.start_jitd().unwrap();
    stacks(&bed, "managed=/tmp/none");
    let log = syslog(&bed);
    kept_out(&sudo(&bed, "alice"), NO_GRANT);
    sudo(&bed, "carol").expect_ok();
    log.wait_for(r#"pam_jit(sudo:account): the argument "managed=/tmp/none" is unknown and ignored"#, LIMIT)
        .unwrap();
    log.wait_for("pam_jit(sudo:session): the argument", LIMIT).unwrap();
}

#[test]
fn nothing_in_the_environment_opens_it() {
    let Some(bed) = bed(Release::Bookworm) else { return };
    let _jitd = bed.start_jitd().unwrap();
    for (name, value) in [
        ("USER", "carol"),
        ("SUDO_USER", "root"),
        ("LOGNAME", "root"),
        ("PAM_USER", "root"),
        ("PAM_RUSER", "root"),
        ("JIT_SOCKET", "/tmp/x"),
        ("HOME", "/root"),
        ("RUST_BACKTRACE", "full"),
    ] {
        let output = bed.command(&["sudo", "-n", "true"]).user("alice").env(name, value).run().unwrap();
        kept_out(&output, NO_GRANT);
    }
}
