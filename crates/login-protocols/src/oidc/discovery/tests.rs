//! Tests of `discovery.rs`.

use login_common::names::IssuerUrl;
use serde_json::{Value, json};

use super::{DiscoveryError, Endpoint, EndpointFault, ProviderMetadata, metadata_url};
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
    let shown = |endpoint: Endpoint| endpoint.used().unwrap().unwrap().to_string();
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
    assert!(metadata.mtls_endpoint_aliases.token_endpoint.is_offered());
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
    let shown = |endpoint: &Endpoint| endpoint.offered().unwrap().to_string();
    assert_eq!(shown(&metadata.token_endpoint), "https://mtls.example.com/token");
    assert_eq!(shown(&metadata.revocation_endpoint), "https://id.example.com/revoke");
    let metadata = parse(json!({
        "token_endpoint": "https://id.example.com/token",
        "mtls_endpoint_aliases": { "token_endpoint": "http://x.example" },
    }))
    .unwrap();
    assert!(metadata.token_endpoint.is_offered(), "whoever shows no certificate uses no alias");
    let used = metadata.with_client_certificate().token_endpoint;
    assert!(matches!(used.used(), Err(EndpointFault::NotHttps { .. })));
}

#[test]
fn what_is_absent_or_null_is_none() {
    let text = format!(
        r#"{{"issuer":"{ISSUER}","jwks_uri":null,"token_endpoint":"","grant_types_supported":null}}"#
    );
    let issuer = IssuerUrl::parse(ISSUER).unwrap();
    for metadata in [parse(json!({})), ProviderMetadata::parse(text.as_bytes(), &issuer)] {
        let metadata = metadata.unwrap();
        assert!(metadata.jwks_uri.is_absent() && metadata.token_endpoint.is_absent());
        assert_eq!((metadata.grant_types, metadata.scopes), (None, None));
        assert!(metadata.code_challenge_methods.is_empty());
        assert!(!metadata.authorization_response_iss_parameter_supported);
    }
}

#[test]
fn a_document_about_another_issuer_is_refused_with_what_to_write() {
    const SAME: &str = "; write exactly `";
    const OTHER: &str = "; if that is the issuer you mean, write exactly `";
    for (issuer, advice) in [
        ("https://id.example.com/realms/x/", SAME),
        ("https://ID.example.com/realms/x", SAME),
        ("https://id.example.com:8443/realms/x", SAME),
        ("https://login.example/realms/x", OTHER),
        ("http://id.example.com/realms/x", ""),
        ("https://login.example/{tenantid}/v2.0", "; it serves several tenants: write the URL"),
        ("", ""),
        ("x", ""),
    ] {
        let problem = parse(json!({ "issuer": issuer })).unwrap_err().to_string();
        let start =
            format!("the discovery document is about issuer `{issuer}`, not `{ISSUER}`{advice}");
        assert!(problem.starts_with(&start), "{problem}");
        let names_it = advice.ends_with('`') && problem.ends_with(&format!("`{issuer}`"));
        assert!(names_it || advice.is_empty() || issuer.contains('{'), "{problem}");
    }
    // The text reaches terminals and logs.
    let odd =
        parse(json!({ "issuer": format!("https://x\u{1b}[31m\n\u{202e}{}", "y".repeat(999)) }));
    let problem = odd.unwrap_err().to_string();
    assert!(!problem.contains(['\u{1b}', '\n', '\u{202e}']) && problem.len() < 600, "{problem}");
    for issuer in [json!(null), json!(7), json!([ISSUER])] {
        let problem = parse(json!({ "issuer": issuer })).unwrap_err();
        assert!(matches!(problem, DiscoveryError::WrongIssuer { found, .. } if found.is_empty()));
    }
}

/// An endpoint of a document, by the name of its member.
fn endpoint<'m>(metadata: &'m ProviderMetadata, name: &str) -> &'m Endpoint {
    match name {
        "authorization_endpoint" => &metadata.authorization_endpoint,
        "token_endpoint" => &metadata.token_endpoint,
        "device_authorization_endpoint" => &metadata.device_authorization_endpoint,
        "jwks_uri" => &metadata.jwks_uri,
        "revocation_endpoint" => &metadata.revocation_endpoint,
        "introspection_endpoint" => &metadata.introspection_endpoint,
        "end_session_endpoint" => &metadata.end_session_endpoint,
        _ => panic!("{name}"),
    }
}

const ENDPOINTS: [&str; 7] = [
    "authorization_endpoint",
    "token_endpoint",
    "device_authorization_endpoint",
    "jwks_uri",
    "revocation_endpoint",
    "introspection_endpoint",
    "end_session_endpoint",
];

#[test]
fn an_endpoint_that_secrets_could_leak_to_is_refused_by_whoever_uses_it_and_by_nobody_else() {
    let insecure = [
        "http://id.example.com/",
        "http://127.0.0.1:8080/",
        "http://localhost/",
        "ftp://id.example.com/",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "urn:kubernetes:programmatic_authorization",
    ];
    let malformed = [json!("/token"), json!(7), json!(["https://x.example"]), json!({})];
    let whole = |name: &str, value: Value| {
        let all: serde_json::Map<String, Value> = ENDPOINTS
            .map(|name| (name.to_owned(), json!("https://id.example.com/x")))
            .into_iter()
            .collect();
        parse(with(Value::Object(all), json!({ name: value }))).unwrap()
    };
    for name in ENDPOINTS {
        let others_work = |metadata: &ProviderMetadata| {
            let mut others = ENDPOINTS.iter().filter(|other| **other != name);
            others.all(|other| endpoint(metadata, other).used().unwrap().is_some())
        };
        for url in insecure {
            let metadata = whole(name, json!(url));
            let fault = endpoint(&metadata, name).used().unwrap_err();
            assert!(matches!(fault, EndpointFault::NotHttps { .. }), "{name} {url}");
            assert!(others_work(&metadata) && !endpoint(&metadata, name).is_offered());
        }
        for value in &malformed {
            let metadata = whole(name, value.clone());
            let fault = endpoint(&metadata, name).used().unwrap_err();
            assert_eq!(
                fault.to_string(),
                format!("`{name}` in the discovery document is malformed")
            );
            assert!(others_work(&metadata) && !endpoint(&metadata, name).is_absent());
        }
    }
    let metadata = parse(json!({ "jwks_uri": "http://id.example.com/jwks" })).unwrap();
    assert_eq!(
        metadata.jwks_uri.used().unwrap_err().to_string(),
        "`jwks_uri` in the discovery document is `http://id.example.com/jwks`, which is not \
         `https://`"
    );
}

#[test]
fn an_issuer_on_this_machine_may_use_plain_http_on_this_machine() {
    let issuer = IssuerUrl::parse("http://127.0.0.1:9").unwrap();
    let is_usable = |jwks: &str| {
        let document = json!({ "issuer": issuer.as_str(), "jwks_uri": jwks }).to_string();
        ProviderMetadata::parse(document.as_bytes(), &issuer).unwrap().jwks_uri.is_offered()
    };
    assert!(is_usable("http://127.0.0.1:9/jwks"));
    assert!(!is_usable("http://id.example.com/jwks"));
}

#[test]
fn a_malformed_list_says_nothing_and_a_malformed_demand_is_one() {
    let metadata = parse(json!({
        "code_challenge_methods_supported": "S256",
        "grant_types_supported": ["authorization_code", 7],
        "scopes_supported": { "openid": true },
        "response_modes_supported": 7,
        "mtls_endpoint_aliases": ["https://x.example"],
    }))
    .unwrap();
    assert!(metadata.code_challenge_methods.is_empty());
    assert_eq!(metadata.grant_types.unwrap(), ["authorization_code"]);
    assert_eq!((metadata.scopes, metadata.response_modes), (None, None));
    assert!(metadata.mtls_endpoint_aliases.token_endpoint.is_absent());
    for (value, is_demanded) in [
        (json!(true), true),
        (json!("true"), true),
        (json!(1), true),
        (json!(false), false),
        (json!(null), false),
    ] {
        let name = "authorization_response_iss_parameter_supported";
        let metadata = parse(json!({ name: value })).unwrap();
        assert_eq!(metadata.authorization_response_iss_parameter_supported, is_demanded, "{value}");
    }
}

#[test]
fn what_is_no_document_is_refused_and_only_what_is_used_must_be_there_once() {
    let issuer = IssuerUrl::parse(ISSUER).unwrap();
    let parse = |text: &str| ProviderMetadata::parse(text.as_bytes(), &issuer);
    for text in ["<html>", "[]", "", "{", &format!(r#"{{"issuer":"{ISSUER}"}} x"#)] {
        assert!(matches!(parse(text), Err(DiscoveryError::Json(_))), "{text}");
    }
    let twice = format!(r#"{{"issuer":"https://evil.example","issuer":"{ISSUER}"}}"#);
    assert!(matches!(parse(&twice), Err(DiscoveryError::TwoIssuers)));
    let too_long = format!("{{{}}}", " ".repeat(1024 * 1024));
    assert!(matches!(parse(&too_long), Err(DiscoveryError::TooLong)));
    let text = format!(
        "\u{feff}{{\"issuer\":\"{ISSUER}\",\"x\":1,\"x\":{{\"y\":1,\"y\":2}},\
         \"token_endpoint\":\"https://a.example/\",\"token_endpoint\":\"https://b.example/\",\
         \"jwks_uri\":\"https://a.example/\"}}"
    );
    let metadata = parse(&text).unwrap();
    assert!(metadata.jwks_uri.is_offered());
    assert_eq!(metadata.token_endpoint.used(), Err(EndpointFault::Twice("token_endpoint")));
}
