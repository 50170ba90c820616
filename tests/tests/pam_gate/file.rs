//! The file that says who is managed: what stands in its place keeps nobody out who was not named by jitd, and is told.

use jit_e2e::Release;

use crate::site::{LIMIT, NO_GRANT, bed, kept_out, others_get_in, sudo, syslog};

const FILE: &str = "/var/lib/jit/managed";

#[test]
fn it_is_roots_and_says_what_the_policy_says() {
    let Some(bed) = bed(Release::Bookworm) else { return };
    let _jitd = bed.start_jitd().unwrap();
    let text = bed.read(FILE).unwrap();
    assert_eq!(text, "jit-managed 1\nservice sudo\nservice su\nuser alice\ngroup engineers\nend\n");
    assert_eq!(bed.mode(FILE).unwrap(), 0o644);
}

#[test]
fn whatever_stands_in_its_place_keeps_nobody_out_and_is_told() {
    let Some(bed) = bed(Release::Bookworm) else { return };
    let _jitd = bed.start_jitd().unwrap();
    kept_out(&sudo(&bed, "alice"), NO_GRANT);
    for (script, says) in [
        (
            "head -c 60 $F > $F.x && mv $F.x $F",
            "is not as jitd writes it, so nobody is held to be managed: it is cut off",
        ),
        ("head -c 5000 /dev/urandom > $F", "so nobody is held to be managed"),
        (": > $F", "it does not begin with"),
        ("cp $K $F; chmod 666 $F", "is not root's alone or no plain file"),
        ("cp $K $F; chown carol $F", "is not root's alone or no plain file"),
        ("ln -s $K $F", "cannot be read, so nobody is held to be managed"),
        ("mkfifo $F", "is not root's alone or no plain file"),
        ("mkdir $F", "so nobody is held to be managed"),
        ("head -c 3000000 /dev/zero > $F; chmod 644 $F", "is not root's alone or no plain file"),
    ] {
        let log = syslog(&bed);
        let plant = format!(
            "F={FILE}; K=/root/kept; [ -e $K ] || cp -p $F $K; rm -rf $F; [ {} = 0 ] || cp -p $K $F; {script}",
            u8::from(script.contains("$F.x"))
        );
        bed.sh(&plant).unwrap().expect_ok();
        sudo(&bed, "alice").expect_ok();
        others_get_in(&bed);
        log.wait_for(says, LIMIT).unwrap();
        log.kill().unwrap();
        bed.remove("/dev/log").unwrap();
    }
    bed.sh(&format!("rm -rf {FILE}; cp -p /root/kept {FILE}")).unwrap().expect_ok();
    kept_out(&sudo(&bed, "alice"), NO_GRANT);
}
