//! Groups whose members can become root, and how.
//!
//! Looked at and left out: `adm` and `systemd-journal` read logs; `kvm` runs machines that see no file of this host;
//! `incus` is held to a project of its own, unlike `incus-admin`; for `kmem` the kernel asks `CAP_SYS_RAWIO` before it
//! opens `/dev/mem` (drivers/char/mem.c); `video`, `input`, `tty`, `plugdev`, `netdev`, `lpadmin` and `wireshark` reach
//! devices and services, and root only by a mistake in those. `root` is no group that a role can give.

/// Groups that lead to root in the same way.
struct Known {
    names: &'static [&'static str],
    why: &'static str,
}

const KNOWN: [Known; 7] = [
    Known {
        names: &["docker", "podman", "microk8s", "snap_microk8s"],
        why: "its members start a container that holds the files of this host, as root",
    },
    Known {
        names: &["lxd", "incus-admin"],
        why: "its members start a privileged container or a machine that holds the files of this host",
    },
    Known {
        names: &["libvirt", "libvirtd"],
        why: "its members start a machine that holds the disks of this host",
    },
    Known {
        names: &["disk"],
        why: "its members read and write the disks below the files, /etc/shadow among them",
    },
    Known {
        names: &["sudo", "wheel", "admin", "google-sudoers"],
        why: "the sudoers file of most hosts gives its members every command",
    },
    Known {
        names: &["shadow"],
        why: "its members read the password hashes of every account, and can try passwords on them at leisure",
    },
    Known {
        names: &["staff"],
        why: "on Debian its members write /usr/local, where the PATH of root looks first",
    },
];

/// How the members of a group become root, in a phrase; `None` when no way is known.
pub(super) fn way_to_root(group: &str) -> Option<&'static str> {
    KNOWN.iter().find(|known| known.names.contains(&group)).map(|known| known.why)
}
