//! jitd's own messages, for stderr: the journal takes them there. What happens to people's privileges goes to the
//! ledger and not here.

use std::io::Write;

/// Something an admin should look at.
pub fn error(text: &str) {
    write("<3>", text);
}

/// Something worth knowing.
pub fn info(text: &str) {
    write("<6>", text);
}

/// The prefix is the priority, as systemd reads it (sd-daemon(3)). A message that cannot be written is lost: the
/// daemon does not stop for it.
fn write(priority: &str, text: &str) {
    let line = jit_common::escape::escaped(text);
    let _ = writeln!(std::io::stderr(), "{priority}jitd: {line}");
}
