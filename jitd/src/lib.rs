//! The daemon: it gives a privilege for a while, takes it away again, and keeps the record of it.
//!
//! The files in the order of a request: `listen` takes the call, `peer` and `people` say who makes it, `engine` decides
//! by the core, writes the `ledger`, changes the host by the mechanisms and answers; `timers` end what is due, `sinks`
//! tell others.

mod clock;
mod config;
mod engine;
mod enquiries;
mod holders;
pub mod ledger;
pub mod listen;
pub mod log;
pub mod looks;
mod peer;
mod people;
mod policy_files;
pub mod random;
mod reload;
mod run_as;
mod service;
pub mod sinks;
pub mod subcommands;
mod sweeps;
mod terminals;
mod timers;
mod watch;
mod worker;
mod zones;

use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use jit_common::causes::chain;
use jit_mechanisms::include::{self, Placed, TakenAway};
use jit_mechanisms::{HostPaths, sudo};

/// How long sudo and visudo may take to answer.
const SUDO_PATIENCE: Duration = Duration::from_secs(10);

/// What `jitd --help` says.
const HELP: &str = "\
jitd: gives a person a privilege for a while and takes it away again.

Usage: jitd            run, as systemd starts it (see jitd.service)
       jitd --place-include     let sudo read the grants, once visudo agrees
       jitd --remove-include    and no longer, as before removing the package
       jitd --version
       jitd --help

People use jitctl. Settings are in /etc/jit/jitd.toml, the policy in /etc/jit/policy.d/.
";

/// Runs jitd as its arguments say.
#[must_use]
pub fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    let first = arguments.first().map(|argument| argument.to_string_lossy().into_owned());
    match (first.as_deref(), arguments.len()) {
        (None, _) => run(),
        (Some("--place-include"), 1) => told(place_include()),
        (Some("--remove-include"), 1) => told(remove_include()),
        (Some("--help" | "-h"), 1) => print(HELP),
        (Some("--version" | "-V"), 1) => print(concat!("jitd ", env!("CARGO_PKG_VERSION"), "\n")),
        (Some(other), _) => {
            log::error(&format!("{other:?} is not understood; `jitd --help` shows what is"));
            ExitCode::from(2)
        }
    }
}

fn run() -> ExitCode {
    if !nix::unistd::geteuid().is_root() {
        log::error("jitd has to run as root; systemd starts it: systemctl start jitd");
        return ExitCode::FAILURE;
    }
    // Whoever started us may have left a mask that makes files writable for others, or unreadable for sudo.
    nix::sys::stat::umask(nix::sys::stat::Mode::from_bits_truncate(0o077));
    match service::run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            log::error(&chain(&error));
            ExitCode::FAILURE
        }
    }
}

/// Puts `/etc/sudoers.d/00-jit` in its place, after visudo has agreed to it.
fn place_include() -> Result<String, String> {
    let paths = HostPaths::default();
    let sudo = sudo::probe(&paths, SUDO_PATIENCE).map_err(|error| chain(&error))?;
    let placed = include::place(&paths, sudo.visudo(), SUDO_PATIENCE).map_err(|error| chain(&error))?;
    Ok(match placed {
        Placed::AlreadySo => format!("{} is in its place", paths.include_file.display()),
        Placed::Written => format!("{} was placed; visudo agrees", paths.include_file.display()),
    })
}

fn remove_include() -> Result<String, String> {
    let paths = HostPaths::default();
    let removed = include::remove(&paths).map_err(|error| chain(&error))?;
    Ok(match removed {
        TakenAway::Removed => format!("{} was removed", paths.include_file.display()),
        TakenAway::WasMissing => format!("{} was not there", paths.include_file.display()),
        TakenAway::Left(how) => {
            format!("{} was left, for it is not as placed: {how}", paths.include_file.display())
        }
    })
}

fn told(outcome: Result<String, String>) -> ExitCode {
    match outcome {
        Ok(text) => print(&format!("{text}\n")),
        Err(why) => {
            log::error(&why);
            ExitCode::FAILURE
        }
    }
}

fn print(text: &str) -> ExitCode {
    match std::io::stdout().write_all(text.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}
