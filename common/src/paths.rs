//! Where everything lives on a host: the one home of every path.

/// The daemon's settings.
pub const CONFIG_FILE: &str = "/etc/jit/jitd.toml";
/// The policy: every `*.toml` in it, in bytewise order of name.
pub const POLICY_DIR: &str = "/etc/jit/policy.d";

/// What is true only for this boot.
pub const RUN_DIR: &str = "/run/jit";
/// The socket that `jitctl` and the PAM module speak to (mode 0666; who asks is read from the kernel).
pub const SOCKET: &str = "/run/jit/jitd.sock";
/// The directory that [`INCLUDE_FILE`] makes sudo read.
pub const SUDOERS_DIR: &str = "/run/jit/sudoers.d";
/// The one sudoers file that jitd writes (mode 0440, root), inside [`SUDOERS_DIR`].
pub const SUDOERS_FILE: &str = "/run/jit/sudoers.d/jit";
/// One file for each control group of a grant: until when what is in it may run.
pub const LIMITS_DIR: &str = "/run/jit/limits";
/// Stands while the kill switch is thrown.
pub const LOCKED_MARK: &str = "/run/jit/locked";
/// Held by whoever is changing the host: jitd while it converges, the guard while it removes.
pub const CONVERGE_LOCK: &str = "/run/jit/converge.lock";
/// Held by the one running guard.
pub const GUARD_LOCK: &str = "/run/jit/guard.lock";

/// The host's sudoers file.
pub const ETC_SUDOERS: &str = "/etc/sudoers";
/// The file that sudo-rs reads instead of [`ETC_SUDOERS`] when it exists.
pub const ETC_SUDOERS_RS: &str = "/etc/sudoers-rs";
/// The host's directory of sudoers drop-ins.
pub const ETC_SUDOERS_DIR: &str = "/etc/sudoers.d";
/// Holds `@includedir /run/jit/sudoers.d` and nothing else. It sorts first on purpose: in sudoers the last match
/// wins, so an admin's own rules stay above ours.
pub const INCLUDE_FILE: &str = "/etc/sudoers.d/00-jit";
/// The plugin settings of classic sudo.
pub const SUDO_CONF: &str = "/etc/sudo.conf";
/// What reads the journal, in which sudo's log is.
pub const JOURNALCTL: &str = "/usr/bin/journalctl";
/// The sudo that people type.
pub const SUDO: &str = "/usr/bin/sudo";

/// Where the files of accounts and groups lie.
pub const ETC_DIR: &str = "/etc";
/// The accounts of this host (passwd(5)).
pub const ETC_PASSWD: &str = "/etc/passwd";
/// The groups of this host and their members (group(5)).
pub const ETC_GROUP: &str = "/etc/group";
/// The groups' passwords, administrators and members again (gshadow(5)); not every host has one.
pub const ETC_GSHADOW: &str = "/etc/gshadow";
/// Held by whoever changes accounts or groups (lckpwdf(3)).
pub const PASSWORD_LOCK: &str = "/etc/.pwd.lock";
/// Makes the name service cache daemon forget (nscd(8)).
pub const NSCD: &str = "/usr/sbin/nscd";
/// There while the name service cache daemon runs.
pub const NSCD_SOCKET: &str = "/run/nscd/socket";
/// Makes sssd forget (sss_cache(8)).
pub const SSS_CACHE: &str = "/usr/sbin/sss_cache";

/// Where the control groups of this host are mounted (cgroups(7), version 2).
pub const CGROUPS: &str = "/sys/fs/cgroup";
/// The guard's own control group, which systemd delegates to it (`Delegate=yes`): the home of the grants' groups.
pub const CONTROL_HOME: &str = "/sys/fs/cgroup/system.slice/jit-guard.service";

/// The processes of this host (proc(5)).
pub const PROC: &str = "/proc";

/// What outlives a reboot.
pub const STATE_DIR: &str = "/var/lib/jit";
/// The record.
pub const LEDGER: &str = "/var/lib/jit/ledger.db";
/// Room kept on the disk so that endings can always be recorded.
pub const LEDGER_RESERVE: &str = "/var/lib/jit/ledger.reserve";
/// What is raised on this host and until when: written by jitd, read by the guard.
pub const APPLIED: &str = "/var/lib/jit/applied";
/// What the guard did: written by the guard, taken by jitd.
pub const GUARD_NOTES: &str = "/var/lib/jit/guard-notes";
/// Who gets in by a grant alone ([`crate::managed`]): written by jitd, read by the PAM module. It outlives a reboot, so that it
/// holds before jitd runs.
pub const MANAGED: &str = "/var/lib/jit/managed";
/// The host's signing key.
pub const HOST_KEY: &str = "/var/lib/jit/host.key";
/// How far each sink has read the record, one `*.cursor` each.
pub const SINKS_DIR: &str = "/var/lib/jit/sinks";

/// The daemon.
pub const JITD: &str = "/usr/sbin/jitd";
/// The guard.
pub const JIT_GUARD: &str = "/usr/sbin/jit-guard";
/// The client.
pub const JITCTL: &str = "/usr/bin/jitctl";
/// The PAM module.
pub const PAM_MODULE: &str = "/usr/lib/x86_64-linux-gnu/security/pam_jit.so";

/// The daemon's unit.
pub const UNIT_JITD: &str = "jitd.service";
/// The socket's unit.
pub const UNIT_SOCKET: &str = "jitd.socket";
/// The guard's unit.
pub const UNIT_GUARD: &str = "jit-guard.service";
