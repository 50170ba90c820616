//! The functions that PAM calls, and the one promise of all of them: whatever goes wrong in them, the program goes on as if
//! the module were not there.

use std::ffi::CStr;
use std::panic::{AssertUnwindSafe, catch_unwind};

use pam::constants::{PamFlag, PamResultCode};
use pam::module::{PamHandle, PamHooks};

use crate::provoke::provoke;
use crate::{account, session};

struct Module;

pam::pam_hooks!(Module);

/// Authentication, credentials and the password are nothing that the module has to do with.
impl PamHooks for Module {
    fn acct_mgmt(handle: &mut PamHandle, arguments: Vec<&CStr>, _flags: PamFlag) -> PamResultCode {
        harmless(|| {
            provoke("acct_mgmt", &arguments);
            account::checked(handle, &arguments)
        })
    }

    fn sm_open_session(handle: &mut PamHandle, arguments: Vec<&CStr>, flags: PamFlag) -> PamResultCode {
        harmless(|| {
            provoke("open_session", &arguments);
            session::opened(handle, &arguments, flags)
        })
    }

    fn sm_close_session(handle: &mut PamHandle, arguments: Vec<&CStr>, _flags: PamFlag) -> PamResultCode {
        harmless(|| {
            provoke("close_session", &arguments);
            session::closed(handle, &arguments);
            PamResultCode::PAM_IGNORE
        })
    }
}

/// Does the work, and answers `PAM_IGNORE` when it panics.
fn harmless(work: impl FnOnce() -> PamResultCode) -> PamResultCode {
    // A panic would be printed to the host's standard error. This library has a standard library of its own, so the
    // host's hook, if the host is written in Rust as well, stays as it is.
    std::panic::set_hook(Box::new(|_| {}));
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(code) => code,
        Err(thrown) => {
            // What was thrown could panic again as it is dropped.
            std::mem::forget(thrown);
            PamResultCode::PAM_IGNORE
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::panic, reason = "it is what is tested")]
    use super::*;

    #[test]
    fn nothing_gets_out_of_a_hook() {
        struct Bomb;
        impl Drop for Bomb {
            fn drop(&mut self) {
                panic!("again");
            }
        }
        assert_eq!(harmless(|| PamResultCode::PAM_PERM_DENIED), PamResultCode::PAM_PERM_DENIED);
        assert_eq!(harmless(|| panic!("a mistake")), PamResultCode::PAM_IGNORE);
        assert_eq!(harmless(|| std::panic::panic_any(Bomb)), PamResultCode::PAM_IGNORE);
    }
}
