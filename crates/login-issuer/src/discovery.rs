//! The discovery document (OpenID Connect Discovery §3, RFC 8414 §2).
//! Never names a feature that is not implemented or is disabled.

use serde_json::{Value, json};

use crate::{GrantType, IssuerSettings, scope};

pub(crate) fn document(settings: &IssuerSettings) -> Value {
    let on = |grant| settings.grants.contains(&grant);
    let grants: Vec<&str> = settings.grants.iter().map(|grant| grant.as_str()).collect();
    let mut document = json!({
        "issuer": settings.issuer.as_str(),
        "authorization_endpoint": settings.endpoint("/authorize"),
        "token_endpoint": settings.endpoint("/token"),
        "jwks_uri": settings.endpoint("/jwks"),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": grants,
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256"],
        "token_endpoint_auth_methods_supported":
            ["none", "client_secret_basic", "client_secret_post"],
        "code_challenge_methods_supported": ["S256"],
        "scopes_supported": scope::KNOWN,
        "claims_supported": [
            "iss", "sub", "aud", "exp", "iat", "jti", "sid", "auth_time", "nonce",
            "preferred_username", "groups",
        ],
        "authorization_response_iss_parameter_supported": true,
        // OpenID Connect Discovery §3: a missing value would mean true.
        "request_uri_parameter_supported": false,
    });
    if let Some(fields) = document.as_object_mut() {
        if on(GrantType::DeviceCode) {
            let endpoint = settings.endpoint("/device_authorization");
            fields.insert("device_authorization_endpoint".into(), endpoint.into());
        }
        if !on(GrantType::AuthorizationCode) {
            fields.remove("authorization_endpoint");
            fields.remove("code_challenge_methods_supported");
            // RFC 8414 §2 requires the field; without the endpoint there is no response type.
            fields.insert("response_types_supported".into(), json!([]));
        }
        if on(GrantType::RefreshToken) {
            // RFC 8414 §2: a missing value would mean `client_secret_basic` alone.
            let endpoint = settings.endpoint("/revoke");
            fields.insert("revocation_endpoint".into(), endpoint.into());
            let methods = fields.get("token_endpoint_auth_methods_supported").cloned();
            let methods = methods.unwrap_or_default();
            fields.insert("revocation_endpoint_auth_methods_supported".into(), methods);
        }
    }
    document
}
