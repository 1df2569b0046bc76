//! The values that both programs share, and the formats that cross a process border.
//!
//! Never here: I/O, the clock, crypto, async. Domain types do not derive serde; the wire
//! modules (`exec_credential`, `token_review`) and `client_configuration` convert.
//!
//! Reading order: `secret` and `time` are the vocabulary, `names` and `identity` the domain,
//! `proxy` the way to a host, `pem` and `strict_json` the parsers of untrusted texts, the next two
//! the contracts with Kubernetes, `client_configuration` the contract between the programs.
//! `causes` lists those of an error; `secret_text`, `lists` and `exec_entry` are what both write into a kubeconfig.
//! `process` is the one exception to "no I/O": it reads nothing and sets limits of this process.
//! `schedules` is for tests.

pub mod secret;
pub mod time;

pub mod identity;
pub mod names;
pub mod proxy;

pub mod pem;
pub mod strict_json;

pub mod exec_credential;
pub mod token_review;

pub mod client_configuration;

pub mod causes;
pub mod exec_entry;
pub mod lists;
pub mod secret_text;

pub mod process;

#[cfg(feature = "schedules")]
pub mod schedules;

pub use identity::Identity;
pub use secret::Secret;
pub use time::UnixTime;
