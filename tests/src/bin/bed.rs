//! `cargo bed [bookworm|trixie] [booted|machine] [bare] [-- COMMAND…]`: a shell, or a command, in a throwaway machine with the product.

use std::io::{BufRead as _, Write as _};
use std::process::ExitCode;

use jit_e2e::{BootedBed, Error, Inside, MachineBed, Release, Result, RootBed};

const USAGE: &str = "usage: cargo bed [bookworm|trixie] [booted|machine] [bare] [-- COMMAND...]
  booted   with the real systemd as process 1
  machine  emulated, with its own kernel and clocks; takes scripts, one a line, and has no terminal
  bare     without the product";

/// What people get into.
enum Kind {
    Namespaces,
    Booted,
    Machine,
}

fn main() -> ExitCode {
    match visit(std::env::args().skip(1).collect()) {
        Ok(code) => ExitCode::from(code),
        Err(error) => jit_e2e::failed(&error),
    }
}

fn visit(mut words: Vec<String>) -> Result<u8> {
    let command = match words.iter().position(|word| word == "--") {
        Some(at) => words.split_off(at).split_off(1),
        None => vec!["bash".to_owned()],
    };
    let (mut release, mut kind, mut bare) = (Release::Bookworm, Kind::Namespaces, false);
    for word in &words {
        match word.as_str() {
            "bookworm" => release = Release::Bookworm,
            "trixie" => release = Release::Trixie,
            "booted" => kind = Kind::Booted,
            "machine" => kind = Kind::Machine,
            "bare" => bare = true,
            _ => return Err(Error::Odd(USAGE.to_owned())),
        }
    }
    match (kind, bare) {
        (Kind::Namespaces, false) => enter(&*RootBed::with_product(release)?, &command),
        (Kind::Namespaces, true) => enter(&*RootBed::bare(release)?, &command),
        (Kind::Booted, false) => enter(&*BootedBed::with_product(release)?, &command),
        (Kind::Booted, true) => enter(&*BootedBed::bare(release)?, &command),
        (Kind::Machine, false) => converse(&MachineBed::with_product(release)?),
        (Kind::Machine, true) => Err(Error::Odd("a machine has the product".to_owned())),
    }
}

fn enter(inside: &Inside, command: &[String]) -> Result<u8> {
    let words: Vec<&str> = command.iter().map(String::as_str).collect();
    let code = inside.command(&words).folder("/root").attend()?;
    Ok(u8::try_from(code).unwrap_or(u8::MAX))
}

/// Runs what is typed, line by line.
fn converse(machine: &MachineBed) -> Result<u8> {
    let mut output = std::io::stdout();
    let mut say = |text: &str| {
        output
            .write_all(text.as_bytes())
            .and_then(|()| output.flush())
            .map_err(Error::io("write to standard output"))
    };
    say(&format!("{}\nroot# ", machine.title()))?;
    for line in std::io::stdin().lock().lines() {
        let line = line.map_err(Error::io("read from standard input"))?;
        say(&machine.sh(&line)?.text())?;
        say("root# ")?;
    }
    Ok(0)
}
