//! The command lines of one session that wait for their entry of the record: never more than have room in one.

use super::line::{End, LONGEST, Piece};

/// Command lines in one entry.
pub const MOST: usize = 256;

/// Bytes of command lines in one entry.
const BYTES: usize = 16 * 1024;

/// What stands behind a command line that was cut.
const CUT: &str = " …";

/// Command lines, and how many more there were.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Commands {
    lines: Vec<String>,
    bytes: usize,
    /// Where the last one ends.
    last: Option<End>,
    /// How many had no room.
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

    /// Whether the last of them may go on in a line that is still to come.
    #[must_use]
    pub fn may_go_on(&self) -> bool {
        matches!(self.last, Some(End::AtBlank | End::InWord))
    }

    /// Takes one more.
    pub fn started(&mut self, Piece { text, end }: Piece, at: i64) {
        self.read_to = at;
        if self.lines.len() >= MOST || self.bytes.saturating_add(text.len()) > BYTES {
            self.last = None;
            self.left_out = self.left_out.saturating_add(1);
            return;
        }
        self.bytes = self.bytes.saturating_add(text.len()).saturating_add(1);
        // Not one that a line of the record could be taken for: sudo never writes one.
        self.lines.push(text.replace(['\n', '\r'], " "));
        self.last = Some(end);
    }

    /// The last one goes on.
    pub fn goes_on(&mut self, Piece { text, end }: Piece, at: i64) {
        self.read_to = at;
        let (Some(line), Some(last)) = (self.lines.last_mut(), self.last) else { return };
        let blank = match last {
            End::InWord => "",
            End::AtBlank | End::Here => " ",
        };
        let room = LONGEST.saturating_sub(line.chars().count());
        let more: String = [blank, &text].concat().replace(['\n', '\r'], " ");
        let kept: String = more.chars().take(room).collect();
        let is_cut = kept.len() < more.len();
        line.push_str(&kept);
        self.bytes = self.bytes.saturating_add(kept.len());
        self.last = Some(end);
        if is_cut {
            line.push_str(CUT);
            self.last = None;
        }
    }

    /// One or more that are not known.
    pub fn leave_out(&mut self, count: u64, at: i64) {
        (self.read_to, self.last) = (at, None);
        self.left_out = self.left_out.saturating_add(count);
    }

    /// Gives up what there are, and counts them.
    pub fn give_up(&mut self) {
        self.left_out = self.left_out.saturating_add(u64::try_from(self.lines.len()).unwrap_or(u64::MAX));
        (self.lines, self.bytes, self.last) = (Vec::new(), 0, None);
    }

    /// All of them as a text of the record, one a line; then there are none.
    pub fn take(&mut self) -> String {
        (self.bytes, self.last, self.left_out) = (0, None, 0);
        std::mem::take(&mut self.lines).join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(text: &str) -> Piece {
        Piece { text: text.to_owned(), end: End::Here }
    }

    #[test]
    fn a_long_command_line_is_put_together_and_cut() {
        let mut commands = Commands::default();
        commands.goes_on(whole("of one that nobody knows"), 1);
        assert!(commands.is_empty() && commands.read_to == 1);
        commands.started(Piece { text: "/bin/echo".into(), end: End::AtBlank }, 2);
        assert!(commands.may_go_on());
        commands.goes_on(Piece { text: "x".repeat(952), end: End::InWord }, 3);
        commands.goes_on(whole("yz 1"), 4);
        commands.started(whole("/bin/true"), 5);
        assert!(!commands.may_go_on());
        assert_eq!(commands.count(), 2);
        assert_eq!(commands.take(), format!("/bin/echo {}yz 1\n/bin/true", "x".repeat(952)));
        commands.started(Piece { text: "y".repeat(LONGEST), end: End::AtBlank }, 6);
        commands.goes_on(Piece { text: "1 2".into(), end: End::AtBlank }, 7);
        commands.goes_on(whole("3"), 8);
        assert_eq!((commands.may_go_on(), commands.read_to), (false, 8));
        assert_eq!(commands.take(), format!("{} …", "y".repeat(LONGEST)));
        assert!(commands.is_empty());
    }

    #[test]
    fn there_are_never_more_than_have_room_and_the_others_are_counted() {
        let mut commands = Commands::default();
        for at in 0..1_000 {
            commands.started(whole("/bin/true"), at);
        }
        assert_eq!((commands.count(), commands.left_out, commands.read_to), (MOST, 744, 999));
        assert_eq!(commands.take().lines().count(), MOST);
        for at in 0..100 {
            commands.started(whole(&"x".repeat(LONGEST)), at);
            commands.goes_on(whole(&"y".repeat(LONGEST)), at);
        }
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
        commands.started(whole("/bin/echo a\n/bin/b\r\nc"), 1);
        commands.goes_on(whole("d\ne"), 2);
        assert_eq!(commands.take().lines().count(), 1);
    }
}
