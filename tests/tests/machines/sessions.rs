//! A session on the kernel of a release, which may not say by a pidfd who connects (before Linux 6.5).

use crate::site::{RELEASES, Site as _, machine};

#[test]
fn a_session_ends_when_its_command_does_and_its_status_is_known() {
    for release in RELEASES {
        let Some(bed) = machine(release) else { return };
        let words = [
            "elevate",
            "docker",
            "--for",
            "10m",
            "--reason",
            "INC-42 a test",
            "--",
            "sh",
            "-c",
            "sleep 5; exit 7",
        ];
        bed.jitctl("alice", &words).unwrap().expect_code(7);
        let (began, ended) = (bed.record("session-began"), bed.record("session-ended"));
        assert_eq!((began.len(), ended.len()), (1, 1), "{ended:?}");
        assert!(began[0]["body"]["outside"].is_null(), "{began:?}");
        assert_eq!(ended[0]["body"]["status"], 7, "{ended:?}");
    }
}
