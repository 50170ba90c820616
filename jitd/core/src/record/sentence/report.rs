//! The sentence of a closing report.

use alloc::format;
use alloc::string::{String, ToString};

use jit_common::escape::escaped;

use super::{list, plural, who};
use crate::record::report::DETAILS;
use crate::record::{About, Report};

/// Things that the sentence names. The entry has the others.
const NAMED: usize = 8;

pub(super) fn report(about: &About, report: &Report) -> String {
    let (by, role) = (who(&about.by), escaped(&about.role));
    let done = done(report);
    let mut left = report.left();
    if left.is_empty() {
        let looked = if report.looks.is_some() { "nothing" } else { "nobody looked whether anything" };
        return format!("{looked} is left of what {by} had with {role}; {done}{}", unseen(report));
    }
    let more = left.len().saturating_sub(NAMED);
    left.truncate(NAMED);
    let rest = if more == 0 { String::new() } else { format!(", and {more} more") };
    let left = list(": ", "; ", &left);
    let beside = match report.beside.len().saturating_add(report.beside_more) {
        0 => String::new(),
        1 => "; another grant was live meanwhile, and it may be by that one".to_string(),
        others => format!("; {others} other grants were live meanwhile, and it may be by one of those"),
    };
    format!("left of what {by} had with {role}{left}{rest}{beside}; {done}{}", unseen(report))
}

fn done(report: &Report) -> String {
    let count = u64::try_from(report.sessions).unwrap_or(u64::MAX);
    let sessions = format!("{count} {} through jitctl", plural(count, "command", "commands"));
    match report.late_ms {
        Some(late) => format!("{sessions}, verified to be off {late} ms after the deadline"),
        None => format!("{sessions}, verified to be off"),
    }
}

fn unseen(report: &Report) -> String {
    match &report.withheld {
        Some(withheld) => {
            let all = if withheld.left_out == 0 { "" } else { "; not everything was looked at" };
            format!("{all}; {DETAILS}")
        }
        None => list("; not looked at: ", "; ", &report.left_out),
    }
}
