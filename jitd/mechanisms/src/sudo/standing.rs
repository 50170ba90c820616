//! Asks sudo what it lists for a person.

use std::time::Duration;

use jit_common::child::{self, Ended};
use jit_common::visudo::Flavour;

use super::probe::Sudo;

/// What `sudo -n -l -U USER` prints for a person. Needs root.
///
/// # Errors
/// A sentence, when it does not say, or says it in a way that nobody here reads: sudo-rs does not show when a rule ends.
pub fn listing(sudo: &Sudo, user: &str, limit: Duration) -> Result<String, String> {
    match sudo.flavour() {
        Flavour::Classic => {}
        Flavour::SudoRs => return Err("sudo-rs does not tell a grant's rules from others".to_owned()),
    }
    match child::run(sudo.program(), &["-n", "-l", "-U", user], limit) {
        Ok(Ended::Exited { status, output }) if status.success() => Ok(output),
        Ok(Ended::Exited { status, .. }) => Err(format!("sudo -l ended with {status}")),
        Ok(Ended::TimedOut { .. }) => Err(format!("sudo -l took longer than {} ms", limit.as_millis())),
        Err(why) => Err(format!("sudo -l could not be run: {why}")),
    }
}
