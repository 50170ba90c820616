//! Looks for bytes that break the claim of `jit_claims::policy`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| jit_claims::policy::holds(data));
