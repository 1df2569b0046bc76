//! Traces for an OpenTelemetry collector: one span for each review. Only with the feature `otel`.
//! Never includes a token's content, and never makes a review wait for the collector or fail with
//! it.

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

/// The collector's endpoint and the sampling ratio.
#[derive(Clone, Debug, PartialEq)]
pub struct TraceSettings {
    /// Takes OTLP by HTTP in protobuf form; `https`, or `http` for loopback.
    pub endpoint: IssuerUrl,
    /// The share of reviews, from 0 to 1, that are traced where the caller has no trace. A caller's
    /// own trace is continued or left alone, as its `traceparent` says.
    pub sampling: f64,
}

/// Why traces cannot be set up.
#[derive(Debug, Error)]
#[error("could not prepare for the collector at `{endpoint}`")]
pub struct TraceError {
    /// The configured endpoint.
    pub endpoint: String,
    /// The error of TLS, or of the address.
    #[source]
    pub source: Box<dyn std::error::Error + Send + Sync>,
}
