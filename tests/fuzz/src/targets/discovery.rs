//! A discovery document, as an issuer publishes it.
//! Never accepts another issuer's document, or a plain http URL to which a secret would be sent.

use std::sync::LazyLock;

use login_common::names::IssuerUrl;
use login_protocols::oidc::discovery::ProviderMetadata;
use serde_json::Value;

const ISSUER: &str = "https://id.example";

static EXPECTED: LazyLock<Option<IssuerUrl>> = LazyLock::new(|| IssuerUrl::parse(ISSUER).ok());

/// One input.
pub fn run(data: &[u8]) {
    let Some(expected) = &*EXPECTED else { panic!("{ISSUER} is no issuer") };
    let Ok(metadata) = ProviderMetadata::parse(data, expected) else { return };
    let members: Value = serde_json::from_slice(data).unwrap_or_default();
    assert_eq!(members.get("issuer").and_then(Value::as_str), Some(ISSUER));
    for endpoint in [
        &metadata.authorization_endpoint,
        &metadata.token_endpoint,
        &metadata.device_authorization_endpoint,
        &metadata.jwks_uri,
        &metadata.revocation_endpoint,
    ] {
        if let Some(url) = endpoint.offered() {
            assert_eq!(url.scheme(), "https", "{url}");
        }
    }
}
