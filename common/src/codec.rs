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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]
    use alloc::string::String;
    use alloc::vec;

    use super::*;
    use crate::request::{Ask, Hello, LiveGrants, PamAsk, Request, RevokeTarget, WIRE_VERSION};
    use crate::response::{PamSays, Response};

    /// Others than jitctl say these bytes: programs in the tests that call as nobody would, and a PAM module of a version before.
    #[test]
    fn what_is_asked_and_answered_keeps_its_number() {
        let revoke = Request::Revoke { target: RevokeTarget::All, note: None };
        let lock = Request::Lock { live: LiveGrants::Revoke, note: None };
        let elevate = Request::Elevate(Ask { role: "ids".into(), ..Ask::default() });
        for (request, bytes) in [
            (elevate, &b"\0\x03ids\0\0\0\0"[..]),
            (Request::Status, b"\x08"),
            (revoke, b"\x0c\x02\0"),
            (lock, b"\x0d\x01\0"),
            (Request::Pam(PamAsk::Close), b"\x13\x02"),
        ] {
            assert_eq!(encode(&request).unwrap(), bytes, "{request:?}");
        }
        for (response, bytes) in [
            (Response::Pending(vec![]), &b"\x05\0"[..]),
            (Response::Done, b"\x0b"),
            (Response::LogEnd, b"\x0e"),
            (Response::Pam(PamSays::Covered), b"\x10\x02"),
        ] {
            assert_eq!(encode(&response).unwrap(), bytes, "{response:?}");
        }
        let hello = Hello { wire: WIRE_VERSION, client: String::from("x") };
        assert_eq!(encode(&hello).unwrap(), b"\x03\x01x");
    }
}
