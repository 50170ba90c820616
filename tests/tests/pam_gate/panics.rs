//! A panic in each hook of the module, provoked in one that is built for it: the program goes on as if there were no module.

use jit_e2e::{Release, RootBed, workspace};

use crate::site::{NO_GRANT, bed, kept_out, others_get_in, stacks, sudo};

const MODULE: &str = "/usr/lib/x86_64-linux-gnu/security/pam_jit.so";

fn provoking(release: Release) -> Option<RootBed> {
    let bed = bed(release)?;
    bed.copy_in(&workspace::panicking_module().unwrap(), MODULE).unwrap();
    Some(bed)
}

#[test]
fn a_panic_in_any_hook_lets_everybody_by_and_says_nothing() {
    for release in Release::ALL {
        let Some(bed) = provoking(release) else { return };
        let _jitd = bed.start_jitd().unwrap();
        kept_out(&sudo(&bed, "alice"), NO_GRANT);
        for hook in ["acct_mgmt", "open_session", "close_session"] {
            // It ends at once, with a refusal, if the module gives any answer but PAM_IGNORE.
            let lines = ["auth", "account", "password", "session"].map(|kind| {
                format!("{kind} [ignore=ignore default=die] pam_jit.so panic={hook}\n{kind} required pam_permit.so\n")
            });
            bed.write("/etc/pam.d/sudo", &lines.concat()).unwrap();
            for operation in
                ["authenticate", "setcred", "acct_mgmt", "open_session", "close_session", "chauthtok"]
            {
                let output = bed.run(&["pamtester", "sudo", "root", operation]).unwrap().expect_ok();
                assert_eq!(output.err, "", "{hook} {operation}");
            }
            let output = sudo(&bed, "carol").expect_ok();
            assert_eq!(output.text(), "", "{hook}");
            stacks(&bed, &format!("panic={hook}"));
            others_get_in(&bed);
        }
        // The documented price: a gate that panics is open.
        stacks(&bed, "panic=acct_mgmt");
        kept_out(&sudo(&bed, "alice"), "no live one of yours is for this account");
        stacks(&bed, "panic=open_session");
        bed.jitctl("alice", &["elevate", "look"]).unwrap().expect_ok();
        sudo(&bed, "alice").expect_ok();
    }
}

#[test]
fn the_product_knows_no_such_argument() {
    let Some(bed) = bed(Release::Bookworm) else { return };
    let _jitd = bed.start_jitd().unwrap();
    stacks(&bed, "panic=acct_mgmt");
    kept_out(&sudo(&bed, "alice"), NO_GRANT);
}
