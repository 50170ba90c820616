//! What an administrator wrote behind the module's name in a stack.

use std::ffi::CStr;

/// Whether the person is shown anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Voice {
    /// Their grants.
    Shown,
    /// Nothing, and jitd is not asked.
    Quiet,
}

/// How much goes to syslog.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Detail {
    /// What an administrator should look at.
    Trouble,
    /// Each call and how it ended.
    Everything,
}

/// The arguments as understood.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Arguments {
    pub(crate) voice: Voice,
    pub(crate) detail: Detail,
    /// Those that mean nothing here. They are ignored: a typing error must not keep anybody out.
    pub(crate) unknown: Vec<String>,
}

impl Arguments {
    /// Reads them; `quiet` and `debug` are known.
    pub(crate) fn read(given: &[&CStr]) -> Self {
        let mut read = Self { voice: Voice::Shown, detail: Detail::Trouble, unknown: Vec::new() };
        for argument in given {
            match argument.to_bytes() {
                b"quiet" => read.voice = Voice::Quiet,
                b"debug" => read.detail = Detail::Everything,
                _ => read.unknown.push(argument.to_string_lossy().into_owned()),
            }
        }
        read
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_arguments_count_and_unknown_ones_are_kept_for_the_log() {
        let nothing = Arguments { voice: Voice::Shown, detail: Detail::Trouble, unknown: vec![] };
        assert_eq!(Arguments::read(&[]), nothing);
        let read = Arguments::read(&[c"debug", c"socket=/tmp/x", c"quiet", c"Quiet", c"\xff", c""]);
        assert_eq!((read.voice, read.detail), (Voice::Quiet, Detail::Everything));
        assert_eq!(read.unknown, ["socket=/tmp/x", "Quiet", "\u{fffd}", ""]);
    }
}
