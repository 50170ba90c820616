//! `cargo demo`: the main job on a throwaway Debian 12 with the real systemd, the real sudo and real users. Every scene checks
//! what it shows, so the demo is a test, too.

mod approved;
mod record;
mod scenes;

use std::io::Write;

use crate::transcript::{Ends, Ink, Transcript};
use crate::{BootedBed, Release, Result, needs};

const POLICY: &str = include_str!("policy.toml");
const DOCKER: &str = include_str!("docker.toml");

/// Stands for a real nginx: the demo is about who may restart it.
const NGINX: &str = "[Unit]\nDescription=a web server\n[Service]\nExecStart=/usr/bin/sleep infinity\n";

const OPENING: &str =
    "A throwaway Debian 12 with its own systemd, sudo and users. Everything below really runs in it.
alice is on call. carl is on call as well, but a contractor. lena is a lead. olga is the operator.
Whoever is on call may restart nginx at once, if there is an incident:";

const ENDING: &str =
    "That was all, and the throwaway machine goes with it. Each command ended and said what it was meant to,
else this demo would have failed. To look around yourself: cargo bed booted";

/// Sets the stage and plays all scenes to `out`.
///
/// # Errors
/// [`crate::Error::Missing`] when this machine cannot have the bed; else when something shown was not as it had to be.
pub fn play(out: impl Write, ink: Ink) -> Result<()> {
    // Before anything is built: a missing root is no reason to compile for two minutes.
    needs::check()?;
    let bed = stage()?;
    let mut show = Transcript::new(&bed, out, ink);
    show.caption(OPENING)?;
    show.run("root", "cat /etc/jit/policy.d/10-web.toml", Ends::Well)?;
    scenes::nothing_without_asking(&mut show)?;
    scenes::granted_with_a_reason(&mut show)?;
    scenes::denied_and_explained(&mut show)?;
    approved::a_group_with_somebodys_approval(&mut show, &bed)?;
    scenes::over_on_time_in_an_open_shell(&mut show)?;
    scenes::over_on_time_without_the_daemon(&mut show)?;
    scenes::everything_off_at_once(&mut show)?;
    record::every_step_is_on_it(&mut show)?;
    record::a_change_is_found(&mut show, &bed)?;
    show.caption(ENDING)
}

fn stage() -> Result<BootedBed> {
    let bed = BootedBed::with_product(Release::Bookworm)?;
    bed.write("/etc/systemd/system/nginx.service", NGINX)?;
    bed.run(&["systemctl", "daemon-reload"])?.ok()?;
    bed.unit("nginx.service").start()?;
    bed.add_user("alice", &["oncall"], None)?;
    bed.add_user("carl", &["oncall", "contractors"], None)?;
    bed.add_user("olga", &[], None)?;
    bed.add_user("lena", &["leads"], None)?;
    bed.run(&["groupadd", "docker"])?.ok()?;
    bed.policy("10-web.toml", POLICY)?;
    bed.policy("20-docker.toml", DOCKER)?;
    bed.unit("jitd.service").reload()?;
    Ok(bed)
}
