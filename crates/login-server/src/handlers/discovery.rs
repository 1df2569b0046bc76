//! GET the embedded issuer's metadata and public keys, and the published client.
//! Never renders them: that is done once, at the start or at a reload.

use bytes::Bytes;
use http::{HeaderValue, StatusCode, header};

use super::response::{Reply, json};
use crate::embedded::Embedded;

/// `/.well-known/openid-configuration` (OpenID Connect Discovery 1.0 §4).
pub fn metadata(embedded: &Embedded) -> Reply {
    public(json(StatusCode::OK, embedded.discovery.clone()))
}

/// `/jwks` (RFC 7517 §5).
pub fn key_set(embedded: &Embedded) -> Reply {
    public(json(StatusCode::OK, embedded.jwks.clone()))
}

/// `/.well-known/kubectl-login`: what `kubectl-login login SERVER-URL` reads.
pub fn published_client(document: &Bytes) -> Reply {
    public(json(StatusCode::OK, document.clone()))
}

fn public(mut reply: Reply) -> Reply {
    let value = HeaderValue::from_static("public, max-age=60");
    reply.headers_mut().insert(header::CACHE_CONTROL, value);
    reply
}
