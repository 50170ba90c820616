//! A reboot in good order: everything is over before anybody can log in, whatever the clock says afterwards.

use crate::site::{RELEASES, Site as _, machine, nobody_has_anything};

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
        let gate = bed.sh("cat /run/seen/gate").unwrap().expect_ok().out;
        assert_eq!(gate, before, "when systemd let the first person in");
        bed.sh("ls /run/seen/gate-closed").unwrap().expect_ok();
        nobody_has_anything(&bed, &before);
        for grant in &grants {
            assert_eq!(bed.told(&grant.id, "ended")["body"]["cause"], "rebooted");
        }
    }
}
