//! What changes the host, and nothing else does: asked with what is wanted, answers with what is.

pub mod applied;
pub mod blocks;
pub mod control_groups;
pub mod dir;
pub mod groups;
pub mod guard_notes;
pub mod include;
pub mod kill_switch;
pub mod lock;
pub mod managed;
pub mod paths;
pub mod process_stat;
pub mod removal;
pub mod running;
#[cfg(any(test, feature = "scratch"))]
pub mod scratch;
pub mod sudo;
pub mod sudoers_file;
pub mod watch_list;

pub use jitd_core::now::{BootId, Deadline, NANOS, Now};
pub use paths::HostPaths;
