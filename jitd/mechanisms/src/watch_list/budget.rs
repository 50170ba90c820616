//! What a place may cost that others than root can fill: one person's files neither keep a look from the rest of the host nor make
//! jitd grow. A place that costs more is left out as one.

use rustix::fs::Statx;

use super::tree::Tree;

/// Why a place is left out that costs more.
pub(super) const TOO_MUCH: &str = "more in it than jitd looks at in one place";

/// Characters of paths that are kept of such a place.
pub(super) const TEXT: usize = 64 * 1024;

/// Set-id files and files with capabilities that are kept of such a place. Set-uid files of root's are not counted: nobody else makes
/// them.
pub(super) const THINGS: usize = 256;

/// Places in it that are left out by themselves.
pub(super) const LINES: usize = 16;

/// Folders of one folder that are left out by themselves, when a look ends before it is through; of more, that folder is.
const SIBLINGS: usize = 64;

/// What reading files at a place may still cost.
#[derive(Clone, Copy, Debug)]
pub(super) struct Budget {
    /// Entries of folders.
    pub(super) entries: usize,
    /// Bytes of files.
    pub(super) bytes: u64,
    /// Characters of paths.
    pub(super) text: usize,
}

impl Budget {
    /// Of the files in one home.
    pub(super) const HOME: Self = Self { entries: 256, bytes: 4 * 1024 * 1024, text: TEXT };

    /// Of a folder of the host in which others than root can write, as the spools of cron and at.
    pub(super) const SPOOL: Self = Self { entries: 4096, bytes: 16 * 1024 * 1024, text: 16 * TEXT };

    /// Of what root alone can fill.
    pub(super) const HOST: Self = Self { entries: super::MOST_THINGS, bytes: u64::MAX, text: usize::MAX };

    /// Takes a file's costs off; `None` when they are too much.
    pub(super) fn pay(&mut self, bytes: u64, text: usize) -> Option<()> {
        self.bytes = self.bytes.checked_sub(bytes)?;
        self.text = self.text.checked_sub(text)?;
        Some(())
    }
}

/// Whether others than root can put something into a folder.
pub(super) fn is_filled_by_others(tree: &Tree, folder: &Statx) -> bool {
    folder.stx_uid != tree.owner || folder.stx_mode & 0o022 != 0
}

/// Places for places: where one folder has many of them, that folder.
pub(super) fn nearest(places: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let together = places.chunk_by(|one, other| above(one) == above(other));
    together
        .flat_map(|same| match same {
            [first, ..] if same.len() > SIBLINGS => vec![above(first).to_vec()],
            same => same.to_vec(),
        })
        .collect()
}

fn above(path: &[u8]) -> &[u8] {
    match path.iter().rposition(|byte| *byte == b'/') {
        Some(0) | None => b"/",
        Some(at) => path.get(..at).unwrap_or(b"/"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_places_in_one_folder_are_that_folder() {
        let many = |count: usize| (0..count).map(|at| format!("/srv/{at}").into_bytes());
        let few: Vec<Vec<u8>> = many(SIBLINGS).chain([b"/opt".to_vec()]).collect();
        assert_eq!(nearest(&few), few);
        let places: Vec<Vec<u8>> = many(SIBLINGS + 1).chain([b"/opt".to_vec()]).collect();
        assert_eq!(nearest(&places), [b"/srv".to_vec(), b"/opt".to_vec()]);
    }
}
