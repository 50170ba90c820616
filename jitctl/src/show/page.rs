//! An answer for the eye: lines of inked text, laid out for a terminal. Everything that enters is escaped here, once.

use std::fmt::Display;

use jit_common::escape::escaped;

use crate::terminal::{Colour, Terminal};

/// Where the right-hand side of a line ends when the terminal does not say.
const FRAME: usize = 96;

/// What a piece of text is, and so how it is inked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ink {
    /// Ordinary.
    Plain,
    /// What the eye should find first: an id, a name.
    Strong,
    /// All is well.
    Good,
    /// Something an admin should look at.
    Warn,
    /// A refusal, or something broken.
    Bad,
    /// Beside the point: places, hashes.
    Faint,
}

impl Ink {
    /// The SGR parameters (ECMA-48).
    fn code(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Strong => "1",
            Self::Good => "32",
            Self::Warn => "33",
            Self::Bad => "1;31",
            Self::Faint => "2",
        }
    }
}

/// A run of text. It can only be built from escaped pieces.
#[derive(Clone, Debug, Default)]
pub(crate) struct Text(Vec<(Ink, String)>);

impl Text {
    /// A text of one piece.
    pub(crate) fn of(text: impl Display) -> Self {
        Self::default().then(Ink::Plain, text)
    }

    /// Adds a piece. Its control characters, wherever they came from, become visible.
    pub(crate) fn then(mut self, ink: Ink, text: impl Display) -> Self {
        self.0.push((ink, escaped(&text.to_string()).to_string()));
        self
    }

    /// Adds an ordinary piece.
    pub(crate) fn plain(self, text: impl Display) -> Self {
        self.then(Ink::Plain, text)
    }

    /// Adds a piece the eye should find.
    pub(crate) fn strong(self, text: impl Display) -> Self {
        self.then(Ink::Strong, text)
    }

    /// Adds a piece that is beside the point.
    pub(crate) fn faint(self, text: impl Display) -> Self {
        self.then(Ink::Faint, text)
    }

    /// Adds the pieces of another text.
    pub(crate) fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    fn width(&self) -> usize {
        self.0.iter().map(|(_, text)| text.chars().count()).sum()
    }

    /// Cuts the text behind each blank, so that lines can be broken there.
    fn words(&self) -> Vec<Self> {
        let mut words = vec![];
        let mut word = Self::default();
        for (ink, text) in &self.0 {
            for piece in text.split_inclusive(' ') {
                word.0.push((*ink, piece.to_owned()));
                if piece.ends_with(' ') {
                    words.push(std::mem::take(&mut word));
                }
            }
        }
        words.push(word);
        words
    }

    /// Takes the blank away that a line was broken at.
    fn trim_end(&mut self) {
        if let Some((_, last)) = self.0.last_mut() {
            last.truncate(last.trim_end_matches(' ').len());
        }
    }

    fn write(&self, terminal: Terminal, out: &mut String) {
        for run in self.0.chunk_by(|one, next| one.0 == next.0) {
            let code = run.first().map_or("", |(ink, _)| ink.code());
            let text: String = run.iter().map(|(_, text)| text.as_str()).collect();
            match terminal.colour {
                Colour::On if !code.is_empty() && !text.is_empty() => {
                    out.extend(["\x1b[", code, "m", &text, "\x1b[0m"]);
                }
                Colour::On | Colour::Off => out.push_str(&text),
            }
        }
    }
}

/// One line of a page.
#[derive(Clone, Debug)]
enum Line {
    /// A text that is broken at blanks, further lines a little deeper.
    Flow { indent: usize, text: Text },
    /// A text with another at the right-hand side.
    Split { indent: usize, left: Text, right: Text },
    /// An empty line.
    Blank,
}

/// A whole answer.
#[derive(Clone, Debug, Default)]
pub(crate) struct Page(Vec<Line>);

impl Page {
    /// Adds a line.
    pub(crate) fn line(&mut self, indent: usize, text: Text) {
        self.0.push(Line::Flow { indent, text });
    }

    /// Adds a line with something at its right-hand side.
    pub(crate) fn split(&mut self, indent: usize, left: Text, right: Text) {
        self.0.push(Line::Split { indent, left, right });
    }

    /// Adds an empty line, unless the page is empty or ends in one.
    pub(crate) fn blank(&mut self) {
        if !matches!(self.0.last(), None | Some(Line::Blank)) {
            self.0.push(Line::Blank);
        }
    }

    /// Whether there is nothing on it.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds another page below.
    pub(crate) fn append(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// The page as it goes to the terminal.
    pub(crate) fn render(&self, terminal: Terminal) -> String {
        let mut out = String::new();
        for line in &self.0 {
            match line {
                Line::Flow { indent, text } => flow(*indent, text, terminal, &mut out),
                Line::Split { indent, left, right } => split(*indent, left, right, terminal, &mut out),
                Line::Blank => out.push('\n'),
            }
        }
        out
    }
}

fn pad(count: usize, out: &mut String) {
    out.extend(std::iter::repeat_n(' ', count));
}

fn flow(indent: usize, text: &Text, terminal: Terminal, out: &mut String) {
    let limit = terminal.wrap.unwrap_or(usize::MAX);
    let mut depth = indent;
    let mut line = Text::default();
    for word in text.words() {
        let blank = usize::from(word.0.last().is_some_and(|(_, text)| text.ends_with(' ')));
        let end = (depth + line.width() + word.width()).saturating_sub(blank);
        if line.width() > 0 && end > limit {
            line.trim_end();
            pad(depth, out);
            std::mem::take(&mut line).write(terminal, out);
            out.push('\n');
            depth = indent + 2;
        }
        line.0.extend(word.0);
    }
    pad(depth, out);
    line.write(terminal, out);
    out.push('\n');
}

fn split(indent: usize, left: &Text, right: &Text, terminal: Terminal, out: &mut String) {
    let frame = terminal.wrap.unwrap_or(FRAME).min(FRAME);
    let used = indent + left.width();
    if terminal.wrap.is_some() && used + 2 + right.width() > frame {
        flow(indent, left, terminal, out);
        return flow(indent + 2, right, terminal, out);
    }
    pad(indent, out);
    left.write(terminal, out);
    pad(frame.saturating_sub(used + right.width()).max(2), out);
    right.write(terminal, out);
    out.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn narrow(wrap: usize) -> Terminal {
        Terminal { colour: Colour::Off, wrap: Some(wrap) }
    }

    #[test]
    fn what_was_typed_never_reaches_the_terminal_raw() {
        let mut page = Page::default();
        page.line(0, Text::of("reason: ").strong("\x1b]0;root\x07\nforged line"));
        let coloured = Terminal { colour: Colour::On, wrap: Some(80) };
        assert_eq!(
            page.render(coloured),
            "reason: \x1b[1m\\u{1b}]0;root\\u{7}\\nforged line\x1b[0m\n",
            "only our own escapes"
        );
        assert!(!page.render(Terminal::plain()).contains('\x1b'));
    }

    #[test]
    fn a_text_that_was_escaped_already_is_not_escaped_again() {
        let once = Text::of("a\nb").render_plain();
        assert_eq!(Text::of(&once).render_plain(), once);
    }

    #[test]
    fn long_lines_are_broken_at_blanks_and_hang() {
        let mut page = Page::default();
        page.line(2, Text::of("one two three four ").strong("five six"));
        assert_eq!(page.render(narrow(16)), "  one two three\n    four five\n    six\n");
        assert_eq!(page.render(Terminal::plain()), "  one two three four five six\n");
    }

    #[test]
    fn the_right_side_stands_right_or_on_its_own_line() {
        let mut page = Page::default();
        page.split(2, Text::of("left"), Text::of("right"));
        assert_eq!(page.render(narrow(20)), "  left         right\n");
        assert_eq!(page.render(narrow(12)), "  left\n    right\n");
        assert!(page.render(Terminal::plain()).starts_with("  left   "));
    }

    impl Text {
        fn render_plain(&self) -> String {
            let mut out = String::new();
            self.write(Terminal::plain(), &mut out);
            out
        }
    }
}
