//! Looks for bytes that break the claim of `jit_claims::ledger`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| jit_claims::ledger::holds(data));
