//! One frame of what a client sends, read whole and never longer than a request may be.

use std::io;

use jit_common::frame::{self, FrameError, HEADER_LEN};
use tokio::io::{AsyncRead, AsyncReadExt};

/// Why there is no frame.
#[derive(Debug, thiserror::Error)]
pub enum NoFrame {
    /// The client hung up in the middle of it, or before.
    #[error("the client is gone")]
    Io(#[from] io::Error),
    /// What it announced is no frame.
    #[error("the client sent something that is no message")]
    Frame(#[from] FrameError),
}

/// Reads the next frame. Room for it is made when its announced length is known to be one that a request may have.
///
/// # Errors
/// When the client goes away, or announces nothing or too much.
pub async fn frame(stream: &mut (impl AsyncRead + Unpin)) -> Result<Vec<u8>, NoFrame> {
    let mut header = [0; HEADER_LEN];
    stream.read_exact(&mut header).await?;
    let mut body = vec![0; frame::body_len(header, frame::MAX_REQUEST)?];
    stream.read_exact(&mut body).await?;
    Ok(body)
}
