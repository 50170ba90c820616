//! The control groups of grants: whatever was started with a grant runs in the grant's own, `setsid`, `nohup` and double
//! forks included, and is ended with it.
//!
//! They lie in the guard's control group, which systemd delegates to it, so that no restart of jitd or of the guard ends
//! anything (measured: docs/decisions.md). Each has a limit beside it ([`Limit`]). jitd's [`Keeper`] does what is due; what
//! is overdue the guard ends by [`end_overdue`].

mod group;
mod keeper;
mod limit;
mod overdue;

pub(crate) use self::group::PREFIX;
pub use self::group::{Entrant, Group, hold, is_sudo, is_there, kill_with_descendants};
pub use self::keeper::{Happened, Keeper, NotEntered};
pub use self::limit::Limit;
pub use self::overdue::{Overdue, end_every, end_overdue, is_kept};
