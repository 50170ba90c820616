//! Where calls come in: the socket, who may hold how many connections, and one conversation at a time.

mod callers;
mod conversation;
pub mod descriptors;
mod facts;
pub mod fit;
mod followers;
pub mod hearing;
mod pam;
mod seats;
pub mod socket;
mod watched;

pub use self::seats::Seats;

use crate::clock::Clock;
use crate::engine::Handle;
use crate::people::Here;

/// What every conversation needs.
#[derive(Debug)]
pub struct Reception {
    /// The engine.
    pub engine: Handle,
    /// Who holds how many connections.
    pub seats: Seats,
    /// Who has an account in this host's own file.
    pub here: Here,
    /// The clocks.
    pub clock: Clock,
}
