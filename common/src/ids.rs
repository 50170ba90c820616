//! Ids of requests: eight characters of lowercase Crockford base32, and prefixes of them that people type.

use alloc::borrow::ToOwned;
use alloc::string::String;
use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Serialize};

/// The Crockford alphabet in lower case: no `i`, `l`, `o`, `u`, so an id can be read out over a telephone.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// Characters in an id.
pub const ID_LEN: usize = 8;

/// The id of one request, and of the grant it becomes.
///
/// Eight characters, so 40 bits: random, made by jitd, never reused. It is the only name of a grant that ever
/// reaches a file or a file name, because nothing in it was typed by anybody.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct RequestId([u8; ID_LEN]);

impl RequestId {
    /// Makes an id from 40 random bits.
    #[must_use]
    pub fn from_random(bits: [u8; 5]) -> Self {
        let mut number = bits.iter().fold(0u64, |sum, byte| sum << 8 | u64::from(*byte));
        let mut text = [b'0'; ID_LEN];
        for place in text.iter_mut().rev() {
            let digit = usize::try_from(number & 31).unwrap_or(0);
            *place = ALPHABET.get(digit).copied().unwrap_or(b'0');
            number >>= 5;
        }
        Self(text)
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        core::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for RequestId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let prefix = IdPrefix::from_str(text)?;
        let bytes = <[u8; ID_LEN]>::try_from(prefix.0.as_bytes())
            .map_err(|_| IdError::Length { found: prefix.0.len() })?;
        Ok(Self(bytes))
    }
}

impl TryFrom<String> for RequestId {
    type Error = IdError;

    fn try_from(text: String) -> Result<Self, IdError> {
        Self::from_str(&text)
    }
}

impl From<RequestId> for String {
    fn from(id: RequestId) -> Self {
        id.as_str().to_owned()
    }
}

/// The beginning of an id, as a person types it: one to eight characters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct IdPrefix(String);

impl IdPrefix {
    /// Whether `id` begins with this prefix.
    #[must_use]
    pub fn matches(&self, id: RequestId) -> bool {
        id.as_str().starts_with(&self.0)
    }

    /// The prefix as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for IdPrefix {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        if text.is_empty() || text.len() > ID_LEN {
            return Err(IdError::Length { found: text.len() });
        }
        match text.chars().find(|c| !c.is_ascii() || !ALPHABET.contains(&(*c as u8))) {
            Some(bad) => Err(IdError::Character { bad }),
            None => Ok(Self(text.to_owned())),
        }
    }
}

impl TryFrom<String> for IdPrefix {
    type Error = IdError;

    fn try_from(text: String) -> Result<Self, IdError> {
        Self::from_str(&text)
    }
}

impl From<IdPrefix> for String {
    fn from(prefix: IdPrefix) -> Self {
        prefix.0
    }
}

impl fmt::Display for IdPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a text is not an id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// Too short or too long.
    #[error("an id has {ID_LEN} characters (or the first few of them), this has {found}")]
    Length {
        /// Bytes found.
        found: usize,
    },
    /// A character outside the alphabet.
    #[error("{bad:?} cannot stand in an id: ids hold digits and lowercase letters without i, l, o and u")]
    Character {
        /// The first such character.
        bad: char,
    },
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn an_id_is_read_back_as_it_was_written() {
        for bits in [[0; 5], [0xff; 5], [1, 2, 3, 4, 5]] {
            let id = RequestId::from_random(bits);
            assert_eq!(id.to_string().len(), ID_LEN);
            assert_eq!(RequestId::from_str(&id.to_string()).unwrap(), id);
        }
    }

    #[test]
    fn paths_and_strange_letters_are_no_ids() {
        for bad in ["../../x", "", "abcdefghi", "iiiiiiii", "ABCDEFGH", "abc\u{0}defg", "ééé"] {
            assert!(IdPrefix::from_str(bad).is_err(), "{bad:?}");
        }
        assert_eq!(RequestId::from_str("abc"), Err(IdError::Length { found: 3 }));
    }
}
