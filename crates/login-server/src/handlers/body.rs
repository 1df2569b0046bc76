//! Reads a request body up to a limit.
//! Never buffers more than the limit, whatever the request said about its length.

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::{Body as _, Incoming};
use thiserror::Error;

/// Why a body could not be read.
#[derive(Debug, Error)]
pub enum BodyFault {
    /// Longer than allowed, by its own word or in fact.
    #[error("the body is longer than {0} bytes")]
    TooLarge(usize),
    /// The connection broke, or the framing is wrong.
    #[error("the body did not arrive")]
    Broken(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// The whole body.
pub async fn read(request: Request<Incoming>, limit: usize) -> Result<Bytes, BodyFault> {
    let body = request.into_body();
    let announced = body.size_hint().lower();
    if announced > u64::try_from(limit).unwrap_or(u64::MAX) {
        return Err(BodyFault::TooLarge(limit));
    }
    match Limited::new(body, limit).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(fault) if fault.is::<LengthLimitError>() => Err(BodyFault::TooLarge(limit)),
        Err(fault) => Err(BodyFault::Broken(fault)),
    }
}

/// Whether the request says it carries `expected`; parameters such as `charset` do not matter.
pub fn has_media_type<B>(request: &Request<B>, expected: &str) -> bool {
    request
        .headers()
        .get(http::header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .is_some_and(|media_type| media_type.trim().eq_ignore_ascii_case(expected))
}
