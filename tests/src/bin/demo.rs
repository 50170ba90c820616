//! `cargo demo`: the main job on a throwaway Debian 12 with real sudo and real users.

use std::process::ExitCode;

use jit_e2e::transcript::{Ends, Transcript};
use jit_e2e::{BootedBed, Release, Result};

const POLICY: &str = include_str!("../../../systemd/jit/policy.d/10-web.toml");

/// Stands for a real nginx: the demo is about who may restart it.
const NGINX: &str = "[Service]\nExecStart=/usr/bin/sleep infinity\n";

fn main() -> ExitCode {
    match demo() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => jit_e2e::failed(&error),
    }
}

fn demo() -> Result<()> {
    let bed = BootedBed::with_product(Release::Bookworm)?;
    bed.write("/etc/systemd/system/nginx.service", NGINX)?;
    bed.policy("10-web.toml", POLICY)?;
    bed.run(&["systemctl", "daemon-reload"])?.ok()?;
    bed.unit("nginx.service").start()?;
    bed.unit("jitd.service").reload()?;
    bed.add_user("alice", &["oncall"], None)?;
    bed.add_user("bob", &[], None)?;
    scenes(&mut Transcript::new(&bed, std::io::stdout()))
}

fn scenes(show: &mut Transcript<'_>) -> Result<()> {
    show.caption("Alice is on call. She has no standing rights.")?;
    show.run("alice", "sudo -n systemctl restart nginx", Ends::Refused)?;
    Ok(())
}
