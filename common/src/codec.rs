//! Values to bytes and back for the socket. The only file that names bincode.
//!
//! bincode stays on the socket, where both ends ship together; the ledger and `--json` never see it.

use alloc::vec::Vec;

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Why a value cannot be written or bytes cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum CodecError {
    /// Writing failed.
    #[error("this message cannot be encoded")]
    Encode(#[source] bincode::error::EncodeError),
    /// Reading failed.
    #[error("this message cannot be understood; jitctl and jitd may be of different versions")]
    Decode(#[source] bincode::error::DecodeError),
    /// Bytes were left over behind the value.
    #[error("{extra} bytes follow the end of the message")]
    Trailing {
        /// How many.
        extra: usize,
    },
}

/// Decoding never allocates for more than `LIMIT` bytes, whatever lengths the bytes claim.
fn config<const LIMIT: usize>() -> impl bincode::config::Config {
    bincode::config::standard().with_limit::<LIMIT>()
}

/// Writes a value.
///
/// # Errors
/// When the value cannot be represented.
pub fn encode<T: Serialize>(value: &T) -> Result<Vec<u8>, CodecError> {
    bincode::serde::encode_to_vec(value, config::<{ crate::frame::MAX_RESPONSE }>())
        .map_err(CodecError::Encode)
}

/// Reads a value that fills `bytes` exactly.
///
/// # Errors
/// When the bytes are not such a value, or more follow it.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, CodecError> {
    let (value, used) = bincode::serde::decode_from_slice(bytes, config::<{ crate::frame::MAX_RESPONSE }>())
        .map_err(CodecError::Decode)?;
    match bytes.len().saturating_sub(used) {
        0 => Ok(value),
        extra => Err(CodecError::Trailing { extra }),
    }
}
