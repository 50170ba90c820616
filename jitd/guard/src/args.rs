//! What the guard was asked to do.

use std::ffi::OsString;

/// `--help`.
pub(crate) const HELP: &str = "\
jit-guard - takes off what is past its deadline, with or without jitd

  jit-guard            look after the grants on this host until stopped (the service)
  jit-guard --boot     take off everything from before this boot, once
  jit-guard --all      end every grant now; a running jitd records it and does not put it back
  jit-guard --status   say what is on this host, until when, and what the guard would do
  jit-guard --help     this text
  jit-guard --version  the version

It reads /var/lib/jit/applied, changes /run/jit/sudoers.d/jit, takes out of /etc/group and
/etc/gshadow whom jitd put in, and leaves what it did in /var/lib/jit/guard-notes for jitd
to record. Exit status: 0 done, 1 something is left or could not be done, 2 wrong usage.
With --boot, a member who could not be taken out yet is told and left to the service.
";

/// The one thing asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// The help.
    Help,
    /// The version.
    Version,
    /// Something that needs root.
    Work(Work),
}

/// What root can ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Work {
    /// The service.
    Serve,
    /// One pass at boot.
    Boot,
    /// End everything.
    All,
    /// Only look.
    Status,
}

/// Reads the arguments after the program's name; `Err` is a sentence without its end.
pub(crate) fn parse(args: impl Iterator<Item = OsString>) -> Result<Asked, String> {
    let args: Vec<OsString> = args.collect();
    match args.as_slice() {
        [] => Ok(Asked::Work(Work::Serve)),
        [only] => match only.to_str() {
            Some("--boot") => Ok(Asked::Work(Work::Boot)),
            Some("--all") => Ok(Asked::Work(Work::All)),
            Some("--status") => Ok(Asked::Work(Work::Status)),
            Some("--help" | "-h") => Ok(Asked::Help),
            Some("--version" | "-V") => Ok(Asked::Version),
            _ => Err(format!("{only:?} is not an option")),
        },
        [_, _, ..] => Err("it takes one option at most".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse_words(words: &[&str]) -> Result<Asked, String> {
        parse(words.iter().map(OsString::from))
    }

    #[test]
    fn one_option_or_none() {
        assert_eq!(parse_words(&[]), Ok(Asked::Work(Work::Serve)));
        for (word, asked) in [
            ("--boot", Asked::Work(Work::Boot)),
            ("--all", Asked::Work(Work::All)),
            ("--status", Asked::Work(Work::Status)),
            ("-h", Asked::Help),
            ("--version", Asked::Version),
        ] {
            assert_eq!(parse_words(&[word]), Ok(asked));
            assert!(HELP.contains(word) || word == "-h");
        }
    }

    #[test]
    fn anything_else_does_nothing_at_all() {
        for words in [&["--boot", "--all"] as &[&str], &["all"], &["--al"], &[""], &["--boot="]] {
            assert!(parse_words(words).is_err(), "{words:?}");
        }
    }
}
