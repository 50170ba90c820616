//! Waiting for something to become true: the one place of the tests that pauses.

use std::time::{Duration, Instant};

use crate::{Error, Result};

/// How long to pause between two looks at a condition.
const PAUSE: Duration = Duration::from_millis(10);

/// Looks again and again until `probe` answers with a value, for at most `limit`. `what` names the thing awaited in the error.
///
/// # Errors
/// [`Error::Late`] when the limit has passed.
pub fn until<T>(what: &str, limit: Duration, mut probe: impl FnMut() -> Option<T>) -> Result<T> {
    let start = Instant::now();
    loop {
        if let Some(value) = probe() {
            return Ok(value);
        }
        if start.elapsed() >= limit {
            return Err(Error::Late { what: what.to_owned(), limit });
        }
        std::thread::sleep(PAUSE);
    }
}
