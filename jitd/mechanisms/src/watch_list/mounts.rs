//! What is mounted where, from the kernel's table: a network file system whose server hangs is known without touching it.

use std::collections::BTreeMap;
use std::path::Path;
use std::{fs, io};

/// The file systems that are on this host alone, or in its memory.
const LOCAL: [&str; 24] = [
    "ext2", "ext3", "ext4", "xfs", "btrfs", "tmpfs", "ramfs", "devtmpfs", "rootfs", "overlay", "f2fs", "zfs",
    "bcachefs", "vfat", "exfat", "iso9660", "udf", "squashfs", "erofs", "reiserfs", "jfs", "nilfs2", "ntfs3",
    "ubifs",
];

/// Those that hold no files, but what the kernel says.
const PSEUDO: [&str; 21] = [
    "proc",
    "sysfs",
    "devpts",
    "cgroup",
    "cgroup2",
    "securityfs",
    "debugfs",
    "tracefs",
    "configfs",
    "pstore",
    "bpf",
    "mqueue",
    "hugetlbfs",
    "efivarfs",
    "fusectl",
    "binfmt_misc",
    "selinuxfs",
    "smackfs",
    "rpc_pipefs",
    "nsfs",
    "nfsd",
];

/// The mounts of a host, by where they are: the type of each that is not looked into, and why.
#[derive(Debug, Default)]
pub(super) struct Mounts(BTreeMap<Vec<u8>, Option<String>>);

impl Mounts {
    /// The table of the process whose folder in /proc this is. Where there is no such file, nothing is mounted.
    pub(super) fn read(process: &Path) -> io::Result<Self> {
        match fs::read(process.join("mountinfo")) {
            Ok(table) => Ok(Self::parse(&table)),
            Err(why) if why.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(why) => Err(why),
        }
    }

    fn parse(table: &[u8]) -> Self {
        let mount = |line: &[u8]| {
            let mut words = line.split(|byte| *byte == b' ');
            let place = unescaped(words.nth(4)?);
            let kind = words.skip_while(|word| *word != b"-").nth(1)?;
            Some((place, why_not(&String::from_utf8_lossy(kind))))
        };
        // The last one at a place is on top.
        Self(table.split(|byte| *byte == b'\n').filter_map(mount).collect())
    }

    /// Why what lies at this path is not looked at, if so. For a path that begins with `/` and has no link in it.
    pub(super) fn why_not(&self, path: &[u8]) -> Option<&str> {
        let ends = path.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(at, _)| at.max(1));
        let ends = ends.chain([path.len()]);
        let mut last = None;
        for end in ends {
            if let Some(why) = path.get(..end).and_then(|above| self.0.get(above)) {
                last = why.as_deref();
            }
        }
        last
    }
}

fn why_not(kind: &str) -> Option<String> {
    match kind {
        _ if LOCAL.contains(&kind) => None,
        _ if PSEUDO.contains(&kind) => Some("of the kernel (pseudo file systems)".to_owned()),
        kind => Some(format!("a network file system, or one that jitd does not know ({kind})")),
    }
}

/// A path as it stands in the table: space, tab, line end and backslash are three octal digits (proc(5)).
fn unescaped(word: &[u8]) -> Vec<u8> {
    let mut path = Vec::with_capacity(word.len());
    let mut rest = word;
    while let Some((first, more)) = rest.split_first() {
        let octal = (*first == b'\\').then(|| more.split_at_checked(3)).flatten();
        let octal = octal.and_then(|(digits, after)| {
            Some((u8::from_str_radix(std::str::from_utf8(digits).ok()?, 8).ok()?, after))
        });
        let (byte, after) = octal.unwrap_or((*first, more));
        path.push(byte);
        rest = after;
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_on_the_network_is_known_by_the_table() {
        let table = b"22 1 8:1 / / rw shared:1 - ext4 /dev/sda1 rw\n\
            23 22 0:5 / /proc rw - proc proc rw\n\
            24 22 0:9 / /home rw - nfs4 server:/home rw\n\
            25 24 0:10 / /home/a\\040b rw - tmpfs tmpfs rw\n\
            26 22 0:11 / /net rw - autofs x rw\n";
        let mounts = Mounts::parse(table);
        let network = |kind: &str| format!("a network file system, or one that jitd does not know ({kind})");
        assert_eq!(mounts.why_not(b"/etc/passwd"), None);
        assert_eq!(mounts.why_not(b"/home/alice/.ssh"), Some(network("nfs4").as_str()));
        assert_eq!(mounts.why_not(b"/home/a b/.ssh"), None);
        assert_eq!(mounts.why_not(b"/homes"), None);
        assert_eq!(mounts.why_not(b"/proc/1"), Some("of the kernel (pseudo file systems)"));
        assert_eq!(mounts.why_not(b"/"), None);
        assert_eq!(mounts.why_not(b"/net/x"), Some(network("autofs").as_str()));
    }
}
