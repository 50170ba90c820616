//! What administrators read: lines in syslog, where the host program's own lines about a login are.

use jit_common::escape::escaped;
use nix::syslog::{Facility, Priority, Severity};
use pam::module::PamHandle;

use crate::arguments::{Arguments, Detail};
use crate::stack;

/// Which kind of a stack's lines the module stands in.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Hook {
    Account,
    Session,
}

impl Hook {
    fn word(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Session => "session",
        }
    }
}

/// Writes lines that begin as those of other PAM modules do: `pam_jit(sshd:session): …`.
#[derive(Debug)]
pub(crate) struct Syslog {
    /// The stack's name, as PAM has it.
    pub(crate) service: String,
    hook: Hook,
    detail: Detail,
}

impl Syslog {
    /// For one call of the module; arguments that mean nothing are said at once.
    pub(crate) fn new(handle: &PamHandle, hook: Hook, arguments: &Arguments) -> Self {
        let log = Self { service: stack::service(handle), hook, detail: arguments.detail };
        for unknown in &arguments.unknown {
            let known = "known are quiet and debug";
            log.trouble(&format!("the argument {unknown:?} is unknown and ignored; {known}"));
        }
        log
    }

    /// Something an administrator should look at.
    pub(crate) fn trouble(&self, text: &str) {
        self.write(Severity::LOG_WARNING, text);
    }

    /// Something for whoever asked for all of it.
    pub(crate) fn detail(&self, text: &str) {
        match self.detail {
            Detail::Trouble => {}
            Detail::Everything => self.write(Severity::LOG_DEBUG, text),
        }
    }

    fn write(&self, severity: Severity, text: &str) {
        let line = format!("pam_jit({}:{}): {}", escaped(&self.service), self.hook.word(), escaped(text));
        // There is nobody to tell when syslog itself fails.
        let _ = nix::syslog::syslog(Priority::new(severity, Facility::LOG_AUTH), &line);
    }
}
