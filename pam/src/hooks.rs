//! The functions that PAM calls, and the one promise of all of them: they do no harm.

use std::ffi::CStr;
use std::panic::{AssertUnwindSafe, catch_unwind};

use pam::constants::{PamFlag, PamResultCode};
use pam::module::{PamHandle, PamHooks};

use crate::session;

struct Module;

pam::pam_hooks!(Module);

/// The hooks that are not here (authentication, credentials, account, password, end of session) answer `PAM_IGNORE` as well.
impl PamHooks for Module {
    fn sm_open_session(handle: &mut PamHandle, arguments: Vec<&CStr>, flags: PamFlag) -> PamResultCode {
        // A panic would be printed to the host's standard error. This library has a standard library of its own, so the
        // host's hook, if the host is written in Rust as well, stays as it is.
        std::panic::set_hook(Box::new(|_| {}));
        harmless(|| session::opened(handle, &arguments, flags))
    }
}

/// Does the work and answers `PAM_IGNORE`, however it ends.
fn harmless(work: impl FnOnce()) -> PamResultCode {
    if let Err(thrown) = catch_unwind(AssertUnwindSafe(work)) {
        // What was thrown could panic again as it is dropped.
        std::mem::forget(thrown);
    }
    PamResultCode::PAM_IGNORE
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
        assert_eq!(harmless(|| ()), PamResultCode::PAM_IGNORE);
        assert_eq!(harmless(|| panic!("a mistake")), PamResultCode::PAM_IGNORE);
        assert_eq!(harmless(|| std::panic::panic_any(Bomb)), PamResultCode::PAM_IGNORE);
    }
}
