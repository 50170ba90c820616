//! What was really written: exports of earlier versions that stay as they are, and a small ledger made once from them.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use jitd::ledger::{Ledger, Purpose, Row};
use jitd_core::record::export::ExportLine;
use jitd_core::record::verify;
use jitd_core::record::{Draft, TypedText};

const SAMPLES: [&str; 2] = [
    include_str!("../../../jitd/core/src/record/ledger-1.jsonl"),
    include_str!("../../../jitd/core/src/record/ledger-1-waiting.jsonl"),
];

/// Bytes of the header of a write-ahead log, and of one frame in it: its own header and a page (<https://sqlite.org/fileformat2.html>, 4).
const LOG_HEADER: usize = 32;
const LOG_FRAME: usize = 24 + 4096;

/// The secret of the host key with which the ledger is made, so that it is the same each time.
const SECRET: &str = "0707070707070707070707070707070707070707070707070707070707070707\n";

/// Every line of the samples, by its hash in hex.
pub(crate) fn genuine() -> &'static BTreeMap<String, ExportLine> {
    static GENUINE: OnceLock<BTreeMap<String, ExportLine>> = OnceLock::new();
    GENUINE.get_or_init(|| {
        let lines = SAMPLES.into_iter().flat_map(str::lines);
        let lines = lines.map(|line| serde_json::from_str::<ExportLine>(line).unwrap());
        lines.map(|line| (line.hash.clone(), line)).collect()
    })
}

/// A folder with a host key, gone when dropped.
#[derive(Debug)]
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("jit-claims-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        let _ = fs::remove_dir_all(&path);
        fs::DirBuilder::new().mode(0o700).create(&path).unwrap();
        write(&path.join("host.key"), SECRET.as_bytes());
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Writes a file that is its owner's alone.
pub(crate) fn write(path: &Path, bytes: &[u8]) {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;

    let mut file =
        fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path).unwrap();
    file.write_all(bytes).unwrap();
}

/// A ledger as it lies on the disk: the database, and a log that is not folded in.
#[derive(Debug)]
pub(crate) struct Base {
    pub(crate) database: Vec<u8>,
    pub(crate) log: Vec<u8>,
    pub(crate) rows: Vec<Row>,
}

/// The ledger that is kept beside this file; `examples/ledger-base.rs` has made it.
pub(crate) fn base() -> &'static Base {
    static BASE: OnceLock<Base> = OnceLock::new();
    BASE.get_or_init(|| {
        let database = include_bytes!("ledger_base/ledger.db").to_vec();
        let log = include_bytes!("ledger_base/ledger.db-wal").to_vec();
        let folder = Folder::new();
        write(&folder.path().join("ledger.db"), &database);
        write(&folder.path().join("ledger.db-wal"), &log);
        let mut rows = Vec::new();
        Ledger::open(folder.path(), &mut |row, _| rows.push(row.clone())).unwrap();
        assert_eq!(rows.len(), genuine().len());
        Base { database, log, rows }
    })
}

/// Makes that ledger in a folder: the entries of the samples, half of them in the database and half in the log.
///
/// # Panics
/// When it cannot be made.
pub fn make(folder: &Path) {
    let drafts: Vec<Draft> = SAMPLES.into_iter().flat_map(str::lines).map(draft).collect();
    let (first, second) = drafts.split_at(drafts.len() / 2);
    let made = Folder::new();
    let open = || Ledger::open(made.path(), &mut |_, _| {}).unwrap();
    // Closing folds the log in.
    open().append(first, Purpose::Lower).unwrap();
    let mut ledger = open();
    ledger.append(second, Purpose::Lower).unwrap();
    let read = |name: &str| fs::read(made.path().join(name)).unwrap();
    write(&folder.join("ledger.db"), &read("ledger.db"));
    // Behind the last frame the log is zeros, made beforehand.
    let mut log = read("ledger.db-wal");
    let zeros = log.iter().rev().take_while(|byte| **byte == 0).count();
    let frames = (log.len() - zeros).saturating_sub(LOG_HEADER).div_ceil(LOG_FRAME);
    log.truncate(LOG_HEADER + frames * LOG_FRAME);
    write(&folder.join("ledger.db-wal"), &log);
}

fn draft(line: &str) -> Draft {
    let line: ExportLine = serde_json::from_str(line).unwrap();
    let entry = verify::read(&line.stored()).unwrap();
    let text = |field: &'static str| {
        let text = line.texts.get(field)?;
        let salt = jitd_core::record::chain::unhex(&text.salt)?;
        Some(TypedText { field, salt, text: text.text.clone() })
    };
    let texts = ["reason", "ticket", "note"].into_iter().filter_map(text).collect();
    Draft { at: line.at, request: line.request.parse().ok(), entry, texts }
}
