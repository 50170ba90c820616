# Makes the disk of a machine: one ext4 without a partition table. Runs in a mount namespace of its own.
# Arguments: the tree with the tools; the layers of the system, as overlay takes them; an empty folder to mount on; the folder with the
# files of the way in; the file to make; its size.
set -eu
tools=$1 lower=$2 work=$3 bed=$4 out=$5 size=$6
lib=$tools/lib/x86_64-linux-gnu

mount -t tmpfs bed "$work"
mkdir "$work/upper" "$work/work" "$work/root"
root=$work/root
mount -t overlay bed -o "lowerdir=$lower,upperdir=$work/upper,workdir=$work/work" "$root"
echo machine > "$root/etc/hostname"
echo 127.0.0.1 localhost machine > "$root/etc/hosts"
: > "$root/etc/machine-id"
: > "$root/etc/fstab"

units=$root/etc/systemd/system
mkdir -p "$root/usr/local/lib/bed" "$units/sysinit.target.wants"
install -m 755 "$bed/agent" "$bed/as" "$root/usr/local/lib/bed"
install -m 644 "$bed/agent.service" "$units/bed.service"
ln -s /etc/systemd/system/bed.service "$units/sysinit.target.wants/bed.service"
# Nothing here needs them, and an emulated boot is slow: with them it takes three times as long. The gate before logins
# (systemd-user-sessions) stays.
for unit in getty@tty1.service serial-getty@ttyS0.service ssh.service rsyslog.service dbus.service dbus.socket \
    systemd-logind.service systemd-udevd.service systemd-udevd-kernel.socket systemd-udevd-control.socket \
    systemd-udev-trigger.service modprobe@.service systemd-modules-load.service systemd-sysusers.service \
    systemd-update-utmp.service systemd-update-utmp-runlevel.service systemd-random-seed.service systemd-sysctl.service \
    dev-mqueue.mount dev-hugepages.mount sys-kernel-debug.mount sys-kernel-tracing.mount proc-sys-fs-binfmt_misc.automount \
    apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_reap.service fstrim.timer; do
    ln -sf /dev/null "$units/$unit"
done

truncate -s "$size" "$out"
"$lib/ld-linux-x86-64.so.2" --library-path "$lib:$tools/usr/lib/x86_64-linux-gnu" "$(ls "$tools"/sbin/mke2fs "$tools"/usr/sbin/mke2fs 2> /dev/null | head -n 1)" \
    -q -F -t ext4 -E lazy_itable_init=0,lazy_journal_init=0 -d "$root" "$out"
