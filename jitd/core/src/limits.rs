//! A limit on everything that others can make grow, in one place.

/// Live grants on one host. Ten thousand rules cost every sudo about 45 ms (measured), which is the most that anybody
/// should pay for somebody else's privilege.
pub const LIVE_GRANTS: usize = 10_000;

/// Open requests on one host. Each waits for a person, and nobody decides about more.
pub const OPEN_REQUESTS: usize = 1_000;

/// Open requests of one person.
pub const OPEN_REQUESTS_OF_ONE: usize = 20;

/// Seconds that a start may lie ahead.
pub const FARTHEST_START: i64 = 30 * 24 * 60 * 60;

/// Requests that one person may open in an hour. Each is on the record for good.
pub const OPENINGS_AN_HOUR: i64 = 30;

/// Of those, requests that they may open at once.
pub const OPENINGS_AT_ONCE: i64 = 30;

/// People who could approve that the record of a request names. Whoever is not among them may approve all the same.
pub const NAMED_WITH_A_REQUEST: usize = 16;

/// Raising steps in one commit. More wait for the next one.
pub const STEPS_IN_A_COMMIT: usize = 256;

/// Owed entries in one commit. More are written by the next one: all of them at once would be in memory several times.
pub const OWED_IN_A_COMMIT: usize = 512;

/// Refusals of one uid that are recorded one by one in a minute; the rest is one entry with a count.
pub const REFUSALS_A_MINUTE: u32 = 10;

/// Refusals of everybody together that are recorded one by one in a minute.
pub const REFUSALS_A_MINUTE_IN_ALL: u32 = 120;

/// Seconds over which refusals are counted.
pub const REFUSAL_WINDOW: u32 = 60;

/// Entries of the record in one frame of an answer.
pub const ENTRIES_A_FRAME: usize = 128;

/// Nanoseconds that the first deadline waits for others that are due in the same second: the two clocks are not read at the
/// same instant, so their deadlines differ by microseconds.
pub const TOGETHER: i64 = 5_000_000;

/// Seconds between two looks at the host when nothing is due.
pub const LOOK_EVERY: i64 = 60;

/// Seconds between two tries to remove what is stuck: the first, doubled with every try up to the second.
pub const STUCK_RETRY: (i64, i64) = (1, 60);

const _: () = assert!(STEPS_IN_A_COMMIT < LIVE_GRANTS && REFUSALS_A_MINUTE < REFUSAL_WINDOW);
const _: () = assert!(STUCK_RETRY.0 < STUCK_RETRY.1);
