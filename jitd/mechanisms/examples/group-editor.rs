//! Puts people into a group of this host and takes them out, by the library alone: for the tests that run it beside
//! shadow-utils. `group-editor add|remove GROUP USER…` or `group-editor cycle TIMES GROUP USER…`.

use std::error::Error;
use std::io::{Write, stdout};
use std::process::ExitCode;
use std::time::Duration;

use jit_mechanisms::HostPaths;
use jit_mechanisms::groups::{Caller, Given, Membership, Outcome, Wanted, converge};

/// As long as lckpwdf(3) waits; `GROUP_EDITOR_WAIT_MS` says otherwise.
const WAIT_MS: u64 = 15_000;

/// Whoever asks for grants has ids for them.
const GRANT: &str = "aaaaaaaa";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match run(&words) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            let _ = writeln!(std::io::stderr(), "group-editor: {}", chain(&*why));
            ExitCode::FAILURE
        }
    }
}

fn chain(why: &dyn Error) -> String {
    let cause = why.source().map(|cause| format!(": {}", chain(cause)));
    format!("{why}{}", cause.unwrap_or_default())
}

fn run(words: &[&str]) -> Result<(), Box<dyn Error>> {
    match words {
        ["add", group, users @ ..] => tell(&change(Direction::In, &memberships(group, users)?)?),
        ["remove", group, users @ ..] => tell(&change(Direction::Out, &memberships(group, users)?)?),
        ["cycle", times, group, users @ ..] => {
            let memberships = memberships(group, users)?;
            for _ in 0..times.parse::<u32>()? {
                expect(&change(Direction::In, &memberships)?, &Outcome::Added)?;
                expect(&change(Direction::Out, &memberships)?, &Outcome::Removed)?;
            }
            Ok(())
        }
        _ => Err("usage: group-editor add|remove GROUP USER… | cycle TIMES GROUP USER…".into()),
    }
}

/// Where somebody goes.
#[derive(Clone, Copy)]
enum Direction {
    In,
    Out,
}

/// Says that everything may be done, and keeps nothing.
struct Anybody;

impl Caller for Anybody {
    fn about_to_add(&mut self, _adding: &Given) -> Result<(), String> {
        Ok(())
    }

    fn uid_elsewhere(&mut self, _user: &str) -> Option<u32> {
        None
    }
}

fn change(direction: Direction, memberships: &Given) -> Result<Vec<(Membership, Outcome)>, Box<dyn Error>> {
    let mut wanted = Wanted::default();
    let given = match direction {
        Direction::In => {
            for membership in memberships {
                wanted.add(membership.clone(), GRANT.parse()?);
            }
            Given::new()
        }
        Direction::Out => memberships.clone(),
    };
    let wait = std::env::var("GROUP_EDITOR_WAIT_MS").map_or(Ok(WAIT_MS), |text| text.parse())?;
    let wait = Duration::from_millis(wait);
    let report = converge(&HostPaths::default(), &wanted, &given, wait, &mut Anybody)?;
    Ok(report.outcomes.into_iter().collect())
}

/// The numbers that belong to the names, as the files have them now.
fn memberships(group: &str, users: &[&str]) -> Result<Given, Box<dyn Error>> {
    let gid = number("/etc/group", group)?;
    let of = |user: &&str| {
        let uid = number("/etc/passwd", user)?;
        Ok(Membership { gid, group: group.to_owned(), uid, user: (*user).to_owned() })
    };
    users.iter().map(of).collect()
}

/// The third field of the line of this name.
fn number(path: &str, name: &str) -> Result<u32, Box<dyn Error>> {
    let text = std::fs::read_to_string(path)?;
    let field = |line: &str| {
        let mut fields = line.split(':');
        (fields.next() == Some(name)).then(|| fields.nth(1).map(str::to_owned))?
    };
    Ok(text.lines().find_map(field).ok_or_else(|| format!("{name} is not in {path}"))?.parse()?)
}

fn expect(outcomes: &[(Membership, Outcome)], outcome: &Outcome) -> Result<(), Box<dyn Error>> {
    match outcomes.iter().find(|(_, found)| found != outcome) {
        None => Ok(()),
        Some((of, found)) => {
            Err(format!("{} in {}: {found:?} and not {outcome:?}", of.user, of.group).into())
        }
    }
}

fn tell(outcomes: &[(Membership, Outcome)]) -> Result<(), Box<dyn Error>> {
    for (of, outcome) in outcomes {
        writeln!(stdout(), "{} {}: {outcome:?}", of.group, of.user)?;
    }
    let refusal = outcomes.iter().find_map(|(_, outcome)| match outcome {
        Outcome::Refused(why) => Some(why.clone()),
        Outcome::Added | Outcome::Kept | Outcome::PutBack => None,
        Outcome::AlreadyNatural | Outcome::Removed | Outcome::WasGone => None,
    });
    refusal.map_or(Ok(()), |why| Err(why.into()))
}
