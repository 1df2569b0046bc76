//! The only place that turns a verdict, or a fault of the caller, into an HTTP status and a body.
//! Never says why a token was refused; never repeats a token, a claim or the caller's own text.

use login_common::token_review::{
    ReviewApiVersion, ReviewRequestError, render_authenticated, render_unauthenticated,
};
use serde::Serialize;

use crate::verdict::{Outage, Verdict};

/// The HTTP response. The media type is `application/json`, and there is no `Retry-After`:
/// client-go would resend up to ten times within each of its own five attempts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// JSON: a TokenReview for 200, else a `metav1.Status`.
    pub body: Vec<u8>,
}

/// Why a request cannot be judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestFault {
    /// Not JSON, a duplicate key, too deep, or another structure.
    Malformed,
    /// The body has another `kind`.
    WrongKind,
    /// The `apiVersion` of the body is not supported.
    UnknownVersion,
    /// The caller is not authorized (its certificate or token is missing or wrong).
    CallerNotAllowed,
    /// Unknown path.
    NotFound,
    /// Not a POST.
    MethodNotAllowed,
    /// The body exceeds the limit.
    TooLarge,
    /// The media type is not `application/json`.
    UnsupportedMediaType,
    /// Too many requests to judge in time.
    Overloaded,
}

impl RequestFault {
    /// Every fault, for metrics that start at zero.
    pub const ALL: [Self; 9] = [
        Self::Malformed,
        Self::WrongKind,
        Self::UnknownVersion,
        Self::CallerNotAllowed,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::TooLarge,
        Self::UnsupportedMediaType,
        Self::Overloaded,
    ];

    /// A stable snake_case name for logs and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::WrongKind => "wrong_kind",
            Self::UnknownVersion => "unknown_version",
            Self::CallerNotAllowed => "caller_not_allowed",
            Self::NotFound => "not_found",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::TooLarge => "too_large",
            Self::UnsupportedMediaType => "unsupported_media_type",
            Self::Overloaded => "overloaded",
        }
    }
}

impl From<&ReviewRequestError> for RequestFault {
    fn from(error: &ReviewRequestError) -> Self {
        match error {
            ReviewRequestError::Malformed(_) | ReviewRequestError::WrongType(_) => Self::Malformed,
            ReviewRequestError::WrongKind => Self::WrongKind,
            ReviewRequestError::UnknownVersion => Self::UnknownVersion,
        }
    }
}

/// The response to a valid request, in the request's version.
///
/// A refusal is a 200 without `status.error`, which kube-apiserver may cache. An outage must not be
/// a 200, or a valid user is locked out until that cache entry expires.
pub fn answer(version: ReviewApiVersion, verdict: &Verdict) -> Answer {
    match verdict {
        Verdict::Accepted { identity, audiences, expires_at: _ } => {
            Answer { status: 200, body: render_authenticated(version, identity, audiences) }
        }
        Verdict::Refused(_) => Answer { status: 200, body: render_unauthenticated(version) },
        Verdict::CannotTell(Outage::Internal) => {
            status(500, "InternalError", "the token could not be checked")
        }
        Verdict::CannotTell(_) => {
            status(503, "ServiceUnavailable", "the token cannot be checked now")
        }
    }
}

/// The response to a request that is not judged.
pub fn answer_fault(fault: &RequestFault) -> Answer {
    match fault {
        RequestFault::Malformed => status(400, "BadRequest", "the body is not a TokenReview"),
        RequestFault::WrongKind => status(400, "BadRequest", "kind must be TokenReview"),
        RequestFault::UnknownVersion => status(
            400,
            "BadRequest",
            "apiVersion must be authentication.k8s.io/v1 or authentication.k8s.io/v1beta1",
        ),
        RequestFault::CallerNotAllowed => {
            status(401, "Unauthorized", "the caller may not ask for token reviews")
        }
        RequestFault::NotFound => status(404, "NotFound", "there is nothing at this path"),
        RequestFault::MethodNotAllowed => {
            status(405, "MethodNotAllowed", "token reviews are asked for with POST")
        }
        RequestFault::TooLarge => {
            status(413, "RequestEntityTooLarge", "the body is longer than a TokenReview may be")
        }
        RequestFault::UnsupportedMediaType => {
            status(415, "UnsupportedMediaType", "the media type must be application/json")
        }
        RequestFault::Overloaded => {
            status(429, "TooManyRequests", "more token reviews than can be answered in time")
        }
    }
}

/// Kubernetes `meta/v1.Status`; client-go reads `reason` to decide whether to retry.
#[derive(Serialize)]
struct WireStatus {
    kind: &'static str,
    #[serde(rename = "apiVersion")]
    api_version: &'static str,
    metadata: Empty,
    status: &'static str,
    message: &'static str,
    reason: &'static str,
    code: u16,
}

#[derive(Serialize)]
struct Empty {}

fn status(code: u16, reason: &'static str, message: &'static str) -> Answer {
    let wire = WireStatus {
        kind: "Status",
        api_version: "v1",
        metadata: Empty {},
        status: "Failure",
        message,
        reason,
        code,
    };
    // Static texts and a number always serialise.
    Answer { status: code, body: serde_json::to_vec(&wire).unwrap_or_default() }
}

#[cfg(test)]
mod tests;
