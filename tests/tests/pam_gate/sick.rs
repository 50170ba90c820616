//! With a jitd that hangs or answers rubbish: the managed are kept out soon, with a sentence, and nobody else notices.

use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixListener;

use jit_e2e::Release;
use jit_e2e::product::SOCKET;

use crate::site::{LIMIT, NO_ANSWER, bed, kept_out, others_get_in, soon, sudo, syslog};

#[test]
fn a_jitd_that_hangs_keeps_the_managed_out_and_holds_nobody_up() {
    for release in Release::ALL {
        let Some(bed) = bed(release) else { return };
        let jitd = bed.start_jitd().unwrap();
        bed.jitctl("alice", &["elevate", "look"]).unwrap().expect_ok();
        jitd.freeze().unwrap();
        let log = syslog(&bed);
        kept_out(&sudo(&bed, "alice"), NO_ANSWER);
        kept_out(&soon(&bed, "bob", &["su", "carol", "-c", "true"]), NO_ANSWER);
        log.wait_for("pam_jit(sudo:account): alice is refused: jitd did not answer in time", LIMIT).unwrap();
        others_get_in(&bed);
        jitd.thaw().unwrap();
        sudo(&bed, "alice").expect_ok();
    }
}

#[test]
fn rubbish_in_place_of_an_answer_is_no_grant_and_no_hindrance() {
    let Some(bed) = bed(Release::Bookworm) else { return };
    bed.start_jitd().unwrap().kill().unwrap();
    let answers: [(&str, &[u8]); 8] = [
        ("a length beyond all limits", b"\xff\xff\xff\xff\xff\xff\xff\xff"),
        ("an empty frame", b"\0\0\0\0"),
        ("a frame that ends early", b"\x40\0\0\0\0"),
        ("a welcome, then nonsense", b"\x03\0\0\0\0\x01x\x04\0\0\0\xfe\xed\xfa\xce"),
        ("a welcome, then that it is done", b"\x03\0\0\0\0\x01x\x01\0\0\0\x0b"),
        ("a welcome, then bytes behind a value", b"\x03\0\0\0\0\x01x\x03\0\0\0\x10\x02\x02"),
        ("a web server", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
        ("nothing", b""),
    ];
    for (what, bytes) in answers {
        if bed.exists(SOCKET) {
            bed.remove(SOCKET).unwrap();
        }
        let listener = UnixListener::bind(bed.outside(SOCKET)).unwrap();
        std::fs::set_permissions(bed.outside(SOCKET), std::fs::Permissions::from_mode(0o666)).unwrap();
        std::thread::spawn(move || {
            for mut stream in listener.incoming().map_while(Result::ok) {
                let _ = stream.read(&mut [0; 1024]);
                let _ = stream.write_all(bytes);
            }
        });
        let output = sudo(&bed, "alice");
        assert!(output.code != 0 && output.text().contains(NO_ANSWER), "{what}: {output}");
        others_get_in(&bed);
    }
}
