//! Looks for bytes that break the claim of `jit_claims::frame`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| jit_claims::frame::holds(data));
