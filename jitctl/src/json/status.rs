//! The state of things, and one request's story, in JSON.

use jit_common::response::{Armed, SinkView, StatusView, StoryView, WayOff};
use serde::Serialize;

use super::{EntryJson, GrantJson};

/// The state of things.
#[derive(Debug, Serialize)]
pub(crate) struct StatusJson<'a> {
    mine: Vec<GrantJson<'a>>,
    all: Option<Vec<GrantJson<'a>>>,
    not_granting: &'a [String],
    attention: &'a [String],
    daemon: &'a str,
    sudo: &'a str,
    policy: Option<&'a str>,
    live: u64,
    entries: u64,
    sinks: Vec<SinkJson<'a>>,
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
    change: &'a [String],
    equals_root: &'a [String],
    side_effects: &'a [String],
    ways_off: Vec<WayOffJson<'a>>,
    entries: Vec<EntryJson<'a>>,
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
            change: &story.change,
            equals_root: &story.equals_root,
            side_effects: &story.side_effects,
            ways_off: story.ways_off.iter().map(way_off).collect(),
            entries: story.entries.iter().map(EntryJson::of).collect(),
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
