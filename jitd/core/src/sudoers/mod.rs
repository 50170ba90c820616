//! The text of the one sudoers file that jitd writes, and how to cut a grant out of it again.
//!
//! Everything in it comes from checked types and from numbers: nothing that a person typed ever gets here. The text
//! was held against sudo 1.9.13p3, sudo 1.9.16p2 and sudo-rs 0.2.5 (`sudoers(5)`; `plugins/sudoers/toke.l` upstream).

mod blocks;
mod command_line;
mod escape;
mod gentime;
mod standing;

use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::{self, Write};

pub use self::blocks::{block_ids, remove_blocks};
pub use self::command_line::{Fits, command, fits};
use self::escape::Escaped;
use self::gentime::GeneralizedTime;
pub use self::standing::Standing;
use crate::policy::{Arguments, Authenticate, Command, Commands, Subcommands, SudoRole};

/// The first line of the file. With no live grant it is the only one.
pub const HEADER: &str =
    "# Written by jitd from the live grants. Changes here are undone. See: jitctl status\n";

/// A setting that a sudo with `log_subcmds` accepts. The visudo of one before 1.9.8 calls it unknown, and so does that of sudo-rs.
pub const LOG_SUBCMDS_PROBE: &str = "Defaults:#60000 log_subcmds\n";

/// What the installed sudo takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dialect {
    /// Whether it honours `NOTAFTER`.
    pub not_after: NotAfter,
    /// Whether it can say what its commands start.
    pub log_subcmds: LogSubcmds,
}

impl Dialect {
    /// What any sudo takes.
    pub const LEAST: Self = Self { not_after: NotAfter::NotAccepted, log_subcmds: LogSubcmds::NotTaken };
}

/// Whether the installed sudo can say what its commands start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogSubcmds {
    /// It takes the setting `log_subcmds`.
    Taken,
    /// It does not: one before 1.9.8, or sudo-rs.
    NotTaken,
}

/// Whether the installed sudo honours `NOTAFTER`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotAfter {
    /// It ends the rule on time by itself.
    Honoured,
    /// It drops a rule that has it, as sudo-rs does.
    NotAccepted,
}

/// One live grant that sudo has to do with: commands, groups, or both.
///
/// Membership in a group neither reaches nor leaves running processes. So a group is also a rule that lets the person run
/// any command as themselves with that group (`sudo -g GROUP`): it holds at once, and ends at once for the next command.
#[derive(Debug, Clone, Copy)]
pub struct SudoGrant<'a> {
    /// Its id, eight characters of lowercase base32.
    pub id: &'a str,
    /// Whose it is.
    pub uid: u32,
    /// The commands it gives.
    pub role: Option<&'a SudoRole>,
    /// The numbers of the groups it gives, in any order. Root's (0) and the one that means "no group" (`u32::MAX`)
    /// are never written.
    pub gids: &'a [u32],
    /// Whether sudo is to say what its commands start.
    pub subcommands: Subcommands,
    /// Its end in Unix seconds, rounded up: sudo is never the first to end a grant.
    pub until_wall_secs: i64,
}

/// Renders the whole file from the live grants, sorted by id, so that the same grants give the same bytes.
///
/// A grant of uid 0, of the uid that means "no uid" (`u32::MAX`), with something else for an id, or of nothing is left
/// out: no such grant is ever made, and leaving it out is the safe side.
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

/// An end in Unix seconds as sudo shows it of a rule.
#[must_use]
pub fn not_after(until_wall_secs: i64) -> String {
    alloc::format!("{}", GeneralizedTime(until_wall_secs))
}

/// Renders a role for some uid as the whole file would hold it, to ask the installed `visudo` about it when the
/// policy is loaded. With `NOTAFTER`, its time is the last second of the year 2099.
///
/// It has every setting that a rule can ask for, so that what comes of the role is known whichever rule gives it.
#[must_use]
pub fn render_probe(role: Option<&SudoRole>, gids: &[u32], uid: u32, dialect: Dialect) -> String {
    const END_OF_2099: i64 = 4_102_444_799;
    let subcommands = Subcommands::Logged;
    let grant = SudoGrant { id: "00000000", uid, role, gids, subcommands, until_wall_secs: END_OF_2099 };
    render(&[grant], dialect)
}

fn is_writable(grant: &SudoGrant<'_>) -> bool {
    let gives_something = gives_a_command(grant) || !writable_gids(grant).is_empty();
    blocks::is_id(grant.id) && grant.uid != 0 && grant.uid != u32::MAX && gives_something
}

fn gives_a_command(grant: &SudoGrant<'_>) -> bool {
    grant.role.is_some_and(|role| match &role.commands {
        Commands::All => true,
        Commands::These(commands) => !commands.is_empty(),
    })
}

/// Sorted and each once, so that the same groups give the same bytes.
fn writable_gids(grant: &SudoGrant<'_>) -> BTreeSet<u32> {
    grant.gids.iter().copied().filter(|gid| *gid != 0 && *gid != u32::MAX).collect()
}

fn write_block(text: &mut String, grant: &SudoGrant<'_>, dialect: Dialect) -> fmt::Result {
    let SudoGrant { id, uid, role, gids: _, subcommands, until_wall_secs: _ } = *grant;
    writeln!(text, "# grant {id}")?;
    // On one line, so that a block has no more lines than a guard of before knows of.
    let asked = role.is_some_and(|role| role.password == Authenticate::Asked);
    let logged = subcommands == Subcommands::Logged && dialect.log_subcmds == LogSubcmds::Taken;
    match (asked, logged) {
        (false, false) => {}
        (true, false) => writeln!(text, "Defaults:#{uid} timestamp_timeout=0")?,
        (false, true) => writeln!(text, "Defaults:#{uid} log_subcmds")?,
        (true, true) => writeln!(text, "Defaults:#{uid} timestamp_timeout=0, log_subcmds")?,
    }
    if let Some(role) = role.filter(|_| gives_a_command(grant)) {
        write_commands(text, grant, role, dialect)?;
    }
    let gids = writable_gids(grant);
    if !gids.is_empty() {
        write_groups(text, grant, &gids, dialect)?;
    }
    writeln!(text, "# end {id}")
}

/// The line with the commands.
fn write_commands(
    text: &mut String,
    grant: &SudoGrant<'_>,
    role: &SudoRole,
    dialect: Dialect,
) -> fmt::Result {
    write!(text, "#{} ALL=({})", grant.uid, role.run_as)?;
    write_end(text, grant, dialect)?;
    // The tags stand on every command, so that no reader has to know how they carry over.
    let tags = tags(role.password);
    match &role.commands {
        Commands::All => write!(text, " {tags} ALL")?,
        Commands::These(commands) => {
            for (at, command) in commands.iter().enumerate() {
                let comma = if at == 0 { "" } else { "," };
                write!(text, "{comma} {tags} {}", InSudoers(command))?;
            }
        }
    }
    writeln!(text)
}

/// The line with the groups: as oneself, with one of them, every command. A list was seen to be read like as many lines
/// (sudo 1.9.13p3, 1.9.16p2, sudo-rs 0.2.5).
///
/// It gives nothing beyond the groups. What was tried as well, in vain on all three: another user or group, root, `-u`
/// or `-g` with `#0`, `#-1` and `#4294967295`, `sudoedit` of files that the group may not write, `-E` and variables,
/// `-D`, `-R`, `-C`, `-T`, listing others. An admin's `runchroot=*` opens `-R` for this rule as for every other, and
/// no setting in this file closes it again: whoever grants has to look for it.
fn write_groups(
    text: &mut String,
    grant: &SudoGrant<'_>,
    gids: &BTreeSet<u32>,
    dialect: Dialect,
) -> fmt::Result {
    write!(text, "#{uid} ALL=(#{uid}:", uid = grant.uid)?;
    for (at, gid) in gids.iter().enumerate() {
        let comma = if at == 0 { "" } else { "," };
        write!(text, "{comma}#{gid}")?;
    }
    write!(text, ")")?;
    write_end(text, grant, dialect)?;
    let password = grant.role.map_or(Authenticate::NotAsked, |role| role.password);
    writeln!(text, " {} ALL", tags(password))
}

/// The time at which sudo itself ends the rule, where it can. It holds for every command that follows on the line.
fn write_end(text: &mut String, grant: &SudoGrant<'_>, dialect: Dialect) -> fmt::Result {
    match dialect.not_after {
        NotAfter::Honoured => write!(text, " NOTAFTER={}", GeneralizedTime(grant.until_wall_secs)),
        NotAfter::NotAccepted => Ok(()),
    }
}

/// Both said in so many words: an admin's `Defaults` otherwise decide.
fn tags(password: Authenticate) -> &'static str {
    match password {
        Authenticate::Asked => "PASSWD: NOSETENV:",
        Authenticate::NotAsked => "NOPASSWD: NOSETENV:",
    }
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
