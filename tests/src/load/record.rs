//! What the record says of the grants of a load: when each was due, and how late jitd says it was.

use std::collections::BTreeMap;

use serde_json::Value;

use super::host::Host;
use crate::{Error, Result};

/// The deadlines of all grants, in nanoseconds since 1970.
pub(super) fn deadlines(host: &Host) -> Result<BTreeMap<String, i64>> {
    by_grant(host, "intent", |body| body.get("deadline")?.get("wall")?.as_i64())
}

/// How many milliseconds after its deadline each grant was off, as jitd has it.
pub(super) fn late(host: &Host) -> Result<BTreeMap<String, i64>> {
    by_grant(host, "ended", |body| body.get("late-ms")?.as_i64())
}

/// How many entries of a kind there are.
pub(super) fn count(host: &Host, kind: &str) -> Result<usize> {
    Ok(log(host, kind)?.lines().count())
}

fn by_grant(host: &Host, kind: &str, of: impl Fn(&Value) -> Option<i64>) -> Result<BTreeMap<String, i64>> {
    let text = log(host, kind)?;
    let read = |line: &str| {
        let entry: Value = serde_json::from_str(line).ok()?;
        Some((entry.get("id")?.as_str()?.to_owned(), of(entry.get("body")?)?))
    };
    let odd = |line: &str| Error::Odd(format!("an entry that cannot be read: {line}"));
    text.lines().map(|line| read(line).ok_or_else(|| odd(line))).collect()
}

fn log(host: &Host, kind: &str) -> Result<String> {
    let words = ["jitctl", "log", "--json", "--kind", kind];
    Ok(host.bed.command(&words).limit(std::time::Duration::from_secs(120)).run()?.ok()?.out)
}
