//! Reads a request body up to a limit.
//! Never buffers more than the limit, whatever the request said about its length.

use bytes::Bytes;
use http::{Request, Version};
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

/// How much of a body that is too large is still taken, and thrown away.
const DISCARDED: usize = 1024 * 1024;

/// The whole body.
pub async fn read(request: Request<Incoming>, limit: usize) -> Result<Bytes, BodyFault> {
    let version = request.version();
    let body = request.into_body();
    let announced = body.size_hint().lower();
    if announced > u64::try_from(limit).unwrap_or(u64::MAX) {
        // RFC 9113 §8.1: we may answer early and reset the stream, but some clients (curl before
        // 8) then report the reset and not the answer.
        if version == Version::HTTP_2 {
            discard(body).await;
        }
        return Err(BodyFault::TooLarge(limit));
    }
    match Limited::new(body, limit).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(fault) if fault.is::<LengthLimitError>() => Err(BodyFault::TooLarge(limit)),
        Err(fault) => Err(BodyFault::Broken(fault)),
    }
}

async fn discard(mut body: Incoming) {
    let mut discarded = 0;
    while discarded <= DISCARDED {
        let Some(Ok(frame)) = body.frame().await else { return };
        discarded += frame.data_ref().map_or(0, Bytes::len);
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
