//! `cargo demo`: the main job on a throwaway Debian 12 with real sudo and real users.

use std::io::IsTerminal as _;
use std::process::ExitCode;

use jit_e2e::transcript::Ink;

fn main() -> ExitCode {
    let colour =
        std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let ink = if colour { Ink::Colour } else { Ink::Plain };
    match jit_e2e::demo::play(std::io::stdout(), ink) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => jit_e2e::failed(&error),
    }
}
