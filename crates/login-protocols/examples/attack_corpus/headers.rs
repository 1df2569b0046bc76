//! Attacks on the other members of the header: embedded keys, extensions, types, key names.
//! Never a header that is merely unusual, except for the controls.

use serde_json::{Value, json};

use super::{
    Case, case, claims, encode, header,
    keys::{Keys, Signer},
    with,
};

pub(crate) fn cases(keys: &Keys) -> Vec<Case> {
    let mut cases = offered_keys(keys);
    cases.extend(extensions(keys));
    cases.extend(types(keys));
    cases.extend(key_names(keys));
    cases.extend(unusable_keys(keys));
    cases
}

/// CVE-2018-0114 and variants: the token contains the key that it is signed with.
fn offered_keys(keys: &Keys) -> Vec<Case> {
    let own = keys.jwk(Signer::Attacker);
    let named = with(own.clone(), &json!({ "kid": "p256" }));
    [
        ("jwk under a trusted name", json!({ "jwk": named }), "signature"),
        ("jwk under its own name", json!({ "jwk": own, "kid": "evil" }), "unknown_key"),
        ("jwk without a name", json!({ "jwk": own, "kid": null }), "signature"),
        ("jku", json!({ "jku": "https://evil.example/keys" }), "signature"),
        (
            "jku with an unknown name",
            json!({ "jku": "https://evil.example/keys", "kid": "evil" }),
            "unknown_key",
        ),
        (
            "jku to metadata",
            json!({ "jku": "http://169.254.169.254/latest", "kid": "evil" }),
            "unknown_key",
        ),
        ("x5u", json!({ "x5u": "https://evil.example/chain.pem" }), "signature"),
        ("x5c", json!({ "x5c": ["MIIBIjAN"] }), "signature"),
        ("x5t", json!({ "x5t": encode([1; 20]), "x5t#S256": encode([1; 32]) }), "signature"),
        ("jwk that is a symmetric key", json!({ "jwk": { "kty": "oct", "k": "" } }), "signature"),
        ("jwk that is a text", json!({ "jwk": "p256" }), "signature"),
    ]
    .into_iter()
    .map(|(name, members, expected)| {
        let token = keys.sign(Signer::Attacker, &header(&members), &claims(&json!({})));
        case(format!("offered: {name}"), "b12", token, expected)
    })
    .chain([case(
        "control: an offered address beside a good signature is not read",
        "b12",
        keys.with_header(&json!({ "jku": "https://evil.example/keys" })),
        "accepted",
    )])
    .collect()
}

fn extensions(keys: &Keys) -> Vec<Case> {
    let mut cases: Vec<Case> = [
        ("crit", json!({ "crit": ["exp"], "exp": 1 })),
        ("crit with an unknown extension", json!({ "crit": ["x"], "x": true })),
        ("empty crit", json!({ "crit": [] })),
        ("crit a text", json!({ "crit": "b64" })),
        ("b64 false", json!({ "b64": false })),
        ("b64 true", json!({ "b64": true })),
        ("b64 with crit", json!({ "b64": false, "crit": ["b64"] })),
        ("zip", json!({ "zip": "DEF" })),
        ("enc", json!({ "enc": "A256GCM" })),
    ]
    .into_iter()
    .map(|(name, members)| {
        case(format!("extension: {name}"), "b12", keys.with_header(&members), "header")
    })
    .collect();
    let null = r#"{"alg":"ES256","kid":"p256","crit":null}"#;
    let inner = keys.good();
    let unencoded = format!(
        "{}.{}",
        encode(header(&json!({ "b64": false }))),
        claims(&json!({})).replace('.', "")
    );
    let unencoded_signature = encode(keys.signature(Signer::Es256, unencoded.as_bytes()));
    let long = header(&json!({ "x5c": ["x".repeat(8192)] }));
    cases.extend([
        case(
            "control: crit null, which is absent",
            "b12",
            keys.sign(Signer::Es256, null, &claims(&json!({}))),
            "accepted",
        ),
        case(
            "control: a content type beside claims",
            "b12",
            keys.with_header(&json!({ "cty": "JWT" })),
            "accepted",
        ),
        case(
            "a token within a token",
            "b12",
            keys.sign(Signer::Es256, &header(&json!({})), &inner),
            "malformed",
        ),
        case(
            "a token within a token, announced",
            "b12",
            keys.sign(Signer::Es256, &header(&json!({ "cty": "JWT" })), &inner),
            "malformed",
        ),
        case(
            "a payload that is not encoded",
            "b12",
            format!("{unencoded}.{unencoded_signature}"),
            "header",
        ),
        case(
            "control: a header with a chain of certificates",
            "b10",
            keys.sign(Signer::Es256, &long, &claims(&json!({}))),
            "accepted",
        ),
    ]);
    cases
}

fn types(keys: &Keys) -> Vec<Case> {
    let refused = [
        "logout+jwt",
        "secevent+jwt",
        "dpop+jwt",
        "kb+jwt",
        "application/logout+jwt",
        "LOGOUT+JWT",
        "token-introspection+jwt",
        "oauth-authz-req+jwt",
        "oauth-client-attestation+jwt",
        "entity-statement+jwt",
        "vc+sd-jwt",
        "passport",
        "JWE",
        "JOSE+JSON",
        "text/JWT",
        " JWT",
        "JWT\u{0}",
    ];
    refused
        .into_iter()
        .map(|name| (name, "token_type"))
        .chain([("JOSE", "accepted"), ("", "accepted"), ("JWT", "accepted"), ("jwt", "accepted"), ("at+jwt", "accepted"), ("application/at+JWT", "accepted")])
        .map(|(name, expected)| {
            let token = keys.with_header(&json!({ "typ": name }));
            case(format!("typ {name:?}"), "b13", token, expected)
        })
        .chain([
            case("control: no typ", "b13", keys.with_header(&json!({ "typ": null })), "accepted"),
            case("typ a list", "b13", keys.with_header(&json!({ "typ": ["JWT"] })), "header"),
            case("typ a number", "b13", keys.with_header(&json!({ "typ": 1 })), "header"),
            case("a logout token by its claims", "b13", keys.with_claims(&json!({ "events": { "http://schemas.openid.net/event/backchannel-logout": {} } })), "token_type"),
            case("an empty list of events", "b13", keys.with_claims(&json!({ "events": [] })), "token_type"),
        ])
        .collect()
}

fn key_names(keys: &Keys) -> Vec<Case> {
    let names: [(&str, Value, &str); 20] = [
        ("unknown", json!("p257"), "unknown_key"),
        ("in capitals", json!("P256"), "unknown_key"),
        ("with a space before", json!(" p256"), "unknown_key"),
        ("with a space after", json!("p256 "), "unknown_key"),
        ("with NUL", json!("p256\u{0}"), "unknown_key"),
        ("with NUL and more", json!("p256\u{0}.pem"), "unknown_key"),
        ("a path", json!("../../../../dev/null"), "unknown_key"),
        ("a path to a secret", json!("/proc/self/environ"), "unknown_key"),
        ("a URL", json!("https://evil.example/key"), "unknown_key"),
        ("SQL", json!("' UNION SELECT 'p256' --"), "unknown_key"),
        ("a command", json!("$(touch /tmp/x)"), "unknown_key"),
        ("a look-alike", json!("р256"), "unknown_key"),
        ("empty, which is absent (control)", json!(""), "accepted"),
        ("of 1024 bytes", json!("k".repeat(1024)), "unknown_key"),
        ("of 1025 bytes", json!("k".repeat(1025)), "header"),
        ("a number", json!(256), "header"),
        ("a list", json!(["p256"]), "header"),
        ("an object", json!({ "p256": true }), "header"),
        ("true", json!(true), "header"),
        ("shared by two keys (control)", json!("same"), "accepted"),
    ];
    let mut cases: Vec<Case> = names
        .into_iter()
        .map(|(name, kid, expected)| {
            case(format!("kid {name}"), "b14", keys.with_header(&json!({ "kid": kid })), expected)
        })
        .collect();
    let kid_null = r#"{"alg":"ES256","kid":null}"#;
    let es384 = header(&json!({ "alg": "ES384", "kid": null }));
    let rs256 = header(&json!({ "alg": "RS256", "kid": null }));
    let shared = header(&json!({ "kid": "same" }));
    cases.extend([
        case(
            "control: no kid, and one of several keys fits",
            "b14",
            keys.with_header(&json!({ "kid": null })),
            "accepted",
        ),
        case(
            "control: no kid, and one of several RSA keys fits",
            "b14",
            keys.sign(Signer::Rs256, &rs256, &claims(&json!({}))),
            "accepted",
        ),
        case(
            "control: no kid, and one of several P-384 keys fits",
            "b14",
            keys.sign(Signer::Es384, &es384, &claims(&json!({}))),
            "accepted",
        ),
        case(
            "no kid, and the signature is nobody's",
            "b14",
            keys.sign(Signer::Attacker, &header(&json!({ "kid": null })), &claims(&json!({}))),
            "signature",
        ),
        case(
            "control: kid null, which is absent",
            "b14",
            keys.sign(Signer::Es256, kid_null, &claims(&json!({}))),
            "accepted",
        ),
        case(
            "the attacker's signature under a shared name",
            "b14",
            keys.sign(Signer::Attacker, &shared, &claims(&json!({}))),
            "signature",
        ),
    ]);
    let es512 = header(&json!({ "alg": "ES512", "kid": null }));
    cases.push(case(
        "control: no kid, and one key can be meant",
        "b14",
        keys.sign(Signer::Es512, &es512, &claims(&json!({}))),
        "accepted",
    ));
    cases
}

/// Published keys that must not be used. Those that can sign did sign.
fn unusable_keys(keys: &Keys) -> Vec<Case> {
    [
        ("whose private half is published", "ES256", "leaked", Signer::Leaked),
        ("for encryption", "ES256", "encryption", Signer::Encryption),
        ("with 1024 bits", "RS256", "weak", Signer::AttackerRsa),
        ("with exponent 1", "RS256", "exponent-one", Signer::AttackerRsa),
        ("off its curve", "ES256", "off-curve", Signer::Es256),
        ("with another curve's name", "ES384", "wrong-curve", Signer::Es256),
        ("with another curve's name, used for its own", "ES256", "wrong-curve", Signer::Es256),
        ("that is symmetric", "ES256", "oct", Signer::Es256),
        ("that is of Ed25519", "ES256", "okp", Signer::Es256),
    ]
    .into_iter()
    .map(|(name, alg, kid, signer)| {
        let header = header(&json!({ "alg": alg, "kid": kid }));
        let token = keys.sign(signer, &header, &claims(&json!({})));
        case(format!("a key {name}"), "b16", token, "unusable_key")
    })
    .collect()
}
