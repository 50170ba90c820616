//! Tells systemd that the guard is at work (`sd_notify(3)`), where systemd asked to be told.

use std::ffi::OsStr;
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};

/// Says `READY=1`; nothing is done without `NOTIFY_SOCKET`.
pub(crate) fn ready() -> io::Result<()> {
    match std::env::var_os("NOTIFY_SOCKET") {
        Some(socket) => send(&socket, b"READY=1\nSTATUS=Looking after the grants on this host\n"),
        None => Ok(()),
    }
}

fn send(socket: &OsStr, message: &[u8]) -> io::Result<()> {
    let address = match socket.as_bytes() {
        // An at sign stands for the zero byte of an abstract name.
        [b'@', name @ ..] => SocketAddr::from_abstract_name(name)?,
        [b'/', ..] => SocketAddr::from_pathname(socket)?,
        _ => return Err(io::Error::new(io::ErrorKind::InvalidInput, "NOTIFY_SOCKET is no absolute path")),
    };
    UnixDatagram::unbound()?.send_to_addr(message, &address)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]
    use jit_mechanisms::scratch::Scratch;

    use super::*;

    #[test]
    fn the_message_arrives_by_path_and_by_abstract_name() {
        let scratch = Scratch::new();
        let path = scratch.path().join("notify");
        let abstract_name = format!("jit-guard-test-{}", std::process::id());
        let by_path = UnixDatagram::bind(&path).unwrap();
        let address = SocketAddr::from_abstract_name(abstract_name.as_bytes()).unwrap();
        let by_name = UnixDatagram::bind_addr(&address).unwrap();
        send(path.as_os_str(), b"READY=1").unwrap();
        send(OsStr::new(&format!("@{abstract_name}")), b"READY=1").unwrap();
        for socket in [by_path, by_name] {
            let mut buffer = [0; 32];
            let count = socket.recv(&mut buffer).unwrap();
            assert_eq!(buffer.get(..count), Some(&b"READY=1"[..]));
        }
        assert!(send(OsStr::new("vsock:2"), b"x").is_err());
    }
}
