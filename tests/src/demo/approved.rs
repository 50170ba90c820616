//! The scenes in which somebody else decides, and the privilege is a group.

use crate::transcript::{Ends, Transcript};
use crate::{Error, Inside, Result};

pub(super) fn a_group_with_somebodys_approval(show: &mut Transcript<'_>, inside: &Inside) -> Result<()> {
    show.caption(
        "Containers are another matter: the group docker is as good as root, so a lead has to agree.",
    )?;
    show.run("root", "cat /etc/jit/policy.d/20-docker.toml", Ends::Well)?;
    let ask = "jitctl elevate docker --for 20m --reason 'INC-47 a container hangs'";
    let mut alice = show.watch("alice", ask)?;
    show.wait_for(&mut alice, "lena")?;
    show.caption("It waits, and says for whom. lena is a lead; she sees what waits for her, and all that it would change.")?;
    show.run("lena", "jitctl pending", Ends::Well)?.says("docker")?.says("INC-47")?;
    let id = id_of_what_waits(inside)?;
    show.run("lena", &format!("jitctl show {id}"), Ends::Well)?
        .says("/etc/group: docker gains alice")?
        .says("a container hangs")?;
    show.caption("alice cannot decide it herself. lena can, and gives her less time than she asked for.")?;
    show.run("alice", &format!("jitctl approve {id}"), Ends::With(7))?.says("nobody decides their own")?;
    show.run("lena", &format!("jitctl approve {id} --for 10m --note 'ten minutes will do'"), Ends::Well)?
        .says("alice has docker")?;
    show.caption("... and in alice's terminal, where the question was waiting:")?;
    show.wait_for(&mut alice, "lena approved")?;
    show.wait_for(&mut alice, "membership reaches new logins")?;
    show.run("alice", "sudo -n -g docker id -Gn", Ends::Well)?.says("docker")?;
    show.run("root", "getent group docker", Ends::Well)?.says("alice")?;
    show.run("alice", "jitctl drop docker", Ends::Well)?.says("is off the host")?;
    show.run("root", "getent group docker", Ends::Well)?.never_says("alice")?;
    show.run("alice", "sudo -n -g docker id -Gn", Ends::With(1))?;
    Ok(())
}

/// The id of the one request that waits.
fn id_of_what_waits(inside: &Inside) -> Result<String> {
    let log = inside.run(&["jitctl", "log", "--json", "--kind", "pending"])?.ok()?;
    let id = log.out.lines().last().and_then(|line| line.split("\"id\":\"").nth(1)?.get(..8));
    id.map(str::to_owned).ok_or_else(|| Error::Odd(format!("nothing waits:\n{}", log.out)))
}
