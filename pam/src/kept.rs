//! What PAM keeps for the module from one hook of a call of the program to the next, and drops with the call.

use pam::constants::PamResultCode;
use pam::module::PamHandle;

use crate::gate::Answer;

/// Under this name, from the beginning of a session to its end, that jitd knows of it.
const KNOWN: &str = "jit_session";

/// Under this name, what the gate last said.
const GATE: &str = "jit_gate";

/// Keeps that jitd was told of the beginning of a session.
pub(crate) fn keep_known(handle: &mut PamHandle) -> Result<(), PamResultCode> {
    handle.set_data(KNOWN, Box::new(0_u8))
}

/// Whether jitd was told of the beginning.
#[expect(unsafe_code, reason = "what PAM keeps for a module has the type that the module says it has")]
pub(crate) fn is_known(handle: &PamHandle) -> bool {
    // SAFETY: nothing but `keep_known` keeps anything under this name, and what it keeps is of this type.
    unsafe { handle.get_data::<u8>(KNOWN) }.is_ok()
}

/// Keeps what the gate said. Where that fails it is asked again.
pub(crate) fn keep_gate(handle: &mut PamHandle, answer: Answer) {
    let _ = handle.set_data(GATE, Box::new(answer));
}

/// What the gate last said, if it was asked.
#[expect(unsafe_code, reason = "what PAM keeps for a module has the type that the module says it has")]
pub(crate) fn gate(handle: &PamHandle) -> Option<&Answer> {
    // SAFETY: nothing but `keep_gate` keeps anything under this name, and what it keeps is of this type.
    unsafe { handle.get_data::<Answer>(GATE) }.ok()
}
