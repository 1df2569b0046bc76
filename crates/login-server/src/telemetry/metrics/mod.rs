//! What this process counts, for `/metrics`.
//! Never labels by anything a token said: issuers are named by a hash, users not at all.
//!
//! `reviews` and `connections` are counted as they happen; all else is read when somebody
//! scrapes (`scrape`). `families` lists every metric that exists.

pub mod connections;
pub mod families;
mod histogram;
mod process;
pub mod reviews;
mod scrape;
mod text;

pub use self::scrape::{Format, issuer_hash, render};
use self::{connections::ConnectionCounts, reviews::ReviewCounts};

/// What is counted as it happens.
#[derive(Debug, Default)]
pub struct Metrics {
    /// Reviews, and requests that were none.
    pub reviews: ReviewCounts,
    /// Connections of the main listener.
    pub connections: ConnectionCounts,
}
