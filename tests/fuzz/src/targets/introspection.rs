//! The answer of an introspection endpoint (RFC 7662 §2.2): a status, a media type, a body.
//! Never accepts that an answer counts as "active" unless it says so in JSON, with 200.

use login_protocols::{oauth2::introspection::parse_introspection_response, oidc::Statement};
use serde_json::Value;

const STATUSES: [u16; 12] = [200, 200, 200, 201, 204, 302, 400, 401, 403, 404, 429, 500];
const MEDIA_TYPES: [Option<&str>; 4] =
    [Some("application/json"), Some("Application/JSON; charset=utf-8"), Some("text/html"), None];

/// One input: a byte for the status, one for the media type, then the body.
pub fn run(data: &[u8]) {
    let [status, media_type, body @ ..] = data else { return };
    let chosen = |byte: u8, count: usize| usize::from(byte) % count;
    let status = STATUSES.get(chosen(*status, STATUSES.len())).copied().unwrap_or(200);
    let media_type =
        MEDIA_TYPES.get(chosen(*media_type, MEDIA_TYPES.len())).copied().unwrap_or_default();
    if let Ok(said) = parse_introspection_response(status, media_type, body) {
        let members: Value = serde_json::from_slice(body).unwrap_or_default();
        let active = matches!(said, Statement::Valid(_));
        assert_eq!(members.get("active"), Some(&Value::Bool(active)));
        assert!((200..300).contains(&status) && media_type.is_some(), "{status} {media_type:?}");
    }
}
