//! The server over real sockets, in this process and as a program.
//! Never uses a mock: issuers are https servers, clients are reqwest or raw bytes.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(clippy::indexing_slicing, reason = "a test fails by panicking")]

mod elsewhere;
mod support;

mod administration;
mod answers;
mod audit;
mod client_certificates;
mod commands;
mod connections;
mod crowds;
mod distributed_groups;
mod early_answers;
mod explain;
mod floods;
mod key_sets;
mod limits;
#[cfg(target_os = "linux")]
mod memory;
mod metrics;
mod opaque;
mod printed;
mod process;
mod proxies;
mod reload;
mod removed_trust;
mod reviews;
mod revocations;
mod secrets;
mod sign_in;
#[cfg(feature = "otel")]
mod traces;
