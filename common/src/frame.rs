//! Frames on the socket: four bytes of length, little endian, then that many bytes. The cap is checked before
//! anything is allocated.

use alloc::vec::Vec;

/// Bytes of the length in front of each frame.
pub const HEADER_LEN: usize = 4;

/// The largest frame a client may send. The longest request is three typed texts of 1 KiB each.
pub const MAX_REQUEST: usize = 16 * 1024;

/// The largest frame jitd sends. Long answers are cut into several frames.
pub const MAX_RESPONSE: usize = 1024 * 1024;

const _: () = assert!(MAX_REQUEST < MAX_RESPONSE && MAX_RESPONSE <= u32::MAX as usize);

/// Why bytes are not a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// The announced length is over the cap.
    #[error("a message of {len} bytes is over the limit of {max}")]
    TooLong {
        /// The announced length in bytes.
        len: usize,
        /// The cap in bytes.
        max: usize,
    },
    /// A frame with nothing in it.
    #[error("an empty message says nothing")]
    Empty,
}

/// Reads a frame's header: how many bytes follow it.
///
/// # Errors
/// When the length is zero or over `max`.
pub fn body_len(header: [u8; HEADER_LEN], max: usize) -> Result<usize, FrameError> {
    match usize::try_from(u32::from_le_bytes(header)).unwrap_or(usize::MAX) {
        0 => Err(FrameError::Empty),
        len if len > max => Err(FrameError::TooLong { len, max }),
        len => Ok(len),
    }
}

/// Puts the header before `body`.
///
/// # Errors
/// When the body is empty or over `max`.
pub fn wrap(body: &[u8], max: usize) -> Result<Vec<u8>, FrameError> {
    let len = u32::try_from(body.len()).unwrap_or(u32::MAX);
    body_len(len.to_le_bytes(), max)?;
    let mut frame = Vec::with_capacity(HEADER_LEN + body.len());
    frame.extend_from_slice(&len.to_le_bytes());
    frame.extend_from_slice(body);
    Ok(frame)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]
    use super::*;

    #[test]
    fn a_length_over_the_cap_is_refused_before_reading() {
        let header = u32::try_from(MAX_REQUEST + 1).unwrap().to_le_bytes();
        assert!(matches!(body_len(header, MAX_REQUEST), Err(FrameError::TooLong { .. })));
        assert_eq!(body_len([0; 4], MAX_REQUEST), Err(FrameError::Empty));
        assert_eq!(wrap(b"abc", MAX_REQUEST).unwrap(), [3, 0, 0, 0, b'a', b'b', b'c']);
    }
}
