//! Holds a claim against bytes: `cargo run -p jit-claims --example claim NAME FILE…`. The first that breaks it panics.

use std::fs;

fn main() -> Result<(), String> {
    let mut words = std::env::args().skip(1);
    let name = words.next().ok_or("name a claim, and files with bytes")?;
    let claim = jit_claims::CLAIMS.into_iter().find(|claim| claim.name == name);
    let claim = claim.ok_or_else(|| format!("there is no claim {name:?}"))?;
    for path in words {
        let bytes = fs::read(&path).map_err(|why| format!("{path}: {why}"))?;
        (claim.holds)(&bytes);
    }
    Ok(())
}
