//! One policy file: its text, and where in it a byte stands.

use alloc::string::ToString;
use core::ops::Range;

use super::PolicyError;
use crate::policy::model::Location;

/// A policy file while it is read.
#[derive(Debug, Clone, Copy)]
pub(in crate::policy) struct Source<'a> {
    /// Its name, without the folder.
    pub(in crate::policy) name: &'a str,
    /// Its text.
    pub(in crate::policy) text: &'a str,
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
        let before = self.text.get(..span.start).unwrap_or(self.text);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
        let column = before.get(line_start..).unwrap_or_default().chars().count() + 1;
        (u32::try_from(line).unwrap_or(u32::MAX), u32::try_from(column).unwrap_or(u32::MAX))
    }
}
