//! Tests of `token.rs`: one valid token, and every way to invalidate it.
//! Never breaks two things at once: the reason must be the intended one.

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _},
};
use login_common::{names::IssuerUrl, time::UnixTime};
use serde_json::{Value, json};

use super::{Expectations, TokenRefusal, verify};
use crate::{
    jose::{
        Algorithm, CompactJws, JoseError, KeyProblem, KeySet, MAX_TOKEN_LENGTH, base64url,
        test_issuer::{jwk, key_set, sign, sign_encoded, with},
    },
    oidc::claims::ClaimsError,
};

const NOW: i64 = 1_800_000_000;
const ISSUER: &str = "https://id.example.com";
const ALGORITHMS: [Algorithm; 3] = [Algorithm::Rs256, Algorithm::Es256, Algorithm::Ps384];

#[derive(Debug, PartialEq)]
enum Refused {
    Jose(JoseError),
    Token(TokenRefusal),
}

fn keys() -> KeySet {
    key_set(&[
        jwk(Algorithm::Rs256, json!({ "kid": "rsa" })),
        jwk(Algorithm::Es256, json!({ "kid": "p256" })),
        jwk(Algorithm::Es384, json!({ "kid": "p384" })),
    ])
}

/// The expiry of an accepted token, in seconds, or why it is refused.
fn check(token: &str, keys: &KeySet) -> Result<i64, Refused> {
    let issuer = IssuerUrl::parse(ISSUER).unwrap();
    let audiences = ["kubernetes".to_owned(), "second".to_owned()];
    let expected = Expectations { issuer: &issuer, audiences: &audiences, algorithms: &ALGORITHMS };
    let token = CompactJws::parse(token).map_err(Refused::Jose)?;
    let verified =
        verify(&token, keys, &expected, UnixTime::from_seconds(NOW)).map_err(Refused::Token)?;
    assert_eq!(verified.claims.issuer(), Some(ISSUER));
    Ok(verified.expires_at.as_seconds())
}

fn header(members: Value) -> String {
    with(json!({ "alg": "ES256", "kid": "p256", "typ": "JWT" }), members).to_string()
}

fn claims(members: Value) -> String {
    let good = json!({
        "iss": ISSUER, "sub": "alice", "aud": "kubernetes",
        "iat": NOW - 10, "nbf": NOW - 10, "exp": NOW + 600,
    });
    with(good, members).to_string()
}

fn with_header(members: Value) -> String {
    sign(Algorithm::Es256, &header(members), &claims(json!({})))
}

fn with_claims(members: Value) -> String {
    sign(Algorithm::Es256, &header(json!({})), &claims(members))
}

/// A token with valid claims and this header.
fn text_header(header: &str) -> String {
    sign(Algorithm::Es256, header, &claims(json!({})))
}

/// A token with a valid header, and with `members` instead of `sub` and of times other than `exp`.
fn text_claims(members: &str) -> String {
    let exp = NOW + 600;
    let claims = format!(r#"{{"iss":"{ISSUER}","aud":"kubernetes","exp":{exp},{members}}}"#);
    sign(Algorithm::Es256, &header(json!({})), &claims)
}

fn many_audiences(count: usize) -> Vec<String> {
    let others = (1..count).map(|number| format!("client-{number}"));
    others.chain(["kubernetes".to_owned()]).collect()
}

fn good() -> String {
    with_header(json!({}))
}

#[test]
fn good_tokens_are_accepted_until_they_expire() {
    let rsa = json!({ "alg": "RS256", "kid": "rsa" });
    let pss = json!({ "alg": "PS384", "kid": "rsa" });
    for (what, token) in [
        ("plain", good()),
        ("RS256", sign(Algorithm::Rs256, &header(rsa), &claims(json!({})))),
        ("PS384", sign(Algorithm::Ps384, &header(pss), &claims(json!({})))),
        ("no kid, one P-256 key", with_header(json!({ "kid": null }))),
        ("no typ", with_header(json!({ "typ": null }))),
        ("small typ", with_header(json!({ "typ": "jwt" }))),
        ("long typ", with_header(json!({ "typ": "application/JWT" }))),
        ("access token", with_header(json!({ "typ": "at+jwt" }))),
        ("long access token", with_header(json!({ "typ": "Application/AT+JWT" }))),
        ("unknown header", with_header(json!({ "nonce": "x", "x5t": "y" }))),
        ("offered keys are not read", with_header(json!({ "jku": "https://evil.example.com" }))),
        ("no iat, no nbf", with_claims(json!({ "iat": null, "nbf": null }))),
        ("no sub", with_claims(json!({ "sub": null }))),
        ("old Keycloak", with_claims(json!({ "nbf": 0 }))),
        ("audience list", with_claims(json!({ "aud": ["other", "second"] }))),
        ("100 audiences", with_claims(json!({ "aud": many_audiences(100) }))),
        ("null among the audiences", with_claims(json!({ "aud": [null, "kubernetes"] }))),
        ("type JOSE", with_header(json!({ "typ": "JOSE" }))),
        ("empty typ", with_header(json!({ "typ": "" }))),
        ("cty", with_header(json!({ "cty": "JWT" }))),
        ("cty of another type", with_header(json!({ "cty": 5 }))),
        ("empty kid", with_header(json!({ "kid": "" }))),
        (
            "null kid, typ, cty, crit, b64",
            text_header(
                r#"{"alg":"ES256","kid":null,"typ":null,"cty":null,"crit":null,"b64":null,"zip":null}"#,
            ),
        ),
        (
            "null nbf, iat, events, sub",
            text_claims("\"nbf\":null,\"iat\":null,\"events\":null,\"sub\":null"),
        ),
        (
            "times as texts",
            with_claims(json!({
                "exp": (NOW + 600).to_string(), "nbf": NOW.to_string(), "iat": NOW.to_string(),
            })),
        ),
        ("a long header", with_header(json!({ "x5c": ["x".repeat(8000)] }))),
        ("fraction", with_claims(json!({ "exp": 1_800_000_600.9 }))),
        ("nbf at the end of the leeway", with_claims(json!({ "nbf": NOW + 60 }))),
        ("iat an hour ahead", with_claims(json!({ "iat": NOW + 3600 }))),
        ("iat after exp", with_claims(json!({ "iat": NOW + 601 }))),
        ("negative nbf", with_claims(json!({ "nbf": -1 }))),
    ] {
        assert_eq!(check(&token, &keys()), Ok(NOW + 600), "{what}");
    }
    assert_eq!(check(&with_claims(json!({ "exp": NOW + 1 })), &keys()), Ok(NOW + 1));
}

#[test]
fn spoiled_tokens_are_refused_for_the_right_reason() {
    let mut cases = shapes();
    cases.extend(headers());
    cases.extend(payloads());
    cases.extend(signatures());
    assert!(cases.len() >= 40, "{}", cases.len());
    for (what, token, expected) in cases {
        assert_eq!(check(&token, &keys()), Err(expected), "{what}");
    }
}

type Cases = Vec<(&'static str, String, Refused)>;

fn shapes() -> Cases {
    let good = good();
    let parts: Vec<&str> = good.split('.').collect();
    let [head, body, signature] = parts[..] else { panic!("three parts") };
    let jose = Refused::Jose;
    let base64 = |name| Refused::Jose(JoseError::Base64(name));
    let signed = |head: &str, body: &str| sign_encoded(Algorithm::Es256, head, body);
    vec![
        ("empty", String::new(), jose(JoseError::Shape)),
        ("opaque", "klr_abc".to_owned(), jose(JoseError::Shape)),
        ("two parts", format!("{head}.{body}"), jose(JoseError::Shape)),
        ("four parts", format!("{good}.x"), jose(JoseError::Shape)),
        ("five parts: JWE", format!("{head}....{signature}"), jose(JoseError::Shape)),
        ("dots", ".".repeat(MAX_TOKEN_LENGTH), jose(JoseError::Shape)),
        (
            "one byte too long",
            "a".repeat(MAX_TOKEN_LENGTH + 1),
            jose(JoseError::TooLong(MAX_TOKEN_LENGTH)),
        ),
        ("no header", format!(".{body}.{signature}"), jose(not_an_object())),
        ("no payload", format!("{head}..{signature}"), payload_problem()),
        ("padding in the header", signed(&format!("{head}=="), body), base64("header")),
        ("padding in the payload", signed(head, &format!("{body}=")), base64("payload")),
        ("padding in the signature", format!("{good}=="), base64("signature")),
        ("a space before", format!(" {good}"), base64("header")),
        ("a line feed after", format!("{good}\n"), base64("signature")),
        ("a space in the payload", signed(head, &format!("{body} ")), base64("payload")),
        ("the other base64 alphabet", signed(&format!("{head}+/"), body), base64("header")),
        // 64 bytes leave four bits of the last letter unused; they must be zero.
        ("trailing bits", trailing_bit(&good), base64("signature")),
        ("not ASCII", format!("{head}.{body}\u{e9}.{signature}"), base64("payload")),
        ("JSON serialization", format!("{{\"payload\":\"{body}\"}}"), jose(JoseError::Shape)),
    ]
}

fn headers() -> Cases {
    let refused = |reason| Refused::Jose(JoseError::Header(reason));
    let algorithm = |name: &str| Refused::Jose(JoseError::Algorithm(name.to_owned()));
    let type_ = || Refused::Token(TokenRefusal::TokenType);
    let text = |text: &str| sign(Algorithm::Es256, text, &claims(json!({})));
    vec![
        ("not JSON", text("ES256"), Refused::Jose(not_an_object())),
        ("an array", text("[]"), Refused::Jose(not_an_object())),
        ("not UTF-8", sign_encoded(Algorithm::Es256, "_w", "e30"), Refused::Jose(not_an_object())),
        ("alg twice", text(r#"{"alg":"ES256","alg":"ES256"}"#), Refused::Jose(not_an_object())),
        ("bytes after", text(r#"{"alg":"ES256"}{}"#), Refused::Jose(not_an_object())),
        ("no alg", with_header(json!({ "alg": null })), refused("`alg` is missing")),
        ("ALG", text(r#"{"ALG":"ES256"}"#), refused("`alg` is missing")),
        ("alg a number", with_header(json!({ "alg": 256 })), refused("`alg` is not a text")),
        ("alg none", with_header(json!({ "alg": "none" })), algorithm("none")),
        (
            "alg none without a signature",
            format!("{}.", with_header(json!({ "alg": "none" })).rsplit_once('.').unwrap().0),
            algorithm("none"),
        ),
        ("alg nOnE", with_header(json!({ "alg": "nOnE" })), algorithm("nOnE")),
        ("alg empty", with_header(json!({ "alg": "" })), algorithm("")),
        ("alg EdDSA", with_header(json!({ "alg": "EdDSA" })), algorithm("EdDSA")),
        ("alg ES256K", with_header(json!({ "alg": "ES256K" })), algorithm("ES256K")),
        ("alg es256", with_header(json!({ "alg": "es256" })), algorithm("es256")),
        (
            "alg made to be shown",
            with_header(json!({ "alg": "`\u{1b}[31m a much longer text" })),
            algorithm("??[31m?a?much?lo"),
        ),
        ("crit", with_header(json!({ "crit": ["exp"] })), Refused::Jose(JoseError::Critical)),
        ("empty crit", with_header(json!({ "crit": [] })), Refused::Jose(JoseError::Critical)),
        ("b64", with_header(json!({ "b64": true })), refused("`b64` is not supported")),
        ("zip", with_header(json!({ "zip": "DEF" })), refused("`zip` is not supported")),
        ("enc", with_header(json!({ "enc": "A128GCM" })), refused("`enc` is not supported")),
        ("kid a number", with_header(json!({ "kid": 1 })), refused("`kid` is not a text")),
        (
            "kid too long",
            with_header(json!({ "kid": "k".repeat(1025) })),
            refused("`kid` is longer than 1024 bytes"),
        ),
        ("typ a list", with_header(json!({ "typ": ["JWT"] })), refused("`typ` is not a text")),
        ("typ logout", with_header(json!({ "typ": "logout+jwt" })), type_()),
        ("typ secevent", with_header(json!({ "typ": "secevent+jwt" })), type_()),
        ("typ dpop", with_header(json!({ "typ": "dpop+jwt" })), type_()),
        ("typ key binding", with_header(json!({ "typ": "kb+jwt" })), type_()),
        ("typ introspection", with_header(json!({ "typ": "token-introspection+jwt" })), type_()),
        ("typ of another tree", with_header(json!({ "typ": "text/JWT" })), type_()),
    ]
}

fn payloads() -> Cases {
    use TokenRefusal as T;
    let text = |text: &str| sign(Algorithm::Es256, &header(json!({})), text);
    let good = claims(json!({}));
    let twice = format!("{},\"iss\":\"{ISSUER}\"}}", good.trim_end_matches('}'));
    let null_expiry = good.replace(&format!("\"exp\":{}", NOW + 600), "\"exp\":null");
    [
        ("logout token", json!({ "events": {} }), T::TokenType),
        ("no iss", json!({ "iss": null }), T::WrongIssuer),
        ("ISS", json!({ "iss": null, "ISS": ISSUER }), T::WrongIssuer),
        ("iss with slash", json!({ "iss": format!("{ISSUER}/") }), T::WrongIssuer),
        ("iss in capitals", json!({ "iss": "https://ID.example.com" }), T::WrongIssuer),
        ("iss a list", json!({ "iss": [ISSUER] }), T::WrongIssuer),
        ("no exp", json!({ "exp": null }), T::MissingExpiry),
        ("exp now", json!({ "exp": NOW }), T::Expired),
        ("exp long ago", json!({ "exp": NOW - 3600 }), T::Expired),
        ("exp zero", json!({ "exp": 0 }), T::Expired),
        ("exp a fraction of now", json!({ "exp": 1_800_000_000.5 }), T::Expired),
        ("exp negative", json!({ "exp": -1 }), T::Expired),
        ("exp a text of the past", json!({ "exp": "1799999999" }), T::Expired),
        ("exp a date", json!({ "exp": "2096-10-02T07:06:40Z" }), T::Claims("exp")),
        ("exp 2^53", json!({ "exp": 1_u64 << 53 }), T::Claims("exp")),
        ("exp 2^63", json!({ "exp": 1_u64 << 63 }), T::Claims("exp")),
        ("exp 1e300", json!({ "exp": 1e300 }), T::Claims("exp")),
        ("nbf after the leeway", json!({ "nbf": NOW + 61 }), T::NotYetValid),
        ("nbf as text after the leeway", json!({ "nbf": "1800000061" }), T::NotYetValid),
        ("nbf a word", json!({ "nbf": "soon" }), T::Claims("nbf")),
        ("iat a word", json!({ "iat": "yesterday" }), T::Claims("iat")),
        ("iat a flag", json!({ "iat": true }), T::Claims("iat")),
        ("no aud", json!({ "aud": null }), T::WrongAudience),
        ("other aud", json!({ "aud": "kubernetes2" }), T::WrongAudience),
        ("aud in capitals", json!({ "aud": "Kubernetes" }), T::WrongAudience),
        ("empty aud", json!({ "aud": "" }), T::WrongAudience),
        ("no aud in the list", json!({ "aud": [] }), T::WrongAudience),
        ("aud with a number", json!({ "aud": ["kubernetes", 1] }), T::Claims("aud")),
        ("aud an object", json!({ "aud": { "kubernetes": true } }), T::Claims("aud")),
        ("not among 100 audiences", json!({ "aud": vec!["other"; 100] }), T::WrongAudience),
        ("null alone among the audiences", json!({ "aud": [null] }), T::WrongAudience),
    ]
    .into_iter()
    .map(|(what, members, refusal)| (what, with_claims(members), Refused::Token(refusal)))
    .chain([
        ("payload an array", text("[]"), payload_problem()),
        ("payload a text", text("\"x\""), payload_problem()),
        ("iss twice", text(&twice), payload_problem()),
        ("payload with bytes after", text(&format!("{good} x")), payload_problem()),
        ("exp is null", text(&null_expiry), Refused::Token(T::MissingExpiry)),
        ("exp is not finite", text(r#"{"exp":1e999}"#), payload_problem()),
    ])
    .collect()
}

fn signatures() -> Cases {
    let token = Refused::Token;
    let good = good();
    let (input, signature) = good.rsplit_once('.').unwrap();
    let head = with_header(json!({ "kid": "p384" })).split('.').next().unwrap().to_owned();
    let body = good.split('.').nth(1).unwrap();
    let es384 = header(json!({ "alg": "ES384", "kid": "p384" }));
    let rs256 = header(json!({ "alg": "RS256", "kid": "p256" }));
    let as_rsa = header(json!({ "alg": "RS256", "kid": "rsa" }));
    let other = with_claims(json!({ "sub": "mallory" }));
    vec![
        ("no signature", format!("{input}."), token(TokenRefusal::Signature)),
        (
            "somebody else's signature",
            format!("{}.{signature}", other.rsplit_once('.').unwrap().0),
            token(TokenRefusal::Signature),
        ),
        (
            "half a signature",
            format!("{input}.{}", &signature[..44]),
            token(TokenRefusal::Signature),
        ),
        (
            "HS256 keyed with the public key",
            hs256(),
            Refused::Jose(JoseError::Algorithm("HS256".into())),
        ),
        (
            "an algorithm that is not configured",
            sign(Algorithm::Es384, &es384, &claims(json!({}))),
            token(TokenRefusal::Algorithm),
        ),
        (
            "the kid of a key on another curve",
            sign_encoded(Algorithm::Es256, &head, body),
            token(TokenRefusal::KeyAlgorithm),
        ),
        (
            "the kid of a key of another type",
            sign(Algorithm::Rs256, &rs256, &claims(json!({}))),
            token(TokenRefusal::KeyAlgorithm),
        ),
        (
            "signed with another type of key",
            sign(Algorithm::Es256, &as_rsa, &claims(json!({}))),
            token(TokenRefusal::Signature),
        ),
        (
            "PKCS #1 announced, PSS used",
            sign(Algorithm::Ps256, &as_rsa, &claims(json!({}))),
            token(TokenRefusal::Signature),
        ),
        (
            "SHA-256 announced, SHA-512 used",
            sign(Algorithm::Rs512, &as_rsa, &claims(json!({}))),
            token(TokenRefusal::Signature),
        ),
        ("unknown kid", with_header(json!({ "kid": "new" })), token(TokenRefusal::UnknownKey)),
        ("kid in capitals", with_header(json!({ "kid": "P256" })), token(TokenRefusal::UnknownKey)),
        ("own key in the header", own_key_in_the_header(), token(TokenRefusal::Signature)),
    ]
}

fn not_an_object() -> JoseError {
    JoseError::Header("it is not a JSON object with unique keys")
}

fn payload_problem() -> Refused {
    Refused::Jose(JoseError::Payload(ClaimsError::NotAnObject))
}

/// The token with the last, unused bit of its signature set.
fn trailing_bit(token: &str) -> String {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let (rest, last) = token.split_at(token.len() - 1);
    let value = ALPHABET.iter().position(|letter| *letter == last.as_bytes()[0]).unwrap();
    format!("{rest}{}", char::from(ALPHABET[value | 1]))
}

/// RS256 to HS256 confusion: the public modulus as a symmetric key.
fn hs256() -> String {
    let key = jwk(Algorithm::Rs256, json!({}))["n"].as_str().unwrap().to_owned();
    let header = jsonwebtoken::Header {
        kid: Some("rsa".to_owned()),
        ..jsonwebtoken::Header::new(jsonwebtoken::Algorithm::HS256)
    };
    let claims: Value = serde_json::from_str(&claims(json!({}))).unwrap();
    let key = jsonwebtoken::EncodingKey::from_secret(key.as_bytes());
    jsonwebtoken::encode(&header, &claims, &key).unwrap()
}

/// CVE-2018-0114: an attacker's key in `jwk`, with the `kid` of a trusted one.
fn own_key_in_the_header() -> String {
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
    let (x, y) = (base64url::encode(x), base64url::encode(y));
    let own = json!({ "kty": "EC", "crv": "P-256", "x": x, "y": y, "kid": "p256" });
    let header = header(json!({ "jwk": own, "x5c": ["AAAA"], "jku": "https://evil.example" }));
    let input = format!("{}.{}", base64url::encode(header), base64url::encode(claims(json!({}))));
    let signature = pair.sign(&SystemRandom::new(), input.as_bytes()).unwrap();
    let token = format!("{input}.{}", base64url::encode(signature));
    assert_eq!(check(&token, &key_set(&[own])), Ok(NOW + 600), "good but for whose key it is");
    token
}

#[test]
fn a_token_that_is_refused_anyway_does_not_ask_for_fresh_keys() {
    let stale = key_set(&[jwk(Algorithm::Es384, json!({ "kid": "old" }))]);
    assert_eq!(check(&good(), &stale), Err(Refused::Token(TokenRefusal::UnknownKey)));
    for (members, refusal) in [
        (json!({ "exp": NOW - 1 }), TokenRefusal::Expired),
        (json!({ "aud": "other" }), TokenRefusal::WrongAudience),
        (json!({ "iss": "https://other.example.com" }), TokenRefusal::WrongIssuer),
    ] {
        assert_eq!(check(&with_claims(members), &stale), Err(Refused::Token(refusal)));
    }
}

#[test]
fn a_token_without_kid_is_tried_with_each_key_of_its_algorithm_while_keys_are_rotated() {
    let other = || crate::jose::SigningKey::generate().unwrap().public_jwk();
    let own = || jwk(Algorithm::Es256, json!({ "kid": "p256" }));
    let unnamed = with_header(json!({ "kid": null }));
    for keys in [
        key_set(&[own(), other()]),
        key_set(&[other(), own()]),
        key_set(&[own(), jwk(Algorithm::Es256, json!({}))]),
    ] {
        assert_eq!(check(&unnamed, &keys), Ok(NOW + 600));
    }
    let others = key_set(&[other(), other()]);
    assert_eq!(check(&unnamed, &others), Err(Refused::Token(TokenRefusal::Signature)));
    // One more key than is tried, so that a forged signature costs no more than the limit.
    let mut many: Vec<Value> = (0..16).map(|_| other()).collect();
    many.push(own());
    let refused = Err(Refused::Token(TokenRefusal::AmbiguousKey));
    assert_eq!(check(&unnamed, &key_set(&many)), refused);
    many.remove(0);
    assert_eq!(check(&unnamed, &key_set(&many)), Ok(NOW + 600));
}

#[test]
fn a_key_that_is_published_and_not_used_is_no_unknown_key() {
    let keys = key_set(&[
        jwk(Algorithm::Es384, json!({ "kid": "p384" })),
        jwk(Algorithm::Es256, json!({ "kid": "p256", "use": "enc" })),
    ]);
    let refused = TokenRefusal::UnusableKey(KeyProblem::Use);
    assert_eq!(check(&good(), &keys), Err(Refused::Token(refused)));
    assert!(keys.has_key_for(CompactJws::parse(&good()).unwrap().header()));
}

#[test]
fn nothing_configured_accepts_nothing() {
    let issuer = IssuerUrl::parse(ISSUER).unwrap();
    let audiences = ["kubernetes".to_owned()];
    let token = good();
    let token = CompactJws::parse(&token).unwrap();
    let now = UnixTime::from_seconds(NOW);
    let none = Expectations { issuer: &issuer, audiences: &[], algorithms: &ALGORITHMS };
    assert_eq!(verify(&token, &keys(), &none, now).unwrap_err(), TokenRefusal::WrongAudience);
    let none = Expectations { issuer: &issuer, audiences: &audiences, algorithms: &[] };
    assert_eq!(verify(&token, &keys(), &none, now).unwrap_err(), TokenRefusal::Algorithm);
}
