//! The root file system is full, for root as well: nothing new is given, everything ends, and the record has it when there is room.

use jit_e2e::until;

use crate::site::{RELEASES, SOON, Site as _, machine, nobody_has_anything};

#[test]
fn with_the_root_file_system_full_nothing_is_given_and_everything_ends() {
    for release in RELEASES {
        let Some(bed) = machine(release) else { return };
        let before = bed.groups();
        let short = bed.grant("alice", "docker", "15s");
        let long = [bed.grant("dora", "docker", "30m"), bed.grant("dora", "ids", "30m")];
        let fill = "free=$(df --output=avail -B1 / | tail -n 1); fallocate -l $free /fill; ! dd if=/dev/zero of=/fill2 bs=4k status=none; ! dd if=/dev/zero of=/fill3 bs=1k status=none; sync; df /";
        bed.sh(fill).unwrap().expect_ok().expect_says("100%");
        assert!(bed.boot_clock() < short.boot, "it is full before anything falls due");
        let refused = bed.elevate("alice", "ids", "30m");
        assert_ne!(refused.code, 0, "{refused}");
        refused.expect_says("Nothing was granted").expect_says("space");
        assert!(!bed.may("alice"));
        bed.idle_until(short.boot);
        until("alice to be out", SOON, || (!bed.is_in("alice")).then_some(())).unwrap();
        assert!(!bed.works("alice") && bed.is_in("dora") && bed.works("dora"));
        bed.jitctl("dora", &["drop", "--all"]).unwrap().expect_ok();
        assert_eq!(bed.groups(), before);
        assert!(!bed.may("dora") && !bed.works("dora"));

        bed.sh("rm -f /fill /fill2 /fill3").unwrap().expect_ok();
        let granted = || Some(bed.elevate("alice", "ids", "30m")).filter(|output| output.success());
        until("granting to work again", SOON, granted).unwrap();
        // What was refused while it was full ended before anything else.
        let order: Vec<_> = bed.record("ended").into_iter().map(|entry| entry["id"].clone()).collect();
        assert_eq!(order.iter().position(|id| *id == *short.id), Some(1), "{order:?}");
        assert_eq!(bed.told(&short.id, "ended")["body"]["cause"], "expired");
        for grant in &long {
            assert_eq!(bed.told(&grant.id, "ended")["body"]["cause"], "dropped");
        }
        bed.jitctl("alice", &["drop"]).unwrap().expect_ok();
        nobody_has_anything(&bed, &before);
    }
}
