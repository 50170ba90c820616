//! Programs that lead to root, and when. Most are told of by GTFOBins; each group gives the way in a phrase.

/// When a program leads to root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum When {
    /// Whatever its arguments are.
    Always,
    /// When its arguments are free.
    AnyArguments,
    /// When its arguments are free, or name no script and no command to run.
    WithoutScript,
}

/// Programs that lead to root in the same way.
pub(super) struct Known {
    pub(super) names: &'static [&'static str],
    pub(super) when: When,
    pub(super) why: &'static str,
}

/// Folders in which people other than root write files.
pub(super) const OPEN_FOLDERS: [&str; 5] = ["/home/", "/tmp/", "/var/tmp/", "/dev/shm/", "/run/user/"];

/// Package managers: with any verb but a few they run scripts.
pub(super) const PACKAGE_MANAGERS: [&str; 17] = [
    "apt", "apt-get", "aptitude", "dpkg", "yum", "dnf", "microdnf", "rpm", "zypper", "pacman", "apk", "snap",
    "flatpak", "pip", "npm", "gem", "cpan",
];

/// Every other program known here.
pub(super) const KNOWN: [Known; 15] = [
    Known {
        names: &[
            "sh", "bash", "dash", "zsh", "ksh", "mksh", "csh", "tcsh", "fish", "rbash", "ash", "busybox",
            "toybox",
        ],
        when: When::WithoutScript,
        why: "it is a shell",
    },
    Known {
        names: &["su", "sudo", "doas", "pkexec", "runuser", "sudoedit", "login", "sulogin", "machinectl"],
        when: When::Always,
        why: "it starts a shell or an editor as another account",
    },
    Known {
        names: &[
            "python", "perl", "ruby", "node", "nodejs", "lua", "luajit", "php", "tclsh", "expect", "irb",
            "jshell", "java", "guile", "R", "Rscript", "pwsh", "awk", "gawk", "mawk", "nawk",
        ],
        when: When::WithoutScript,
        why: "it is an interpreter, which runs any command",
    },
    Known {
        names: &[
            "vi",
            "vim",
            "nvim",
            "view",
            "rvim",
            "ex",
            "ed",
            "red",
            "nano",
            "rnano",
            "pico",
            "emacs",
            "emacsclient",
            "joe",
            "mcedit",
            "micro",
            "ne",
            "jed",
            "visudo",
            "vipw",
            "vigr",
            "editor",
            "sensible-editor",
        ],
        when: When::Always,
        why: "it is an editor, which runs a shell and writes any file",
    },
    Known {
        names: &[
            "less",
            "more",
            "most",
            "pg",
            "man",
            "pager",
            "sensible-pager",
            "git",
            "info",
            "bat",
            "batcat",
        ],
        when: When::Always,
        why: "it opens a pager, and a pager runs a shell for whoever types !sh",
    },
    Known {
        names: &[
            "gdb", "lldb", "ftp", "sftp", "screen", "tmux", "script", "mc", "ranger", "mysql", "mariadb",
            "psql", "sqlite", "mail", "mutt", "crontab", "at", "batch", "debugfs", "telnet",
        ],
        when: When::Always,
        why: "it has a command that runs a shell or another program",
    },
    Known {
        names: &[
            "env",
            "find",
            "xargs",
            "nice",
            "ionice",
            "chrt",
            "taskset",
            "nohup",
            "setsid",
            "stdbuf",
            "timeout",
            "time",
            "watch",
            "strace",
            "ltrace",
            "parallel",
            "entr",
            "flock",
            "start-stop-daemon",
            "setarch",
            "linux64",
            "cpulimit",
            "run-parts",
            "ld.so",
            "ssh-agent",
            "dbus-run-session",
            "faketime",
        ],
        when: When::AnyArguments,
        why: "its arguments name a program, and it runs that",
    },
    Known {
        names: &[
            "setpriv",
            "unshare",
            "nsenter",
            "chroot",
            "capsh",
            "systemd-run",
            "systemd-nspawn",
            "bwrap",
            "firejail",
        ],
        when: When::AnyArguments,
        why: "it runs any program with the rights of root",
    },
    Known {
        names: &[
            "docker",
            "podman",
            "nerdctl",
            "ctr",
            "crictl",
            "lxc",
            "lxc-attach",
            "incus",
            "virsh",
            "kubectl",
            "helm",
            "buildah",
            "runc",
            "crun",
            "qemu-system-x86_64",
        ],
        when: When::AnyArguments,
        why: "it starts a container or machine that holds the files of this host",
    },
    Known {
        names: &[
            "tee",
            "cp",
            "mv",
            "ln",
            "install",
            "dd",
            "rsync",
            "scp",
            "truncate",
            "split",
            "sed",
            "sort",
            "patch",
            "tar",
            "cpio",
            "zip",
            "unzip",
            "7z",
            "gzip",
            "xz",
            "curl",
            "wget",
            "openssl",
            "rsyslogd",
            "tcpdump",
            "logrotate",
            "update-alternatives",
            "iconv",
            "shuf",
            "csplit",
            "uudecode",
            "objcopy",
            "restic",
            "borg",
        ],
        when: When::AnyArguments,
        why: "it writes any file, /etc/sudoers and /etc/shadow among them",
    },
    Known {
        names: &["chmod", "chown", "chgrp", "setfacl", "chattr", "setcap"],
        when: When::AnyArguments,
        why: "it changes the rights of any file, and so makes a set-uid shell",
    },
    Known {
        names: &[
            "useradd", "adduser", "usermod", "passwd", "chpasswd", "gpasswd", "groupmod", "newusers", "chsh",
            "chage",
        ],
        when: When::AnyArguments,
        why: "it gives any account a password, a group or the uid of root",
    },
    Known {
        names: &[
            "mount",
            "umount",
            "modprobe",
            "insmod",
            "kexec",
            "ip",
            "iptables",
            "nft",
            "sysctl",
            "losetup",
            "mkfs",
            "fdisk",
            "parted",
            "cryptsetup",
            "dmsetup",
            "lvm",
            "ldconfig",
            "bpftrace",
            "bpftool",
            "perf",
        ],
        when: When::AnyArguments,
        why: "it changes the kernel, the mounts or what programs load",
    },
    Known {
        names: &[
            "ssh",
            "socat",
            "nc",
            "ncat",
            "nmap",
            "make",
            "gcc",
            "cc",
            "g++",
            "cargo",
            "go",
            "ansible",
            "ansible-playbook",
            "puppet",
            "salt-call",
            "chef-client",
            "terraform",
            "service",
            "invoke-rc.d",
            "rc-service",
            "initctl",
            "supervisorctl",
            "certbot",
            "composer",
            "bundle",
            "rake",
        ],
        when: When::AnyArguments,
        why: "its arguments or the files they name say what it runs",
    },
    Known {
        names: &[
            "cat", "head", "tail", "od", "xxd", "hexdump", "base64", "strings", "grep", "diff", "cut", "nl",
            "tac", "comm",
        ],
        when: When::AnyArguments,
        why: "it reads any file, /etc/shadow and the private keys of root among them",
    },
];

/// The name of a program without its version or variant: `python3.11` is `python`, `vim.basic` is `vim`.
pub(super) fn plain_name(name: &str) -> &str {
    let unversioned = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.' || c == '-');
    let variants = [".basic", ".tiny", ".nox", ".gtk", ".traditional", ".openbsd"];
    let plain = variants.iter().find_map(|variant| unversioned.strip_suffix(variant)).unwrap_or(unversioned);
    if plain.is_empty() { name } else { plain }
}
