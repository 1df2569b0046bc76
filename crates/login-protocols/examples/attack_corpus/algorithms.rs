//! Attacks on `alg`: confusion, absence, and keys that belong to another algorithm.
//! Never without controls: a verifier that refuses everything must not pass.

use aws_lc_rs::hmac;
use serde_json::json;

use super::{
    Case, case, claims, encode, header,
    keys::{Keys, SHARED, Signer, mac},
};

pub(crate) fn cases(keys: &Keys) -> Vec<Case> {
    let mut cases = accepted(keys);
    cases.extend(unsigned(keys));
    cases.extend(symmetric(keys));
    cases.extend(of_another_key(keys));
    cases.extend(unknown(keys));
    cases
}

/// Controls: without them a verifier that refuses everything would pass.
fn accepted(keys: &Keys) -> Vec<Case> {
    [
        ("RS256", "rsa", Signer::Rs256),
        ("PS256", "rsa", Signer::Ps256),
        ("ES256", "p256", Signer::Es256),
        ("ES384", "p384", Signer::Es384),
        ("ES512", "p521", Signer::Es512),
    ]
    .into_iter()
    .map(|(alg, kid, signer)| {
        let header = header(&json!({ "alg": alg, "kid": kid }));
        let token = keys.sign(signer, &header, &claims(&json!({})));
        case(format!("control: {alg}"), "b11", token, "accepted")
    })
    .collect()
}

fn unsigned(keys: &Keys) -> Vec<Case> {
    let names = ["none", "None", "NONE", "nOnE", "none ", "", "null"];
    names
        .into_iter()
        .flat_map(|name| {
            let token = keys.with_header(&json!({ "alg": name }));
            let (input, _) = token.rsplit_once('.').unwrap();
            [
                case(
                    format!("alg `{name}` without a signature"),
                    "b11",
                    format!("{input}."),
                    "algorithm",
                ),
                case(format!("alg `{name}` with the signature kept"), "b11", token, "algorithm"),
            ]
        })
        .chain([
            case("no alg", "b11", keys.with_header(&json!({ "alg": null })), "header"),
            case("alg a number", "b11", keys.with_header(&json!({ "alg": 256 })), "header"),
            case("alg a list", "b11", keys.with_header(&json!({ "alg": ["ES256"] })), "header"),
            case(
                "alg an object",
                "b11",
                keys.with_header(&json!({ "alg": { "ES256": 1 } })),
                "header",
            ),
            case("alg true", "b11", keys.with_header(&json!({ "alg": true })), "header"),
        ])
        .collect()
}

/// The issuer's public key as the secret of an HMAC.
fn symmetric(keys: &Keys) -> Vec<Case> {
    let ec = keys.jwk(Signer::Es256).to_string().into_bytes();
    let x = keys.coordinate().into_bytes();
    let set = json!({ "keys": keys.published() }).to_string().into_bytes();
    let pem = keys.rsa_pem();
    [
        ("HS256", "the EC key as JWK", "p256", ec),
        ("HS256", "the EC point", "p256", keys.point()),
        ("HS256", "the text of `x`", "p256", x),
        ("HS256", "the RSA key as DER", "rsa", keys.rsa_der()),
        ("HS256", "the RSA key as PEM", "rsa", pem.clone().into_bytes()),
        ("HS256", "the RSA key as PEM without its last line feed", "rsa", pem.trim_end().into()),
        ("HS256", "the RSA modulus", "rsa", keys.rsa_modulus()),
        ("HS384", "the RSA key as PEM", "rsa", pem.clone().into_bytes()),
        ("HS512", "the whole key set", "rsa", set),
        ("HS512", "the RSA key as PEM", "rs256-only", pem.into_bytes()),
        ("HS256", "nothing", "p256", Vec::new()),
        ("HS256", "a published symmetric key", "oct", SHARED.to_vec()),
        ("HS256", "the bytes that an unknown file gives", "/dev/null", Vec::new()),
    ]
    .into_iter()
    .map(|(alg, what, kid, secret)| {
        let algorithm = match alg {
            "HS384" => hmac::HMAC_SHA384,
            "HS512" => hmac::HMAC_SHA512,
            _ => hmac::HMAC_SHA256,
        };
        let token = mac(algorithm, &secret, &json!({ "alg": alg, "kid": kid, "typ": "JWT" }));
        case(format!("{alg} keyed with {what}"), "b11", token, "algorithm")
    })
    .collect()
}

fn of_another_key(keys: &Keys) -> Vec<Case> {
    [
        ("PS256 announced, PKCS #1 used", "PS256", "rsa", Signer::Rs256, "signature"),
        ("RS256 announced, PSS used", "RS256", "rsa", Signer::Ps256, "signature"),
        ("RS256 announced, SHA-384 used", "RS256", "rsa", Signer::Rs384, "signature"),
        ("RS256 announced, SHA-512 used", "RS256", "rsa", Signer::Rs512, "signature"),
        ("ES256 with the P-384 key", "ES256", "p384", Signer::Es384, "key_algorithm"),
        ("ES384 with the P-256 key", "ES384", "p256", Signer::Es256, "key_algorithm"),
        ("ES512 with the P-256 key", "ES512", "p256", Signer::Es256, "key_algorithm"),
        ("ES256 with the name of the RSA key", "ES256", "rsa", Signer::Es256, "key_algorithm"),
        ("RS256 with the name of the EC key", "RS256", "p256", Signer::Rs256, "key_algorithm"),
        (
            "PS256 with a key bound to RS256",
            "PS256",
            "rs256-only",
            Signer::BoundPs256,
            "key_algorithm",
        ),
        ("RS384, which the issuer is not trusted with", "RS384", "rsa", Signer::Rs384, "algorithm"),
        ("RS512, which the issuer is not trusted with", "RS512", "rsa", Signer::Rs512, "algorithm"),
        ("RS256 by the attacker", "RS256", "rsa", Signer::AttackerRsa, "signature"),
        ("ES256 by the attacker", "ES256", "p256", Signer::Attacker, "signature"),
    ]
    .into_iter()
    .map(|(name, alg, kid, signer, expected)| {
        let header = header(&json!({ "alg": alg, "kid": kid }));
        case(name, "b11", keys.sign(signer, &header, &claims(&json!({}))), expected)
    })
    .collect()
}

fn unknown(keys: &Keys) -> Vec<Case> {
    let names = [
        "es256",
        "Es256",
        "ES256 ",
        " ES256",
        "ES256\u{0}",
        "ES256\n",
        "ES256K",
        "ES256-R",
        "EdDSA",
        "Ed25519",
        "RSA1_5",
        "RSA-OAEP",
        "dir",
        "A128KW",
        "HS1",
        "RS1",
        "ML-DSA-65",
    ];
    names
        .into_iter()
        .map(|name| {
            let token = keys.with_header(&json!({ "alg": name }));
            case(format!("alg {name:?}"), "b11", token, "algorithm")
        })
        .chain([
            case(
                "a password hash that would take for ever",
                "b11",
                keys.with_header(&json!({
                    "alg": "PBES2-HS512+A256KW", "p2c": 2_147_483_647, "p2s": encode([1; 8]),
                })),
                "algorithm",
            ),
            case(
                "EdDSA with a published Ed25519 key",
                "b16",
                keys.with_header(&json!({ "alg": "EdDSA", "kid": "okp" })),
                "algorithm",
            ),
        ])
        .collect()
}
