//! Reads `[drift]`: what becomes of differences between the host and the record.

use alloc::format;

use super::keys::{Errors, Table, Value, text};
use crate::policy::drift::{OnDrift, PutBack, Strangers, TakenAway};

/// Reads it. `None` when something is wrong; then it has been noted.
pub(super) fn read(value: &Value<'_>, errors: &mut Errors<'_>) -> Option<OnDrift> {
    let table = Table::open("drift", &["taken_away", "put_back", "strangers"], value, errors)?;
    let taken_away =
        one_of(&table, "taken_away", [("restore", TakenAway::Restore), ("end", TakenAway::End)], errors);
    let put_back =
        one_of(&table, "put_back", [("leave", PutBack::Leave), ("remove", PutBack::Remove)], errors);
    let strangers =
        one_of(&table, "strangers", [("leave", Strangers::Leave), ("remove", Strangers::Remove)], errors);
    Some(OnDrift { taken_away: taken_away?, put_back: put_back?, strangers: strangers? })
}

/// What a key chooses; what it leaves out is as if there were no `[drift]`.
fn one_of<T: Copy + Default>(
    table: &Table<'_, '_>,
    key: &'static str,
    choices: [(&str, T); 2],
    errors: &mut Errors<'_>,
) -> Option<T> {
    let Some(value) = table.get(key) else { return Some(T::default()) };
    let word = text(key, value, errors)?;
    if let Some((_, choice)) = choices.iter().find(|(name, _)| *name == word) {
        return Some(*choice);
    }
    let [(first, _), (second, _)] = choices;
    errors.at(&value.span(), format!("{key} {word:?} is neither {first:?} nor {second:?}"));
    None
}
