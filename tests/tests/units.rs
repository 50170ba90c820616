//! The units' sandboxes: tight, yet what jitd and the guard have to do works inside, on both releases.
#![allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]

use jit_e2e::{BootedBed, OrSkip as _, Release, manifest};

/// What jitd does as root, each line a thing it cannot do without. Run in the sandbox of its unit.
const JITD: &str = r"
set -ex
echo '#1 ALL=(root) NOPASSWD: /usr/bin/id' > /run/jit/sudoers.d/.new
chmod 0440 /run/jit/sudoers.d/.new
visudo -cf /run/jit/sudoers.d/.new
mv /run/jit/sudoers.d/.new /run/jit/sudoers.d/jit
sudo -n -l -U daemon | grep /usr/bin/id
echo record > /var/lib/jit/ledger.db
echo record > /var/log/jit/events.jsonl
readlink /proc/1/exe
getent passwd alice
cp -p /etc/group /etc/.group.1.0.tmp
mv /etc/.group.1.0.tmp /etc/group
usermod -aG adm alice
gpasswd -d alice adm
echo hello alice > $(cat /tty)
logger -t jitd sandboxed
";

/// What the guard does.
const GUARD: &str = r"
set -ex
echo '# nothing' > /run/jit/sudoers.d/.new
mv /run/jit/sudoers.d/.new /run/jit/sudoers.d/jit
cp -p /etc/group /etc/.group.1.0.tmp
mv /etc/.group.1.0.tmp /etc/group
usermod -aG adm alice
gpasswd -d alice adm
echo removed >> /var/lib/jit/guard-notes
readlink /proc/1/exe
own=/sys/fs/cgroup$(sed -n s/^0:://p /proc/self/cgroup)
mkdir $own/grant
rmdir $own/grant
";

/// What neither may do.
const NEITHER: &str = r"
if touch /etc/sudoers.d/x; then exit 3; fi
if touch /usr/bin/x; then exit 4; fi
if touch /etc/pam.d/x; then exit 9; fi
if echo 1 > /proc/sys/kernel/printk; then exit 5; fi
if unshare -m true; then exit 6; fi
if unshare -U true; then exit 7; fi
if chmod u+s /run/jit; then exit 8; fi
";

#[test]
fn what_jitd_must_do_works_in_its_sandbox() {
    for release in Release::ALL {
        let Some(bed) = BootedBed::bare(release).or_skip() else { return };
        prepare(&bed);
        // A person's terminal that jitd writes to.
        let tty = bed
            .command(&["bash", "-c", "tty; exec cat"])
            .user("alice")
            .terminal(jit_e2e::Terminal::Pty)
            .spawn()
            .unwrap();
        tty.wait_for("/dev/pts/", std::time::Duration::from_secs(10)).unwrap();
        bed.write("/tty", tty.text().trim()).unwrap();
        run_in_unit(&bed, "jitd.service", &format!("{JITD}{NEITHER}"));
        tty.wait_for("hello alice", std::time::Duration::from_secs(10)).unwrap();
        assert_eq!(bed.mode("/run/jit/sudoers.d/jit").unwrap(), 0o440);
    }
}

#[test]
fn what_the_guard_must_do_works_in_its_sandbox() {
    for release in Release::ALL {
        let Some(bed) = BootedBed::bare(release).or_skip() else { return };
        prepare(&bed);
        run_in_unit(&bed, "jit-guard.service", &format!("{GUARD}{NEITHER}"));
        assert_eq!(bed.read("/var/lib/jit/guard-notes").unwrap(), "removed\n");
    }
}

/// Puts the units, the folders and the include where the package puts them, with no program behind them.
fn prepare(bed: &BootedBed) {
    let units = ["system/jitd.service", "system/jitd.socket", "system/jit-guard.service"];
    for unit in units {
        bed.copy_in(&manifest::folder().join(unit), &format!("/etc/systemd/{unit}")).unwrap();
    }
    for kind in ["sysusers.d", "tmpfiles.d"] {
        bed.copy_in(&manifest::folder().join(kind).join("jit.conf"), &format!("/etc/{kind}/jit.conf"))
            .unwrap();
    }
    bed.run(&["systemd-sysusers", "jit.conf"]).unwrap().expect_ok();
    bed.run(&["systemd-tmpfiles", "--create", "jit.conf"]).unwrap().expect_ok();
    bed.write_mode("/etc/sudoers.d/00-jit", "@includedir /run/jit/sudoers.d\n", 0o440).unwrap();
    bed.add_user("alice", &[], None).unwrap();
}

/// Runs a script as the unit's program: everything else of the unit stays as it is.
fn run_in_unit(bed: &BootedBed, unit: &str, script: &str) {
    bed.write_mode("/usr/local/sbin/instead", &format!("#!/bin/bash\n{script}"), 0o755).unwrap();
    let instead = "[Service]\nType=oneshot\nRestart=no\nWatchdogSec=0\nExecStartPre=\nExecStart=\n\
                   ExecStart=/usr/local/sbin/instead\n";
    bed.write(&format!("/etc/systemd/system/{unit}.d/instead.conf"), instead).unwrap();
    bed.run(&["systemctl", "daemon-reload"]).unwrap().expect_ok();
    bed.unit(unit).start().unwrap();
}
