# Holds a machine with the real systemd. Arguments: the read-only layers, an empty folder to mount on (private, so beds share it),
# the host name, the tree that systemd-nspawn is run from. Reads words: "boot" starts the machine; when it ends it says "ended" and
# systemd-nspawn's status (133 for a reboot). What the machine changed stays until the input closes; then everything goes.
#
# Two parts: the keeper outside makes and removes the control groups; the holder, process 1 of a pid namespace, has the mounts.
set -eu
lower=$1 work=$2 name=$3 tools=$4

if [ -z "${INNER:-}" ]; then
    groups=()
    unified=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
    [ -n "$unified" ] || { echo "no cgroup2 is mounted on this machine" >&2; exit 1; }
    groups+=("$unified/jit-$name")
    # A hybrid machine: nspawn wants to see its own place in systemd's old hierarchy, too.
    [ ! -d /sys/fs/cgroup/systemd ] || groups+=("/sys/fs/cgroup/systemd/jit-$name")
    mkdir "${groups[@]}"
    status=0
    INNER="${groups[*]}" unshare -m -p -f --mount-proc --propagation private --kill-child \
        bash -c "$SCRIPT" holder "$@" || status=$?
    # Unmounted here, or left to the next boot of this machine: an empty folder of a control group.
    for group in "${groups[@]}"; do
        find "$group" -depth -type d -exec rmdir {} + || :
    done
    exit "$status"
fi

# nspawn keeps its locks under /run: not in this machine's.
mount -t tmpfs -o mode=755 run /run
mount -t tmpfs -o size=2G,mode=755 bed "$work"
mkdir "$work/upper" "$work/work" "$work/root"
root=$work/root
mount -t overlay bed -o "lowerdir=$lower,upperdir=$work/upper,workdir=$work/work" "$root"
printf '%s\n' "$name" > "$root/etc/hostname"
printf '127.0.0.1 localhost %s\n' "$name" > "$root/etc/hosts"
: > "$root/etc/machine-id"

boot() {
    lib=$tools/usr/lib/x86_64-linux-gnu
    for group in $INNER; do
        echo "$BASHPID" > "$group/cgroup.procs"
    done
    status=0
    SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1 "$lib/ld-linux-x86-64.so.2" --library-path "$lib:$lib/systemd" \
        "$tools/usr/bin/systemd-nspawn" --quiet --directory="$root" --machine="$name" --register=no --keep-unit --boot \
        --console=pipe --private-network --resolv-conf=off --timezone=off --link-journal=no \
        < /dev/null > "$work/console" 2>&1 || status=$?
    [ "$status" = 0 ] || [ "$status" = 133 ] || tail -n 20 "$work/console" >&2
    echo "ended $status"
}

echo ready
while read -r word; do
    case $word in
    boot) boot & ;;
    esac
done
