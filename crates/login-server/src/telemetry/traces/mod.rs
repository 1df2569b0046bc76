//! Traces for an OpenTelemetry collector: one span for each review. Only with the feature `otel`.
//! Never says what a token said, and never makes a review wait for a collector or fail with it.

#[cfg(feature = "otel")]
mod export;
#[cfg(not(feature = "otel"))]
mod left_out;
#[cfg(feature = "otel")]
mod recorded;

use login_common::names::IssuerUrl;
use thiserror::Error;

#[cfg(not(feature = "otel"))]
pub use self::left_out::{Exporting, ReviewSpan, Traces};
#[cfg(feature = "otel")]
pub use self::{
    export::Exporting,
    recorded::{ReviewSpan, Traces},
};

/// Where spans go, and how many of them.
#[derive(Clone, Debug, PartialEq)]
pub struct TraceSettings {
    /// Takes OTLP by HTTP in protobuf form; `https`, or `http` for loopback.
    pub endpoint: IssuerUrl,
    /// Of the reviews whose caller has no trace, so many get one, from 0 to 1. A caller's own
    /// trace is continued, or left alone, as its `traceparent` says.
    pub sampling: f64,
}

/// Why there can be no traces.
#[derive(Debug, Error)]
#[error("could not prepare for the collector at `{endpoint}`")]
pub struct TraceError {
    /// What was configured.
    pub endpoint: String,
    /// Of TLS, or of the address.
    #[source]
    pub source: Box<dyn std::error::Error + Send + Sync>,
}
