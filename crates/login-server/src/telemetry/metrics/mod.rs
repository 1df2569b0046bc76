//! The metrics of this process, for `/metrics`.
//! Never uses a token's content as a label: issuers appear as a hash, users not at all.
//!
//! `reviews` and `connections` are counted as they happen; all else is read when Prometheus scrapes
//! (`scrape`). `families` lists every metric.

pub mod connections;
pub mod families;
mod histogram;
mod process;
pub mod reviews;
mod scrape;
mod text;

pub use self::scrape::{Format, issuer_hash, render};
