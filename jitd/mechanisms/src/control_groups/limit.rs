//! `/run/jit/limits/ID`: until when what runs in the control group of that name may run. jitd writes it before it makes the
//! group, and the guard reads it: a group without a limit that can be read is ended.
//!
//! ```text
//! jit-limit 1
//! grant=ID uid=UID boot=BOOT_ID until_boot=NANOS until_wall=NANOS then=end
//! end
//! ```
//!
//! `then` is `end`, `pause:SECONDS` or `finish:SECONDS`. Both the file and the group are gone after a reboot.

use std::ffi::OsStr;

use jit_common::ids::RequestId;
use jitd_core::now::{BootId, Deadline, Now};
use jitd_core::policy::AtExpiry;

use crate::applied::text::{is_boot_id, number, value};
use crate::dir::{Dir, DirError, Durability, Entry};
use crate::paths::{HostPaths, LIMITS_DIR_MODE, RUN_DIR_MODE, name_of};

/// The first line: what this is, and in which version of the format.
const HEADER: &str = "jit-limit 1";

/// Longer than this is none of ours.
const SIZE_MAX: u64 = 4096;

/// Until when what is in a control group may run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limit {
    /// The grant that it runs with.
    pub grant: RequestId,
    /// Whose that is.
    pub uid: u32,
    /// When the grant ends.
    pub deadline: Deadline,
    /// What happens then.
    pub then: AtExpiry,
}

impl Limit {
    /// The same, over now.
    #[must_use]
    pub fn over_at(&self, now: &Now) -> Self {
        let deadline = Deadline { wall: now.wall, boot: now.boot, boot_id: now.boot_id.clone() };
        Self { deadline, then: AtExpiry::End, ..self.clone() }
    }

    /// When whatever is left is ended.
    #[must_use]
    pub fn last(&self) -> Deadline {
        self.then.last(&self.deadline)
    }

    fn render(&self) -> String {
        let Self { grant, uid, deadline: Deadline { wall, boot, boot_id }, then } = self;
        let then = match then {
            AtExpiry::End => "end".to_owned(),
            AtExpiry::Pause(seconds) => format!("pause:{seconds}"),
            AtExpiry::Finish(seconds) => format!("finish:{seconds}"),
        };
        let times = format_args!("until_boot={boot} until_wall={wall}");
        format!("{HEADER}\ngrant={grant} uid={uid} boot={boot_id} {times} then={then}\nend\n")
    }

    fn parse(text: &str) -> Result<Self, String> {
        let mut lines = text.split('\n');
        let (Some(HEADER), Some(line), Some("end"), Some(""), None) =
            (lines.next(), lines.next(), lines.next(), lines.next(), lines.next())
        else {
            return Err(format!("it is not {HEADER:?}, one line, and \"end\""));
        };
        let mut words = line.split(' ');
        let grant = value(words.next(), "grant")?;
        let grant = grant.parse().map_err(|why| format!("the id {grant:?}: {why}"))?;
        let uid = number(value(words.next(), "uid")?)?;
        let boot_id = value(words.next(), "boot")?;
        if !is_boot_id(boot_id) {
            return Err(format!("{boot_id:?} is no boot id"));
        }
        let boot = number(value(words.next(), "until_boot")?)?;
        let wall = number(value(words.next(), "until_wall")?)?;
        let then = parse_then(value(words.next(), "then")?)?;
        match words.next() {
            None => Ok(Self {
                grant,
                uid,
                deadline: Deadline { wall, boot, boot_id: BootId(boot_id.into()) },
                then,
            }),
            Some(word) => Err(format!("{word:?} is too much")),
        }
    }
}

fn parse_then(word: &str) -> Result<AtExpiry, String> {
    match word.split_once(':') {
        None if word == "end" => Ok(AtExpiry::End),
        Some(("pause", seconds)) => Ok(AtExpiry::Pause(number(seconds)?)),
        Some(("finish", seconds)) => Ok(AtExpiry::Finish(number(seconds)?)),
        None | Some(_) => Err(format!("{word:?} is none of end, pause:SECONDS and finish:SECONDS")),
    }
}

/// Writes the limit of the group `name`, in one step.
///
/// # Errors
/// It may not stand: nothing may be put into the group then.
pub(super) fn write(paths: &HostPaths, name: RequestId, limit: &Limit) -> Result<(), DirError> {
    let run_dir = Dir::open_or_make(&paths.run_dir, paths.owner, RUN_DIR_MODE)?;
    let dir = run_dir.child_or_make(name_of(&paths.limits_dir), LIMITS_DIR_MODE)?;
    dir.replace(OsStr::new(name.as_str()), limit.render().as_bytes(), 0o600, Durability::ThisBoot)
}

/// Takes the limit of a group away that is gone.
///
/// # Errors
/// It still stands, which only costs a look.
pub(super) fn forget(paths: &HostPaths, name: RequestId) -> Result<(), DirError> {
    match Dir::open_as_it_is(&paths.limits_dir, paths.owner) {
        Ok(dir) => dir.unlink(OsStr::new(name.as_str())).map(drop),
        Err(DirError::Missing { .. }) => Ok(()),
        Err(why) => Err(why),
    }
}

/// Reads the limit of the group `name`. `Err` says why there is none that could be gone by: the group has to be ended.
///
/// # Errors
/// It cannot be read just now.
pub(super) fn read(paths: &HostPaths, name: RequestId) -> Result<Result<Limit, String>, DirError> {
    let none = || Ok(Err("there is none".to_owned()));
    let dir = match Dir::open_as_it_is(&paths.limits_dir, paths.owner) {
        Ok(dir) => dir,
        Err(DirError::Missing { .. }) => return none(),
        Err(why) => return Err(why),
    };
    let content = match dir.read(OsStr::new(name.as_str()), SIZE_MAX)? {
        Entry::Missing => return none(),
        Entry::Strange(why) => return Ok(Err(why)),
        Entry::File(content) => content,
    };
    if !content.is_only_of(paths.owner) {
        return Ok(Err(format!("it belongs to uid {} with mode {:04o}", content.uid, content.mode)));
    }
    let text = std::str::from_utf8(&content.bytes).map_err(|_| "it is not UTF-8".to_owned());
    Ok(text.and_then(Limit::parse))
}

/// The groups for which a limit stands.
///
/// # Errors
/// They cannot be listed.
pub(super) fn names(paths: &HostPaths) -> Result<Vec<RequestId>, DirError> {
    let dir = match Dir::open_as_it_is(&paths.limits_dir, paths.owner) {
        Ok(dir) => dir,
        Err(DirError::Missing { .. }) => return Ok(Vec::new()),
        Err(why) => return Err(why),
    };
    Ok(dir.names()?.iter().filter_map(|name| name.to_str()?.parse().ok()).collect())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]
    use super::*;
    use crate::scratch::Scratch;

    fn limit(then: AtExpiry) -> Limit {
        let deadline = Deadline { wall: 5, boot: -3, boot_id: BootId("b-1".into()) };
        Limit { grant: "7k2m9xqa".parse().unwrap(), uid: 1001, deadline, then }
    }

    #[test]
    fn what_is_written_is_read_back_and_a_torn_file_is_not() {
        let scratch = Scratch::new();
        let (paths, name) = (scratch.paths(), "3c8d0fgh".parse().unwrap());
        assert_eq!(read(&paths, name).unwrap().unwrap_err(), "there is none");
        for then in [AtExpiry::End, AtExpiry::Pause(60), AtExpiry::Finish(3600)] {
            write(&paths, name, &limit(then)).unwrap();
            assert_eq!(read(&paths, name).unwrap().unwrap(), limit(then));
        }
        assert_eq!(names(&paths).unwrap(), [name]);
        let text = limit(AtExpiry::Finish(3600)).render();
        for cut in 0..text.len() {
            assert!(Limit::parse(&text[..cut]).is_err(), "cut at {cut}");
        }
        for wrong in [
            text.replace("3600", "+3600"),
            text.replace("3600", "4294967296"),
            text.replace("finish", "Finish"),
        ] {
            assert!(Limit::parse(&wrong).is_err(), "{wrong}");
        }
        forget(&paths, name).unwrap();
        assert!(read(&paths, name).unwrap().is_err() && names(&paths).unwrap().is_empty());
    }

    #[test]
    fn a_limit_that_others_may_write_is_none() {
        use std::os::unix::fs::PermissionsExt;
        let scratch = Scratch::new();
        let (paths, name) = (scratch.paths(), "3c8d0fgh".parse().unwrap());
        write(&paths, name, &limit(AtExpiry::End)).unwrap();
        let file = paths.limits_dir.join("3c8d0fgh");
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o666)).unwrap();
        assert!(read(&paths, name).unwrap().unwrap_err().contains("0666"));
    }
}
