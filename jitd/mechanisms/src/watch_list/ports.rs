//! Ports on which something of root's listens, by the kernel's tables (proc_pid_net(5)): those of the host's own network namespace.

use std::fs;
use std::net::{Ipv4Addr, Ipv6Addr};

use jitd_core::watched::{Seen, Thing};

use super::Finds;
use crate::paths::HostPaths;

/// The tables, each with the state of what listens there: `TCP_LISTEN`, and for UDP `TCP_CLOSE`, which is not connected.
const TABLES: [(&str, &str); 4] = [("tcp", "0A"), ("tcp6", "0A"), ("udp", "07"), ("udp6", "07")];

/// The first port that the kernel gives to whoever asks for any: a UDP socket there is a question on its way, mostly.
const ANY_PORT: u16 = 32_768;

pub(super) fn look(paths: &HostPaths, finds: &mut Finds) {
    for (name, listens) in TABLES {
        match fs::read_to_string(paths.proc.join("net").join(name)) {
            Ok(table) => {
                let ports = table.lines().skip(1).filter_map(|line| port(name, listens, line));
                ports.for_each(|port| finds.add(Thing::Port(port), Seen::default()));
            }
            Err(why) if why.kind() == std::io::ErrorKind::NotFound => {}
            Err(why) => finds.leave_out(format!("/proc/net/{name}"), format!("cannot be read: {why}")),
        }
    }
}

/// `tcp 0.0.0.0:22`, if that is a port of root's on which is listened.
fn port(name: &str, listens: &str, line: &str) -> Option<String> {
    let words: Vec<&str> = line.split_ascii_whitespace().collect();
    let (local, state, uid) = (words.get(1)?, words.get(3)?, words.get(7)?);
    if *state != listens || *uid != "0" {
        return None;
    }
    let (address, port) = local.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    if name.starts_with("udp") && port >= ANY_PORT {
        return None;
    }
    // Each four bytes are one number of the processor's.
    let numbers: Option<Vec<u32>> = address
        .as_bytes()
        .chunks(8)
        .map(|word| u32::from_str_radix(std::str::from_utf8(word).ok()?, 16).ok())
        .collect();
    let bytes: Vec<u8> = numbers?.into_iter().flat_map(u32::to_ne_bytes).collect();
    let address = match <[u8; 4]>::try_from(bytes.as_slice()) {
        Ok(bytes) => Ipv4Addr::from(bytes).to_string(),
        Err(_) => format!("[{}]", Ipv6Addr::from(<[u8; 16]>::try_from(bytes.as_slice()).ok()?)),
    };
    Some(format!("{} {address}:{port}", name.trim_end_matches('6')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_root_listens_on_is_told_as_one_would_type_it() {
        let line = |local: &str, state: &str, uid: u32| {
            format!(
                "   0: {local} 00000000:0000 {state} 00000000:00000000 00:00000000 00000000  {uid}  0 1 1 0 100"
            )
        };
        let tcp = |local: &str, state: &str, uid| port("tcp", "0A", &line(local, state, uid));
        assert_eq!(tcp("0100007F:0016", "0A", 0).as_deref(), Some("tcp 127.0.0.1:22"));
        assert_eq!(tcp("0100007F:0016", "01", 0), None);
        assert_eq!(tcp("0100007F:0016", "0A", 1000), None);
        let six = line("00000000000000000000000001000000:1F90", "0A", 0);
        assert_eq!(port("tcp6", "0A", &six).as_deref(), Some("tcp [::1]:8080"));
        assert_eq!(port("udp", "07", &line("00000000:0044", "07", 0)).as_deref(), Some("udp 0.0.0.0:68"));
        assert_eq!(port("udp", "07", &line("00000000:C350", "07", 0)), None);
        assert_eq!(port("tcp", "0A", "rubbish"), None);
    }
}
