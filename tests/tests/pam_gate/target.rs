//! Whom somebody becomes is known in the session hook alone: who gets in by a grant becomes nobody whom none of theirs is for.

use jit_e2e::{Release, until};

use crate::site::{LIMIT, bare, bed, kept_out, soon, sudo};

const OTHER_TARGET: &str =
    "jit: you get in here by a grant alone, and no live one of yours is for this account";

#[test]
fn a_target_that_no_grant_is_for_is_refused_to_the_managed_alone() {
    for release in Release::ALL {
        let Some(bed) = bed(release) else { return };
        let _jitd = bed.start_jitd().unwrap();
        for user in ["alice", "bob", "carol"] {
            bed.jitctl(user, &["elevate", "look"]).unwrap().expect_ok();
        }
        for user in ["alice", "bob"] {
            sudo(&bed, user).expect_ok();
            kept_out(&soon(&bed, user, &["sudo", "-n", "-u", "carol", "true"]), OTHER_TARGET);
            kept_out(&soon(&bed, user, &["su", "carol", "-c", "true"]), OTHER_TARGET);
        }
        soon(&bed, "carol", &["sudo", "-n", "-u", "bob", "true"]).expect_ok();
        soon(&bed, "carol", &["su", "bob", "-c", "true"]).expect_ok();
        bed.jitctl("alice", &["elevate", "files"]).unwrap().expect_ok();
        soon(&bed, "alice", &["sudo", "-n", "-g", "adm", "true"]).expect_ok();
    }
}

#[test]
fn a_session_of_sudo_is_on_the_record_with_the_grant_that_it_is_by_and_whether_it_could_be_another_right() {
    for release in Release::ALL {
        let Some(bed) = bare(release) else { return };
        let _jitd = bed.start_jitd().unwrap();
        bed.jitctl("carol", &["elevate", "look"]).unwrap().expect_ok();
        soon(&bed, "carol", &["sudo", "-n", "id"]).expect_ok();
        let page = || bed.jitctl("root", &["log"]).unwrap().expect_ok().out;
        // A session whose hook did not wait any longer is on the record as soon as sudo has said what else it allows.
        let told = |says: &str| until(says, LIMIT, || Some(page()).filter(|log| log.contains(says))).unwrap();
        let log = told("carol runs sudo -n id");
        assert!(log.contains("with look") && !log.contains("as well"), "{log}");

        bed.write_mode("/etc/sudoers.d/zz-id", "carol ALL=(root) NOPASSWD: /usr/bin/id\n", 0o440).unwrap();
        soon(&bed, "carol", &["sudo", "-n", "id"]).expect_ok();
        let log = told("sudo may have allowed it without this grant as well");

        // Whoever holds nothing is left alone.
        let before = log.matches("runs sudo").count();
        bed.jitctl("carol", &["drop"]).unwrap().expect_ok();
        soon(&bed, "carol", &["sudo", "-n", "id"]).expect_ok();
        assert_eq!(page().matches("runs sudo").count(), before);
    }
}
