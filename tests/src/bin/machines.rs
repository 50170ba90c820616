//! `cargo machines [TEST]`: the tests of whole machines at length: power cuts at every moment.

use std::process::{Command, ExitCode};

use jit_e2e::{Error, Result, program, workspace};

const TEST: [&str; 8] =
    ["test", "--package", "jit-e2e", "--test", "machines", "--", "--nocapture", "--test-threads=1"];

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match run(&words) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => jit_e2e::failed(&error),
    }
}

fn run(words: &[String]) -> Result<()> {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(TEST).args(words).current_dir(workspace::root());
    command.env("JIT_MACHINES", "all").env("JIT_REQUIRE_BEDS", "1");
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
