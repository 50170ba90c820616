//! Decides everything and touches nothing: policy, the life of a request, what should be true on the host.
//!
//! This crate cannot do IO or ask the time: it is `no_std`, and text, facts and clocks come in as arguments.
#![no_std]

extern crate alloc;

pub mod lifecycle;
pub mod limits;
pub mod now;
pub mod policy;
pub mod record;
pub mod sudoers;
pub mod wanted;
pub mod watched;
