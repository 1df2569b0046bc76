//! Tests of `id_token.rs`.
//! Never reads the clock.
