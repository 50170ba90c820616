//! Frames: whatever arrives in whatever pieces, the next frame is exactly what was announced, or it is refused before there is
//! room for it.

use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use jit_common::frame::{self, FrameError, HEADER_LEN, MAX_REQUEST, MAX_RESPONSE};
use jitd::listen::hearing::{self, NoFrame};
use tokio::io::{AsyncRead, ReadBuf};

use crate::{bytes::Bytes, measure, sentence};

/// What reading costs beside the frame itself.
const SLACK: usize = 4096;

/// A client that sends its bytes in pieces, with pauses in between, and hangs up.
struct Client<'a> {
    bytes: &'a [u8],
    piece: usize,
    pauses: bool,
    paused: bool,
}

impl AsyncRead for Client<'_> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        self.paused = self.pauses && !self.paused;
        if self.paused {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let count = self.piece.min(buffer.remaining()).min(self.bytes.len());
        let (now, later) = self.bytes.split_at(count);
        buffer.put_slice(now);
        self.bytes = later;
        Poll::Ready(Ok(()))
    }
}

/// What the next frame should be, by the words of the wire's document.
#[derive(Debug, PartialEq, Eq)]
enum Next<'a> {
    Frame(&'a [u8]),
    Refused(FrameError),
    Gone,
}

fn expected(bytes: &[u8]) -> Next<'_> {
    let Some((header, rest)) = bytes.split_first_chunk::<HEADER_LEN>() else { return Next::Gone };
    let announced = header.iter().rev().fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
    let len = usize::try_from(announced).unwrap();
    match (len, rest.get(..len)) {
        (0, _) => Next::Refused(FrameError::Empty),
        (16_385.., _) => Next::Refused(FrameError::TooLong { len, max: MAX_REQUEST }),
        (_, Some(frame)) => Next::Frame(frame),
        (_, None) => Next::Gone,
    }
}

/// Panics when it does not hold.
pub fn holds(data: &[u8]) {
    let mut rest = Bytes(data);
    let (piece, pauses) = (usize::from(rest.byte()).max(1), rest.coin());
    let mut client = Client { bytes: rest.0, piece, pauses, paused: false };
    while let Some(frame) = read(&mut client) {
        let wrapped = frame::wrap(&frame, MAX_REQUEST).unwrap();
        assert_eq!(wrapped[HEADER_LEN..], frame[..], "a frame that was read can be sent");
    }
    answer(rest.0);
}

/// Reads the next frame as jitd does; `None` when the conversation is over.
fn read(client: &mut Client<'_>) -> Option<Vec<u8>> {
    let bytes = client.bytes;
    let (found, most) = measure::memory(|| {
        let mut reading = pin!(hearing::frame(client));
        loop {
            if let Poll::Ready(found) = reading.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                return found;
            }
        }
    });
    assert!(most <= MAX_REQUEST + SLACK, "{most} bytes were allocated for a frame");
    match found {
        Ok(frame) => {
            assert_eq!(Next::Frame(&frame), expected(bytes));
            Some(frame)
        }
        Err(NoFrame::Frame(why)) => {
            assert_eq!(Next::Refused(why), expected(bytes));
            assert!(most <= SLACK, "{most} bytes were allocated for a frame that is refused");
            sentence::is_told(&why);
            None
        }
        Err(NoFrame::Io(why)) => {
            assert_eq!(Next::Gone, expected(bytes), "{why}");
            None
        }
    }
}

/// The header of an answer is read by the same rule, with a cap of its own.
fn answer(bytes: &[u8]) {
    let Some((header, _)) = bytes.split_first_chunk() else { return };
    if let Ok(len) = frame::body_len(*header, MAX_RESPONSE) {
        assert!((1..=1_048_576).contains(&len));
        assert_eq!(u32::try_from(len).unwrap().to_le_bytes(), *header);
    }
}
