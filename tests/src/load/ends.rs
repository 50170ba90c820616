//! How long after its deadline a grant is verified to be off, by the record: for one live grant, a hundred and a thousand, on a
//! quiet host and with both processors busy.

use std::fmt::{self, Display};
use std::time::Duration;

use super::crowd::{answered, unix};
use super::figures::Times;
use super::host::{Host, ROLES, What};
use super::record;
use crate::{Release, Result, RootBed, Running, until};

/// How many are live at a time, and how often that is done.
const COUNTS: [(u32, u32); 3] = [(1, 20), (100, 3), (1000, 2)];

/// Clients at a time.
const AT_A_TIME: usize = 500;

/// What the host does beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Beside {
    Nothing,
    /// As many loops as there are processors.
    Loops,
}

impl Display for Beside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nothing => "quiet",
            Self::Loops => "all processors busy",
        })
    }
}

/// Measures it all on this release; a line for each figure.
///
/// # Errors
/// When there can be no such bed, or it does not do as it should.
pub fn ends(release: Release, mut tell: impl FnMut(&str) -> Result<()>) -> Result<()> {
    for beside in [Beside::Nothing, Beside::Loops] {
        for (count, rounds) in COUNTS {
            let host = Host::set_up(RootBed::with_product_on_disk(release)?, count.div_ceil(ROLES))?;
            let loops = busy(&host, beside)?;
            let mut late = Vec::new();
            for _ in 0..rounds {
                late.extend(round(&host, count)?);
            }
            loops.iter().try_for_each(|endless| endless.terminate().map(drop))?;
            let times = Times::of(late.into_iter());
            tell(&format!("{beside}, {count} live: verified off after the deadline, {times}"))?;
        }
    }
    Ok(())
}

fn busy(host: &Host, beside: Beside) -> Result<Vec<Running>> {
    let processors = match beside {
        Beside::Nothing => 0,
        Beside::Loops => std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
    };
    let endless = ["sh", "-c", "while :; do :; done"];
    (0..processors).map(|_| host.bed.command(&endless).spawn()).collect()
}

/// Has so many granted, all due in the same second, and waits until all are on the record as ended.
fn round(host: &Host, count: u32) -> Result<Vec<Duration>> {
    let before = record::late(host)?;
    let people = count.div_ceil(ROLES);
    let until_second = unix() + if count == 1 { 2 } else { 5 + u64::from(count) / 20 };
    let asks = (0..count).map(|number| (number % people, What::Elevate(number / people, until_second)));
    answered(&host.ask(&asks.collect::<Vec<_>>(), AT_A_TIME)?)?;
    let all = before.len() + count as usize;
    let over = || record::late(host).ok().filter(|late| late.len() >= all);
    let late = until("all to be on the record", Duration::from_secs(180), over)?;
    let new = late.into_iter().filter(|(id, _)| !before.contains_key(id));
    Ok(new.map(|(_, late)| Duration::from_millis(u64::try_from(late).unwrap_or_default())).collect())
}
