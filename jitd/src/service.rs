//! jitd as a service: what is started in which order, what systemd is told, and the orderly stop.

use std::io;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use jit_common::paths;
use jit_mechanisms::HostPaths;
use jitd_core::lifecycle::registry::Registry;
use jitd_core::record::Entry;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

use crate::clock::Clock;
use crate::config::{self, ConfigError, Settings};
use crate::engine::{Begun, Book, Engine, Handle, Health, Host, Message, Parts, past};
use crate::enquiries::Enquiries;
use crate::holders;
use crate::ledger::{Ledger, OpenError};
use crate::listen::{Reception, Seats, descriptors, socket};
use crate::people;
use crate::policy_files::Live;
use crate::reload::{self, Reload};
use crate::sinks::{self, SinkHealth};
use crate::timers::{self, Alarm};
use crate::watch;

/// How long the engine may take for one beat before systemd is no longer told that all is well.
const BEAT: Duration = Duration::from_secs(3);

/// How long calls wait for the first policy.
const FIRST_POLICY: Duration = Duration::from_secs(5);

/// How much longer systemd gives a jitd that still reads its first policy, in microseconds (`EXTEND_TIMEOUT_USEC` of
/// sd_notify(3)); said anew with every beat.
const STILL_STARTING: u32 = 30_000_000;

/// How long a sink may take for the last entries when jitd stops.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Why jitd does not run.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// The settings are not right.
    #[error("the settings are not taken")]
    Config(#[from] ConfigError),
    /// Another jitd runs.
    #[error("another jitd holds the ledger")]
    Second(#[source] OpenError),
    /// Something the system did not give.
    #[error("cannot {what}")]
    System {
        /// What was tried.
        what: &'static str,
        /// Why not.
        source: io::Error,
    },
    /// The engine has ended without being told to.
    #[error("the engine has stopped; jitd ends so that systemd starts it anew")]
    EngineGone,
}

fn system(what: &'static str) -> impl FnOnce(io::Error) -> ServiceError {
    move |source| ServiceError::System { what, source }
}

/// Threads for the files of sinks, beside those of look-ups. Without a limit the runtime starts a new one for each look-up of a
/// busy moment, hundreds of them, and each keeps memory.
const SINK_THREADS: usize = 8;

/// Runs jitd until it is told to stop.
///
/// # Errors
/// When it cannot start, or the engine ends by itself.
pub fn run() -> Result<(), ServiceError> {
    let settings = config::read(Path::new(paths::CONFIG_FILE), HostPaths::default().owner)?;
    let clock = Clock::of_this_boot().map_err(system("learn which boot this is"))?;
    // First of all the lock on the ledger: a second jitd must not touch the host.
    let (book, registry, begun) = open_ledger()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(people::AT_A_TIME + SINK_THREADS)
        .build()
        .map_err(system("start the event loop"))?;
    runtime.block_on(serve(settings, clock, book, (registry, begun)))
}

/// Opens and folds the ledger. A damaged one is not a reason to stop: jitd says so, grants nothing, and what is due
/// still ends, by what `applied` says.
fn open_ledger() -> Result<(Book, Registry, Begun), ServiceError> {
    let (mut registry, mut begun) = (Registry::default(), Begun::default());
    let opened = Ledger::open(Path::new(paths::STATE_DIR), &mut |row, entry| {
        registry.replay(row.at, row.request, entry, &past::typed_texts(row));
        begun.replay(row.at, row.request, entry);
    });
    match opened {
        Ok(ledger) => Ok((Book::new(Ok(ledger)), registry, begun)),
        Err(error @ OpenError::Locked { .. }) => Err(ServiceError::Second(error)),
        Err(error) => {
            let why = crate::chain(&error);
            crate::log::error(&format!("nothing is granted: {why}"));
            Ok((Book::new(Err(why)), Registry::default(), Begun::default()))
        }
    }
}

async fn serve(
    settings: Settings,
    clock: Clock,
    mut book: Book,
    (registry, begun): (Registry, Begun),
) -> Result<(), ServiceError> {
    let listener =
        socket::open(Path::new(paths::SOCKET)).map_err(system("open the socket /run/jit/jitd.sock"))?;
    let host = Host::probe(HostPaths::default());
    // None yet: what is due ends before the policy is read, whatever hangs on the way to it.
    let live = Arc::new(Live::default());
    book.note(&clock.now(), None, started(&clock, &host, &book));
    let alarm = Alarm::new().map_err(system("make a timer"))?;
    let (handle, inbox) = Handle::new(live.clone());
    let sinks = sinks::start(&settings.sinks, &handle);
    let told = sinks.clone();
    let sudo = host.sudo().cloned();
    let parts = Parts {
        clock: clock.clone(),
        registry,
        book,
        host,
        live,
        alarm: alarm.clone(),
        handle: handle.clone(),
        inbox,
        enquiries: Enquiries::start(handle.clone(), clock.clone()),
        sinks,
        report: settings.report,
    };
    let engine_ended = start_engine(parts, begun)?;
    let seats = Seats::new(settings.limits, descriptors::raise());
    let reception =
        Arc::new(Reception { engine: handle.clone(), seats, here: people::Here::default(), clock });
    timers::start(alarm, handle.clone()).map_err(system("start the timers"))?;
    if let Err(error) = watch::start(handle.clone()) {
        // The look every minute has to do.
        crate::log::error(&format!("changed accounts and the guard's notes are not watched for: {error}"));
    }
    holders::start(handle.clone()).map_err(system("watch for holders who are gone"))?;
    let (reload, policy) = reload::start(handle.clone(), sudo).map_err(system("read the policy"))?;
    tokio::spawn(reload_on_hangup(reload));
    tokio::spawn(receive(handle.clone(), listener, reception));
    tokio::spawn(beat(handle.clone(), policy));
    until_stopped(handle, engine_ended, &told).await
}

fn started(clock: &Clock, host: &Host, book: &Book) -> Entry {
    Entry::Started {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        host: nix::unistd::gethostname().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default(),
        boot_id: clock.now().boot_id,
        sudo: host.sudo_line(),
        host_key: book.host_key(),
    }
}

/// The engine has a thread of its own: it may wait for the disk while connections are served.
fn start_engine(parts: Parts, begun: Begun) -> Result<oneshot::Receiver<()>, ServiceError> {
    let (ended, engine_ended) = oneshot::channel();
    let engine = Engine::new(parts);
    thread::Builder::new()
        .name("engine".into())
        .spawn(move || {
            engine.run(begun);
            let _ = ended.send(());
        })
        .map_err(system("start the engine's thread"))?;
    Ok(engine_ended)
}

/// Waits for SIGTERM or SIGINT and stops in order, or for an engine that ends by itself.
async fn until_stopped(
    handle: Handle,
    mut engine_ended: oneshot::Receiver<()>,
    sinks: &[SinkHealth],
) -> Result<(), ServiceError> {
    let mut term = signal(SignalKind::terminate()).map_err(system("wait for SIGTERM"))?;
    let mut int = signal(SignalKind::interrupt()).map_err(system("wait for SIGINT"))?;
    tokio::select! {
        _ = term.recv() => {}
        _ = int.recv() => {}
        // Sent or dropped: the thread is gone either way.
        _ = &mut engine_ended => return Err(ServiceError::EngineGone),
    }
    let _ = sd_notify::notify(&[sd_notify::NotifyState::Stopping]);
    let (done, stopped) = oneshot::channel();
    handle.tell(Message::Stop(done)).await.map_err(|_| ServiceError::EngineGone)?;
    let newest = stopped.await.map_err(|_| ServiceError::EngineGone)?;
    for sink in sinks {
        // A sink that does not take the end now gets it after the next start.
        let _ = tokio::time::timeout(LAST_WORDS, sink.told(newest)).await;
    }
    handle.tell(Message::End).await.map_err(|_| ServiceError::EngineGone)?;
    let _ = engine_ended.await;
    Ok(())
}

/// Takes calls. One that came before the first policy, as the one that had jitd started, waits for it in the socket's
/// queue; when the policy takes long, people are heard all the same: they may give back, and root may revoke.
async fn receive(engine: Handle, listener: UnixListener, reception: Arc<Reception>) -> io::Result<()> {
    let _ = tokio::time::timeout(FIRST_POLICY, engine.first_policy()).await;
    socket::serve(listener, reception).await
}

/// SIGHUP reads the policy again.
async fn reload_on_hangup(reload: Reload) -> io::Result<()> {
    let mut hangup = signal(SignalKind::hangup())?;
    while hangup.recv().await.is_some() {
        reload.ask();
    }
    Ok(())
}

/// Tells systemd that jitd is ready once the engine has the first policy, and that it lives as long as it does. An engine
/// that hangs is not vouched for: systemd then kills jitd (sd_watchdog_enabled(3)), and the guard ends what is due
/// meanwhile. `policy` comes when the first policy is on its way to the engine, before any beat from then on.
async fn beat(handle: Handle, policy: oneshot::Receiver<()>) {
    let mut policy = Some(policy);
    let mut ready = None;
    loop {
        let (reply, answer) = oneshot::channel();
        if handle.tell(Message::Beat(reply)).await.is_err() {
            return;
        }
        if let Ok(Ok(health)) = tokio::time::timeout(BEAT, answer).await {
            let status = status_line(&health);
            let mut states = vec![sd_notify::NotifyState::Status(&status), sd_notify::NotifyState::Watchdog];
            states.extend(
                policy.is_some().then_some(sd_notify::NotifyState::ExtendTimeoutUsec(STILL_STARTING)),
            );
            states.extend(ready.take());
            let _ = sd_notify::notify(&states);
        }
        let Some(first) = policy.as_mut() else {
            tokio::time::sleep(BEAT).await;
            continue;
        };
        tokio::select! {
            () = tokio::time::sleep(BEAT) => {}
            taken = first => match taken {
                Ok(()) => {
                    policy = None;
                    ready = Some(sd_notify::NotifyState::Ready);
                }
                // Its thread has died. A jitd that never reads its policy is better started anew.
                Err(_) => {
                    crate::log::error("the thread that reads the policy has ended; jitd ends so that systemd starts it anew");
                    let _ = handle.tell(Message::Fail).await;
                    return;
                }
            },
        }
    }
}

fn status_line(health: &Health) -> String {
    let stuck = if health.stuck > 0 { format!(", {} STUCK", health.stuck) } else { String::new() };
    let sinks = health.behind.iter().map(|(name, behind)| format!(", {name} {behind} behind"));
    let trouble = health.not_granting.as_ref().map(|why| format!("; nothing is granted: {why}"));
    format!("{} grants live{stuck}{}{}", health.live, sinks.collect::<String>(), trouble.unwrap_or_default())
}
