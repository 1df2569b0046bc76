//! The rig: starts the real programs that the cases in `tests/` talk to, and stops them.
//! Never replaces one of them: a case whose component is missing is recorded as skipped.
//!
//! In reading order: `suite` runs the cases of one test program; `components` says where the real
//! programs are; every part uses `scratch`, `command`, `child`, `wait` and `certificates`; then
//! one file for each part that a case can start.
#![expect(
    clippy::disallowed_methods,
    reason = "this package starts real programs and waits for them in real time"
)]
#![expect(clippy::indexing_slicing, reason = "a key that a JSON value lacks reads as null")]

pub mod suite;

pub mod components;

pub mod certificates;
pub mod child;
pub mod clock;
pub mod command;
pub mod random;
pub mod scratch;
pub mod wait;

pub mod api_server;
pub mod browser;
pub mod curl;
pub mod development;
pub mod dex;
pub mod etcd;
pub mod forwarder;
pub mod https;
pub mod issuers;
pub mod kubeconfig;
pub mod kubectl;
pub mod login_client;
pub mod login_server;
pub mod oidc_provider;
pub mod oracle;
pub mod proxy;
pub mod secret_service;
pub mod signing;
pub mod small_disk;
pub mod terminal;
