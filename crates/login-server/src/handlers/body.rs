//! Reads a request body up to a limit.
//! Never buffers more than the limit, whatever `Content-Length` says.

use http::Request;
use http_body_util::BodyExt as _;
use hyper::body::Body as _;
use thiserror::Error;

use crate::serve::Arriving;

/// Why a body could not be read.
#[derive(Debug, Error)]
pub enum BodyFault {
    /// Longer than allowed, by its `Content-Length` or in fact.
    #[error("the body is longer than {0} bytes")]
    TooLarge(usize),
    /// The connection broke, or the framing is wrong.
    #[error("the body did not arrive")]
    Broken(#[source] hyper::Error),
    /// Too many bodies were arriving, and this one for longest.
    #[error("the body took too long while others were waiting")]
    Displaced,
}

/// Reads the whole body. The caller of this function limits the time.
pub async fn read(request: Request<Arriving>, limit: usize) -> Result<Vec<u8>, BodyFault> {
    let mut body = request.into_body();
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if limit < announced {
        return Err(BodyFault::TooLarge(limit));
    }
    let parcel = body.inbox().expect();
    let mut whole = Vec::new();
    loop {
        let frame = tokio::select! {
            biased;
            frame = body.frame() => frame,
            () = parcel.given_up() => return Err(BodyFault::Displaced),
        };
        let Some(frame) = frame else { return Ok(whole) };
        let Ok(data) = frame.map_err(BodyFault::Broken)?.into_data() else { continue };
        let length = whole.len() + data.len();
        if limit < length {
            return Err(BodyFault::TooLarge(limit));
        }
        if whole.capacity() < length {
            let capacity = length.max(announced).max((2 * whole.capacity()).min(limit));
            parcel.grow(capacity - whole.capacity());
            whole.reserve_exact(capacity - whole.len());
        }
        whole.extend_from_slice(&data);
        if body.is_end_stream() {
            return Ok(whole);
        }
    }
}

/// Whether the `Content-Type` is `expected`; parameters such as `charset` do not matter.
pub fn has_media_type<B>(request: &Request<B>, expected: &str) -> bool {
    request
        .headers()
        .get(http::header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .is_some_and(|media_type| media_type.trim().eq_ignore_ascii_case(expected))
}
