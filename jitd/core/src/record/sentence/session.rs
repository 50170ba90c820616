//! The sentences about what ran with a grant.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use jit_common::escape::escaped;

use super::{Typed, list, origin, plural, who};
use crate::record::{About, Origin, Swept};

/// What is known of a session that begins.
pub(super) struct Of<'e> {
    pub(super) from: &'e Origin,
    pub(super) target: &'e Option<String>,
    pub(super) directory: &'e Option<String>,
    pub(super) outside: &'e Option<String>,
}

pub(super) fn began(about: &About, of: &Of<'_>, typed: Typed<'_>) -> String {
    let Of { from, target, directory, outside } = of;
    let what = typed.command.map_or_else(|| "something".into(), |command| format!("{}", escaped(command)));
    let directory = directory.as_ref().map_or_else(String::new, |path| format!(" in {}", escaped(path)));
    let target = target.as_ref().map_or_else(String::new, |target| format!(" as {}", escaped(target)));
    let outside = outside
        .as_ref()
        .map_or_else(String::new, |why| format!("; it does NOT end with the role: {}", escaped(why)));
    let pid = from.pid.map_or_else(String::new, |pid| format!(" (process {pid})"));
    let (by, role) = (who(&about.by), escaped(&about.role));
    format!("{by} runs {what}{target}{directory} with {role}{pid}{outside}{}", origin(from))
}

pub(super) fn ended(about: &About, pid: i32, status: Option<u8>) -> String {
    let status = match status {
        Some(status) => format!(" with status {status}, as jitctl said"),
        None => String::new(),
    };
    format!("process {pid}, which {} ran with {}, has ended{status}", who(&about.by), escaped(&about.role))
}

pub(super) fn commands(about: &About, pid: i32, (count, left_out): (u64, u64), typed: Typed<'_>) -> String {
    let (by, role) = (who(&about.by), escaped(&about.role));
    let of = format!("process {pid}, which {by} ran with {role}, started");
    let what = match typed.commands {
        _ if count == 0 => String::new(),
        None => format!(" {count} {}", plural(count, "command", "commands")),
        Some(lines) => {
            // Each in quotation marks of which it has none: so no command line looks like two.
            let quoted = |line: &str| format!("\"{}\"", escaped(&line.replace('"', "\\\"")));
            format!(" {}", lines.lines().map(quoted).collect::<Vec<_>>().join(", "))
        }
    };
    match (count, left_out) {
        (_, 0) => format!("{of}{what}"),
        (0, _) => format!("{of} {left_out} that are not written down"),
        (_, _) => format!("{of}{what}, and {left_out} more that are not written down"),
    }
}

pub(super) fn swept(about: &About, what: &Swept) -> String {
    let (by, role) = (who(&about.by), escaped(&about.role));
    let of = format!("of what {by} ran with {role}");
    let count = |number: usize| {
        let processes = plural(u64::try_from(number).unwrap_or(u64::MAX), "process", "processes");
        format!("{number} {processes}")
    };
    match what {
        Swept::Frozen { processes } => {
            format!("{} {of} frozen, and go on when {role} is granted again", count(*processes))
        }
        Swept::Finishing { processes } => format!("{} {of} may finish", count(*processes)),
        Swept::Resumed => format!("what {by} ran with {role} goes on with this grant"),
        Swept::Over { killed: 0, .. } => format!("nothing {of} runs any more"),
        Swept::Over { killed, late_ms } => {
            format!(
                "nothing {of} runs any more: {} killed, the last gone after {late_ms} ms",
                were(&count(*killed), *killed)
            )
        }
        Swept::Gathered { processes } => {
            let were = if *processes == 1 { "was" } else { "were" };
            format!("{} {of} {were} found outside its control group and put into it", count(*processes))
        }
        Swept::Holders { ended, more, left } => {
            let ended = match (ended.as_slice(), more) {
                ([], _) => "nothing that held a group of it had to be ended".into(),
                (some, 0) => format!("what held a group of it was ended{}", list(": ", ", ", some)),
                (some, more) => {
                    format!("what held a group of it was ended{} and {more} more", list(": ", ", ", some))
                }
            };
            format!("{ended}, after {by} had {role}{}", list("; it is still held by ", ", ", left))
        }
        Swept::Stuck { why } => format!("something {of} does NOT end: {}", escaped(why)),
    }
}

fn were(counted: &str, number: usize) -> String {
    format!("{counted} {}", if number == 1 { "was" } else { "were" })
}
