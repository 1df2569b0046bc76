//! Tests of `discovery.rs`.
//! Never fetches.

use login_common::names::IssuerUrl;
use serde_json::{Value, json};

use super::{DiscoveryError, ProviderMetadata, metadata_url};
use crate::jose::test_issuer::with;

const ISSUER: &str = "https://id.example.com/realms/x";

fn parse(members: Value) -> Result<ProviderMetadata, DiscoveryError> {
    let document = with(json!({ "issuer": ISSUER }), members).to_string();
    ProviderMetadata::parse(document.as_bytes(), &IssuerUrl::parse(ISSUER).unwrap())
}

#[test]
fn the_document_is_below_the_issuer_without_its_last_slash() {
    for (issuer, expected) in [
        ("https://a.example", "https://a.example/.well-known/openid-configuration"),
        ("https://a.example/", "https://a.example/.well-known/openid-configuration"),
        ("https://a.example:8443/x", "https://a.example:8443/x/.well-known/openid-configuration"),
        ("https://a.example/x/", "https://a.example/x/.well-known/openid-configuration"),
        ("https://a.example/x%20y", "https://a.example/x%20y/.well-known/openid-configuration"),
        ("http://[::1]:80/x", "http://[::1]/x/.well-known/openid-configuration"),
    ] {
        let issuer = IssuerUrl::parse(issuer).unwrap();
        assert_eq!(metadata_url(&issuer).as_str(), expected);
    }
}

#[test]
fn a_full_document_is_read() {
    let metadata = parse(json!({
        "authorization_endpoint": "https://id.example.com/authorize?tenant=x",
        "token_endpoint": "https://token.example.com/",
        "device_authorization_endpoint": "https://id.example.com/device",
        "jwks_uri": "https://keys.example.com/jwks",
        "revocation_endpoint": "https://id.example.com/revoke",
        "introspection_endpoint": "https://id.example.com/introspect",
        "end_session_endpoint": "https://id.example.com/logout",
        "code_challenge_methods_supported": ["plain", "S256"],
        "grant_types_supported": ["authorization_code"],
        "token_endpoint_auth_methods_supported": ["none"],
        "token_endpoint_auth_signing_alg_values_supported": ["ES256"],
        "mtls_endpoint_aliases": {
            "token_endpoint": "https://mtls.example.com/token",
            "introspection_endpoint": "https://mtls.example.com/introspect",
        },
        "response_modes_supported": ["query"],
        "scopes_supported": ["openid", "offline_access"],
        "authorization_response_iss_parameter_supported": true,
        "something_else": { "a": [1] },
    }))
    .unwrap();
    let shown = |url: Option<url::Url>| url.unwrap().to_string();
    assert_eq!(metadata.issuer.as_str(), ISSUER);
    assert_eq!(shown(metadata.authorization_endpoint), "https://id.example.com/authorize?tenant=x");
    assert_eq!(shown(metadata.token_endpoint), "https://token.example.com/");
    assert_eq!(shown(metadata.device_authorization_endpoint), "https://id.example.com/device");
    assert_eq!(shown(metadata.jwks_uri), "https://keys.example.com/jwks");
    assert_eq!(shown(metadata.revocation_endpoint), "https://id.example.com/revoke");
    assert_eq!(shown(metadata.introspection_endpoint), "https://id.example.com/introspect");
    assert_eq!(shown(metadata.end_session_endpoint), "https://id.example.com/logout");
    assert_eq!(metadata.code_challenge_methods, ["plain", "S256"]);
    assert_eq!(metadata.grant_types.unwrap(), ["authorization_code"]);
    assert_eq!(metadata.token_endpoint_auth_methods.unwrap(), ["none"]);
    assert_eq!(metadata.response_modes.unwrap(), ["query"]);
    assert_eq!(metadata.scopes.unwrap(), ["openid", "offline_access"]);
    assert_eq!(metadata.token_endpoint_auth_signing_algorithms.unwrap(), ["ES256"]);
    assert!(metadata.authorization_response_iss_parameter_supported);
    assert!(metadata.mtls_endpoint_aliases.token_endpoint.is_some());
}

#[test]
fn a_client_with_a_certificate_uses_the_aliases_where_there_are_some() {
    let metadata = parse(json!({
        "token_endpoint": "https://id.example.com/token",
        "revocation_endpoint": "https://id.example.com/revoke",
        "grant_types_supported": ["client_credentials"],
        "mtls_endpoint_aliases": { "token_endpoint": "https://mtls.example.com/token" },
    }))
    .unwrap();
    assert!(metadata.knows_grant("client_credentials") && !metadata.knows_grant("password"));
    let metadata = metadata.with_client_certificate();
    let shown = |url: Option<url::Url>| url.map(|url| url.to_string());
    assert_eq!(shown(metadata.token_endpoint).unwrap(), "https://mtls.example.com/token");
    assert_eq!(shown(metadata.revocation_endpoint).unwrap(), "https://id.example.com/revoke");
    let problem =
        parse(json!({ "mtls_endpoint_aliases": { "token_endpoint": "http://x.example" } }));
    assert!(matches!(problem, Err(DiscoveryError::NotHttps { .. })));
}

#[test]
fn what_is_absent_or_null_is_none() {
    let text = format!(r#"{{"issuer":"{ISSUER}","jwks_uri":null,"grant_types_supported":null}}"#);
    let issuer = IssuerUrl::parse(ISSUER).unwrap();
    for metadata in [parse(json!({})), ProviderMetadata::parse(text.as_bytes(), &issuer)] {
        let metadata = metadata.unwrap();
        assert_eq!((metadata.jwks_uri, metadata.token_endpoint), (None, None));
        assert_eq!((metadata.grant_types, metadata.scopes), (None, None));
        assert!(metadata.code_challenge_methods.is_empty());
        assert!(!metadata.authorization_response_iss_parameter_supported);
    }
}

#[test]
fn a_document_about_another_issuer_is_refused() {
    for issuer in ["https://id.example.com/realms/x/", "https://ID.example.com/realms/x", "", "x"] {
        let problem = parse(json!({ "issuer": issuer })).unwrap_err();
        assert_eq!(
            problem.to_string(),
            format!("the discovery document is about issuer `{issuer}`, not `{ISSUER}`")
        );
    }
    for issuer in [json!(null), json!(7), json!([ISSUER])] {
        let problem = parse(json!({ "issuer": issuer })).unwrap_err();
        assert!(matches!(problem, DiscoveryError::WrongIssuer { found, .. } if found.is_empty()));
    }
}

#[test]
fn endpoints_that_secrets_could_leak_to_are_refused() {
    for name in ["authorization_endpoint", "token_endpoint", "jwks_uri", "revocation_endpoint"] {
        for url in [
            "http://id.example.com/",
            "http://127.0.0.1:8080/",
            "http://localhost/",
            "ftp://id.example.com/",
            "file:///etc/passwd",
            "javascript:alert(1)",
        ] {
            let problem = parse(json!({ name: url })).unwrap_err();
            assert!(matches!(problem, DiscoveryError::NotHttps { .. }), "{name} {url}");
        }
        for malformed in [json!("/token"), json!(""), json!(7), json!(["https://x.example"])] {
            let problem = parse(json!({ name: malformed })).unwrap_err();
            assert_eq!(
                problem.to_string(),
                format!("`{name}` in the discovery document is malformed")
            );
        }
    }
    let problem = parse(json!({ "jwks_uri": "http://id.example.com/jwks" })).unwrap_err();
    assert_eq!(
        problem.to_string(),
        "`jwks_uri` in the discovery document is `http://id.example.com/jwks`, which is not \
         `https://`"
    );
}

#[test]
fn an_issuer_on_this_machine_may_use_plain_http_on_this_machine() {
    let issuer = IssuerUrl::parse("http://127.0.0.1:9").unwrap();
    let parse = |jwks: &str| {
        let document = json!({ "issuer": issuer.as_str(), "jwks_uri": jwks }).to_string();
        ProviderMetadata::parse(document.as_bytes(), &issuer)
    };
    assert!(parse("http://127.0.0.1:9/jwks").is_ok());
    assert!(parse("http://id.example.com/jwks").is_err());
}

#[test]
fn malformed_members_and_documents_are_refused() {
    for (name, value) in [
        ("code_challenge_methods_supported", json!("S256")),
        ("grant_types_supported", json!(["authorization_code", 7])),
        ("authorization_response_iss_parameter_supported", json!("true")),
    ] {
        let problem = parse(json!({ name: value })).unwrap_err();
        assert!(matches!(problem, DiscoveryError::Malformed(found) if found == name));
    }
    let issuer = IssuerUrl::parse(ISSUER).unwrap();
    let parse = |text: &str| ProviderMetadata::parse(text.as_bytes(), &issuer).unwrap_err();
    assert!(matches!(parse("<html>"), DiscoveryError::Json(_)));
    assert!(matches!(parse("[]"), DiscoveryError::Json(_)));
    let twice = format!(r#"{{"issuer":"https://evil.example","issuer":"{ISSUER}"}}"#);
    assert!(matches!(parse(&twice), DiscoveryError::Json(_)));
    assert!(matches!(parse(&" ".repeat(1024 * 1024 + 1)), DiscoveryError::TooLong));
}
