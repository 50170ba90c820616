//! PAM module: refuses who gets in by a grant alone and holds none, tells jitd of sessions of sudo, and shows a person who
//! logs in which grants they hold.
//!
//! Everybody else gets `PAM_IGNORE`, whatever happens, so no stack depends on it for them. It runs inside sshd, login, su or sudo
//! as root, so it must neither end, hold up nor confuse its host: panics stop here, jitd has a fifth of a second for each
//! question, nothing is written to the host's streams, and no variable of the environment is believed.

mod account;
mod arguments;
mod ask;
mod clock;
mod gate;
mod hooks;
mod kept;
mod lines;
mod person;
mod provoke;
mod rules;
mod session;
mod stack;
mod syslog;
