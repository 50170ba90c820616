//! One policy file: its text, and where in it a byte stands.

use alloc::string::ToString;
use alloc::vec::Vec;
use core::ops::Range;

use super::PolicyError;
use crate::policy::model::Location;

/// Bytes between two places of which it is known how many characters stand before them.
const STRIDE: usize = 256;

/// A policy file while it is read.
#[derive(Debug, Clone, Copy)]
pub(in crate::policy) struct Source<'a> {
    /// Its name, without the folder.
    pub(in crate::policy) name: &'a str,
    /// Its text.
    pub(in crate::policy) text: &'a str,
    /// Where its lines are.
    pub(in crate::policy) places: &'a Places,
}

/// Where the lines of a text begin, and how many characters stand before every so many bytes: counted once, for a text may have as
/// many places that somebody asks for as it has bytes.
#[derive(Debug, Default)]
pub(in crate::policy) struct Places {
    line_starts: Vec<usize>,
    characters: Vec<usize>,
}

impl Places {
    /// Looks a text through.
    pub(in crate::policy) fn of(text: &str) -> Self {
        let newlines = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let line_starts = core::iter::once(0).chain(newlines.map(|(at, _)| at + 1)).collect();
        let mut before = 0;
        let characters = text.as_bytes().chunks(STRIDE).map(|chunk| {
            let here = before;
            before += begun(chunk);
            here
        });
        Self { characters: characters.collect(), line_starts }
    }

    /// How many characters begin before a byte.
    fn characters_before(&self, text: &str, at: usize) -> usize {
        let known = at / STRIDE;
        let rest = text.as_bytes().get(known * STRIDE..at).unwrap_or_default();
        self.characters.get(known).map_or(0, |before| before + begun(rest))
    }
}

/// How many characters begin in these bytes of a text: all bytes but those that go on with one.
fn begun(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| **byte & 0b1100_0000 != 0b1000_0000).count()
}

impl Source<'_> {
    /// The line a span begins on.
    pub(in crate::policy) fn location(&self, span: &Range<usize>) -> Location {
        Location { file: self.name.to_string(), line: self.position(span).0 }
    }

    /// An error at the beginning of a span.
    pub(in crate::policy) fn error(&self, span: &Range<usize>, message: impl ToString) -> PolicyError {
        let (line, column) = self.position(span);
        PolicyError { file: self.name.to_string(), line, column, message: message.to_string() }
    }

    /// Line and column, both from 1; the column counts characters, as editors do.
    fn position(&self, span: &Range<usize>) -> (u32, u32) {
        let at = span.start.min(self.text.len());
        let line = self.places.line_starts.partition_point(|start| *start <= at).max(1);
        let start = self.places.line_starts.get(line - 1).copied().unwrap_or(0);
        let characters = |at| self.places.characters_before(self.text, at);
        let column = characters(at).saturating_sub(characters(start)) + 1;
        (u32::try_from(line).unwrap_or(u32::MAX), u32::try_from(column).unwrap_or(u32::MAX))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]
    use super::*;

    #[test]
    fn every_place_of_a_text_is_told_as_counting_would() {
        let text = "a = 1\n\nä🙂b\r\n".repeat(200) + &"é".repeat(1000) + "\nend";
        let source = Source { name: "x.toml", text: &text, places: &Places::of(&text) };
        for (at, _) in text.char_indices().chain([(text.len(), ' ')]) {
            let before = text.get(..at).unwrap_or_default();
            let line = before.matches('\n').count() + 1;
            let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
            assert_eq!(
                source.position(&(at..at)),
                (u32::try_from(line).unwrap(), u32::try_from(column).unwrap()),
                "byte {at}"
            );
        }
    }
}
