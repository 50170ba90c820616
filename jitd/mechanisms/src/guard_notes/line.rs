//! One line of the guard's notes.

use std::collections::BTreeSet;
use std::fmt;

use jit_common::escape::escaped;
use jit_common::ids::RequestId;

use crate::groups::Membership;

/// Something that the guard did or saw. Times are nanoseconds of `CLOCK_REALTIME`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// A grant's privilege was on the host, and is not any more (or, for [`Why::Asked`], is about to be removed): all of
    /// it, its memberships too, unless `applied` was damaged, for then nobody but jitd knows these.
    Removed {
        /// The grant.
        id: RequestId,
        /// When.
        wall: i64,
        /// Why.
        why: Why,
    },
    /// A membership that jitd had given is off. Whoever is in that group from here on was put there by somebody else,
    /// unless a grant that is not named here wants it.
    Member {
        /// The membership.
        of: Membership,
        /// How it came to be off.
        off: Off,
        /// When.
        wall: i64,
        /// Why it had to go.
        why: Why,
        /// The grants in `applied` that wanted it.
        grants: BTreeSet<RequestId>,
    },
    /// What still ran in a control group after its last moment was killed.
    Processes {
        /// The group's name: the first grant of the row that it ran with.
        id: RequestId,
        /// When.
        wall: i64,
        /// How many processes.
        count: usize,
    },
    /// The whole sudoers file was taken away, because nobody could tell what belongs to whom in it.
    Unlinked {
        /// When.
        wall: i64,
        /// Why anything had to be removed.
        why: Why,
    },
    /// `applied` could not be trusted.
    AppliedDamaged {
        /// When.
        wall: i64,
        /// What was wrong with it.
        what: String,
    },
    /// A line that says none of this; kept so that it is on the record too.
    Unreadable {
        /// The line.
        line: String,
    },
}

/// How a membership came to be off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Off {
    /// The guard took the person out.
    TakenOut,
    /// The person was not in the group any more.
    WasGone,
}

impl Off {
    fn word(self) -> &'static str {
        match self {
            Self::TakenOut => "out",
            Self::WasGone => "gone",
        }
    }

    fn parse(word: &str) -> Option<Self> {
        [Self::TakenOut, Self::WasGone].into_iter().find(|off| off.word() == word)
    }
}

/// Why the guard removed something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// It was still there a grace period after its deadline.
    Overdue,
    /// It was granted in another boot.
    OtherBoot,
    /// An admin or the package asked for everything to end (`jit-guard --all`).
    Asked,
    /// `applied` could not be trusted, so nobody knew until when.
    AppliedDamaged,
    /// `applied` does not name it.
    NotApplied,
    /// It had been removed before, and came back.
    CameBack,
}

impl Why {
    const ALL: [Self; 6] =
        [Self::Overdue, Self::OtherBoot, Self::Asked, Self::AppliedDamaged, Self::NotApplied, Self::CameBack];

    /// The word in the notes.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Overdue => "overdue",
            Self::OtherBoot => "other-boot",
            Self::Asked => "asked",
            Self::AppliedDamaged => "applied-damaged",
            Self::NotApplied => "not-applied",
            Self::CameBack => "came-back",
        }
    }

    fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|why| why.word() == word)
    }
}

impl fmt::Display for Why {
    /// For people.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Overdue => "it was still there after its deadline",
            Self::OtherBoot => "it was granted before this boot",
            Self::Asked => "everything was asked to end",
            Self::AppliedDamaged => "the file that says until when is damaged",
            Self::NotApplied => "the file that says until when does not name it",
            Self::CameBack => "it had been removed before and came back",
        })
    }
}

impl Note {
    /// The grant that it says was removed.
    #[must_use]
    pub fn removed_id(&self) -> Option<RequestId> {
        match self {
            Self::Removed { id, .. } => Some(*id),
            Self::Member { .. } | Self::Processes { .. } | Self::Unlinked { .. } => None,
            Self::AppliedDamaged { .. } | Self::Unreadable { .. } => None,
        }
    }

    /// Reads every line that is not empty; none is lost.
    #[must_use]
    pub fn parse_all(text: &str) -> Vec<Self> {
        text.lines().filter(|line| !line.is_empty()).map(Self::parse).collect()
    }

    fn parse(line: &str) -> Self {
        Self::understood(line).unwrap_or_else(|| Self::Unreadable { line: line.to_owned() })
    }

    fn understood(line: &str) -> Option<Self> {
        let (word, rest) = line.split_once(' ')?;
        match word {
            "removed" => {
                let (id, rest) = rest.split_once(' ')?;
                let (wall, why) = rest.split_once(' ')?;
                Some(Self::Removed { id: id.parse().ok()?, wall: wall.parse().ok()?, why: Why::parse(why)? })
            }
            "member" => member(rest),
            "processes" => {
                let (id, rest) = rest.split_once(' ')?;
                let (wall, count) = rest.split_once(' ')?;
                Some(Self::Processes {
                    id: id.parse().ok()?,
                    wall: wall.parse().ok()?,
                    count: count.parse().ok()?,
                })
            }
            "unlinked" => {
                let (wall, why) = rest.split_once(' ')?;
                Some(Self::Unlinked { wall: wall.parse().ok()?, why: Why::parse(why)? })
            }
            "damaged" => {
                let (wall, what) = rest.split_once(' ')?;
                Some(Self::AppliedDamaged { wall: wall.parse().ok()?, what: what.to_owned() })
            }
            _ => None,
        }
    }
}

impl fmt::Display for Note {
    /// The line as it is written, without its end.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Removed { id, wall, why } => write!(f, "removed {id} {wall} {}", why.word()),
            Self::Member { of, off, wall, why, grants } => {
                let (off, of, why) = (off.word(), of.to_word(), why.word());
                write!(f, "member {off} {of} {wall} {why}")?;
                grants.iter().try_for_each(|id| write!(f, " {id}"))
            }
            Self::Processes { id, wall, count } => write!(f, "processes {id} {wall} {count}"),
            Self::Unlinked { wall, why } => write!(f, "unlinked {wall} {}", why.word()),
            Self::AppliedDamaged { wall, what } => write!(f, "damaged {wall} {}", escaped(what)),
            Self::Unreadable { line } => write!(f, "{}", escaped(line)),
        }
    }
}

/// What follows the word `member`: how, which, when, why, and the grants if there are any.
fn member(rest: &str) -> Option<Note> {
    let mut words = rest.split(' ');
    let off = Off::parse(words.next()?)?;
    let of = Membership::from_word(words.next()?)?;
    let wall = words.next()?.parse().ok()?;
    let why = Why::parse(words.next()?)?;
    let grants = words.map(|id| id.parse().ok()).collect::<Option<_>>()?;
    Some(Note::Member { of, off, wall, why, grants })
}
