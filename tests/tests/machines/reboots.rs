//! A reboot in good order: everything is over before anybody can log in, whatever the clock says afterwards.

use crate::site::{RELEASES, Site as _, machine, nobody_had_anything, nobody_has_anything};

#[test]
fn after_a_reboot_everything_is_over_before_anybody_can_log_in() {
    for release in RELEASES {
        let Some(mut bed) = machine(release) else { return };
        let before = bed.groups();
        let grants = [
            bed.grant("alice", "docker", "30m"),
            bed.grant("alice", "ids", "8h"),
            bed.grant("dora", "ids", "30m"),
        ];
        assert!(bed.is_in("alice") && bed.works("alice") && bed.may("alice") && bed.may("dora"));
        bed.sh("! ls /run/seen").unwrap().expect_ok();
        bed.reboot().unwrap();
        nobody_had_anything(&bed, &before);
        nobody_has_anything(&bed, &before);
        for grant in &grants {
            assert_eq!(bed.told(&grant.id, "ended")["body"]["cause"], "rebooted");
        }
    }
}
