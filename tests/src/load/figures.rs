//! What answers and endings come to.

use std::fmt;
use std::time::Duration;

/// Times of many, summed up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Times {
    /// How many there are.
    pub count: usize,
    /// Half of them are not above it.
    pub median: Duration,
    /// All but one in a hundred are not above it.
    pub p99: Duration,
    /// None is above it.
    pub worst: Duration,
}

impl Times {
    /// Sums them up; of none all is zero.
    pub(super) fn of(times: impl Iterator<Item = Duration>) -> Times {
        let mut sorted: Vec<Duration> = times.collect();
        sorted.sort_unstable();
        let at = |hundredths: usize| {
            let place = (sorted.len() * hundredths).div_ceil(100).saturating_sub(1);
            sorted.get(place).copied().unwrap_or_default()
        };
        Times { count: sorted.len(), median: at(50), p99: at(99), worst: at(100) }
    }
}

impl fmt::Display for Times {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Times { count, median, p99, worst } = self;
        let ms = Duration::as_millis;
        write!(
            f,
            "{count}: half within {} ms, 99 % within {} ms, all within {} ms",
            ms(median),
            ms(p99),
            ms(worst)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_figure_is_a_time_that_was_taken() {
        let times = |numbers: &[u64]| Times::of(numbers.iter().map(|number| Duration::from_millis(*number)));
        let hundred: Vec<u64> = (1..=100).rev().collect();
        let summed = times(&hundred);
        let ms = Duration::from_millis;
        assert_eq!((summed.median, summed.p99, summed.worst), (ms(50), ms(99), ms(100)));
        assert_eq!(times(&[7]).worst, times(&[7]).median);
        assert_eq!(times(&[]).count, 0);
    }
}
