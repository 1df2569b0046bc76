//! The fuzzer: passes every input to the target that the environment names.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| login_fuzz::chosen(data));
