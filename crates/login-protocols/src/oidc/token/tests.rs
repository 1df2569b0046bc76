//! Tests of `token.rs`.
//! Never reads the clock.
