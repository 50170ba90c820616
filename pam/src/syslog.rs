//! What administrators read: lines in syslog, where the host program's own lines about a login are.

use jit_common::escape::escaped;
use nix::syslog::{Facility, Priority, Severity};

use crate::arguments::Detail;

/// Writes lines that begin as those of other PAM modules do: `pam_jit(sshd:session): …`.
#[derive(Debug)]
pub(crate) struct Syslog {
    /// The stack's name, as PAM has it.
    pub(crate) service: String,
    /// How much is written.
    pub(crate) detail: Detail,
}

impl Syslog {
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
        let line = format!("pam_jit({}:session): {}", escaped(&self.service), escaped(text));
        // There is nobody to tell when syslog itself fails.
        let _ = nix::syslog::syslog(Priority::new(severity, Facility::LOG_AUTH), &line);
    }
}
