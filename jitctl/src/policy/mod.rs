//! A policy read offline: no jitd, no root. The code that reads, judges and decides is the daemon's own.

pub(crate) mod check;
mod files;
mod names;
mod paths;
mod sudoers;
pub(crate) mod test;
mod zones;
