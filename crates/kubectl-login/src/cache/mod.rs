//! What is cached between runs, and which process may renew it.
//! Never fails a sign-in: what cannot be stored is reported once, and the sign-in goes on.
//!
//! Reading order: `key` (names a session), `entry` (the complete answer), `freshness` (until when),
//! `served` (to which caller), `store` (files), then what only a renewal uses: `renewal_lock`,
//! `refresh_secret` (sealed by `sealing` with a key from a `key_store`), `backoff`, `metadata`;
//! `sessions` is for the commands that list and end them.

pub mod digest;
pub mod entry;
pub mod freshness;
pub mod key;
pub mod refusal_hint;
pub mod store;

pub mod backoff;
pub mod key_store;
pub mod metadata;
pub mod refresh_secret;
pub mod renewal_lock;
pub mod sealing;
pub mod sessions;

/// First word of every file here. Each version of a format has its own word, so that old and new
/// programs never misread each other's files.
pub const FORMAT: &str = "kubectl-login/1";
