//! The text of the one sudoers file that jitd writes, and how to cut a grant out of it again.
//!
//! Everything in it comes from checked types and from numbers: nothing that a person typed ever gets here. The text
//! was held against sudo 1.9.13p3, sudo 1.9.16p2 and sudo-rs 0.2.5 (`sudoers(5)`; `plugins/sudoers/toke.l` upstream).

mod blocks;
mod escape;
mod gentime;

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::{self, Write};

pub use self::blocks::{block_ids, remove_blocks};
use self::escape::Escaped;
use self::gentime::GeneralizedTime;
use crate::policy::{Arguments, Authenticate, Command, Commands, SudoRole};

/// The first line of the file. With no live grant it is the only one.
pub const HEADER: &str =
    "# Written by jitd from the live grants. Changes here are undone. See: jitctl status\n";

/// What the installed sudo takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dialect {
    /// Whether it honours `NOTAFTER`.
    pub not_after: NotAfter,
}

/// Whether the installed sudo honours `NOTAFTER`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotAfter {
    /// It ends the rule on time by itself.
    Honoured,
    /// It drops a rule that has it, as sudo-rs does.
    NotAccepted,
}

/// One live grant of a sudo role.
#[derive(Debug, Clone, Copy)]
pub struct SudoGrant<'a> {
    /// Its id, eight characters of lowercase base32.
    pub id: &'a str,
    /// Whose it is.
    pub uid: u32,
    /// What it gives.
    pub role: &'a SudoRole,
    /// Its end in Unix seconds, rounded up: sudo is never the first to end a grant.
    pub until_wall_secs: i64,
}

/// Renders the whole file from the live grants, sorted by id, so that the same grants give the same bytes.
///
/// A grant of uid 0, of the uid that means "no uid" (`u32::MAX`), or with something else for an id is left out: no
/// such grant is ever made, and leaving it out is the safe side.
#[must_use]
pub fn render(grants: &[SudoGrant<'_>], dialect: Dialect) -> String {
    let mut grants: Vec<&SudoGrant<'_>> = grants.iter().filter(|grant| is_writable(grant)).collect();
    grants.sort_by_key(|grant| grant.id);
    let mut text = String::from(HEADER);
    for grant in grants {
        // Writing to a String cannot fail.
        let _ = write_block(&mut text, grant, dialect);
    }
    text
}

/// Renders a role for some uid as the whole file would hold it, to ask the installed `visudo` about it when the
/// policy is loaded. With `NOTAFTER`, its time is the last second of the year 2099.
#[must_use]
pub fn render_probe(role: &SudoRole, uid: u32, dialect: Dialect) -> String {
    const END_OF_2099: i64 = 4_102_444_799;
    render(&[SudoGrant { id: "00000000", uid, role, until_wall_secs: END_OF_2099 }], dialect)
}

fn is_writable(grant: &SudoGrant<'_>) -> bool {
    let some_command = match &grant.role.commands {
        Commands::All => true,
        Commands::These(commands) => !commands.is_empty(),
    };
    blocks::is_id(grant.id) && grant.uid != 0 && grant.uid != u32::MAX && some_command
}

fn write_block(text: &mut String, grant: &SudoGrant<'_>, dialect: Dialect) -> fmt::Result {
    let SudoGrant { id, uid, role, until_wall_secs } = *grant;
    writeln!(text, "# grant {id}")?;
    if role.password == Authenticate::Asked {
        writeln!(text, "Defaults:#{uid} timestamp_timeout=0")?;
    }
    write!(text, "#{uid} ALL=({})", role.run_as)?;
    if dialect.not_after == NotAfter::Honoured {
        // It holds for every command that follows on the line.
        write!(text, " NOTAFTER={}", GeneralizedTime(until_wall_secs))?;
    }
    // The tags stand on every command, so that no reader has to know how they carry over.
    let tags = match role.password {
        Authenticate::Asked => "PASSWD: NOSETENV:",
        Authenticate::NotAsked => "NOPASSWD: NOSETENV:",
    };
    match &role.commands {
        Commands::All => write!(text, " {tags} ALL")?,
        Commands::These(commands) => {
            for (at, command) in commands.iter().enumerate() {
                let comma = if at == 0 { "" } else { "," };
                write!(text, "{comma} {tags} {}", InSudoers(command))?;
            }
        }
    }
    writeln!(text, "\n# end {id}")
}

/// A command as sudoers writes it.
struct InSudoers<'a>(&'a Command);

impl fmt::Display for InSudoers<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.path())?;
        match self.0.arguments() {
            Arguments::Any => Ok(()),
            Arguments::Exactly(arguments) if arguments.is_empty() => f.write_str(" \"\""),
            Arguments::Exactly(arguments) => {
                arguments.iter().try_for_each(|argument| write!(f, " {}", Escaped(argument)))
            }
        }
    }
}
