//! The hash chain: each entry's hash covers the entry before it and every stored byte of its own.

use alloc::format;
use alloc::string::String;

use sha2::{Digest, Sha256};

/// The hash of one entry.
pub type Hash = [u8; 32];

/// What stands before the first entry.
pub const GENESIS: Hash = [0; 32];

/// The stored columns of one entry, exactly as they stand in the ledger.
#[derive(Clone, Copy, Debug)]
pub struct Stored<'a> {
    /// Its number, from 1, without gaps.
    pub seq: u64,
    /// Nanoseconds of the wall clock.
    pub at: i64,
    /// Its kind.
    pub kind: &'a str,
    /// The request's id, or empty.
    pub request: &'a str,
    /// The JSON text, byte for byte as stored: a re-serialisation may differ.
    pub body: &'a str,
}

/// The hash of an entry that follows `previous`.
///
/// SHA-256 over the previous hash and then each column, length-prefixed, so that no two different entries
/// are ever the same bytes.
#[must_use]
pub fn link(previous: &Hash, stored: &Stored<'_>) -> Hash {
    let mut hasher = Sha256::new();
    hasher.update(previous);
    let mut column = |bytes: &[u8]| {
        hasher.update((bytes.len() as u64).to_be_bytes());
        hasher.update(bytes);
    };
    column(&stored.seq.to_be_bytes());
    column(&stored.at.to_be_bytes());
    column(stored.kind.as_bytes());
    column(stored.request.as_bytes());
    column(stored.body.as_bytes());
    hasher.finalize().into()
}

/// The salted hash that stands in an entry for a text somebody typed, in hex.
#[must_use]
pub fn typed(salt: &[u8; 16], text: &str) -> String {
    let mut hasher = Sha256::new();
    hasher.update(salt);
    hasher.update(text.as_bytes());
    hex(&hasher.finalize())
}

/// What a checkpoint's signature covers: its purpose, the host, the number and the hash.
#[must_use]
pub fn checkpoint_text(host_key: &str, of: u64, hash: &str) -> String {
    format!("jit checkpoint 1\n{host_key}\n{of}\n{hash}\n")
}

/// Bytes as lowercase hex.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: [char; 16] =
        ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    bytes
        .iter()
        .flat_map(|byte| [usize::from(byte >> 4), usize::from(byte & 15)])
        .filter_map(|digit| DIGITS.get(digit))
        .collect()
}

/// Hex as 32 bytes, `None` when it is anything else.
#[must_use]
pub fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digits: alloc::vec::Vec<u8> =
        text.chars().map(|c| c.to_digit(16).and_then(|d| u8::try_from(d).ok())).collect::<Option<_>>()?;
    let bytes: alloc::vec::Vec<u8> =
        digits.chunks_exact(2).map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit)).collect();
    if digits.len() != 2 * N {
        return None;
    }
    bytes.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_column_and_the_one_before_are_in_the_hash() {
        let entry = Stored { seq: 1, at: 2, kind: "ended", request: "abcdefgh", body: "{}" };
        let hash = link(&GENESIS, &entry);
        let others = [
            Stored { seq: 2, ..entry },
            Stored { at: 3, ..entry },
            Stored { kind: "endedabc", request: "defgh", ..entry },
            Stored { request: "", ..entry },
            Stored { body: "{} ", ..entry },
        ];
        assert!(others.iter().all(|other| link(&GENESIS, other) != hash));
        assert_ne!(link(&[1; 32], &entry), hash);
    }

    #[test]
    fn hex_is_read_back() {
        let hash = link(&GENESIS, &Stored { seq: 1, at: 2, kind: "", request: "", body: "" });
        assert_eq!(unhex::<32>(&hex(&hash)), Some(hash));
        assert_eq!(unhex::<32>("00"), None);
        assert_eq!(unhex::<1>("zz"), None);
    }
}
