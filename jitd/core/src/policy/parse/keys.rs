//! Takes typed values out of a spanned TOML table, and notes what is not as expected.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::ops::{Range, RangeInclusive};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::PolicyError;
use super::source::Source;

/// A value and where it stands.
pub(in crate::policy) type Value<'i> = Spanned<DeValue<'i>>;

/// The errors found so far in one file.
#[derive(Debug)]
pub(in crate::policy) struct Errors<'s> {
    /// The file being read.
    pub(in crate::policy) source: Source<'s>,
    /// What was found.
    pub(in crate::policy) found: Vec<PolicyError>,
}

impl<'s> Errors<'s> {
    /// None yet.
    pub(in crate::policy) fn new(source: Source<'s>) -> Self {
        Self { source, found: Vec::new() }
    }

    /// Notes one error.
    pub(in crate::policy) fn at(&mut self, span: &Range<usize>, message: impl ToString) {
        self.found.push(self.source.error(span, message));
    }

    /// Notes the error of a check and goes on without its value.
    pub(in crate::policy) fn check<T, E: ToString>(
        &mut self,
        span: &Range<usize>,
        checked: Result<T, E>,
    ) -> Option<T> {
        checked.map_err(|error| self.at(span, error)).ok()
    }
}

/// A table whose keys are all known.
#[derive(Debug)]
pub(in crate::policy) struct Table<'t, 'i> {
    what: &'static str,
    entries: &'t DeTable<'i>,
    /// Where the table stands.
    pub(in crate::policy) span: Range<usize>,
}

impl<'t, 'i> Table<'t, 'i> {
    /// Takes a value as a table. Unknown keys are noted at once.
    pub(in crate::policy) fn open(
        what: &'static str,
        known: &[&str],
        value: &'t Value<'i>,
        errors: &mut Errors<'_>,
    ) -> Option<Self> {
        match value.get_ref() {
            DeValue::Table(entries) => Some(Self::of(what, known, entries, value.span(), errors)),
            other => {
                errors.at(&value.span(), format!("{what} is a table, not {}: write {{ … }}", kind(other)));
                None
            }
        }
    }

    /// Takes the entries of a table. Unknown keys are noted at once.
    pub(in crate::policy) fn of(
        what: &'static str,
        known: &[&str],
        entries: &'t DeTable<'i>,
        span: Range<usize>,
        errors: &mut Errors<'_>,
    ) -> Self {
        for key in entries.keys().filter(|key| !known.contains(&key.get_ref().as_ref())) {
            let message = format!(
                "unknown key {:?} in {what}: the keys are {}",
                key.get_ref().as_ref(),
                known.join(", ")
            );
            errors.at(&key.span(), message);
        }
        Self { what, entries, span }
    }

    /// The value of a key that may be absent.
    pub(in crate::policy) fn get(&self, key: &str) -> Option<&'t Value<'i>> {
        self.entries.iter().find(|(name, _)| name.get_ref() == key).map(|(_, value)| value)
    }

    /// The value of a key that must be there.
    pub(in crate::policy) fn require(
        &self,
        key: &str,
        example: &str,
        errors: &mut Errors<'_>,
    ) -> Option<&'t Value<'i>> {
        let value = self.get(key);
        if value.is_none() {
            errors.at(&self.span, format!("{} needs {key}: write {key} = {example}", self.what));
        }
        value
    }
}

/// Takes a value as a string.
pub(in crate::policy) fn text<'t>(
    what: &str,
    value: &'t Value<'_>,
    errors: &mut Errors<'_>,
) -> Option<&'t str> {
    match value.get_ref() {
        DeValue::String(text) => Some(text.as_ref()),
        other => {
            errors.at(&value.span(), format!("{what} is a string, not {}: write it in quotes", kind(other)));
            None
        }
    }
}

/// Takes a value as `true` or `false`.
pub(in crate::policy) fn boolean(what: &str, value: &Value<'_>, errors: &mut Errors<'_>) -> Option<bool> {
    match value.get_ref() {
        DeValue::Boolean(yes) => Some(*yes),
        other => {
            errors.at(&value.span(), format!("{what} is true or false, not {}", kind(other)));
            None
        }
    }
}

/// Takes a value as a whole number within bounds.
pub(in crate::policy) fn integer(
    what: &str,
    bounds: RangeInclusive<u32>,
    value: &Value<'_>,
    errors: &mut Errors<'_>,
) -> Option<u32> {
    let number = match value.get_ref() {
        DeValue::Integer(written) => u32::from_str_radix(written.as_str(), written.radix()).ok(),
        _ => None,
    };
    let number = number.filter(|number| bounds.contains(number));
    if number.is_none() {
        errors.at(
            &value.span(),
            format!("{what} is a whole number from {} to {}", bounds.start(), bounds.end()),
        );
    }
    number
}

/// Takes a value as an array.
pub(in crate::policy) fn array<'t, 'i>(
    what: &str,
    value: &'t Value<'i>,
    errors: &mut Errors<'_>,
) -> Option<Vec<&'t Value<'i>>> {
    match value.get_ref() {
        DeValue::Array(items) => Some(items.iter().collect()),
        other => {
            errors.at(&value.span(), format!("{what} is a list, not {}: write [ … ]", kind(other)));
            None
        }
    }
}

/// Notes that there are too many of something.
pub(in crate::policy) fn no_more_than(
    most: usize,
    count: usize,
    what: &str,
    span: &Range<usize>,
    errors: &mut Errors<'_>,
) {
    if count > most {
        errors.at(span, format!("{count} {what} are too many: at most {most} are taken"));
    }
}

/// What a value is, in a sentence.
fn kind(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(_) => "a string".to_string(),
        DeValue::Integer(_) => "a number".to_string(),
        DeValue::Float(_) => "a number with a point".to_string(),
        DeValue::Boolean(_) => "true or false".to_string(),
        DeValue::Datetime(_) => "a date".to_string(),
        DeValue::Array(_) => "a list".to_string(),
        DeValue::Table(_) => "a table".to_string(),
    }
}

/// Absent is fine, present and wrong is not.
#[expect(
    clippy::option_option,
    reason = "the outer one says whether the key is there, the inner whether it is right"
)]
pub(in crate::policy) fn transpose<T>(read: Option<Option<T>>) -> Option<Option<T>> {
    match read {
        None => Some(None),
        Some(read) => read.map(Some),
    }
}
