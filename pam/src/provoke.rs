//! A panic on purpose, in a module that is built for the test of just that. The product has none of it.

use std::ffi::CStr;

/// Panics in the hook `name` when the argument `panic=NAME` is given, in a build with the feature `provoke`.
#[cfg(feature = "provoke")]
#[expect(clippy::panic, reason = "it is what is tested")]
pub(crate) fn provoke(name: &str, arguments: &[&CStr]) {
    let wanted = format!("panic={name}");
    if arguments.iter().any(|argument| argument.to_bytes() == wanted.as_bytes()) {
        panic!("provoked in {name}");
    }
}

/// Nothing.
#[cfg(not(feature = "provoke"))]
pub(crate) fn provoke(_name: &str, _arguments: &[&CStr]) {}
