//! PAM module that shows a person, as they log in, which grants they hold and until when.
//!
//! It gates nothing: every hook answers `PAM_IGNORE`, whatever happens, so no stack depends on it. It runs inside sshd, login or
//! sudo as root, so it must neither end, hold up nor confuse its host: panics stop here, jitd has a fifth of a second for
//! everything, nothing is written to the host's streams, and no variable of the environment is believed.

mod arguments;
mod clock;
mod hooks;
mod lines;
mod session;
mod syslog;
