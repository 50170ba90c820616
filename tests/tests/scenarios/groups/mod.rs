//! Roles that give groups: in for as long as the grant lasts, by whatever way it ends, and nobody else touched.

mod doubt;
mod drift;
mod ends;
mod holders;
mod many;
mod others;
mod reuse;

use jit_e2e::{Inside, Release};

use crate::site::{Product as _, Site, site_with};

const POLICY: &str = r#"
[role.docker]
summary = "Containers"
risk    = "high"
groups  = ["docker"]

[role.boxes]
summary = "Containers, and their host's name"
risk    = "high"
groups  = ["docker", "boxes"]
sudo    = { run_as = "root", password = false, commands = [["/usr/bin/cat", "/etc/hostname"]] }

[role.whales]
summary = "For those who are in docker"
risk    = "low"
sudo    = { run_as = "root", password = false, commands = [["/usr/bin/cat", "/etc/hosts"]] }

[[rule]]
name         = "groups at once"
roles        = ["docker", "boxes"]
eligible     = { groups = ["oncall"] }
max_duration = "1h"

[[rule]]
name         = "whales for members"
roles        = ["whales"]
eligible     = { groups = ["docker"] }
max_duration = "1h"
"#;

/// The groups and the policy that gives them.
fn lend(bed: &Inside) {
    for group in ["docker", "boxes"] {
        bed.run(&["groupadd", group]).unwrap().expect_ok();
    }
    bed.policy("30-groups.toml", POLICY).unwrap();
}

fn lending(release: Release) -> Option<Site> {
    site_with(release, |bed| lend(bed))
}

/// The members of a group, as `/etc/group` and `/etc/gshadow` have them.
fn members(bed: &Inside, group: &str) -> [Vec<String>; 2] {
    ["/etc/group", "/etc/gshadow"].map(|file| {
        let text = bed.read(file).unwrap();
        let line = text.lines().find(|line| line.starts_with(&format!("{group}:"))).unwrap();
        let members = line.rsplit(':').next().unwrap();
        members.split(',').filter(|member| !member.is_empty()).map(str::to_owned).collect()
    })
}

/// Whether somebody is in a group, by both files.
fn is_in(bed: &Inside, user: &str, group: &str) -> bool {
    let [open, shadow] = members(bed, group).map(|members| members.iter().any(|member| member == user));
    assert_eq!(open, shadow, "{user} in {group}");
    open
}

/// Both files.
fn files(bed: &Inside) -> [String; 2] {
    ["/etc/group", "/etc/gshadow"].map(|file| bed.read(file).unwrap())
}

/// Whether sudo runs something with the group at once.
fn works(bed: &Inside, user: &str) -> bool {
    let id = bed.sudo(user, &["-g", "docker", "id", "-gn"]);
    assert!(!id.success() || id.out == "docker\n", "{id}");
    id.success()
}
