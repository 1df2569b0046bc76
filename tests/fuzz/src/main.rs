//! The fuzzer: hands every input to the target that the environment names.
//! Never has a rule of its own.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| login_fuzz::chosen(data));
