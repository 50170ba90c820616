//! What the record says of processes that ran with a grant.

use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

/// What became of what still ran in a grant's control group when the grant ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", rename_all_fields = "kebab-case")]
pub enum Swept {
    /// It was frozen; it goes on if its person is granted the role again.
    Frozen {
        /// How many processes.
        processes: usize,
    },
    /// It may finish.
    Finishing {
        /// How many processes.
        processes: usize,
    },
    /// It goes on with another grant of the role.
    Resumed,
    /// Nothing of it runs any more.
    Over {
        /// How many processes were killed.
        killed: usize,
        /// How long after its last moment nothing ran any more, in milliseconds.
        late_ms: i64,
    },
    /// Some of it had left the grant's control group, and was put back.
    Gathered {
        /// How many processes.
        processes: usize,
    },
    /// What held a group of it after its end was told to end, and then killed where it did not listen.
    Holders {
        /// Which, as far as there is room: `sleep (880)`.
        ended: Vec<String>,
        /// How many more.
        more: usize,
        /// What still holds one, each with why.
        left: Vec<String>,
    },
    /// Something does not end although it was killed.
    Stuck {
        /// What stands in the way.
        why: String,
    },
}
