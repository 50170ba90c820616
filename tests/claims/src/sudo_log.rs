//! sudo's log: whatever is in the journal, a line is read as what it says or as nothing, and what is kept of all of them is bounded.

use jitd::subcommands::commands::{Commands, LONGEST, MOST, Whose};
use jitd::subcommands::line::{self, Piece, Says};
use jitd::subcommands::lines::Lines;

use crate::{bytes::Bytes, measure, sentence};

/// What reading a line may cost, for each byte of it and at all.
const COST: (usize, usize) = (16, 8 * 1024);

/// Panics when it does not hold.
pub fn holds(data: &[u8]) {
    let mut rest = Bytes(data);
    if !rest.coin() {
        return raw(rest.0);
    }
    let mut commands = Commands::behind(0);
    let (mut started, mut at, mut stray) = (0, 0, false);
    for message in rest.0.split(|byte| *byte == 0) {
        let says = message_says(message);
        at += 1;
        match says {
            Some(Says::Began(piece)) => {
                commands.began(piece, Whose::Its, at);
                (started, stray) = (started + 1, false);
            }
            Some(Says::GoesOn(piece)) => {
                // What nobody knows the beginning of is one more, however many pieces it has.
                let is_new = !commands.may_go_on() && !stray;
                started += usize::from(is_new);
                stray |= is_new;
                commands.goes_on(piece, at);
            }
            Some(Says::Otherwise) | None => {}
        }
    }
    commands.settle();
    let (count, left_out) = (commands.count(), usize::try_from(commands.left_out).unwrap());
    assert_eq!(count + left_out, started, "each is kept or counted");
    assert!(count <= MOST);
    let text = commands.take();
    assert!(text.len() <= 16 * 1024 + 8 * LONGEST, "{} bytes for one entry", text.len());
    assert_eq!(text.lines().count(), count, "no command line looks like two: {text:?}");
    assert!(text.lines().all(|line| line.chars().count() <= LONGEST + 64));
}

/// A line as it comes from somewhere: it costs little, and is refused by a sentence when it is none.
fn raw(bytes: &[u8]) {
    for line in bytes.split(|byte| *byte == b'\n') {
        let (read, most) = measure::memory(|| line::read(line));
        assert!(most <= COST.0 * line.len() + COST.1, "{most} bytes were allocated for {}", line.len());
        if let Err(why) = read {
            sentence::is_told(&why);
        }
    }
    let (mut lines, mut cut) = (Lines::default(), Vec::new());
    for piece in bytes.chunks(7) {
        lines.cut(piece, |line| cut.push(line.to_vec()));
    }
    let whole = bytes.iter().filter(|byte| **byte == b'\n').count();
    let expected: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').take(whole).collect();
    assert_eq!(cut, expected, "in pieces the lines are the same");
}

/// What is made of a message of sudo's that the journal has printed, held against a reading by the words of sudoers(5).
fn message_says(message: &[u8]) -> Option<Says> {
    let printed = match std::str::from_utf8(message) {
        Ok(text) => serde_json::to_string(text).unwrap(),
        Err(_) => serde_json::to_string(message).unwrap(),
    };
    let stored = format!(
        r#"{{"_PID":"65","_UID":"1000","_GID":"0","__MONOTONIC_TIMESTAMP":"7","__REALTIME_TIMESTAMP":"1000000","MESSAGE":{printed}}}"#
    );
    let line = line::read(stored.as_bytes()).unwrap();
    if let Some(line) = &line {
        assert_eq!((line.pid, line.uid, line.gid, line.at, line.wall), (65, 1000, 0, 7, 1));
    }
    let says = line.map(|line| line.says);
    let text = match &says {
        Some(Says::Began(Piece { text, .. })) => Some(("began", text.clone())),
        Some(Says::GoesOn(Piece { text, .. })) => Some(("goes on", text.clone())),
        Some(Says::Otherwise) => Some(("otherwise", String::new())),
        None => None,
    };
    assert_eq!(text, expected(&String::from_utf8_lossy(message)), "{printed}");
    says
}

fn expected(message: &str) -> Option<(&'static str, String)> {
    if message.starts_with("@cee:") || message.len() > 8 * 1024 {
        return Some(("otherwise", String::new()));
    }
    let behind_name = message.find(" : ")? + " : ".len();
    let said = &message[behind_name..];
    if let Some(more) = said.strip_prefix("(command continued) ") {
        return Some(("goes on", more.to_owned()));
    }
    let name: String = said.chars().take_while(|c| *c != '=').collect();
    let is_name = name.len() < said.len() && !name.is_empty() && name.chars().all(|c| c.is_ascii_uppercase());
    let is_field = |at: usize| at == 0 || said[..at].ends_with(" ; ");
    let has_command = said.match_indices("COMMAND=").any(|(at, _)| is_field(at));
    let begins = is_name && (has_command || said.len() >= 900) && !said.ends_with("COMMAND=");
    begins.then(|| ("began", said.to_owned()))
}
