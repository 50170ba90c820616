//! The beginning and the end of a session: a person who logs in reads what they hold; jitd hears of a session of sudo.

use std::ffi::CStr;

use jit_common::causes::chain;
use jit_common::managed::Service;
use jit_common::request::{PamAsk, PamSession};
use jit_common::response::PamSays;
use pam::constants::{PAM_SILENT, PamFlag, PamResultCode};
use pam::module::PamHandle;

use crate::account::refuse;
use crate::arguments::{Arguments, Voice};
use crate::clock::Clock;
use crate::gate::{self, Gate};
use crate::lines::lines;
use crate::rules::Rules;
use crate::syslog::{Hook, Syslog};
use crate::{ask, kept, rules, stack};

/// What a person reads who gets in by a grant alone, where none is for whom they become.
const OTHER_TARGET: &str = "jit: you get in here by a grant alone, and no live one of yours is for this account: `jitctl status` lists them, `jitctl elevate ROLE` asks for another";

/// The same where jitd does not say so.
const NO_ANSWER: &str = "jit: you get in here by a grant alone, and jitd does not say whether one of yours is for this account: tell an administrator (systemctl status jitd)";

/// What a person reads whose sudo was held up until its rule was gone.
const OVER: &str = "jit: what you may by sudo has changed since you typed this; type it again";

/// What a person reads who has sudo called by a loop.
const TOO_MANY: &str = "jit: too many commands with a grant within a minute, or at a time: each is put on the record; wait a minute";

/// Begins a session. Whatever goes wrong is at most a line in syslog, but for who gets in by a grant alone.
pub(crate) fn opened(handle: &mut PamHandle, arguments: &[&CStr], flags: PamFlag) -> PamResultCode {
    let arguments = Arguments::read(arguments);
    let log = Syslog::new(handle, Hook::Session, &arguments);
    match Service::of_stack(&log.service) {
        Some(service @ (Service::Sudo | Service::Su)) => become_other(handle, service, &log),
        Some(Service::Login | Service::Sshd) | None => {
            match arguments.voice {
                Voice::Shown if flags & PAM_SILENT == 0 => tell(handle, &log),
                Voice::Shown | Voice::Quiet => log.detail("asked to be silent"),
            }
            PamResultCode::PAM_IGNORE
        }
    }
}

/// Ends a session.
pub(crate) fn closed(handle: &PamHandle, arguments: &[&CStr]) {
    let log = Syslog::new(handle, Hook::Session, &Arguments::read(arguments));
    if !kept::is_known(handle) {
        return;
    }
    match ask::close() {
        Err(why) if why.is_absent() => log.detail(&chain(&why)),
        Err(why) => log.trouble(&chain(&why)),
        Ok(()) => {}
    }
}

/// Somebody becomes somebody else: jitd says whether a grant of theirs is for that, and sees to the session if so.
fn become_other(handle: &mut PamHandle, service: Service, log: &Syslog) -> PamResultCode {
    let (person, target) = (stack::person(handle, service), stack::user(handle));
    let (Some(person), Some(target)) = (person, target) else {
        log.detail("PAM does not say who becomes whom");
        return PamResultCode::PAM_IGNORE;
    };
    if person == "root" {
        return PamResultCode::PAM_IGNORE;
    }
    let managed = is_managed(handle, service, &person, log);
    // Of all others, a session of su is by a password and none of a grant's, and one of sudo is only by a rule of jitd's.
    let rules = match service {
        Service::Sudo => rules::of(&person),
        Service::Su | Service::Login | Service::Sshd => Rules::None,
    };
    if !managed && rules == Rules::None {
        return PamResultCode::PAM_IGNORE;
    }
    let session = PamSession {
        service,
        person,
        target,
        terminal: stack::terminal(handle),
        remote_host: stack::remote_host(handle),
    };
    let line = match ask::says(PamAsk::Open(session)) {
        Ok(PamSays::Covered) => {
            if let Err(code) = kept::keep_known(handle) {
                log.detail(&format!("jitd is not told of the end: {code:?}"));
            }
            return PamResultCode::PAM_IGNORE;
        }
        Ok(PamSays::Over) => return refuse(handle, log, OVER),
        Ok(PamSays::TooMany) => return refuse(handle, log, TOO_MANY),
        Ok(PamSays::NoGrant | PamSays::OtherTarget) => OTHER_TARGET,
        // Whoever may it without a grant types it again, and is not asked about then.
        Err(why) if rules == Rules::Changed => {
            log.trouble(&chain(&why));
            return refuse(handle, log, OVER);
        }
        Err(why) if why.is_absent() => {
            log.detail(&chain(&why));
            NO_ANSWER
        }
        Err(why) => {
            log.trouble(&chain(&why));
            NO_ANSWER
        }
    };
    match managed {
        true => refuse(handle, log, line),
        false => PamResultCode::PAM_IGNORE,
    }
}

fn is_managed(handle: &mut PamHandle, service: Service, person: &str, log: &Syslog) -> bool {
    match gate::look(handle, service, person) {
        Gate::Managed => true,
        Gate::Open => false,
        Gate::Unknown(why) => {
            log.trouble(&chain(&why));
            false
        }
    }
}

/// Tells the person of the session which grants they hold.
fn tell(handle: &PamHandle, log: &Syslog) {
    let Some(user) = stack::user(handle) else {
        return log.detail("the session is of nobody who could hold a grant");
    };
    let grants = match ask::grants() {
        Ok(grants) => grants,
        Err(error) if error.is_absent() => return log.detail(&chain(&error)),
        Err(error) => return log.trouble(&chain(&error)),
    };
    let lines = lines(&grants, &user, &Clock::read());
    log.detail(&format!("lines to tell {user}: {}", lines.len()));
    for line in lines {
        if let Err(code) = stack::tell(handle, &line) {
            return log.detail(&format!("the program does not show them: {code:?}"));
        }
    }
}
