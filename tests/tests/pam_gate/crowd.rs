//! Many calls of sudo at once, each answered as if it were alone.

use jit_e2e::Release;

use crate::site::{NO_ANSWER, NO_GRANT, bed, measured};

/// Calls at once.
const CALLS: usize = 200;

#[test]
fn two_hundred_at_once_are_each_answered_as_if_alone() {
    for release in Release::ALL {
        let Some(bed) = bed(release) else { return };
        let _jitd = bed.start_jitd().unwrap();
        bed.jitctl("bob", &["elevate", "look"]).unwrap().expect_ok();
        // carol is not managed, bob holds a grant, alice holds none.
        let script = format!(
            "cd /tmp; for n in $(seq {CALLS}); do
                case $((n % 4)) in 0) u=alice;; 1) u=bob;; *) u=carol;; esac
                (setpriv --reuid=$(id -u $u) --regid=$(id -g $u) --init-groups sudo -n true > $n.$u 2>&1; echo $? >> $n.$u) &
            done; wait; for u in alice bob carol; do echo $u $(tail -qn1 *.$u | sort | uniq -c); done; cat *.alice *.bob"
        );
        let output =
            bed.command(&["bash", "-c", &script]).limit(std::time::Duration::from_secs(240)).run().unwrap();
        let text = output.expect_ok().out;
        let said = |user: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(user)).unwrap_or_default();
            line.split_whitespace().map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(said("alice"), [(CALLS / 4).to_string().as_str(), "1"], "{text}");
        assert_eq!(said("carol"), [(CALLS / 2).to_string().as_str(), "0"], "{text}");
        // On a machine that is busy with two hundred of them jitd may have been too late for some, who were told so.
        let in_time = said("bob").first().and_then(|count| count.parse::<usize>().ok()).unwrap_or_default();
        let told = text.matches("jit: you get in here by a grant alone").count();
        assert_eq!(told, CALLS / 2 - in_time, "{text}");
        assert_eq!(text.matches(NO_GRANT).count() + text.matches(NO_ANSWER).count(), told, "{text}");
        assert!(in_time > 0, "{text}");
        measured(&format!("{release}: {in_time} of {} with a grant were answered in time", CALLS / 4));
    }
}
