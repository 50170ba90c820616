//! The gate of the account hook: who gets in by a grant alone needs one that is live.

use std::ffi::CStr;

use jit_common::causes::chain;
use jit_common::managed::Service;
use jit_common::request::PamAsk;
use jit_common::response::PamSays;
use pam::constants::PamResultCode;
use pam::module::PamHandle;

use crate::arguments::Arguments;
use crate::gate::{self, Gate};
use crate::syslog::{Hook, Syslog};
use crate::{ask, stack};

/// What a person reads who gets in by a grant alone and has none.
const NO_GRANT: &str = "jit: you get in here by a grant alone, and hold none that is live: `jitctl roles` lists what you may ask for, `jitctl elevate ROLE` asks";

/// The same where jitd does not say so.
const NO_ANSWER: &str = "jit: you get in here by a grant alone, and jitd does not say whether you hold one that is live: tell an administrator (systemctl status jitd)";

/// Refuses who gets in by a grant alone and has none. All others are let by, and so is everybody of whom that cannot be told.
pub(crate) fn checked(handle: &mut PamHandle, arguments: &[&CStr]) -> PamResultCode {
    let log = Syslog::new(handle, Hook::Account, &Arguments::read(arguments));
    let Some(service) = Service::of_stack(&log.service) else {
        log.detail("this is no stack that anybody is managed in");
        return PamResultCode::PAM_IGNORE;
    };
    let Some(person) = stack::person(handle, service) else {
        log.detail("PAM does not say who it is");
        return PamResultCode::PAM_IGNORE;
    };
    match gate::look(handle, service, &person) {
        Gate::Open => PamResultCode::PAM_IGNORE,
        Gate::Unknown(why) => {
            log.trouble(&chain(&why));
            PamResultCode::PAM_IGNORE
        }
        Gate::Managed => match ask::says(PamAsk::Account { person: gate::own_name(person.clone()) }) {
            Ok(PamSays::Covered) => PamResultCode::PAM_IGNORE,
            Ok(PamSays::NoGrant | PamSays::OtherTarget | PamSays::Over | PamSays::TooMany) => {
                log.detail(&format!("{person} holds no live grant"));
                refuse(handle, &log, NO_GRANT)
            }
            Err(why) => {
                log.trouble(&format!("{person} is refused: {}", chain(&why)));
                refuse(handle, &log, NO_ANSWER)
            }
        },
    }
}

/// Tells the person why, and PAM that it is no.
pub(crate) fn refuse(handle: &PamHandle, log: &Syslog, line: &str) -> PamResultCode {
    if let Err(code) = stack::tell_refusal(handle, line) {
        log.detail(&format!("the program does not show why: {code:?}"));
    }
    // sudo takes PAM_SESSION_ERR of a session hook for no hindrance.
    PamResultCode::PAM_PERM_DENIED
}
