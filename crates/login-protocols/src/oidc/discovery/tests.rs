//! Tests of `discovery.rs`.
//! Never reads the clock.
