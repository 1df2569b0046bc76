//! What is kept between runs, and who may renew it.
//! Never fails a sign-in: what cannot be kept is said once and done without.
//!
//! Reading order: `key` (names a session), `entry` (the ready answer), `freshness` (until when),
//! `served` (to whom), `store` (files), then what only a renewal touches: `renewal_lock`, `refresh_secret` (by
//! `sealing`, with a key out of a `key_store`), `backoff`,
//! `metadata`; `sessions` is for those who list and end them.

pub mod digest;
pub mod entry;
pub mod freshness;
pub mod key;
pub mod served;
pub mod store;

pub mod backoff;
pub mod key_store;
pub mod metadata;
pub mod refresh_secret;
pub mod renewal_lock;
pub mod sealing;
pub mod sessions;

/// First word of every file here. Another version is another word: old and new programs never
/// misread each other.
pub const FORMAT: &str = "kubectl-login/1";
