//! How often people are told of requests that wait for them: whoever asks, however often, floods nobody's screen, and keeps
//! nobody from hearing of others.

use std::collections::{BTreeMap, VecDeque};

use jit_common::ids::RequestId;
use jitd_core::now::{NANOS, Now};

/// Notices of one person's requests that another one gets in a minute.
const OF_ONE: usize = 3;

/// Notices in a minute after which one person hears of nobody's second request. Of everybody's first they hear all the same.
const OF_ALL: usize = 6;

/// Notices in a minute after which there are no more, whoever asks: more people than that do not ask one person in earnest.
const MOST: usize = 60;

/// Nanoseconds over which notices are counted.
const MINUTE: i64 = 60 * NANOS;

/// Nanoseconds for which it is known that somebody was told of a request, if there were not [`KNOWN`] others since.
const REMEMBERED: i64 = 60 * MINUTE;

/// Requests of which it is known that somebody was told of them.
const KNOWN: usize = 360;

/// Whether somebody is told of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// Yes.
    Yes,
    /// Yes, and of no other of the same person in this minute.
    AndNoMore,
    /// No: they know of this one, or have been told of enough others.
    No,
}

/// A notice.
#[derive(Debug)]
struct Notice {
    /// When, on the boot clock.
    at: i64,
    /// Whose request.
    by: u32,
    id: RequestId,
}

/// Who was told of which requests, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Asked {
    told: BTreeMap<u32, VecDeque<Notice>>,
}

impl Asked {
    /// Whether `uid` is to be told now of the request of `by`; if so, it counts.
    pub(super) fn may_be_told(&mut self, uid: u32, by: u32, id: RequestId, now: &Now) -> Told {
        let told = self.told.entry(uid).or_default();
        let since = |nanos: i64| now.boot.saturating_sub(nanos);
        told.retain(|notice| notice.at > since(REMEMBERED));
        let lately = || told.iter().filter(|notice| notice.at > since(MINUTE));
        let of_one = lately().filter(|notice| notice.by == by).count();
        let is_first = of_one == 0;
        let of_all = lately().count();
        let has_room = of_one < OF_ONE && of_all < if is_first { MOST } else { OF_ALL };
        if !has_room || told.iter().any(|notice| notice.id == id) {
            return Told::No;
        }
        if told.len() >= KNOWN {
            told.pop_front();
        }
        told.push_back(Notice { at: now.boot, by, id });
        match of_one + 1 < OF_ONE && of_all + 1 < OF_ALL {
            true => Told::Yes,
            false => Told::AndNoMore,
        }
    }

    /// Forgets those who have not been told of anything for an hour.
    pub(super) fn forget(&mut self, now: &Now) {
        let long_ago = now.boot.saturating_sub(REMEMBERED);
        self.told.retain(|_, told| told.back().is_some_and(|notice| notice.at > long_ago));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jitd_core::now::BootId;

    const LENA: u32 = 1000;
    const LARS: u32 = 1001;
    const MALLORY: u32 = 2000;

    fn at(seconds: i64) -> Now {
        Now { wall: 0, boot: seconds * NANOS, boot_id: BootId("a".into()) }
    }

    fn id(number: u8) -> RequestId {
        RequestId::from_random([0, 0, 0, 0, number])
    }

    #[test]
    fn nobody_is_told_twice_of_one_request() {
        let mut asked = Asked::default();
        assert_eq!(asked.may_be_told(LENA, MALLORY, id(1), &at(0)), Told::Yes);
        assert_eq!(asked.may_be_told(LENA, MALLORY, id(1), &at(1)), Told::No);
        assert_eq!(asked.may_be_told(LARS, MALLORY, id(1), &at(1)), Told::Yes, "somebody else");
        assert_eq!(asked.may_be_told(LENA, MALLORY, id(2), &at(2)), Told::Yes, "another request");
    }

    #[test]
    fn a_flood_of_one_is_three_notices_a_minute_and_the_last_says_so() {
        let mut asked = Asked::default();
        let mut told = |number, second| asked.may_be_told(LENA, MALLORY, id(number), &at(second));
        let all: Vec<Told> = (0..60).map(|number| told(number, 30)).collect();
        let mut expected = vec![Told::Yes, Told::Yes, Told::AndNoMore];
        expected.resize(60, Told::No);
        assert_eq!(all, expected);
        assert_eq!(told(60, 89), Told::No);
        assert_eq!(told(60, 90), Told::Yes, "the minute is over");
        assert_eq!(told(0, 91), Told::No, "still known");
        assert_eq!(asked.may_be_told(LARS, MALLORY, id(61), &at(30)), Told::Yes, "others are told");
    }

    #[test]
    fn no_flood_keeps_anybody_from_hearing_of_others() {
        let mut asked = Asked::default();
        // Five who flood together.
        for number in 0..100 {
            asked.may_be_told(LENA, MALLORY + u32::from(number % 5), id(number), &at(30));
        }
        for honest in 0..20_u8 {
            let told = asked.may_be_told(LENA, 3000 + u32::from(honest), id(100 + honest), &at(31));
            assert_eq!(told, Told::AndNoMore, "{honest}");
        }
        let lately = asked.told.get(&LENA).map_or(0, VecDeque::len);
        assert!(lately <= OF_ALL + 5 + 20, "{lately}");
    }

    #[test]
    fn what_is_remembered_does_not_grow() {
        let mut asked = Asked::default();
        for second in 0..100_000_u32 {
            let [a, b, c, d] = second.to_be_bytes();
            let id = RequestId::from_random([0, a, b, c, d]);
            asked.may_be_told(LENA, second, id, &at(i64::from(second)));
        }
        assert!(asked.told.values().map(VecDeque::len).sum::<usize>() <= KNOWN);
        asked.forget(&at(200_000));
        assert!(asked.told.is_empty());
    }
}
