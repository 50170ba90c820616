# Makes the first file system of a machine. Arguments: the tree with the tools and the kernel; the file to make.
set -eu
tools=$1 out=$2
# In a release whose packages have everything below usr.
for top in bin sbin lib lib64; do
    [ -e "$tools/$top" ] || ln -s "usr/$top" "$tools/$top"
done
version=$(ls "$tools/lib/modules")
root=$tools/initrd
mkdir "$root" "$root/dev" "$root/proc" "$root/root" "$root/modules"
cp "$tools/bin/busybox" "$root/busybox"
chroot "$tools" depmod "$version"
number=10
for module in $(chroot "$tools" modprobe -a -S "$version" --show-depends virtio_pci virtio_blk virtio_console virtio_rng |
    awk '$1 == "insmod" && !seen[$2]++ { print $2 }'); do
    number=$((number + 1))
    case $module in
    *.xz) chroot "$tools" xz -dc "$module" > "$root/modules/$number.ko" ;;
    *) cp "$tools$module" "$root/modules/$number.ko" ;;
    esac
done

# The disk forgets what nobody synced: nothing is written back for five minutes, and a rename alone writes no data. So whatever the
# product does not sync itself is lost in a power cut.
cat > "$root/init" <<'INIT'
#!/busybox sh
/busybox mount -t devtmpfs devtmpfs /dev
/busybox mount -t proc proc /proc
for module in /modules/*; do /busybox insmod "$module"; done
while [ ! -b /dev/vda ]; do /busybox usleep 20000; done
echo 30000 > /proc/sys/vm/dirty_writeback_centisecs
echo 30000 > /proc/sys/vm/dirty_expire_centisecs
/busybox mount -t ext4 -o rw,commit=300,noauto_da_alloc /dev/vda /root || exec /busybox poweroff -f
/busybox umount /proc
/busybox mount --move /dev /root/dev
exec /busybox switch_root /root /sbin/init
INIT
chmod 755 "$root/init" "$root/busybox"
mknod "$root/dev/console" c 5 1
find "$root" -printf '%P\n' | sed '/^$/d' | chroot "$tools" cpio --quiet -o -H newc -D /initrd > "$out"
