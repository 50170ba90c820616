//! The command lines of one session that wait for their entry of the record: never more than have room in one.
//!
//! sudo says a start in one line or in several, the directory before the command line, and a person may call a directory anything. So a start
//! is put together first, and then read: where its command line could begin in two places, all of it is kept and said to be unclear,
//! and where it begins nowhere it is counted.

use super::line::{COMMAND, End, Piece};

/// Command lines in one entry.
pub const MOST: usize = 256;

/// Bytes of command lines in one entry.
const BYTES: usize = 16 * 1024;

/// Characters of a command line that are kept.
pub const LONGEST: usize = 1024;

/// Bytes of one start that are put together: the longest directory (`PATH_MAX`) with all of it made visible (`#ooo`), and a command.
const JOINED: usize = 20 * 1024;

/// What stands where a command line was cut.
const CUT: &str = " …";

/// What stands before a start of which it is not known where its command line begins.
const UNCLEAR: &str = "(unclear where it begins) ";

/// Characters of such a start that are kept from its beginning; the others from its end.
const HEAD: usize = 256;

/// Whose start it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// The command of the session itself: it is on the record already.
    Sessions,
    /// That of something that the session started.
    Its,
}

/// A start that may go on.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Start {
    said: String,
    end: End,
    whose: Whose,
    room: Room,
    /// Up to where the log was read before it.
    before: i64,
}

/// Whether there is room for more of a start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Room {
    Left,
    /// What came is all that is kept, and its command line begins in it if it does at all.
    Full,
    /// Its command line may begin in what was not kept.
    Passed,
}

/// Command lines, and how many more there were.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Commands {
    lines: Vec<String>,
    bytes: usize,
    /// What is being put together.
    start: Option<Start>,
    /// Whether pieces of something that nobody knows were counted already.
    stray: bool,
    /// How many had no room, or could not be read.
    pub left_out: u64,
    /// Up to where the log was read for them, in microseconds of the journal's monotonic clock.
    pub read_to: i64,
}

impl Commands {
    /// None yet of what was written behind this moment of the journal's clock.
    #[must_use]
    pub fn behind(read_to: i64) -> Self {
        Self { read_to, ..Self::default() }
    }

    /// Whether there is nothing to write.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty() && self.left_out == 0
    }

    /// How many command lines there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.lines.len()
    }

    /// Whether the last one is still put together: it may go on in a line that is to come.
    #[must_use]
    pub fn may_go_on(&self) -> bool {
        self.start.is_some()
    }

    /// Up to where everything that was read is among what is written: a start that is being put together is not, and is read again
    /// after a restart.
    #[must_use]
    pub fn settled_to(&self) -> i64 {
        self.start.as_ref().map_or(self.read_to, |start| start.before)
    }

    /// Takes one more.
    pub fn began(&mut self, Piece { text, end }: Piece, whose: Whose, at: i64) {
        self.settle();
        let before = std::mem::replace(&mut self.read_to, at);
        self.stray = false;
        self.start = Some(Start { said: text, end, whose, room: Room::Left, before });
    }

    /// The last one goes on. Where nobody knows what that is, it is one that is not known.
    pub fn goes_on(&mut self, Piece { text, end }: Piece, at: i64) {
        self.read_to = at;
        let Some(start) = &mut self.start else {
            self.left_out = self.left_out.saturating_add(u64::from(!self.stray));
            self.stray = true;
            return;
        };
        let blank = match start.end {
            End::InWord => "",
            End::AtBlank => " ",
        };
        start.end = end;
        start.room = match start.room {
            Room::Left if start.said.len().saturating_add(text.len()) <= JOINED => Room::Left,
            Room::Left | Room::Full if !text.contains(COMMAND) => Room::Full,
            Room::Left | Room::Full | Room::Passed => Room::Passed,
        };
        if start.room == Room::Left {
            start.said.push_str(blank);
            start.said.push_str(&text);
        }
    }

    /// Reads what was put together: nothing more of it comes.
    pub fn settle(&mut self) {
        match self.start.take() {
            Some(Start { said, whose: Whose::Its, room: Room::Left | Room::Full, .. }) => {
                self.keep(read(&said));
            }
            Some(Start { whose: Whose::Its, room: Room::Passed, .. }) => self.keep(None),
            Some(Start { whose: Whose::Sessions, .. }) => self.stray = true,
            None => {}
        }
    }

    fn keep(&mut self, line: Option<String>) {
        match line {
            Some(line) if self.lines.len() < MOST && self.bytes.saturating_add(line.len()) <= BYTES => {
                self.bytes = self.bytes.saturating_add(line.len()).saturating_add(1);
                // Not one that a line of the record could be taken for: sudo never writes one.
                self.lines.push(line.replace(['\n', '\r'], " "));
            }
            Some(_) | None => self.left_out = self.left_out.saturating_add(1),
        }
    }

    /// One or more that are not known.
    pub fn leave_out(&mut self, count: u64, at: i64) {
        self.settle();
        (self.read_to, self.stray) = (at, true);
        self.left_out = self.left_out.saturating_add(count);
    }

    /// Gives up what there are, and counts them.
    pub fn give_up(&mut self) {
        self.left_out = self.left_out.saturating_add(u64::try_from(self.lines.len()).unwrap_or(u64::MAX));
        (self.lines, self.bytes) = (Vec::new(), 0);
    }

    /// All of them as a text of the record, one a line; then there are none, but for the one that may go on.
    pub fn take(&mut self) -> String {
        (self.bytes, self.left_out) = (0, 0);
        std::mem::take(&mut self.lines).join("\n")
    }
}

/// The command line of a start; `None` when there is none in it.
fn read(said: &str) -> Option<String> {
    let behind = |at: usize| said.get(at.saturating_add(COMMAND.len())..);
    let first = said.starts_with(COMMAND).then_some(0);
    let later = said.match_indices(" ; COMMAND=").map(|(at, _)| at.saturating_add(3));
    let places: Vec<usize> = first.into_iter().chain(later).take(2).collect();
    match places.as_slice() {
        [] => None,
        [at] => Some(cut(behind(*at)?)),
        [..] => Some(both_ends(said)),
    }
}

fn cut(line: &str) -> String {
    let mut kept: String = line.chars().take(LONGEST).collect();
    if kept.len() < line.len() {
        kept.push_str(CUT);
    }
    kept
}

/// The beginning and the end of what is unclear: what was really started is behind what a directory may say.
fn both_ends(said: &str) -> String {
    let count = said.chars().count();
    if count <= LONGEST {
        return format!("{UNCLEAR}{said}");
    }
    let head: String = said.chars().take(HEAD).collect();
    let tail: String = said.chars().skip(count.saturating_sub(LONGEST.saturating_sub(HEAD))).collect();
    format!("{UNCLEAR}{head}{CUT} {tail}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(text: &str) -> Piece {
        Piece { text: text.to_owned(), end: End::AtBlank }
    }

    fn in_word(text: &str) -> Piece {
        Piece { text: text.to_owned(), end: End::InWord }
    }

    /// What is written of these, in the end.
    fn all(commands: &mut Commands) -> String {
        commands.settle();
        commands.take()
    }

    #[test]
    fn a_long_command_line_is_put_together_and_cut() {
        let mut commands = Commands::default();
        commands.began(piece("PWD=/ ; COMMAND=/bin/echo"), Whose::Its, 2);
        assert!(commands.may_go_on() && commands.is_empty(), "however short it is");
        commands.goes_on(in_word(&"x".repeat(952)), 3);
        commands.goes_on(piece("yz 1"), 4);
        commands.began(piece("PWD=/ ; COMMAND=/bin/true"), Whose::Its, 5);
        assert_eq!(commands.take(), format!("/bin/echo {}yz 1", "x".repeat(952)));
        assert_eq!((commands.settled_to(), commands.read_to), (4, 5), "a restart reads it again");
        assert!(commands.may_go_on(), "what may go on is kept");
        assert_eq!(all(&mut commands), "/bin/true");
        commands.began(piece(&format!("COMMAND={}", "y".repeat(LONGEST))), Whose::Its, 6);
        commands.goes_on(piece("1 2"), 7);
        commands.goes_on(piece("3"), 8);
        assert_eq!(all(&mut commands), format!("{} …", "y".repeat(LONGEST)));
        assert!(commands.is_empty() && !commands.may_go_on() && commands.read_to == 8);
    }

    #[test]
    fn a_long_directory_hides_no_command_and_one_with_an_odd_name_puts_none_in_its_place() {
        let mut commands = Commands::default();
        let long = "x".repeat(970);
        commands.began(piece("TTY=pts/0 ;"), Whose::Its, 1);
        commands.goes_on(in_word(&format!("PWD=/tmp/{long}")), 2);
        commands.goes_on(piece("x ; USER=root ; COMMAND=/usr/bin/true 1"), 3);
        assert_eq!(all(&mut commands), "/usr/bin/true 1");

        commands.began(piece("PWD=/tmp/a ; USER=root ; COMMAND=/bin/rm -rf"), Whose::Its, 4);
        commands.goes_on(in_word(&format!("/srv/{long}")), 5);
        commands.goes_on(piece("x ; USER=root ; COMMAND=/usr/bin/true"), 6);
        let told = all(&mut commands);
        assert!(told.starts_with("(unclear where it begins) PWD=/tmp/a ; USER=root"), "{told}");
        assert!(told.ends_with("x ; USER=root ; COMMAND=/usr/bin/true"), "{told}");

        // Longer than any directory is, and what follows is not put together any more.
        commands.began(in_word("PWD=/"), Whose::Its, 7);
        for at in 8..50 {
            commands.goes_on(in_word(&long), at);
        }
        commands.goes_on(piece("x ; COMMAND=/usr/bin/true"), 50);
        commands.settle();
        assert_eq!((commands.count(), commands.left_out), (0, 1));
    }

    #[test]
    fn what_goes_on_and_did_not_begin_is_one_that_is_not_known() {
        let mut commands = Commands::default();
        commands.goes_on(piece("of one that nobody knows"), 1);
        commands.goes_on(piece("of the same"), 2);
        assert_eq!((commands.left_out, commands.read_to), (1, 2));
        commands.began(piece("COMMAND=/bin/sh -c"), Whose::Sessions, 3);
        commands.goes_on(piece("x"), 4);
        commands.settle();
        commands.goes_on(piece("of the session's own, and late"), 5);
        assert_eq!(
            (commands.count(), commands.left_out),
            (0, 1),
            "what the session itself is, is on the record"
        );
        commands.began(piece("PWD=/"), Whose::Its, 6);
        commands.settle();
        assert_eq!((commands.count(), commands.left_out), (0, 2), "a start without its command");
    }

    #[test]
    fn there_are_never_more_than_have_room_and_the_others_are_counted() {
        let mut commands = Commands::default();
        for at in 0..1_000 {
            commands.began(piece("COMMAND=/bin/true"), Whose::Its, at);
        }
        commands.settle();
        assert_eq!((commands.count(), commands.left_out, commands.read_to), (MOST, 744, 999));
        assert_eq!(commands.take().lines().count(), MOST);
        for at in 0..100 {
            commands.began(piece(&format!("COMMAND={}", "x".repeat(LONGEST))), Whose::Its, at);
            commands.goes_on(piece(&"y".repeat(LONGEST)), at);
        }
        commands.settle();
        assert!(commands.count() < 20 && commands.left_out > 80);
        let (count, left_out) = (commands.count() as u64, commands.left_out);
        assert!(commands.clone().take().len() < 2 * BYTES);
        commands.give_up();
        commands.leave_out(1, 100);
        assert_eq!((commands.count(), commands.left_out), (0, left_out + count + 1));
    }

    #[test]
    fn no_command_line_can_look_like_two() {
        let mut commands = Commands::default();
        commands.began(piece("COMMAND=/bin/echo a\n/bin/b\r\nc"), Whose::Its, 1);
        commands.goes_on(piece("d\ne"), 2);
        assert_eq!(all(&mut commands).lines().count(), 1);
    }
}
