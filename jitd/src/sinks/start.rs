//! Which sinks there are on this host, and their start.

use std::path::Path;

use jiff::tz::TimeZone;
use jit_common::paths;

use super::{Journald, JsonFile, Sink, SinkChoice, SinkHealth, Source, Syslog, Tail, journald, json, syslog};
use crate::config::Sinks;
use crate::engine::Handle;

/// Where log services listen.
#[derive(Clone, Copy, Debug)]
pub(super) struct Places<'a> {
    pub(super) journald: &'a Path,
    pub(super) syslog: &'a Path,
    pub(super) json: &'a Path,
}

/// Starts the sinks that the settings and this host call for, as tasks of the running event loop.
#[must_use]
pub fn start(settings: &Sinks, engine: &Handle) -> Vec<SinkHealth> {
    let places = Places {
        journald: Path::new(journald::SOCKET),
        syslog: Path::new(syslog::SOCKET),
        json: Path::new(json::FILE),
    };
    let mut health = Vec::new();
    for sink in choose(settings, &places) {
        let handle = engine.clone();
        let source = Source::new(engine.head(), move |after, limit| {
            let handle = handle.clone();
            async move { handle.rows(after, limit).await }
        });
        let (tail, shown) = Tail::new(source, sink, Path::new(paths::SINKS_DIR));
        tokio::spawn(tail.run());
        health.push(shown);
    }
    health
}

/// The sinks to use. On a host with a journal `/dev/log` is the journal's own, so that using both would tell everything
/// twice.
pub(super) fn choose(settings: &Sinks, places: &Places<'_>) -> Vec<Box<dyn Sink>> {
    let has_journal = places.journald.exists();
    let wanted = |choice: SinkChoice, by_itself: bool| match choice {
        SinkChoice::Auto => by_itself,
        SinkChoice::On => true,
        SinkChoice::Off => false,
    };
    let journald = wanted(settings.journald, has_journal);
    let syslog = wanted(settings.syslog, !has_journal && places.syslog.exists());
    let json = wanted(settings.json, false);
    let journald = journald.then(|| Box::new(Journald::new(places.journald)) as Box<dyn Sink>);
    let syslog = syslog.then(|| Box::new(Syslog::new(places.syslog, TimeZone::system())) as Box<dyn Sink>);
    let json = json.then(|| Box::new(JsonFile::new(places.json)) as Box<dyn Sink>);
    [journald, syslog, json].into_iter().flatten().collect()
}
