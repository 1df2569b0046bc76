//! What this process counts, for `/metrics`.
//! Never labels by anything a token said: issuers are named by a hash, users not at all.

/// All counters, gauges and histograms.
#[derive(Debug, Default)]
pub struct Metrics {}
