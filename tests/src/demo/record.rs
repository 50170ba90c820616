//! The scenes about the record: every step is on it, and a change of one byte is found by whoever has a copy.

use crate::transcript::{Ends, Transcript};
use crate::{Error, Inside, Result};

const EXPORT: &str = "/tmp/record.jsonl";

pub(super) fn every_step_is_on_it(show: &mut Transcript<'_>) -> Result<()> {
    show.caption("All of it is on record, the refusals as well. Here, what was refused, given and ended:")?;
    show.run("olga", "jitctl log --kind refused --kind applied --kind ended --kind locked", Ends::Well)?
        .says("alice was refused web-restart (reason-missing)")?
        .says("carl was refused web-restart (denied)")?
        .says("alice was granted web-restart")?
        .says("alice no longer has web-restart: dropped")?
        .says("alice no longer has web-restart: expired")?
        .says("alice no longer has web-restart: locked")?;
    Ok(())
}

pub(super) fn a_change_is_found(show: &mut Transcript<'_>, inside: &Inside) -> Result<()> {
    show.caption("A copy of the record can be checked by anybody, anywhere, without jitd.")?;
    show.run("root", &format!("jitctl log export > {EXPORT}"), Ends::Well)?;
    let verify = format!("jitctl log verify {EXPORT}");
    show.run("alice", &verify, Ends::Well)?.says("verified")?.never_says("NOT")?;
    let entry = first_request(&inside.read(EXPORT)?)?;
    show.caption("Somebody with root changes a single byte: it was not alice who asked, it was alicf.")?;
    show.run("root", &format!("sed -i '{entry}s/alice/alicf/' {EXPORT}"), Ends::Well)?;
    show.run("alice", &verify, Ends::With(1))?
        .says("NOT verified")?
        .says(&format!("broken at entry {entry}:"))?;
    Ok(())
}

/// The line of the first request in an export, which is also the number of its entry.
fn first_request(export: &str) -> Result<usize> {
    let found = export.lines().position(|line| line.contains("requested") && line.contains("alice"));
    found
        .map(|at| at + 1)
        .ok_or_else(|| Error::Odd(format!("no request of alice is in the export:\n{export}")))
}
