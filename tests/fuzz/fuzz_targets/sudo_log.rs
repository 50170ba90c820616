//! Looks for bytes that break the claim of `jit_claims::sudo_log`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| jit_claims::sudo_log::holds(data));
