//! A membership as one word of a line, whatever the names hold: `GID:GROUP:UID:USER`.
//!
//! In the names every byte but ASCII letters, digits, dot, underscore and dash is `%` and two capital hex digits, so
//! no name can end the word, the line, or a list of words.

use std::fmt::{Display, Write};
use std::str::FromStr;

use super::Membership;

impl Membership {
    /// The word.
    #[must_use]
    pub fn to_word(&self) -> String {
        let Self { gid, group, uid, user } = self;
        format!("{gid}:{}:{uid}:{}", encoded(group), encoded(user))
    }

    /// Reads the word; `None` when it is not one exactly as [`Membership::to_word`] makes it.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        let mut parts = word.split(':');
        let mut part = || parts.next();
        let (gid, group, uid, user) =
            (number(part()?)?, decoded(part()?)?, number(part()?)?, decoded(part()?)?);
        parts.next().is_none().then_some(Self { gid, group, uid, user })
    }
}

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-')
}

fn encoded(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    for byte in name.bytes() {
        if is_plain(byte) {
            text.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(text, "%{byte:02X}");
        }
    }
    text
}

fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let (high, low) = (char::from(rest.next()?), char::from(rest.next()?));
                u8::try_from(high.to_digit(16)? * 16 + low.to_digit(16)?).ok()?
            }
            byte => byte,
        });
    }
    let name = String::from_utf8(bytes).ok()?;
    // One name has one spelling.
    (encoded(&name) == text).then_some(name)
}

/// Only as we write it: no plus sign, no leading zeros.
fn number<N: FromStr + Display>(text: &str) -> Option<N> {
    text.parse::<N>().ok().filter(|number| number.to_string() == text)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]
    use super::*;

    fn member(group: &str, user: &str) -> Membership {
        Membership { gid: 999, group: group.into(), uid: u32::MAX, user: user.into() }
    }

    #[test]
    fn every_name_is_read_back_and_stays_within_its_word() {
        let hostile =
            ["docker", "", "a b", "a=b,c:d", "%41", "é\u{202e}", "a\nend 0\n", "\u{0}", "DOM\\user", "x%"];
        for (group, user) in hostile.iter().flat_map(|one| hostile.iter().map(move |two| (one, two))) {
            let of = member(group, user);
            let word = of.to_word();
            assert_eq!(Membership::from_word(&word), Some(of));
            assert!(word.bytes().all(|byte| is_plain(byte) || matches!(byte, b'%' | b':')), "{word}");
        }
        assert_eq!(member("domain users", "al").to_word(), "999:domain%20users:4294967295:al");
    }

    #[test]
    fn what_we_would_not_write_is_no_membership() {
        let good = "999:docker:1000:alice";
        assert!(Membership::from_word(good).is_some());
        for bad in [
            "",
            "999:docker:1000",
            "999:docker:1000:alice:",
            "0999:docker:1000:alice",
            "+9:docker:1000:alice",
            "999:docker:4294967296:alice",
            "999:doc%ker:1000:alice",
            "999:doc%6:1000:alice",
            "999:%64ocker:1000:alice",
            "999:%c3%a9:1000:alice",
            "999:%FF:1000:alice",
            "999:a b:1000:alice",
            "999:é:1000:alice",
        ] {
            assert_eq!(Membership::from_word(bad), None, "{bad}");
        }
    }
}
