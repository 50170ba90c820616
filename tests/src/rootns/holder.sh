# Process 1 of a namespace bed, started by unshare in fresh namespaces. Arguments: the read-only layers, an empty folder to
# mount on (private, so beds share it), the host name, and a folder for the bed's files or nothing: then they lie in memory. Says its number outside, builds the bed, enters it, says "ready", and then
# holds the namespaces (and reaps orphans, as bash does) until its input closes, which it does when the harness is gone for whatever reason.
set -eu
lower=$1 work=$2 name=$3 disk=$4
read -r outside _ < /proc/self/stat
echo "$outside"
# Whoever started the tests may have logged in; nobody logged in to the bed. No audit in the kernel: nothing to unset.
{ echo 4294967295 > /proc/self/loginuid; } 2>/dev/null || :

if [ -n "$disk" ]; then
    mount --bind "$disk" "$work"
else
    mount -t tmpfs -o size=2G,mode=755 bed "$work"
fi
mkdir "$work/upper" "$work/work" "$work/root"
root=$work/root
mount -t overlay bed -o "lowerdir=$lower,upperdir=$work/upper,workdir=$work/work" "$root"
if [ -n "$disk" ]; then
    # As on a host: an overlay makes every look into a folder slower.
    for plain in etc var/lib; do
        mkdir -p "$work/plain/$plain"
        cp -a "$root/$plain/." "$work/plain/$plain"
        mount --bind "$work/plain/$plain" "$root/$plain"
    done
fi

# What is global in /proc and /sys belongs to this machine: read-only.
mount -t proc proc "$root/proc"
for global in sys sysrq-trigger; do
    [ -e "$root/proc/$global" ] || continue
    mount --bind "$root/proc/$global" "$root/proc/$global"
    mount -o remount,bind,ro "$root/proc/$global"
done
mount -t sysfs -o ro,nosuid,nodev,noexec sysfs "$root/sys"

mount -t tmpfs -o mode=755,nosuid dev "$root/dev"
for device in null zero full random urandom tty; do
    : > "$root/dev/$device"
    mount --bind "/dev/$device" "$root/dev/$device"
done
mkdir "$root/dev/pts" "$root/dev/shm"
mount -t devpts -o newinstance,ptmxmode=666,mode=620,gid=5 devpts "$root/dev/pts"
ln -s pts/ptmx "$root/dev/ptmx"
ln -s /proc/self/fd "$root/dev/fd"
ln -s /proc/self/fd/0 "$root/dev/stdin"
ln -s /proc/self/fd/1 "$root/dev/stdout"
ln -s /proc/self/fd/2 "$root/dev/stderr"
mount -t tmpfs -o mode=1777,nosuid,nodev shm "$root/dev/shm"
mount -t tmpfs -o mode=755,nosuid,nodev run "$root/run"
mkdir "$root/run/lock" "$root/run/dbus"
mount -t tmpfs -o mode=1777,nosuid,nodev tmp "$root/tmp"

chroot "$root" ip link set lo up
hostname "$name"
printf '%s\n' "$name" > "$root/etc/hostname"
printf '127.0.0.1 localhost %s\n' "$name" > "$root/etc/hosts"
cd /
# Only from the new root: a command that came in earlier would work on this machine's own files.
exec chroot "$root" /usr/bin/setpriv --inh-caps=-all \
    --bounding-set=-sys_time,-sys_module,-sys_rawio,-sys_boot,-wake_alarm \
    /usr/bin/env -i -C / PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 \
    bash -c 'echo ready; while read -r _; do :; done'
