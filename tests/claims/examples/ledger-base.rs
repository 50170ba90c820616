//! Makes the ledger that the claim about ledgers starts from: `cargo run -p jit-claims --example ledger-base FOLDER`.

use std::path::PathBuf;

fn main() {
    let folder = std::env::args_os().nth(1).map_or_else(|| ".".into(), PathBuf::from);
    jit_claims::ledger_base::make(&folder);
}
