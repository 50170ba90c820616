//! Makes text that a person typed safe to show on a terminal and in one line of a log.

use core::fmt::{self, Write};

/// Shows a text with everything made visible that could act on a terminal, forge a line, or deceive the eye.
///
/// Line ends and tabs become `\n`, `\r`, `\t`; other control characters (C0, C1, DEL), the line separators of
/// Unicode, the controls of writing direction (CVE-2021-42574) and characters without a width become `\u{…}`. All
/// else is shown as it is, a backslash too: what is shown is for reading, the exact text is in the record.
#[derive(Debug, Clone, Copy)]
pub struct Escaped<'a>(&'a str);

/// Wraps a typed text so that it can be shown.
#[must_use]
pub const fn escaped(text: &str) -> Escaped<'_> {
    Escaped(text)
}

/// Whether a character may be shown as it is.
#[must_use]
pub fn is_plain(c: char) -> bool {
    !c.is_control() && !turns_direction(c) && !is_invisible(c)
}

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            match c {
                '\n' => f.write_str("\\n")?,
                '\r' => f.write_str("\\r")?,
                '\t' => f.write_str("\\t")?,
                c if is_plain(c) => f.write_char(c)?,
                c => write!(f, "\\u{{{:x}}}", u32::from(c))?,
            }
        }
        Ok(())
    }
}

/// The controls of the bidirectional algorithm (UAX #9).
fn turns_direction(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Separators that end a line without being a newline, and characters that show as nothing.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200d}' | '\u{2028}' | '\u{2029}' | '\u{2060}'..='\u{2065}' | '\u{206a}'..='\u{206f}'
        | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    #[test]
    fn what_acts_on_a_terminal_becomes_visible() {
        for (typed, shown) in [
            ("\x1b]0;gotcha\x07", r"\u{1b}]0;gotcha\u{7}"),
            ("\x1b[2J", r"\u{1b}[2J"),
            ("\u{9b}2J", r"\u{9b}2J"),
            ("a\nNov 22 jitd[1]: granted", r"a\nNov 22 jitd[1]: granted"),
            ("a\rb\tc", r"a\rb\tc"),
            ("\0\x7f", r"\u{0}\u{7f}"),
            ("user\u{202e}gnp.exe", r"user\u{202e}gnp.exe"),
            ("a\u{2066}b\u{2069}", r"a\u{2066}b\u{2069}"),
            ("\u{200e}\u{200f}\u{61c}", r"\u{200e}\u{200f}\u{61c}"),
            ("a\u{2028}b\u{2029}c", r"a\u{2028}b\u{2029}c"),
            ("ad\u{200b}min\u{feff}\u{2060}\u{ad}", r"ad\u{200b}min\u{feff}\u{2060}\u{ad}"),
            ("\u{e0041}", r"\u{e0041}"),
        ] {
            assert_eq!(escaped(typed).to_string(), shown);
        }
    }

    #[test]
    fn ordinary_text_of_any_script_is_left_alone() {
        for text in
            ["", "INC-42 nginx stuck", "Störung im Köln-Netz", "障害対応", "שלום", "\\n stays", "naïve 🙂"]
        {
            assert_eq!(escaped(text).to_string(), text);
        }
    }

    #[test]
    fn no_character_at_all_gets_through_that_is_not_plain() {
        for c in '\0'..=char::MAX {
            let mut buffer = [0; 4];
            assert!(
                escaped(c.encode_utf8(&mut buffer)).to_string().chars().all(is_plain),
                "{:x}",
                u32::from(c)
            );
        }
    }
}
