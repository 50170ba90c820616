//! `cargo bed [bookworm|trixie] [booted] [bare] [-- COMMAND…]`: a shell, or a command, in a throwaway machine with the product.

use std::process::ExitCode;

use jit_e2e::{BootedBed, Error, Inside, Release, Result, RootBed};

const USAGE: &str = "usage: cargo bed [bookworm|trixie] [booted] [bare] [-- COMMAND...]
  booted   with the real systemd as process 1
  bare     without the product";

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
    let (mut release, mut booted, mut bare) = (Release::Bookworm, false, false);
    for word in &words {
        match word.as_str() {
            "bookworm" => release = Release::Bookworm,
            "trixie" => release = Release::Trixie,
            "booted" => booted = true,
            "bare" => bare = true,
            _ => return Err(Error::Odd(USAGE.to_owned())),
        }
    }
    match (booted, bare) {
        (false, false) => enter(&*RootBed::with_product(release)?, &command),
        (false, true) => enter(&*RootBed::bare(release)?, &command),
        (true, false) => enter(&*BootedBed::with_product(release)?, &command),
        (true, true) => enter(&*BootedBed::bare(release)?, &command),
    }
}

fn enter(inside: &Inside, command: &[String]) -> Result<u8> {
    let words: Vec<&str> = command.iter().map(String::as_str).collect();
    let code = inside.command(&words).folder("/root").attend()?;
    Ok(u8::try_from(code).unwrap_or(u8::MAX))
}
