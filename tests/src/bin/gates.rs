//! `cargo gates`: format, lints as errors, documentation. The tests are `cargo test`.

use std::process::{Command, ExitCode};

use jit_e2e::{Error, Result, program, workspace};

const GATES: [&[&str]; 3] = [
    &["fmt", "--all", "--check"],
    &["clippy", "--workspace", "--all-targets", "--quiet", "--", "-D", "warnings"],
    &["doc", "--workspace", "--no-deps", "--document-private-items", "--quiet"],
];

fn main() -> ExitCode {
    for gate in GATES {
        if let Err(error) = pass(gate) {
            return jit_e2e::failed(&error);
        }
    }
    ExitCode::SUCCESS
}

/// Runs one gate with its output where it belongs: the terminal.
fn pass(gate: &[&str]) -> Result<()> {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(gate).current_dir(workspace::root()).env("RUSTDOCFLAGS", "-D warnings");
    let status = command.status().map_err(Error::io(format!("start {}", program::line(&command))))?;
    if status.success() {
        return Ok(());
    }
    Err(Error::Program {
        command: format!("cargo {}", gate.join(" ")),
        status: status.to_string(),
        output: String::new(),
    })
}
