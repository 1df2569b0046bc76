//! Tests of `private_key.rs`: every form of a key signs what its public half verifies.
//! Never contains a key that is in use.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::json;

use super::*;
use crate::jose::test_issuer::{self, private_jwk, with};

fn pem(label: &str, der: &[u8]) -> Vec<u8> {
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", STANDARD.encode(der))
        .into_bytes()
}

/// Signs and verifies with the public half.
#[track_caller]
fn works(text: &[u8], algorithm: Algorithm) {
    let key = PrivateKey::parse(text).unwrap();
    let token = key.sign(algorithm, Some("k"), &json!({ "iss": "https://id.example.com" }));
    let public = test_issuer::jwk(algorithm, json!({ "kid": "k" }));
    test_issuer::verify(&token.unwrap(), &test_issuer::key_set(&[public])).unwrap();
}

#[test]
fn every_form_of_a_key_signs() {
    for algorithm in Algorithm::ALL {
        works(&pem("PRIVATE KEY", &test_issuer::pkcs8(algorithm)), algorithm);
        works(private_jwk(algorithm).to_string().as_bytes(), algorithm);
    }
    // A 2048-bit key: the PKCS #1 document begins after 26 bytes of PKCS #8.
    let rsa = test_issuer::pkcs8(Algorithm::Rs256);
    works(&pem("RSA PRIVATE KEY", &rsa[26..]), Algorithm::Rs256);
    for algorithm in [Algorithm::Es256, Algorithm::Es384, Algorithm::Es512] {
        works(&pem("EC PRIVATE KEY", &test_issuer::sec1(algorithm)), algorithm);
    }
    // The parser ignores the text around a PEM section.
    let mut text = b"Bag Attributes\n    localKeyID: 01\n".to_vec();
    text.extend(pem("PRIVATE KEY", &test_issuer::pkcs8(Algorithm::Es256)));
    works(&text, Algorithm::Es256);
}

#[test]
fn the_algorithm_follows_from_the_key_and_the_announcement() {
    let chosen = |key: &Value, announced: Option<&[&str]>| {
        let announced: Option<Vec<String>> =
            announced.map(|names| names.iter().map(ToString::to_string).collect());
        let key = PrivateKey::parse(key.to_string().as_bytes()).unwrap();
        key.algorithm_for(announced.as_deref()).as_str()
    };
    let rsa = private_jwk(Algorithm::Rs256);
    let ec = private_jwk(Algorithm::Es384);
    let fixed = with(rsa.clone(), json!({ "alg": "PS384" }));
    for (key, announced, expected) in [
        (&rsa, None, "RS256"),
        (&rsa, Some(&["PS256", "RS256"][..]), "RS256"),
        (&rsa, Some(&["ES256", "PS256"]), "PS256"),
        (&rsa, Some(&["HS256"]), "RS256"),
        (&fixed, None, "PS384"),
        (&fixed, Some(&["RS256"]), "PS384"),
        (&ec, Some(&["RS256"]), "ES384"),
    ] {
        assert_eq!(chosen(key, announced), expected, "{announced:?}");
    }
}

#[test]
fn the_key_id_is_the_jwks_or_the_given_one() {
    let jwk = with(private_jwk(Algorithm::Es256), json!({ "kid": "own" })).to_string();
    let key = PrivateKey::parse(jwk.as_bytes()).unwrap();
    for (given, expected) in [(None, "own"), (Some("other"), "other")] {
        let token = key.sign(Algorithm::Es256, given, &json!({})).unwrap();
        let token = crate::jose::CompactJws::parse(&token).unwrap();
        assert_eq!(token.header().key_id.as_deref(), Some(expected));
    }
}

#[test]
fn what_is_no_key_is_refused_and_never_shown() {
    let ec = private_jwk(Algorithm::Es256);
    let shown = |text: &[u8]| PrivateKey::parse(text).unwrap_err();
    for (text, expected) in [
        (b"".to_vec(), PrivateKeyError::Form),
        (b"hello".to_vec(), PrivateKeyError::Form),
        (b"{".to_vec(), PrivateKeyError::Form),
        (pem("CERTIFICATE", b"x"), PrivateKeyError::Form),
        (pem("PRIVATE KEY", b"x"), PrivateKeyError::Kind),
        (pem("ENCRYPTED PRIVATE KEY", b"x"), PrivateKeyError::Encrypted),
        (b"{}".to_vec(), PrivateKeyError::Kind),
        (with(ec.clone(), json!({ "d": null })).to_string().into(), PrivateKeyError::Kind),
        (with(ec.clone(), json!({ "crv": "P-521" })).to_string().into(), PrivateKeyError::Kind),
        (with(ec.clone(), json!({ "kty": "oct" })).to_string().into(), PrivateKeyError::Kind),
        (
            with(ec.clone(), json!({ "alg": "ES384" })).to_string().into(),
            PrivateKeyError::Algorithm,
        ),
        (with(ec, json!({ "alg": "none" })).to_string().into(), PrivateKeyError::Algorithm),
    ] {
        assert_eq!(shown(&text), expected, "{}", String::from_utf8_lossy(&text));
    }
    let key = PrivateKey::parse(private_jwk(Algorithm::Es256).to_string().as_bytes()).unwrap();
    assert_eq!(format!("{key:?}"), "PrivateKey { key_id: None, .. }");
    assert_eq!(key.sign(Algorithm::Rs256, None, &json!({})), Err(PrivateKeyError::Sign));
}
