//! What kubectl-login caches between its runs, and which process may renew it.
//!
//! Never knows an option or a flow, never reads the date, never starts a program: the directory,
//! the host's id, the time and the keyring are arguments.
//!
//! Reading order: `key` (names a session), `entry` (the complete answer), `freshness` (until when),
//! `refusal_hint` (to which caller), `store` (files, through `disk`), then what only a renewal
//! uses: `renewal_lock`, `refresh_secret` (sealed by `sealing` with a key from a `key_store`),
//! `backoff`; `sessions` is for the commands that list and end them.
//!
//! Files in the directory: `<key>.token` is `entry`, `<key>.refresh` and `<key>.<machine>.refresh`
//! are `refresh_secret`, `<key>.lock` is `renewal_lock`, `<key>.failed` is `backoff`,
//! `<key>.session` is `sessions`.

pub mod digest;
pub mod entry;
pub mod freshness;
pub mod key;
pub mod refusal_hint;
pub mod store;

pub mod backoff;
pub mod key_store;
pub mod refresh_secret;
pub mod renewal_lock;
pub mod sessions;

pub mod disk;
mod sealing;

/// First word of every file here. Each version of a format has its own word, so that old and new
/// programs never misread each other's files.
const FORMAT: &str = "kubectl-login/1";
