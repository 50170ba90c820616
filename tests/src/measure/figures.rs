//! What the times of many pairs come to.

use std::fmt;
use std::time::Duration;

use super::pairs::Pair;
use crate::{Error, Result};

/// What a ratio has to be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Target {
    /// Our time over theirs.
    pub at_most: f64,
}

/// The times of pairs, summed up. A machine drifts by a third within minutes, so the two of a pair are compared with each other
/// and the pairs are not.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Figures {
    /// Our time over theirs, pair by pair: the median.
    pub ratio: f64,
    /// A quarter of the pairs is below, a quarter above.
    pub quartiles: (f64, f64),
    /// Our median time.
    pub ours: Duration,
    /// Their median time.
    pub theirs: Duration,
}

impl Figures {
    /// Sums pairs up.
    ///
    /// # Errors
    /// There are none.
    pub fn of(pairs: &[Pair]) -> Result<Figures> {
        let none = || Error::Odd("no pair was timed".to_owned());
        let ratios: Vec<f64> = pairs.iter().map(|pair| pair.ours.div_duration_f64(pair.theirs)).collect();
        let at = |values: &[f64], part: f64| quantile(values, part).ok_or_else(none);
        let seconds = |of: fn(&Pair) -> Duration| pairs.iter().map(|pair| of(pair).as_secs_f64()).collect();
        let (ours, theirs): (Vec<f64>, Vec<f64>) = (seconds(|pair| pair.ours), seconds(|pair| pair.theirs));
        Ok(Figures {
            ratio: at(&ratios, 0.5)?,
            quartiles: (at(&ratios, 0.25)?, at(&ratios, 0.75)?),
            ours: Duration::from_secs_f64(at(&ours, 0.5)?),
            theirs: Duration::from_secs_f64(at(&theirs, 0.5)?),
        })
    }
}

impl Figures {
    /// In words, beside what is named so.
    #[must_use]
    pub fn beside(&self, what: &str) -> String {
        let (low, high) = self.quartiles;
        let ms = |time: Duration| time.as_secs_f64() * 1e3;
        let half = format!("half of the pairs {low:.3} to {high:.3}");
        let today = format!("today {:.1} ms of {:.1} ms", ms(self.ours), ms(self.theirs));
        format!("{:.3} of {what} ({half}; {today})", self.ratio)
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.beside("gpasswd"))
    }
}

/// The value that this part of all values is not above, between the two nearest.
fn quantile(values: &[f64], part: f64) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let last = u32::try_from(sorted.len().checked_sub(1)?).ok()?;
    let place = f64::from(last) * part.clamp(0.0, 1.0);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and the length")]
    let below = place.floor() as usize;
    let low = *sorted.get(below)?;
    let high = sorted.get(below + 1).copied().unwrap_or(low);
    Some(low + (high - low) * place.fract())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]
    use super::*;

    #[test]
    fn quantiles_lie_between_the_nearest() {
        let values = [4.0, 1.0, 3.0, 2.0];
        assert_eq!(quantile(&values, 0.5), Some(2.5));
        assert_eq!(quantile(&values, 0.0), Some(1.0));
        assert_eq!(quantile(&values, 1.0), Some(4.0));
        assert_eq!(quantile(&[7.0], 0.25), Some(7.0));
        assert_eq!(quantile(&[], 0.5), None);
    }

    #[test]
    fn one_slow_pair_changes_no_figure() {
        let pair =
            |ours, theirs| Pair { ours: Duration::from_millis(ours), theirs: Duration::from_millis(theirs) };
        let mut pairs = vec![pair(2, 10); 9];
        pairs.push(pair(1000, 10));
        let figures = Figures::of(&pairs).unwrap();
        assert_eq!((figures.ratio, figures.quartiles), (0.2, (0.2, 0.2)));
        assert!(Figures::of(&[]).is_err());
    }
}
