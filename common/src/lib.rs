//! Words that jitd, jitctl and pam_jit share: what is asked, what is answered, and how it crosses the socket.
#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

pub mod causes;
#[cfg(feature = "std")]
pub mod child;
#[cfg(feature = "std")]
pub mod client;
pub mod codec;
#[cfg(feature = "std")]
mod connection;
pub mod duration;
pub mod escape;
pub mod explanation;
pub mod frame;
pub mod ids;
pub mod managed;
pub mod paths;
pub mod refusal;
pub mod request;
pub mod response;
#[cfg(feature = "std")]
pub mod visudo;
