//! Hands every input of the fuzzer to `targets/configuration.rs`.
//! Never has a rule of its own.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| login_fuzz::targets::configuration::run(data));
