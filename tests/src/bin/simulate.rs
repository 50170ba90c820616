//! `cargo simulate [MINUTES]`: the simulation of the core with new seeds; ten minutes if nothing is said.

use std::process::{Command, ExitCode};

use jit_e2e::{Error, Result, program, workspace};

const TEST: [&str; 8] =
    ["test", "--release", "--package", "jitd-core", "--test", "simulation", "--", "--nocapture"];

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match run(&words) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => jit_e2e::failed(&error),
    }
}

fn run(words: &[String]) -> Result<()> {
    let minutes: u64 = match words {
        [] => 10,
        [minutes] => {
            minutes.parse().map_err(|_| Error::Odd(format!("{minutes:?} is no number of minutes")))?
        }
        more => return Err(Error::Odd(format!("one number of minutes is taken, and {more:?} was given"))),
    };
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(TEST).current_dir(workspace::root()).env("JIT_SIM_SECONDS", (60 * minutes).to_string());
    let status = command.status().map_err(Error::io(format!("start {}", program::line(&command))))?;
    if status.success() {
        return Ok(());
    }
    Err(Error::Program {
        command: program::line(&command),
        status: status.to_string(),
        output: String::new(),
    })
}
