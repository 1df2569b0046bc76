//! Tests the program as users run it, against a small issuer.
//! Never uses the network beyond loopback, or files outside a scratch folder.
#![cfg(unix)]
#![expect(clippy::disallowed_methods, reason = "tests start the program and look at its files")]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "this is a test"
)]

mod at_a_terminal;
mod end_to_end;
mod flows;
mod identities;
mod kept_tokens;
mod trust;

mod http_server;
mod issuer;
mod pseudo_terminal;
mod stage;
