//! What a review calls in a build without OpenTelemetry: nothing, and no room for it.
//! Never more than that.

use http::{HeaderMap, StatusCode};
use login_review::RequestFault;

use super::{TraceError, TraceSettings};
use crate::telemetry::decision::Decided;

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
    /// Nothing; the configuration refuses the key, so there are no settings.
    pub const fn new(_: Option<&TraceSettings>) -> Result<Self, TraceError> {
        Ok(Self)
    }

    /// Nothing.
    pub const fn review(&self, _: &HeaderMap) -> ReviewSpan {
        ReviewSpan
    }

    /// Nothing.
    pub const fn export(&self) -> Exporting {
        Exporting
    }

    /// None.
    pub const fn dropped(&self) -> u64 {
        0
    }
}

impl ReviewSpan {
    /// Nothing.
    pub const fn none() -> Self {
        Self
    }

    /// Nothing.
    pub const fn rejected(&self, _: RequestFault) {}

    /// Nothing.
    pub const fn decided(&self, _: Decided, _is_cached: bool) {}

    /// Nothing.
    pub fn issuer(&self, _: Option<&str>) {}

    /// Nothing.
    pub const fn answered(&self, _: StatusCode) {}
}

impl Exporting {
    /// Nothing.
    #[expect(clippy::unused_async, reason = "as with the feature")]
    pub async fn end(self) {}
}
