//! Throwaway machines for the scenarios, the demo and the benches.
//!
//! Two kinds of bed: [`RootBed`] (namespaces over a Debian tree, no init, a tenth of a second) and [`BootedBed`] (the real systemd
//! as PID 1, about a second). Both let a test run commands as any user through [`Inside`]. Nothing of this machine is changed,
//! and a bed is gone when its value is dropped or its process dies.

pub mod cache;
pub mod demo;
pub mod elf;
mod error;
pub mod fuzzing;
pub mod group_soak;
mod holder;
mod inside;
pub mod load;
mod machine;
pub mod manifest;
pub mod measure;
pub mod needs;
mod nspawn;
pub mod package;
pub mod processes;
pub mod product;
pub mod program;
mod rootns;
pub mod transcript;
pub mod trees;
mod wait;
pub mod walk;
pub mod workspace;

/// The signals that handles on running programs take.
pub use nix::sys::signal::Signal;

pub use error::{Error, OrSkip, Result, failed};
pub use inside::{Account, Command, Inside, Login, Output, Running, Terminal};
pub use machine::{FIRST, MachineBed};
pub use nspawn::{BootedBed, Unit};
pub use rootns::RootBed;
pub use trees::Release;
pub use wait::until;
