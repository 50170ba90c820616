//! Random bytes from the kernel (random(4)).

use std::fs::File;
use std::io::{self, Read};

/// Fills an array with random bytes.
///
/// # Errors
/// When /dev/urandom cannot be read. Nothing is guessed instead.
pub fn bytes<const N: usize>() -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes)
}
