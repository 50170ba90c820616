//! What a role gives through sudo, checked so that every value of these types can be written into sudoers and means
//! there exactly what it says.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use jit_common::escape::is_plain;
use serde::{Deserialize, Serialize};

/// The most commands one role may hold.
const MOST_COMMANDS: usize = 64;
/// The most arguments one command may hold.
const MOST_ARGUMENTS: usize = 64;
/// The longest path or argument, in bytes.
const LONGEST_WORD: usize = 512;

/// Why a sudo role is refused. Every sentence says what would do instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SudoRoleError {
    /// Not a plain account name. Numbers are refused on purpose (CVE-2019-14287: `#-1` became uid 0).
    #[error(
        "run_as {0:?} is no account name: write a name like \"root\" or \"postgres\", never a number, \"ALL\" or #uid"
    )]
    RunAs(String),
    /// No commands at all.
    #[error("a role needs at least one command: write commands = [[\"/usr/bin/id\"]], or commands = \"ALL\"")]
    NoCommands,
    /// Too many commands.
    #[error("{0} commands are too many for one role: at most {MOST_COMMANDS}; make two roles of it")]
    TooManyCommands(usize),
    /// A command of no words.
    #[error(
        "a command is empty: write its path and its arguments, as in [\"/usr/bin/systemctl\", \"restart\", \"nginx\"]"
    )]
    EmptyCommand,
    /// The path is relative, or not in its shortest form.
    #[error(
        "the path {0:?} is not absolute and plain: write it from / without \"..\", \".\", \"//\" or a \"/\" at its end"
    )]
    Path(String),
    /// The path holds a character that sudoers cannot hold in a path.
    #[error(
        "the path {path:?} holds {character:?}, which sudoers cannot take literally in a path: letters, digits and _ - . + @ % ~ can be; give the program another name by a link"
    )]
    PathCharacter {
        /// The path.
        path: String,
        /// The character.
        character: char,
    },
    /// Too many arguments.
    #[error("{0} arguments are too many: at most {MOST_ARGUMENTS}; put them into a script that is root's")]
    TooManyArguments(usize),
    /// An empty argument.
    #[error("an argument is empty, and sudoers cannot say that: put the call into a script that is root's")]
    EmptyArgument,
    /// A word is too long.
    #[error("{0:?}… is too long: a path or an argument has at most {LONGEST_WORD} bytes")]
    TooLong(String),
    /// An argument holds white space.
    #[error(
        "the argument {0:?} holds white space; sudo joins arguments with blanks before it compares them, so it would allow other calls as well: put the call into a script that is root's"
    )]
    WhiteSpace(String),
    /// An argument holds a character that is not safe in sudoers.
    #[error(
        "the argument {argument:?} holds {character:?}, which cannot be written so that sudo and sudo-rs both take it literally: put the call into a script that is root's"
    )]
    ArgumentCharacter {
        /// The argument.
        argument: String,
        /// The character.
        character: char,
    },
    /// The first argument begins with `^`.
    #[error(
        "the first argument {0:?} begins with ^, which sudo 1.9.10 and later read as a regular expression: put the call into a script that is root's"
    )]
    Regex(String),
    /// The argument is a pair of quotes, which means "no arguments" in sudoers.
    #[error(
        "the argument {0:?} means \"no arguments\" in sudoers: put the call into a script that is root's"
    )]
    Quotes(String),
    /// `"..."` stands beside other arguments.
    #[error(
        "\"...\" means any arguments and stands alone after the path, as in [\"/usr/bin/id\", \"...\"]; sudo cannot be told \"these and then any\""
    )]
    AnyBesideOthers,
}

/// What a role gives through sudo.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SudoRole {
    /// The account the commands run as.
    pub run_as: RunAs,
    /// Whether sudo asks for the person's password.
    pub password: Authenticate,
    /// The commands.
    pub commands: Commands,
}

/// Whether sudo asks for the person's own password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Authenticate {
    /// Every time.
    Asked,
    /// Never.
    NotAsked,
}

/// An account name that sudoers takes as a name and nothing else: `[a-z_][a-z0-9_.-]*` with at most one `$` at the end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RunAs(String);

impl RunAs {
    /// Checks a name.
    ///
    /// # Errors
    /// [`SudoRoleError::RunAs`] for numbers, `ALL`, aliases and anything else that is not a plain name.
    pub fn new(name: &str) -> Result<Self, SudoRoleError> {
        let body = name.strip_suffix('$').unwrap_or(name);
        let first = |byte: &u8| byte.is_ascii_lowercase() || *byte == b'_';
        let rest = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_.-".contains(byte);
        let plain = body.as_bytes().first().is_some_and(first) && body.as_bytes().iter().all(rest);
        if plain && name.len() <= 32 {
            Ok(Self(name.to_string()))
        } else {
            Err(SudoRoleError::RunAs(name.to_string()))
        }
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for RunAs {
    type Error = SudoRoleError;

    fn try_from(name: String) -> Result<Self, SudoRoleError> {
        Self::new(&name)
    }
}

impl From<RunAs> for String {
    fn from(name: RunAs) -> Self {
        name.0
    }
}

impl fmt::Display for RunAs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The commands of a role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "WrittenCommands", into = "WrittenCommands")]
pub enum Commands {
    /// Every command there is.
    All,
    /// These. Never empty.
    These(Vec<Command>),
}

/// The commands as the policy and the record write them.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum WrittenCommands {
    /// Every command there is.
    All,
    /// Each a path and its arguments, or a path and `"..."`.
    These(Vec<Vec<String>>),
}

impl TryFrom<WrittenCommands> for Commands {
    type Error = SudoRoleError;

    fn try_from(written: WrittenCommands) -> Result<Self, SudoRoleError> {
        match written {
            WrittenCommands::All => Ok(Self::All),
            WrittenCommands::These(commands) if commands.is_empty() => Err(SudoRoleError::NoCommands),
            WrittenCommands::These(commands) if commands.len() > MOST_COMMANDS => {
                Err(SudoRoleError::TooManyCommands(commands.len()))
            }
            WrittenCommands::These(commands) => {
                commands.iter().map(|words| Command::new(words)).collect::<Result<_, _>>().map(Self::These)
            }
        }
    }
}

impl From<Commands> for WrittenCommands {
    fn from(commands: Commands) -> Self {
        match commands {
            Commands::All => Self::All,
            Commands::These(commands) => Self::These(commands.iter().map(Command::words).collect()),
        }
    }
}

/// One command: a path, and which arguments it may have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    path: String,
    arguments: Arguments,
}

/// Which arguments a command may have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Arguments {
    /// Any at all, or none.
    Any,
    /// Exactly these; none, when empty.
    Exactly(Vec<String>),
}

impl Command {
    /// Checks a command as the policy writes it: path first, then the arguments, or `"..."` for any.
    ///
    /// # Errors
    /// Whatever sudoers could not say exactly.
    pub fn new(words: &[String]) -> Result<Self, SudoRoleError> {
        let (path, arguments) = words.split_first().ok_or(SudoRoleError::EmptyCommand)?;
        check_path(path)?;
        let arguments = match arguments {
            [only] if only == "..." => Arguments::Any,
            arguments if arguments.iter().any(|argument| argument == "...") => {
                return Err(SudoRoleError::AnyBesideOthers);
            }
            arguments if arguments.len() > MOST_ARGUMENTS => {
                return Err(SudoRoleError::TooManyArguments(arguments.len()));
            }
            arguments => {
                arguments.iter().try_for_each(|argument| check_argument(argument))?;
                if let Some(first) = arguments.first().filter(|first| first.starts_with('^')) {
                    return Err(SudoRoleError::Regex(first.clone()));
                }
                Arguments::Exactly(arguments.to_vec())
            }
        };
        Ok(Self { path: path.clone(), arguments })
    }

    /// The absolute path.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Which arguments it may have.
    #[must_use]
    pub fn arguments(&self) -> &Arguments {
        &self.arguments
    }

    /// The command as the policy writes it.
    #[must_use]
    pub fn words(&self) -> Vec<String> {
        let mut words = alloc::vec![self.path.clone()];
        match &self.arguments {
            Arguments::Any => words.push("...".to_string()),
            Arguments::Exactly(arguments) => words.extend(arguments.iter().cloned()),
        }
        words
    }
}

impl fmt::Display for Command {
    /// For people: `/usr/bin/systemctl restart nginx`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words().join(" "))
    }
}

fn check_path(path: &str) -> Result<(), SudoRoleError> {
    if path.len() > LONGEST_WORD {
        return Err(too_long(path));
    }
    let allowed = |c: char| c.is_ascii_alphanumeric() || "/_-.+@%~".contains(c);
    if let Some(character) = path.chars().find(|c| !allowed(*c)) {
        return Err(SudoRoleError::PathCharacter { path: path.to_string(), character });
    }
    let plain = |part: &str| !part.is_empty() && part != "." && part != "..";
    match path.strip_prefix('/') {
        Some(parts) if parts.split('/').all(plain) => Ok(()),
        _ => Err(SudoRoleError::Path(path.to_string())),
    }
}

fn check_argument(argument: &str) -> Result<(), SudoRoleError> {
    if argument.is_empty() {
        return Err(SudoRoleError::EmptyArgument);
    }
    if argument.len() > LONGEST_WORD {
        return Err(too_long(argument));
    }
    if argument == "\"\"" {
        return Err(SudoRoleError::Quotes(argument.to_string()));
    }
    // A backslash is undone once by the lexer and once by fnmatch in sudo, but only once in sudo-rs.
    let bad = |c: &char| *c == '\\' || (!is_plain(*c) && !c.is_whitespace());
    if let Some(character) = argument.chars().find(bad) {
        return Err(SudoRoleError::ArgumentCharacter { argument: argument.to_string(), character });
    }
    if argument.contains(char::is_whitespace) {
        return Err(SudoRoleError::WhiteSpace(argument.to_string()));
    }
    Ok(())
}

fn too_long(word: &str) -> SudoRoleError {
    SudoRoleError::TooLong(word.chars().take(40).collect())
}
