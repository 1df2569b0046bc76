//! Builds responses: status, body, and the headers that every response of a kind carries.

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, StatusCode, header};
use http_body_util::Full;

/// What every handler returns: a response with a complete body.
pub type Reply = Response<Full<Bytes>>;

/// A JSON response that the client may cache.
pub fn json(status: StatusCode, body: impl Into<Bytes>) -> Reply {
    with_type(status, HeaderValue::from_static("application/json"), body.into())
}

/// A JSON response that holds a token or depends on one (RFC 6749 §5.1).
pub fn private_json(status: StatusCode, body: impl Into<Bytes>) -> Reply {
    let mut reply = json(status, body);
    forbid_storing(&mut reply);
    reply
}

/// A short plain text.
pub fn text(status: StatusCode, body: impl Into<Bytes>) -> Reply {
    with_type(status, HeaderValue::from_static("text/plain; charset=utf-8"), body.into())
}

/// 405 with the methods that do exist (RFC 9110 §15.5.6).
pub fn method_not_allowed(allowed: &'static str) -> Reply {
    let mut reply = text(StatusCode::METHOD_NOT_ALLOWED, "method not allowed\n");
    reply.headers_mut().insert(header::ALLOW, HeaderValue::from_static(allowed));
    reply
}

/// 303: the browser fetches `location` with GET, whatever it sent before.
pub fn see_other(location: &str) -> Option<Reply> {
    let mut reply = with_type(
        StatusCode::SEE_OTHER,
        HeaderValue::from_static("text/plain; charset=utf-8"),
        Bytes::new(),
    );
    reply.headers_mut().insert(header::LOCATION, HeaderValue::from_str(location).ok()?);
    forbid_storing(&mut reply);
    // The location carries an authorization code, which must not leak as a referrer.
    reply.headers_mut().insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    Some(reply)
}

/// A page. `policy` is its Content-Security-Policy.
pub fn html(status: StatusCode, policy: HeaderValue, body: String) -> Reply {
    let mut reply =
        with_type(status, HeaderValue::from_static("text/html; charset=utf-8"), Bytes::from(body));
    forbid_storing(&mut reply);
    let headers = reply.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    for (name, value) in [
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    reply
}

fn with_type(status: StatusCode, content_type: HeaderValue, body: Bytes) -> Reply {
    let mut reply = Response::new(Full::new(body));
    *reply.status_mut() = status;
    reply.headers_mut().insert(header::CONTENT_TYPE, content_type);
    reply
}

fn forbid_storing(reply: &mut Reply) {
    reply.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
}
