//! A suspend over a deadline: when the machine wakes up it is over before sudo agrees to anything.

use std::time::Duration;

use crate::site::{RELEASES, SECOND, Site as _, machine, measured, nobody_has_anything};

/// Asks sudo again and again, and notes the boot clock before each try and what came of it.
const TRIES: &str = r#"
while [ ! -e /run/enough ]; do
    read -r up _ < /proc/uptime
    sudo -n $* > /dev/null 2>&1 && echo "$up yes" || echo "$up no"
done
"#;

/// How long the grants last, in seconds; and how long the machine sleeps.
const LENGTH: &str = "12s";
const SLEEP: Duration = Duration::from_secs(14);

/// The tries of a user: nanoseconds of the boot clock and whether sudo agreed.
fn tries(text: &str) -> Vec<(i64, bool)> {
    let read = |line: &str| {
        let (up, answer) = line.split_once(' ')?;
        let (whole, rest) = up.split_once('.')?;
        let up = whole.parse::<i64>().ok()? * SECOND + rest.parse::<i64>().ok()? * (SECOND / 100);
        Some((up, answer == "yes"))
    };
    text.lines().filter_map(read).collect()
}

#[test]
fn what_falls_due_in_a_suspend_is_over_before_sudo_agrees_to_anything() {
    for release in RELEASES {
        let Some(mut bed) = machine(release) else { return };
        let before = bed.groups();
        // Begun without the group, for what holds it ends with it.
        for (user, words) in [("alice", "-g docker true"), ("dora", "/usr/bin/id")] {
            let script = format!(
                "setsid -f /usr/local/lib/bed/as {user} bash -c '{TRIES}' tries {words} > /run/tries-{user}"
            );
            bed.sh(&script).unwrap().expect_ok();
        }
        let (group, sudo) = (bed.grant("alice", "docker", LENGTH), bed.grant("dora", "ids", LENGTH));
        bed.sh("until grep -q yes /run/tries-alice && grep -q yes /run/tries-dora; do sleep 0.1; done")
            .unwrap()
            .expect_ok();
        let asleep = bed.boot_clock();
        bed.suspend(SLEEP).unwrap();
        assert!(asleep < group.boot && asleep < sudo.boot, "it was asleep before they were due");
        let awake = bed.boot_clock();
        assert!(awake > group.boot.max(sudo.boot), "{asleep} to {awake}: the boot clock counts the suspend");
        let out = bed
            .sh("until ! grep -q '^docker:.*alice' /etc/group; do sleep 0.05; done; cat /proc/uptime")
            .unwrap()
            .expect_ok();
        measured(&format!(
            "asleep at {asleep}, deadlines {} and {}, out of the group by {}",
            group.boot, sudo.boot, out.out
        ));
        bed.sh("for user in alice dora; do
        seen=$(wc -l < /run/tries-$user); until [ $(wc -l < /run/tries-$user) -gt $((seen + 3)) ]; do sleep 0.1; done
    done; touch /run/enough").unwrap().expect_ok();
        for (user, grant) in [("alice", &group), ("dora", &sudo)] {
            let text = bed.sh(&format!("cat /run/tries-{user}")).unwrap().expect_ok().out;
            let tries = tries(&text);
            let late: Vec<_> = tries.iter().filter(|(up, yes)| *up > grant.boot && *yes).collect();
            assert!(late.is_empty(), "{user}, due at {}: {text}", grant.boot);
            assert!(tries.iter().filter(|(up, _)| *up > grant.boot).count() >= 3, "{text}");
            assert_eq!(bed.told(&grant.id, "ended")["body"]["cause"], "expired");
        }
        nobody_has_anything(&bed, &before);
    }
}
