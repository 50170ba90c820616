//! `jit-guard`: takes off what is past its deadline, whether or not jitd is there to do it.
//!
//! The program is [`main`]. What else is public is its passes over a host, so that they can be held against a whole tree.

use std::io::{self, Write};
use std::process::ExitCode;

use jit_mechanisms::HostPaths;
use nix::unistd::Uid;

mod args;
mod clock;
mod log;
mod members;
mod notify;
mod once;
mod plan;
mod running;
mod serve;
mod status;
mod sweep;
mod watch;

pub use clock::ClockError;
pub use once::{OnceError, all, boot};
pub use plan::{GRACE, Next};
pub use sweep::{Guard, Swept};

use args::{Asked, Work};

/// Runs the guard as its arguments say.
#[must_use]
pub fn main() -> ExitCode {
    let asked = match args::parse(std::env::args_os().skip(1)) {
        Ok(asked) => asked,
        Err(why) => {
            log::line(&format_args!("jit-guard: {why}; see jit-guard --help"));
            return ExitCode::from(2);
        }
    };
    let done = match asked {
        Asked::Help => tell(args::HELP),
        Asked::Version => tell(concat!("jit-guard ", env!("CARGO_PKG_VERSION"), "\n")),
        Asked::Work(asked) => work(asked),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            log::chain(why.as_ref());
            ExitCode::FAILURE
        }
    }
}

type Done = Result<(), Box<dyn std::error::Error>>;

fn work(asked: Work) -> Done {
    if !Uid::effective().is_root() {
        return Err("only root can look after the grants on this host; run it with sudo".into());
    }
    // No environment variable and no option ever points a program of root elsewhere.
    let paths = HostPaths::default();
    match asked {
        Work::Serve => match serve::serve(&paths)? {},
        Work::Boot => {
            let clock = clock::Clock::start()?;
            Ok(once::boot(&paths, || clock.now(), std::thread::sleep)?)
        }
        Work::All => Ok(once::all(&paths, &clock::Clock::start()?.now()?)?),
        Work::Status => tell(&status::text(&paths, &clock::Clock::start()?.now()?)),
    }
}

fn tell(text: &str) -> Done {
    match io::stdout().write_all(text.as_bytes()) {
        // `jit-guard --status | head` is no failure.
        Err(why) if why.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => Ok(other?),
    }
}
