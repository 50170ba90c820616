//! One line of sudo's log, as `journalctl -o json` prints it: anybody on the host can have written what it says, so it is read with
//! care, and who wrote it is taken from the fields that the kernel has filled.

use std::borrow::Cow;

use serde::Deserialize;

/// Bytes of a line of sudo's, which by itself writes none over a thousand. One that is longer is not read here.
pub const LONGEST: usize = 8 * 1024;

/// What the next pieces of a command line begin with that has no room in one line (`syslog_maxlen` of sudoers(5)).
const CONTINUED: &str = "(command continued) ";

/// Where the command line begins: at the beginning of what is said, or behind other fields. A directory, which stands before it, may be
/// called so as well.
pub const COMMAND: &str = "COMMAND=";

/// Bytes from which on a piece may have been cut within a word: sudo cuts at 980 with the name of the person, less where it says more.
const CUT: usize = 900;

/// A line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The process that wrote it, by the kernel.
    pub pid: i32,
    /// Its real uid then.
    pub uid: u32,
    /// Its real gid then: a sudo that runs something has that of whom it runs it as.
    pub gid: u32,
    /// When the journal took it, microseconds of its monotonic clock: no two lines of a process have the same.
    pub at: i64,
    /// The same by the wall clock, in seconds.
    pub wall: i64,
    /// What it says.
    pub says: Says,
}

impl Line {
    /// Whether it can be of this boot, `journal` being the journal's monotonic clock of now: one from the future is of another, whose
    /// clock had come further.
    #[must_use]
    pub fn may_be_of_this_boot(&self, journal: i64) -> bool {
        self.at <= journal
    }
}

/// What a line says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Says {
    /// Something is started: the fields that sudo has for it, with the command line at their end.
    Began(Piece),
    /// The line before goes on.
    GoesOn(Piece),
    /// It is sudo's log in a form that is not read here (`log_format=json`), or too long.
    Otherwise,
}

impl Says {
    /// Bytes of its text.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Began(piece) | Self::GoesOn(piece) => piece.text.len(),
            Self::Otherwise => 0,
        }
    }

    /// Whether it has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// What sudo says of a start, or a part of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Its text as sudo wrote it: sudo makes control characters visible, and quotes blanks.
    pub text: String,
    /// Where it ends.
    pub end: End,
}

/// Where a piece ends, should it go on: sudo cuts at the last blank that has room, however early that is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// At a blank, which sudo leaves out.
    AtBlank,
    /// In a word.
    InWord,
}

/// Why a line says nothing.
#[derive(Debug, thiserror::Error)]
pub enum NotRead {
    /// It is not what journalctl prints.
    #[error("a line of the journal is not the JSON of journalctl")]
    NotJson(#[from] serde_json::Error),
    /// A field is not a number.
    #[error("the field {field} of a line of the journal is {value:?} and no number")]
    NotANumber {
        /// Which.
        field: &'static str,
        /// What it is, cut.
        value: String,
    },
}

/// What journalctl prints of an entry. The kernel fills what begins with one underscore, the journal what begins with two.
#[derive(Deserialize)]
struct Stored<'a> {
    #[serde(borrow, rename = "_PID")]
    pid: Cow<'a, str>,
    #[serde(borrow, rename = "_UID")]
    uid: Cow<'a, str>,
    #[serde(borrow, rename = "_GID")]
    gid: Cow<'a, str>,
    #[serde(borrow, rename = "__MONOTONIC_TIMESTAMP")]
    monotonic: Cow<'a, str>,
    #[serde(borrow, rename = "__REALTIME_TIMESTAMP")]
    realtime: Cow<'a, str>,
    #[serde(rename = "MESSAGE")]
    message: Message,
}

/// A text, or bytes that are none.
#[derive(Deserialize)]
#[serde(untagged)]
enum Message {
    Text(String),
    Bytes(Vec<u8>),
}

/// Reads a line; `None` when it is about something else: PAM writes under the same name.
///
/// # Errors
/// When it is none of journalctl's.
pub fn read(line: &[u8]) -> Result<Option<Line>, NotRead> {
    let stored: Stored<'_> = serde_json::from_slice(line)?;
    let message = match stored.message {
        Message::Text(text) => text,
        Message::Bytes(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
    };
    let Some(says) = says(&message) else { return Ok(None) };
    Ok(Some(Line {
        pid: number("_PID", &stored.pid)?,
        uid: number("_UID", &stored.uid)?,
        gid: number("_GID", &stored.gid)?,
        at: number("__MONOTONIC_TIMESTAMP", &stored.monotonic)?,
        wall: number::<i64>("__REALTIME_TIMESTAMP", &stored.realtime)? / 1_000_000,
        says,
    }))
}

fn number<N: std::str::FromStr>(field: &'static str, text: &str) -> Result<N, NotRead> {
    text.parse().map_err(|_| NotRead::NotANumber { field, value: text.chars().take(40).collect() })
}

/// `   alice : TTY=pts/0 ; PWD=/root ; USER=root ; COMMAND=/usr/bin/id -u`. A refusal has words before the first field.
fn says(message: &str) -> Option<Says> {
    if message.starts_with("@cee:") || message.len() > LONGEST {
        return Some(Says::Otherwise);
    }
    let (_person, said) = message.split_once(" : ")?;
    if let Some(more) = said.strip_prefix(CONTINUED) {
        return Some(Says::GoesOn(piece(more)));
    }
    let (first, _) = said.split_once('=')?;
    let is_field = !first.is_empty() && first.bytes().all(|byte| byte.is_ascii_uppercase());
    // One that is long may have its command line in what follows, behind a long directory.
    let has_command = said.len() >= CUT || said.starts_with(COMMAND) || said.contains(" ; COMMAND=");
    if !is_field || !has_command || said.ends_with(COMMAND) {
        return None;
    }
    Some(Says::Began(piece(said)))
}

fn piece(text: &str) -> Piece {
    let end = if text.len() >= CUT && !text.contains(' ') { End::InWord } else { End::AtBlank };
    Piece { text: text.to_owned(), end }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, reason = "a failed assumption is a failed test")]
    use super::*;

    fn stored(message: &str) -> String {
        format!(
            r#"{{"_UID":"1000","__CURSOR":"s=1","MESSAGE":{message},"_PID":"65","__REALTIME_TIMESTAMP":"1796065095889817","_GID":"0","__MONOTONIC_TIMESTAMP":"37410115183","_BOOT_ID":"d03b"}}"#
        )
    }

    fn started(message: &str) -> String {
        let line = stored(&serde_json::to_string(message).unwrap());
        match read(line.as_bytes()).unwrap().map(|line| line.says) {
            Some(Says::Began(piece)) => piece.text,
            other => panic!("{other:?} of {message}"),
        }
    }

    #[test]
    fn a_line_has_the_kernels_word_on_who_wrote_it_and_sudos_on_what_was_started() {
        let message = r#""   alice : TTY=pts/0 ; PWD=/root ; USER=root ; COMMAND=/usr/bin/id -u""#;
        let line = read(stored(message).as_bytes()).unwrap().unwrap();
        let text = "TTY=pts/0 ; PWD=/root ; USER=root ; COMMAND=/usr/bin/id -u".into();
        let piece = Piece { text, end: End::AtBlank };
        let (at, wall) = (37_410_115_183, 1_796_065_095);
        assert_eq!(line, Line { pid: 65, uid: 1000, gid: 0, at, wall, says: Says::Began(piece) });
    }

    #[test]
    fn a_line_from_the_future_is_of_another_boot() {
        let line = |at| Line { pid: 7, uid: 1000, gid: 0, at, wall: 0, says: Says::Otherwise };
        assert!(line(1_000).may_be_of_this_boot(1_000));
        assert!(!line(1_001).may_be_of_this_boot(1_000));
    }

    #[test]
    fn what_sudo_says_stays_as_it_is() {
        let quoted = r"/usr/bin/true 'a b' it\'s back\\slash new#012line ctl#01#033x#0177 'ü$HOME #;='";
        let said = format!("PWD=/root ; USER=root ; COMMAND={quoted}");
        assert_eq!(started(&format!("   alice : {said}")), said);
        assert_eq!(started("someone : COMMAND=/bin/true"), "COMMAND=/bin/true");
        let long = format!("TTY=pts/0 ; PWD=/{}", "x".repeat(CUT));
        assert_eq!(started(&format!("alice : {long}")), long, "its command is to come");
    }

    #[test]
    fn other_lines_under_the_same_name_say_nothing() {
        for message in [
            "pam_unix(sudo:session): session opened for user root(uid=0) by (uid=1000)",
            "   alice : a password is required ; PWD=/root ; USER=root ; COMMAND=/usr/bin/id",
            "   alice : command not allowed ; PWD=/ ; USER=root ; COMMAND=list",
            "   alice : PWD=/root ; USER=root",
            "",
            " : ",
            "COMMAND=/bin/true",
            "   alice : PWD=/root ; USER=root ; COMMAND=",
        ] {
            let line = stored(&serde_json::to_string(message).unwrap());
            assert_eq!(read(line.as_bytes()).unwrap(), None, "{message}");
        }
        let line = stored(r#""@cee:{\"sudo\":{\"accept\":{}}}""#);
        assert_eq!(read(line.as_bytes()).unwrap().unwrap().says, Says::Otherwise);
    }

    #[test]
    fn bytes_that_are_no_text_are_read_as_far_as_they_are_and_what_is_no_line_is_refused() {
        let bytes = b" a : PWD=/ ; COMMAND=/bin/\xff".iter().map(u8::to_string).collect::<Vec<_>>();
        let line = read(stored(&format!("[{}]", bytes.join(","))).as_bytes()).unwrap().unwrap();
        let text = "PWD=/ ; COMMAND=/bin/\u{fffd}".into();
        assert_eq!(line.says, Says::Began(Piece { text, end: End::AtBlank }));
        let good = stored(r#"" a : COMMAND=/bin/true""#);
        let twice = stored(r#"[" a : COMMAND=/bin/true"," b : COMMAND=/bin/true"]"#);
        for bad in
            ["", "{}", "[]", "null", &good.replace("\"65\"", "\"x\""), &good.replace("1000", "-1"), &twice]
        {
            assert!(read(bad.as_bytes()).is_err(), "{bad}");
        }
    }

    #[test]
    fn pieces_say_how_they_go_on() {
        let end = |message: String| match read(stored(&serde_json::to_string(&message).unwrap()).as_bytes()) {
            Ok(Some(Line { says: Says::Began(piece) | Says::GoesOn(piece), .. })) => piece.end,
            other => panic!("{other:?}"),
        };
        assert_eq!(end(format!("a : PWD=/ ; COMMAND=/bin/echo {}", "1 ".repeat(480))), End::AtBlank);
        assert_eq!(end(format!("a : (command continued) {}", "x".repeat(952))), End::InWord);
        assert_eq!(end(format!("a : (command continued) {}", "x ".repeat(470))), End::AtBlank);
        assert_eq!(end(format!("a : PWD=/{}", "x".repeat(970))), End::InWord);
        assert_eq!(end("a : (command continued) 1 2 3".into()), End::AtBlank);
    }
}
