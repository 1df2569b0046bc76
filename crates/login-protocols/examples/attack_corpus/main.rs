//! Regenerates the attack corpus: `cargo run -p login-protocols --example attack_corpus`.
//! Never stores a private key: each run creates new ones, and writes the tokens and public keys
//! that belong together to `tests/vectors/attacks`.
//!
//! The cryptographic library makes the signatures directly, not the code under attack.
//! `login-review` checks each token for its expected reason (`tests/attacks.rs` there).

#![expect(clippy::unwrap_used, reason = "a generator that fails wrote nothing, and is mended")]
#![expect(clippy::disallowed_methods, reason = "the corpus is written in place, for review")]

mod algorithms;
mod claims;
mod documents;
mod encodings;
mod headers;
mod keys;
mod signatures;

use std::path::Path;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use self::keys::Keys;

const ISSUER: &str = "https://id.attacks.example";
const AUDIENCE: &str = "kubernetes";

/// Tokens of the corpus are valid at any time between these two.
const BEGIN: i64 = 1_700_000_000;
const END: i64 = 4_000_000_000;

/// One token: its name, the point of the checklist, the token, and the expected outcome.
struct Case {
    name: String,
    point: &'static str,
    token: String,
    expected: &'static str,
}

fn case(
    name: impl Into<String>,
    point: &'static str,
    token: impl Into<String>,
    expected: &'static str,
) -> Case {
    Case { name: name.into(), point, token: token.into(), expected }
}

fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// `object` with `members` set; members that are `null` are removed.
fn with(mut object: Value, members: &Value) -> Value {
    let own = object.as_object_mut().unwrap();
    for (name, value) in members.as_object().unwrap() {
        if value.is_null() {
            own.remove(name);
        } else {
            own.insert(name.clone(), value.clone());
        }
    }
    object
}

/// The header of a valid token for the P-256 key, with changes.
fn header(members: &Value) -> String {
    with(json!({ "alg": "ES256", "kid": "p256", "typ": "JWT" }), members).to_string()
}

/// The claims of a valid token, with changes.
fn claims(members: &Value) -> String {
    let good = json!({
        "iss": ISSUER, "sub": "mallory", "aud": AUDIENCE,
        "iat": BEGIN, "nbf": BEGIN, "exp": END,
    });
    with(good, members).to_string()
}

fn main() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors/attacks");
    std::fs::create_dir_all(&folder).unwrap();
    let keys = Keys::generate();
    let write = |name: &str, document: Value| {
        let text = serde_json::to_string_pretty(&document).unwrap();
        std::fs::write(folder.join(name), format!("{text}\n")).unwrap();
    };
    let issuer = json!({
        "issuer": ISSUER,
        "audiences": [AUDIENCE],
        "algorithms": ["RS256", "PS256", "ES256", "ES384", "ES512"],
        "jwks": { "keys": keys.published() },
    });
    write("issuer.json", issuer);
    for (name, about, cases) in [
        (
            "algorithms.json",
            "`alg`: confusion, absence, and keys that belong to another",
            algorithms::cases(&keys),
        ),
        (
            "headers.json",
            "the other members of the header: keys offered, extensions, types, key names",
            headers::cases(&keys),
        ),
        (
            "encodings.json",
            "base64url, the three parts, and what surrounds them",
            encodings::cases(&keys),
        ),
        (
            "documents.json",
            "JSON that two readers could understand differently",
            documents::cases(&keys),
        ),
        ("signatures.json", "values that a careless verifier accepts", signatures::cases(&keys)),
        ("claims.json", "issuer, audience, times, names", claims::cases(&keys)),
    ] {
        let cases: Vec<Value> = cases
            .iter()
            .map(|case| {
                json!({
                    "name": case.name, "point": case.point,
                    "token": case.token, "expected": case.expected,
                })
            })
            .collect();
        write(name, json!({ "about": about, "cases": cases }));
    }
}
