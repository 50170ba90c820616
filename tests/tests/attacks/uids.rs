//! Calls of uids that /etc/passwd does not name.

use jit_e2e::{Command, Inside, Login, Output};

/// A command of this uid, which nobody logged in as.
pub(crate) fn as_uid<'a>(bed: &'a Inside, uid: u32, words: &[&str]) -> Command<'a> {
    // setpriv would ask the account database for a name like that, and wait with it.
    let become_it = "my $uid = shift; $( = $uid; $) = \"$uid $uid\"; $< = $uid; $> = $uid; exec @ARGV";
    bed.command(&[&["perl", "-e", become_it, &uid.to_string()], words].concat()).login(Login::Nobody)
}

/// What this uid is told by jitctl.
pub(crate) fn told(bed: &Inside, uid: u32, words: &[&str]) -> Output {
    as_uid(bed, uid, &[&["jitctl"], words].concat()).run().unwrap()
}
