//! Words that jitd, jitctl and pam_jit share: what is asked, what is answered, and how it crosses the socket.
#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

pub mod duration;
pub mod escape;
pub mod explanation;
pub mod refusal;
