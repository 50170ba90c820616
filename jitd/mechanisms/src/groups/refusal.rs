//! Why one membership cannot be given or taken, in words for whoever asked.

/// The two files that hold members.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// `/etc/group`, which decides who is in a group (group(5)).
    Group,
    /// `/etc/gshadow`, which newgrp and sg ask (gshadow(5)). It holds no gids.
    Gshadow,
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Group => "/etc/group",
            Self::Gshadow => "/etc/gshadow",
        })
    }
}

/// Why one membership was left as it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There is no such line: a group from elsewhere, or none at all.
    #[error("there is no group {group} in /etc/group; only groups of this host can be lent")]
    NoSuchGroup {
        /// The group.
        group: String,
    },
    /// The gid has another name now.
    #[error("gid {gid} was {group} and is {now} now; the policy has to say which is meant")]
    Renamed {
        /// What it was called.
        group: String,
        /// Its gid.
        gid: u32,
        /// What it is called now.
        now: String,
    },
    /// The name has another gid now.
    #[error("{group} had gid {wanted} and has {found} now; the policy has to say which is meant")]
    GidDiffers {
        /// The group.
        group: String,
        /// The gid it was said to have.
        wanted: u32,
        /// The gid it has.
        found: u32,
    },
    /// More than one line has this name. shadow-utils change nothing then either.
    #[error("{file} names {group} more than once (lines {}); grpck(8) helps", list(.lines))]
    Duplicate {
        /// The group.
        group: String,
        /// Which file.
        file: Kind,
        /// The lines, counted from 1.
        lines: Vec<usize>,
    },
    /// The group's line is not as group(5) or gshadow(5) says.
    #[error("line {line} of {file}, {group}: {why}; put it right first")]
    Malformed {
        /// The group.
        group: String,
        /// Which file.
        file: Kind,
        /// The line, counted from 1.
        line: usize,
        /// What is wrong with it.
        why: Odd,
    },
    /// The name cannot stand in a list of members.
    #[error("the user name {user:?} cannot stand in /etc/group: {why}")]
    UserName {
        /// The name.
        user: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// Nobody is called that any more.
    #[error("there is no user {user} any more")]
    NoSuchUser {
        /// The name.
        user: String,
    },
    /// Somebody else is called that now.
    #[error("{user} was uid {wanted} and is uid {found} now: this is not the person it was given to")]
    UidDiffers {
        /// The name.
        user: String,
        /// The uid it was said to have.
        wanted: u32,
        /// The uid it has.
        found: u32,
    },
    /// The person was in the group and got another name, by which he still is. Nobody can tell that from a new account
    /// with an old number, whose membership is its own.
    #[error(
        "{user} (uid {uid}) is called {now} now and is still in {group}: if that is the same person, take {now} out \
         (gpasswd -d {now} {group}); whoever is to be in it can be put in again once the grant has ended"
    )]
    UserRenamed {
        /// The name that the person had.
        user: String,
        /// The number.
        uid: u32,
        /// Who has it now.
        now: String,
        /// The group.
        group: String,
    },
    /// `/etc/gshadow` is there and cannot be changed.
    #[error("/etc/gshadow cannot be changed: {why}")]
    Gshadow {
        /// Why not.
        why: String,
    },
    /// The guard has noted that this is over, or that the grants for it are, and the note is not yet on the record.
    #[error("the guard took {user} out of {group}; take its notes before anybody is put in again")]
    NotesWaiting {
        /// The name.
        user: String,
        /// The group.
        group: String,
    },
    /// Nobody knows whether the guard has ended this.
    #[error("the guard's notes cannot be read, so nobody is put in")]
    NotesUnknown,
    /// Nobody may be put in for now.
    #[error("nobody is put in: {why}")]
    HeldUp {
        /// Why not.
        why: String,
    },
    /// Whoever asked could not note it down, so nothing was given.
    #[error("nothing was given, because it could not be noted first: {why}")]
    NotNoted {
        /// Why not.
        why: String,
    },
}

/// What is wrong with a group's line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Odd {
    /// Not four fields.
    #[error("it has {found} fields and not 4")]
    Fields {
        /// How many there are.
        found: usize,
    },
    /// The third field is no number that a gid can be.
    #[error("its third field is not a gid")]
    Gid,
    /// The C library reads over it, shadow-utils do not.
    #[error("it begins with white space")]
    LeadingSpace,
    /// The C library takes it for a part of the last member's name.
    #[error("it ends in a carriage return, so its last member does not count")]
    CarriageReturn,
    /// The C library stops there.
    #[error("it holds a NUL byte")]
    Nul,
}

fn list(lines: &[usize]) -> String {
    lines.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// Whether a name can stand in a list of members.
///
/// # Errors
/// It would be cut, read as another name, or as something other than a name.
pub(super) fn writable(user: &str) -> Result<(), Refusal> {
    let why = if user.is_empty() {
        "it is empty"
    } else if user.starts_with(['+', '-']) {
        "a name that begins with + or - is read as an order to NIS"
    } else if user.starts_with(char::is_whitespace) || user.ends_with(char::is_whitespace) {
        "it begins or ends with white space"
    } else if user.contains([':', ',']) {
        "it holds a : or a comma"
    } else if user.contains(char::is_control) {
        "it holds a control character"
    } else {
        return Ok(());
    };
    Err(Refusal::UserName { user: user.to_owned(), why })
}
