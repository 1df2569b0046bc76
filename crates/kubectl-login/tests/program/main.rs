//! The program as it is run, against a tiny issuer.
//! Never outside loopback and a scratch folder.
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

mod issuer;
mod pseudo_terminal;
mod stage;
