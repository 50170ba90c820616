//! Looks at the host for the closing reports of grants: one thread, one look after the other, each bounded by the settings. Nobody
//! waits for it; the answer comes as a message.

use std::sync::Arc;

use jit_common::ids::RequestId;
use jit_mechanisms::HostPaths;
use jit_mechanisms::groups::holders::{Holders, holders};
use jit_mechanisms::groups::{Given, Membership};
use jit_mechanisms::watch_list::{self, Source, Survivors, WatchList};
use jitd_core::now::NANOS;
use jitd_core::record::report::MORE_PROCESSES;
use jitd_core::record::{Change, How};
use jitd_core::watched::{Lent, Look, Thing, compare};

use crate::clock::{self, Clock};
use crate::config::{Report, SetGid, Watch};
use crate::engine::{Handle, Message};

/// Processes that a report names. The others are counted.
const NAMED: usize = 16;

/// Nanoseconds for a look at all processes.
const PROCESSES: i64 = NANOS;

/// Places that a report names for one reason why they were not looked at.
const PLACES: usize = 4;

/// A grant that is over.
#[derive(Clone, Debug)]
pub struct Over {
    /// Which.
    pub id: RequestId,
    /// Whose, and since when on the boot clock; `None` when it began in another boot.
    pub source: Option<Source>,
    /// When it began, nanoseconds of the wall clock.
    pub since: i64,
    /// Who was taken out of which groups.
    pub memberships: Given,
    /// The groups that it gave.
    pub gids: Vec<u32>,
    /// The look at its start, if there is one.
    pub first: Option<Arc<Look>>,
}

/// A question.
#[derive(Debug)]
pub struct Question {
    /// Which look it is.
    pub number: u64,
    /// When it is asked, nanoseconds of the wall clock.
    pub asked: i64,
    /// The grants that are over.
    pub over: Vec<Over>,
    /// Who is in a group by jitd.
    pub lent: Lent,
    /// What to look at.
    pub settings: Arc<Report>,
    /// The host.
    pub paths: HostPaths,
    /// The clocks.
    pub clock: Clock,
    /// Who wants to know.
    pub answer_to: Handle,
}

/// What was seen.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Which look it is.
    pub number: u64,
    /// The look; `None` when the watch list is off.
    pub look: Option<Arc<Look>>,
    /// What is left of each grant.
    pub left: Vec<Left>,
}

/// What is left of a grant.
#[derive(Clone, Debug)]
pub struct Left {
    /// Which.
    pub id: RequestId,
    /// Processes.
    pub alive: Vec<String>,
    /// What is other than at its start.
    pub changes: Vec<Change>,
    /// Set-gid files that were made harmless, and those that were not.
    pub stripped: Vec<String>,
    /// What was not looked at.
    pub left_out: Vec<String>,
}

/// Answers a question.
pub fn answer(question: Box<Question>) {
    watch_list::stand_back();
    let Question { number, asked, over, lent, settings, paths, clock, answer_to } = *question;
    let look = match settings.watch {
        Watch::On => Some(Arc::new(look(&paths, &settings, &clock, asked))),
        Watch::Off => None,
    };
    let processes = Processes::look(&paths, &over);
    let left = over.iter().map(|over| {
        let (alive, mut left_out) = processes.of(over);
        let changes = match &look {
            Some(look) => {
                left_out.extend(not_seen(look));
                compare(over.first.as_deref(), look, over.since, &lent)
            }
            None => {
                left_out.push("the watch list: it is off in jitd.toml".to_owned());
                Vec::new()
            }
        };
        if look.is_some() && over.first.is_none() {
            left_out.push(
                "the host at its start: that look was lost with a restart of jitd, or never made".to_owned(),
            );
        }
        let stripped = match settings.set_gid {
            SetGid::Strip => strip(&paths, over, &changes),
            SetGid::Keep => Vec::new(),
        };
        Left { id: over.id, alive, changes, stripped, left_out }
    });
    let seen = Seen { number, left: left.collect(), look: look.clone() };
    // An engine that has stopped wants no answer.
    let _ = answer_to.tell_blocking(Message::Looked(Box::new(seen)));
}

fn look(paths: &HostPaths, settings: &Report, clock: &Clock, begun: i64) -> Look {
    let list = WatchList {
        folders: settings.folders.clone(),
        files: settings.files.clone(),
        in_homes: settings.in_homes.clone(),
        entries: settings.entries,
    };
    let has_time = clock::time_for(i64::from(settings.milliseconds).saturating_mul(NANOS / 1000));
    let found = watch_list::look(paths, &list, has_time);
    let now = clock.now();
    Look { begun, done: now.wall, boot_id: now.boot_id, found }
}

/// What a look has not looked at, a line for each reason. What holds no files at all is not worth one of its own places.
fn not_seen(look: &Look) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for same in look.found.left_out.chunk_by(|one, other| one.why == other.why) {
        let places: Vec<&str> = same.iter().take(PLACES).map(|left| left.path.as_str()).collect();
        let more = match same.len().saturating_sub(PLACES) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let why = same.first().map_or("", |left| left.why.as_str());
        lines.push(format!("{}{more} ({why})", places.join(", ")));
    }
    lines
}

/// What runs on the host, as far as it matters for some grants.
struct Processes {
    survivors: Result<Survivors, String>,
    holders: Result<Holders, String>,
}

impl Processes {
    fn look(paths: &HostPaths, over: &[Over]) -> Self {
        if over.is_empty() {
            return Self { survivors: Ok(Survivors::default()), holders: Ok(Holders::default()) };
        }
        let all: Given = over.iter().flat_map(|over| &over.memberships).cloned().collect();
        let words = |why: std::io::Error| format!("what runs on the host: /proc: {why}");
        Self {
            survivors: Survivors::look(paths, clock::time_for(PROCESSES)).map_err(words),
            holders: holders(paths, &all, clock::time_for(PROCESSES)).map_err(words),
        }
    }

    /// Those of one grant, and what is not known of them.
    fn of(&self, over: &Over) -> (Vec<String>, Vec<String>) {
        let (mut alive, mut unknown) = (Vec::new(), Vec::new());
        match (&self.survivors, over.source) {
            (Ok(survivors), Some(source)) => {
                alive.extend(survivors.of(source));
                let left_out = survivors.left_out;
                unknown.extend((left_out > 0).then(|| format!("{left_out} processes (no more time)")));
            }
            // Nothing of another boot runs.
            (Ok(_), None) => {}
            (Err(why), _) => unknown.push(why.clone()),
        }
        match &self.holders {
            Ok(holders) => {
                let held = |of: &Membership| holders.found.get(of).cloned().unwrap_or_default();
                for of in &over.memberships {
                    alive.extend(held(of).into_iter().map(|holder| format!("{holder} holds {}", of.group)));
                }
                unknown
                    .extend(holders.unseen.as_ref().map(|(count, why)| format!("{count} processes ({why})")));
            }
            Err(why) => unknown.push(why.clone()),
        }
        unknown.dedup();
        let more = alive.len().saturating_sub(NAMED);
        alive.truncate(NAMED);
        if more > 0 {
            alive.push(format!("{more}{MORE_PROCESSES}"));
        }
        (alive, unknown)
    }
}

/// Makes the set-gid files of its groups harmless that are new or were changed.
fn strip(paths: &HostPaths, over: &Over, changes: &[Change]) -> Vec<String> {
    let mut said = Vec::new();
    for change in changes.iter().filter(|change| change.how != How::Gone) {
        let (Thing::SetId(path), Some(gid)) = (&change.thing, change.gid) else { continue };
        if over.gids.contains(&gid) {
            said.push(match watch_list::strip_set_gid(paths, path, gid) {
                Ok(()) => format!("the set-gid bit of {path} was taken off"),
                Err(why) => format!("the set-gid bit of {path} is still there: {}", crate::chain(&why)),
            });
        }
    }
    said
}
