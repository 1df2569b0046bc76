//! The interface of traces in a build without OpenTelemetry: it does nothing and takes no room.

use http::{HeaderMap, StatusCode};
use login_review::RequestFault;

use super::{TraceError, TraceSettings};
use crate::telemetry::decision::{Decided, Origin};

/// No traces.
#[derive(Debug)]
pub struct Traces;

/// No span.
#[derive(Debug)]
pub struct ReviewSpan;

/// No export.
#[derive(Debug)]
pub struct Exporting;

impl Traces {
    /// Returns no traces; this build refuses the configuration key, so there are no settings.
    pub const fn new(_: Option<&TraceSettings>) -> Result<Self, TraceError> {
        Ok(Self)
    }

    /// Returns no span.
    pub const fn review(&self, _: &HeaderMap) -> ReviewSpan {
        ReviewSpan
    }

    /// Starts no export.
    pub const fn export(&self) -> Exporting {
        Exporting
    }

    /// Always 0.
    pub const fn dropped(&self) -> u64 {
        0
    }
}

impl ReviewSpan {
    /// Returns no span.
    pub const fn none() -> Self {
        Self
    }

    /// Does nothing.
    pub const fn rejected(&self, _: RequestFault) {}

    /// Does nothing.
    pub const fn decided(&self, _: Decided, _: Origin) {}

    /// Does nothing.
    pub fn issuer(&self, _: Option<&str>) {}

    /// Does nothing.
    pub const fn answered(&self, _: StatusCode) {}
}

impl Exporting {
    /// Does nothing.
    #[expect(clippy::unused_async, reason = "as with the feature")]
    pub async fn end(self) {}
}
