//! The state of things, and one request's story, in JSON.

use jit_common::response::{Armed, EarlierView, SinkView, StatusView, StoryView, WaitingView, WayOff};
use serde::Serialize;

use super::grant::EndJson;
use super::{EntryJson, GrantJson, OpenJson};
use crate::time;

/// The state of things.
#[derive(Debug, Serialize)]
pub(crate) struct StatusJson<'a> {
    mine: Vec<GrantJson<'a>>,
    all: Option<Vec<GrantJson<'a>>>,
    open: Vec<OpenJson<'a>>,
    waiting: Option<WaitingJson>,
    not_granting: &'a [String],
    attention: &'a [String],
    daemon: &'a str,
    sudo: &'a str,
    policy: Option<&'a str>,
    live: u64,
    entries: u64,
    sinks: Vec<SinkJson<'a>>,
}

/// Everybody's open requests in numbers.
#[derive(Debug, Serialize)]
struct WaitingJson {
    people: u64,
    approved: u64,
    scheduled: u64,
}

fn waiting(waiting: WaitingView) -> WaitingJson {
    let WaitingView { people, approved, scheduled } = waiting;
    WaitingJson { people, approved, scheduled }
}

/// One sink.
#[derive(Debug, Serialize)]
struct SinkJson<'a> {
    name: &'a str,
    behind: u64,
    trouble: Option<&'a str>,
}

impl<'a> StatusJson<'a> {
    pub(super) fn of(status: &'a StatusView) -> Self {
        Self {
            mine: status.mine.iter().map(GrantJson::of).collect(),
            all: status.all.as_ref().map(|all| all.iter().map(GrantJson::of).collect()),
            open: status.open.iter().map(OpenJson::of).collect(),
            waiting: status.waiting.map(waiting),
            not_granting: &status.not_granting,
            attention: &status.attention,
            daemon: &status.daemon,
            sudo: &status.sudo,
            policy: status.policy.as_deref(),
            live: status.live,
            entries: status.entries,
            sinks: status.sinks.iter().map(sink).collect(),
        }
    }
}

fn sink(sink: &SinkView) -> SinkJson<'_> {
    SinkJson { name: &sink.name, behind: sink.behind, trouble: sink.trouble.as_deref() }
}

/// The whole story of one request.
#[derive(Debug, Serialize)]
pub(crate) struct StoryJson<'a> {
    grant: Option<GrantJson<'a>>,
    open: Option<OpenJson<'a>>,
    conditions: &'a [String],
    earlier: Vec<EarlierJson<'a>>,
    live: Vec<GrantJson<'a>>,
    change: &'a [String],
    equals_root: &'a [String],
    side_effects: &'a [String],
    not_seen: &'a [String],
    ways_off: Vec<WayOffJson<'a>>,
    entries: Vec<EntryJson<'a>>,
    running: &'a [String],
}

/// An earlier grant of the same role.
#[derive(Debug, Serialize)]
struct EarlierJson<'a> {
    id: String,
    start: String,
    until: String,
    end: Option<EndJson<'a>>,
    reason: Option<&'a str>,
    residue: &'a [String],
}

fn earlier(grant: &EarlierView) -> EarlierJson<'_> {
    EarlierJson {
        id: grant.id.to_string(),
        start: time::rfc3339(grant.start),
        until: time::rfc3339(grant.until),
        end: grant.end.as_ref().map(EndJson::of),
        reason: grant.reason.as_deref(),
        residue: &grant.residue,
    }
}

/// One of the ways off the host.
#[derive(Debug, Serialize)]
struct WayOffJson<'a> {
    name: &'a str,
    armed: bool,
    detail: &'a str,
}

impl<'a> StoryJson<'a> {
    pub(super) fn of(story: &'a StoryView) -> Self {
        Self {
            grant: story.grant.as_ref().map(GrantJson::of),
            open: story.open.as_ref().map(OpenJson::of),
            conditions: &story.conditions,
            earlier: story.earlier.iter().map(earlier).collect(),
            live: story.live.iter().map(GrantJson::of).collect(),
            change: &story.change,
            equals_root: &story.equals_root,
            side_effects: &story.side_effects,
            not_seen: &story.not_seen,
            ways_off: story.ways_off.iter().map(way_off).collect(),
            entries: story.entries.iter().map(EntryJson::of).collect(),
            running: &story.running,
        }
    }
}

fn way_off(way: &WayOff) -> WayOffJson<'_> {
    let armed = match way.armed {
        Armed::Yes => true,
        Armed::No => false,
    };
    WayOffJson { name: &way.name, armed, detail: &way.detail }
}
