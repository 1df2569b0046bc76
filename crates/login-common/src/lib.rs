//! The values both programs share, and the shapes that cross a process border.
//!
//! Never here: I/O, the clock, crypto, async. Domain types do not derive serde; the wire
//! modules (`exec_credential`, `token_review`) and `client_configuration` convert.
//!
//! Reading order: `secret` and `time` are the vocabulary, `names` and `identity` the domain, `proxy`
//! the way to a host, `strict_json` the way JSON from outside is read, the next two the contracts with Kubernetes, the last one that between the programs.
//! `schedules` is for tests.

pub mod secret;
pub mod time;

pub mod identity;
pub mod names;
pub mod proxy;

pub mod strict_json;

pub mod exec_credential;
pub mod token_review;

pub mod client_configuration;

#[cfg(feature = "schedules")]
pub mod schedules;

pub use identity::Identity;
pub use secret::Secret;
pub use time::UnixTime;
