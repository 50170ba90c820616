//! What PAM says of the stack that the module stands in, and how it speaks to the person.

use jit_common::managed::Service;
use pam::constants::{PAM_ERROR_MSG, PAM_TEXT_INFO, PamResultCode};
use pam::conv::Conv;
use pam::items::{RHost, RUser, Service as ServiceItem, Tty, User};
use pam::module::PamHandle;

/// The longest user name, in bytes (`LOGIN_NAME_MAX` of limits.h).
const LONGEST_NAME: usize = 256;

/// Characters of what is only told.
const SHOWN: usize = 256;

/// The name of the stack.
pub(crate) fn service(handle: &PamHandle) -> String {
    let service = handle.get_item::<ServiceItem<'_>>().ok().flatten();
    service.map(|service| service.0.to_string_lossy().into_owned()).unwrap_or_default()
}

/// Whose session it is, or whom somebody becomes. `None` for what cannot be the name of an account that jitd knows.
pub(crate) fn user(handle: &PamHandle) -> Option<String> {
    name(handle.get_item::<User<'_>>().ok()??.0.to_str().ok()?)
}

/// Who it is that wants in. sudo and su say that apart, for there the user is, sooner or later, whom they become. In a stack
/// of login or sshd that item would be the word of another host.
pub(crate) fn person(handle: &PamHandle, service: Service) -> Option<String> {
    match service {
        Service::Sudo | Service::Su => name(handle.get_item::<RUser<'_>>().ok()??.0.to_str().ok()?),
        Service::Login | Service::Sshd => user(handle),
    }
}

/// The terminal, as the program has it.
pub(crate) fn terminal(handle: &PamHandle) -> Option<String> {
    shown(&handle.get_item::<Tty<'_>>().ok()??.0.to_string_lossy())
}

/// The other host, as the program has it.
pub(crate) fn remote_host(handle: &PamHandle) -> Option<String> {
    shown(&handle.get_item::<RHost<'_>>().ok()??.0.to_string_lossy())
}

/// Tells the person a line.
pub(crate) fn tell(handle: &PamHandle, line: &str) -> Result<(), PamResultCode> {
    speak(handle, PAM_TEXT_INFO, line)
}

/// Tells the person why they do not get in. sudo asks modules to be silent and prints nothing that anybody could act on, so this
/// is said all the same.
pub(crate) fn tell_refusal(handle: &PamHandle, line: &str) -> Result<(), PamResultCode> {
    speak(handle, PAM_ERROR_MSG, line)
}

fn speak(handle: &PamHandle, style: i32, line: &str) -> Result<(), PamResultCode> {
    match handle.get_item::<Conv<'_>>()? {
        Some(person) => person.send(style, line).map(drop),
        None => Err(PamResultCode::PAM_CONV_ERR),
    }
}

fn name(text: &str) -> Option<String> {
    (!text.is_empty() && text.len() <= LONGEST_NAME).then(|| text.to_owned())
}

fn shown(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.chars().take(SHOWN).collect())
}
