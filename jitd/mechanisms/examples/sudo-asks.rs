//! Asks this host's sudo about a person and a role of root's `id` and some groups, by the library alone, for the tests:
//! `sudo-asks USER asked|not-asked|no-sudo GROUP…`. Tells what sudo said of each part, a line each.

use std::error::Error;
use std::io::{Write, stdout};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use jit_mechanisms::HostPaths;
use jit_mechanisms::sudo::{RoleAgreement, ask_role, probe, reasons_against};
use jitd_core::policy::{Authenticate, Command, Commands, RunAs, SudoRole};

/// How long sudo may take for each answer.
const LIMIT: Duration = Duration::from_secs(10);

/// Some group for visudo, which does not look it up.
const SOME_GID: u32 = 60_000;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match run(&words) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            let _ = writeln!(std::io::stderr(), "sudo-asks: {why}");
            ExitCode::FAILURE
        }
    }
}

fn run(words: &[&str]) -> Result<(), Box<dyn Error>> {
    let [user, role, groups @ ..] = words else {
        return Err("usage: sudo-asks USER asked|not-asked|no-sudo GROUP…".into());
    };
    let role = match *role {
        "asked" => Some(role_of_id(Authenticate::Asked)?),
        "not-asked" => Some(role_of_id(Authenticate::NotAsked)?),
        "no-sudo" => None,
        other => return Err(format!("{other} is none of asked, not-asked and no-sudo").into()),
    };
    let mut paths = HostPaths::default();
    if let Some(program) = std::env::var_os("SUDO_ASKS") {
        paths.sudo = PathBuf::from(program);
    }
    let sudo = probe(&paths, LIMIT)?;
    let gids: Vec<u32> = groups.iter().map(|_| SOME_GID).collect();
    let exists = |_: &str| Ok(true);
    let mut out = stdout().lock();
    for reason in reasons_against(&paths, &sudo, role.as_ref(), &gids, exists, LIMIT) {
        writeln!(out, "the host: {}", reason.text())?;
    }
    tell(&mut out, &ask_role(&sudo, user, role.as_ref(), groups, LIMIT))?;
    Ok(())
}

fn role_of_id(password: Authenticate) -> Result<SudoRole, Box<dyn Error>> {
    let commands = Commands::These(vec![Command::new(&["/usr/bin/id".to_owned()])?]);
    Ok(SudoRole { run_as: RunAs::new("root")?, password, commands })
}

fn tell(out: &mut impl Write, answer: &RoleAgreement) -> std::io::Result<()> {
    for asked in &answer.allowed {
        writeln!(out, "{asked}: allowed")?;
    }
    for (asked, why) in &answer.refused {
        writeln!(out, "{asked}: refused: {why}")?;
    }
    for (asked, why) in &answer.unclear {
        writeln!(out, "{asked}: unclear: {why}")?;
    }
    Ok(())
}
