//! The sudoers text: whatever a role may be made of, sudo reads back exactly that, for the person and the time that were meant,
//! and whatever a text holds, cutting grants out of it takes these and nothing else.
//!
//! With `JIT_VISUDO` set to a command, as in `JIT_VISUDO="visudo -cf -"`, that visudo is asked about every text as well.

use std::collections::BTreeSet;
use std::io::Write;
use std::process::{Command as Process, Stdio};

use jitd_core::policy::{Arguments, Authenticate, Command, Commands, RunAs, Subcommands, SudoRole};
use jitd_core::sudoers::{
    Dialect, HEADER, LogSubcmds, NotAfter, SudoGrant, block_ids, remove_blocks, render,
};

use crate::sudoers_reader::{ReadArguments, ReadCommand, ReadRunAs, read_whole_rule};
use crate::{bytes::Bytes, sentence};

/// Between two words of a command, and between two commands: neither can be in a text.
const WORD: u8 = 0xfe;
const COMMAND: u8 = 0xff;

/// The names of the program to ask and its arguments.
const VISUDO: &str = "JIT_VISUDO";

/// Panics when it does not hold.
pub fn holds(data: &[u8]) {
    let mut rest = Bytes(data);
    if rest.byte() % 8 == 7 {
        return cuts_any(&String::from_utf8_lossy(rest.0));
    }
    let uid = u32::from_le_bytes(rest.array());
    let until_wall_secs = i64::from_le_bytes(rest.array());
    let (asked, all, with_role) = (rest.coin(), rest.byte() == 1, rest.byte() != 1);
    let subcommands = if until_wall_secs % 2 == 0 { Subcommands::NotLogged } else { Subcommands::Logged };
    let gids: Vec<u32> = (0..rest.below(5)).map(|_| u32::from_le_bytes(rest.array())).collect();
    let mut commands = rest.0.split(|byte| *byte == COMMAND);
    let name = String::from_utf8_lossy(commands.next().unwrap_or_default());
    let Some(run_as) = checked(RunAs::new(&name)) else { return };
    let commands: Vec<Command> = commands.filter_map(command).take(64).collect();
    let password = if asked { Authenticate::Asked } else { Authenticate::NotAsked };
    let commands = if all { Commands::All } else { Commands::These(commands) };
    let role = SudoRole { run_as, password, commands };
    let role_of_it = with_role.then_some(&role);
    let grant =
        SudoGrant { id: "7k2m9xqa", uid, role: role_of_it, gids: &gids, subcommands, until_wall_secs };
    for not_after in [NotAfter::Honoured, NotAfter::NotAccepted] {
        let text = render(&[grant], dialect(not_after));
        says(&text, &grant, not_after);
        is_cut(&grant, &text, not_after);
        ask_visudo(&text);
    }
    is_kept(&role);
}

/// Where sudo takes `NOTAFTER` it takes every setting here, and else none.
fn dialect(not_after: NotAfter) -> Dialect {
    match not_after {
        NotAfter::Honoured => Dialect { not_after, log_subcmds: LogSubcmds::Taken },
        NotAfter::NotAccepted => Dialect::LEAST,
    }
}

/// What was made, or nothing when it is refused by a sentence.
fn checked<T>(made: Result<T, jitd_core::policy::SudoRoleError>) -> Option<T> {
    made.inspect_err(|why| sentence::is_one(&why.to_string())).ok()
}

fn command(words: &[u8]) -> Option<Command> {
    let words: Vec<String> =
        words.split(|byte| *byte == WORD).map(|word| String::from_utf8_lossy(word).into_owned()).collect();
    let command = checked(Command::new(&words))?;
    assert_eq!(command.words(), words);
    Some(command)
}

/// Read as sudo reads it, the text is exactly the grant.
fn says(text: &str, grant: &SudoGrant<'_>, not_after: NotAfter) {
    let gids: BTreeSet<u32> =
        grant.gids.iter().copied().filter(|gid| *gid != 0 && *gid != u32::MAX).collect();
    let role = grant.role.filter(|role| match &role.commands {
        Commands::All => true,
        Commands::These(commands) => !commands.is_empty(),
    });
    if grant.uid == 0 || grant.uid == u32::MAX || (role.is_none() && gids.is_empty()) {
        assert_eq!(text, HEADER);
        return;
    }
    assert_eq!(block_ids(text).unwrap(), [grant.id]);
    assert!(!text.contains("\\\n") && text.ends_with('\n'), "{text:?}");
    let asked = grant.role.is_some_and(|role| role.password == Authenticate::Asked);
    let tags = [if asked { "PASSWD" } else { "NOPASSWD" }, "NOSETENV"];
    let mut lines = text.strip_prefix(HEADER).unwrap().lines();
    assert_eq!(lines.next(), Some("# grant 7k2m9xqa"));
    let logged = grant.subcommands == Subcommands::Logged && not_after == NotAfter::Honoured;
    let settings: Vec<&str> = [(asked, "timestamp_timeout=0"), (logged, "log_subcmds")]
        .into_iter()
        .filter_map(|(holds, setting)| holds.then_some(setting))
        .collect();
    if !settings.is_empty() {
        assert_eq!(lines.next().unwrap(), format!("Defaults:#{} {}", grant.uid, settings.join(", ")));
    }
    if let Some(role) = role {
        let expected = match &role.commands {
            Commands::All => vec![read(&tags, "ALL", ReadArguments::Any)],
            Commands::These(commands) => {
                commands.iter().map(|one| read(&tags, one.path(), arguments(one))).collect()
            }
        };
        let run_as = ReadRunAs { user: role.run_as.as_str().to_owned(), gids: Vec::new() };
        is_rule(lines.next().unwrap(), grant, not_after, (run_as, expected));
    }
    if !gids.is_empty() {
        let run_as = ReadRunAs { user: format!("#{}", grant.uid), gids: gids.into_iter().collect() };
        let every = vec![read(&tags, "ALL", ReadArguments::Any)];
        is_rule(lines.next().unwrap(), grant, not_after, (run_as, every));
    }
    assert_eq!((lines.next(), lines.next()), (Some("# end 7k2m9xqa"), None), "{text}");
}

fn read(tags: &[&str], path: &str, arguments: ReadArguments) -> ReadCommand {
    ReadCommand { tags: tags.iter().map(|tag| (*tag).to_owned()).collect(), path: path.to_owned(), arguments }
}

fn arguments(command: &Command) -> ReadArguments {
    match command.arguments() {
        Arguments::Any => ReadArguments::Any,
        Arguments::Exactly(arguments) if arguments.is_empty() => ReadArguments::None,
        Arguments::Exactly(arguments) => ReadArguments::Exactly(arguments.clone()),
    }
}

fn is_rule(line: &str, grant: &SudoGrant<'_>, not_after: NotAfter, expected: (ReadRunAs, Vec<ReadCommand>)) {
    let found = read_whole_rule(line).unwrap_or_else(|why| panic!("{why}: {line:?}"));
    assert_eq!(found, expected, "{line:?}");
    let whose = line.split_once(' ').map(|(whose, _)| whose);
    assert_eq!(whose, Some(format!("#{}", grant.uid).as_str()));
    let time = line.split(' ').find_map(|word| word.strip_prefix("NOTAFTER="));
    match not_after {
        NotAfter::Honoured => {
            let digits = time.and_then(|time| time.strip_suffix('Z')).unwrap();
            assert!(digits.len() == 14 && digits.bytes().all(|byte| byte.is_ascii_digit()), "{line:?}");
        }
        NotAfter::NotAccepted => assert!(time.is_none(), "{line:?}"),
    }
}

/// Beside another grant, cutting either out leaves the other as it would be alone.
fn is_cut(grant: &SudoGrant<'_>, alone: &str, not_after: NotAfter) {
    let other = SudoGrant { id: "8k2m9xqa", gids: &[990], uid: 1001, ..*grant };
    let dialect = dialect(not_after);
    let both = render(&[*grant, other], dialect);
    assert_eq!(remove_blocks(&both, &[other.id]).unwrap(), alone);
    assert_eq!(remove_blocks(&both, &[grant.id]).unwrap(), render(&[other], dialect));
    assert_eq!(remove_blocks(&both, &[other.id, grant.id]).unwrap(), HEADER);
}

/// The record keeps a role as it is, and refuses what the policy would have refused.
fn is_kept(role: &SudoRole) {
    let written = serde_json::to_string(role).unwrap();
    match (serde_json::from_str::<SudoRole>(&written), &role.commands) {
        (Ok(kept), _) => assert_eq!(kept, *role),
        (Err(why), Commands::These(commands)) => assert!(commands.is_empty(), "{why}: {written}"),
        (Err(why), Commands::All) => panic!("{why}: {written}"),
    }
}

/// A text of any kind: it is in jitd's shape and its blocks go one by one, or it is not touched.
fn cuts_any(text: &str) {
    let Some(ids) = block_ids(text) else {
        assert_eq!(remove_blocks(text, &["7k2m9xqa"]), None);
        return;
    };
    assert_eq!(remove_blocks(text, &[]).as_deref(), Some(text));
    assert_eq!(remove_blocks(text, &ids).as_deref(), Some(HEADER));
    for id in &ids {
        let rest = remove_blocks(text, &[id]).unwrap();
        let left: Vec<&str> = ids.iter().copied().filter(|other| other != id).collect();
        assert_eq!(block_ids(&rest).unwrap(), left);
        assert!(!rest.contains(&format!("# grant {id}\n")), "{rest}");
    }
}

fn ask_visudo(text: &str) {
    let Ok(words) = std::env::var(VISUDO) else { return };
    let mut words = words.split(' ');
    let mut process = Process::new(words.next().unwrap_or_default());
    process.args(words).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = process.spawn().unwrap_or_else(|why| panic!("{VISUDO}: {why}"));
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let said = child.wait_with_output().unwrap();
    let told = String::from_utf8_lossy(&said.stderr).into_owned() + &String::from_utf8_lossy(&said.stdout);
    assert!(said.status.success(), "visudo refuses it: {told}\n{text}");
}
