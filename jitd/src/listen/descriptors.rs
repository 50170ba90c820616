//! How many files and connections jitd may have open.

use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// As many as jitd ever needs (getrlimit(2), `RLIMIT_NOFILE`). No more: some programs that it starts close every number
/// that they might have open.
const ENOUGH: u64 = 16_384;

/// What jitd counts on when the kernel does not say: what every process is given.
const USUAL: u64 = 1024;

/// Raises the limit as far as the hard one allows, and says how many descriptors there are.
#[must_use]
pub fn raise() -> u64 {
    let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else { return USUAL };
    let wanted = soft.max(hard.min(ENOUGH));
    match setrlimit(Resource::RLIMIT_NOFILE, wanted, hard) {
        Ok(()) => wanted,
        Err(_) => soft,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]
    use super::*;

    #[test]
    fn the_limit_is_raised_as_far_as_may_be() {
        let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
        let wanted = soft.max(hard.min(ENOUGH));
        assert_eq!(raise(), wanted);
        assert_eq!(getrlimit(Resource::RLIMIT_NOFILE).unwrap(), (wanted, hard));
        assert_eq!(raise(), wanted, "a second time changes nothing");
    }
}
