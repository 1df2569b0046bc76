//! JSON that two parsers could read differently.
//! Never has a second fault besides the named one.

use serde_json::json;

use super::{
    AUDIENCE, Case, ISSUER, case, claims, encode, header,
    keys::{Keys, Signer},
};

pub(crate) fn cases(keys: &Keys) -> Vec<Case> {
    let mut cases = in_headers(keys);
    cases.extend(in_payloads(keys));
    cases.extend(bytes(keys));
    cases.extend(sizes(keys));
    cases
}

fn in_headers(keys: &Keys) -> Vec<Case> {
    [
        ("alg twice", r#"{"alg":"ES256","alg":"ES256","kid":"p256"}"#, "header"),
        ("alg twice, none first", r#"{"alg":"none","kid":"p256","alg":"ES256"}"#, "header"),
        ("alg twice, none last", r#"{"alg":"ES256","kid":"p256","alg":"none"}"#, "header"),
        ("alg twice, once escaped", r#"{"alg":"ES256","\u0061lg":"none","kid":"p256"}"#, "header"),
        (
            "alg twice, once escaped elsewhere",
            r#"{"al\u0067":"none","alg":"ES256","kid":"p256"}"#,
            "header",
        ),
        ("kid twice", r#"{"alg":"ES256","kid":"p256","kid":"p384"}"#, "header"),
        ("crit escaped", r#"{"alg":"ES256","kid":"p256","\u0063rit":["x"]}"#, "header"),
        ("b64 escaped", r#"{"alg":"ES256","kid":"p256","b\u00364":false}"#, "header"),
        (
            "a member twice within another",
            r#"{"alg":"ES256","kid":"p256","x":{"a":1,"a":2}}"#,
            "header",
        ),
        ("ALG alone", r#"{"ALG":"ES256","kid":"p256"}"#, "header"),
        (
            "Alg beside alg (control: names are exact)",
            r#"{"alg":"ES256","Alg":"none","kid":"p256"}"#,
            "accepted",
        ),
        (
            "alg escaped (control: the same name)",
            r#"{"\u0061lg":"ES256","kid":"p256"}"#,
            "accepted",
        ),
        (
            "its value escaped (control: the same value)",
            r#"{"alg":"ES\u0032\u0035\u0036","kid":"p256"}"#,
            "accepted",
        ),
        (
            "KID beside no kid, which is absent (control)",
            r#"{"alg":"ES256","KID":"p256"}"#,
            "accepted",
        ),
        ("a list", r#"[{"alg":"ES256"}]"#, "header"),
        ("a text", r#""ES256""#, "header"),
        ("null", "null", "header"),
        ("nothing", "", "header"),
        ("two objects", r#"{"alg":"ES256","kid":"p256"}{"alg":"none"}"#, "header"),
        ("a comma too many", r#"{"alg":"ES256","kid":"p256",}"#, "header"),
        ("a comment", r#"{"alg":"ES256",/*"alg":"none",*/"kid":"p256"}"#, "header"),
        ("single quotes", "{'alg':'ES256','kid':'p256'}", "header"),
        ("names without quotes", r#"{alg:"ES256",kid:"p256"}"#, "header"),
        ("a byte order mark", "\u{feff}{\"alg\":\"ES256\",\"kid\":\"p256\"}", "header"),
        ("NUL behind it", "{\"alg\":\"ES256\",\"kid\":\"p256\"}\u{0}", "header"),
        ("half a surrogate", r#"{"alg":"ES256","kid":"\ud800"}"#, "header"),
    ]
    .into_iter()
    .map(|(name, header, expected)| {
        let token = keys.sign(Signer::Es256, header, &claims(&json!({})));
        case(format!("header: {name}"), "b10", token, expected)
    })
    .collect()
}

/// Valid claims, with `text` inserted after the opening brace.
fn begun_with(text: &str) -> String {
    claims(&json!({})).replacen('{', &format!("{{{text},"), 1)
}

fn in_payloads(keys: &Keys) -> Vec<Case> {
    let good = claims(&json!({}));
    let without_subject = claims(&json!({ "sub": null }));
    let subjects = without_subject.replacen('{', r#"{"sub":"alice","s\u0075b":"mallory","#, 1);
    let escaped = without_subject.replacen('{', r#"{"\u0073ub":"mallory","#, 1);
    let capital = claims(&json!({ "iss": null, "ISS": ISSUER }));
    let number = |text: &str| {
        claims(&json!({ "exp": null })).replacen('{', &format!("{{\"exp\":{text},"), 1)
    };
    let texts = [
        ("iss twice", begun_with(&format!("\"iss\":\"{ISSUER}\"")), "malformed"),
        (
            "iss twice, a foreign one first",
            begun_with("\"iss\":\"https://evil.example\""),
            "malformed",
        ),
        ("exp twice", begun_with("\"exp\":1"), "malformed"),
        ("aud twice", begun_with(&format!("\"aud\":\"{AUDIENCE}\"")), "malformed"),
        ("sub twice", begun_with("\"sub\":\"alice\""), "malformed"),
        ("sub twice, once escaped", subjects, "malformed"),
        ("groups twice", begun_with("\"groups\":[\"a\"],\"groups\":[\"b\"]"), "malformed"),
        (
            "a member twice within another",
            begun_with("\"act\":{\"sub\":\"a\",\"sub\":\"b\"}"),
            "malformed",
        ),
        ("a member twice within a list", begun_with("\"x\":[{\"a\":1,\"a\":1}]"), "malformed"),
        ("sub escaped (control: the same name)", escaped, "accepted"),
        ("SUB beside sub (control: names are exact)", begun_with("\"SUB\":\"alice\""), "accepted"),
        ("ISS alone", capital, "foreign_issuer"),
        ("a list", format!("[{good}]"), "malformed"),
        ("a text", json!(good).to_string(), "malformed"),
        ("a number", "1".to_owned(), "malformed"),
        ("null", "null".to_owned(), "malformed"),
        ("nothing", String::new(), "malformed"),
        ("two objects", format!("{good}{good}"), "malformed"),
        ("text behind it", format!("{good} x"), "malformed"),
        ("a comma too many", good.replace('}', ",}"), "malformed"),
        ("a byte order mark", format!("\u{feff}{good}"), "malformed"),
        ("NUL behind it", format!("{good}\u{0}"), "malformed"),
        ("a line feed within a text", good.replace("mallory", "mal\nlory"), "malformed"),
        ("NUL within a text", good.replace("mallory", "mal\u{0}lory"), "malformed"),
        ("half a surrogate", good.replace("mallory", r"\ud800"), "malformed"),
        ("exp 1e400", number("1e400"), "malformed"),
        ("exp -1e400", number("-1e400"), "malformed"),
        ("exp NaN", number("NaN"), "malformed"),
        ("exp Infinity", number("Infinity"), "malformed"),
        ("exp with a leading zero", number("04000000000"), "malformed"),
        ("exp with a plus", number("+4000000000"), "malformed"),
        ("exp hexadecimal", number("0xee6b2800"), "malformed"),
        ("exp as an exponent (control: the same number)", number("4e9"), "accepted"),
        ("exp of a hundred digits", number(&"9".repeat(100)), "claims"),
    ];
    texts
        .into_iter()
        .map(|(name, payload, expected)| {
            let token = keys.sign(Signer::Es256, &header(&json!({})), &payload);
            case(format!("payload: {name}"), "b10", token, expected)
        })
        .collect()
}

/// Bytes that are not UTF-8, or text in another encoding.
fn bytes(keys: &Keys) -> Vec<Case> {
    let good = claims(&json!({}));
    let spoiled = |bad: &[u8]| {
        let (before, after) = good.split_once("mallory").unwrap();
        [before.as_bytes(), bad, after.as_bytes()].concat()
    };
    let utf16: Vec<u8> = good.encode_utf16().flat_map(u16::to_le_bytes).collect();
    [
        ("a byte that is no UTF-8", spoiled(b"mal\xfflory")),
        ("a letter written in two bytes", spoiled(b"mal\xc1\xacory")),
        ("a surrogate in UTF-8", spoiled(b"\xed\xa0\x80")),
        ("NUL written in two bytes", spoiled(b"mal\xc0\x80lory")),
        ("half a letter", spoiled(b"mallory\xc3")),
        ("UTF-16", utf16),
    ]
    .into_iter()
    .map(|(name, payload)| {
        let token = keys.sign_encoded(Signer::Es256, &encode(header(&json!({}))), &encode(payload));
        case(format!("payload: {name}"), "b10", token, "malformed")
    })
    .collect()
}

fn sizes(keys: &Keys) -> Vec<Case> {
    let nested =
        |depth: usize| begun_with(&format!("\"x\":{}1{}", "[".repeat(depth), "]".repeat(depth)));
    let objects = |depth: usize| {
        begun_with(&format!("\"x\":{}1{}", "{\"a\":".repeat(depth), "}".repeat(depth)))
    };
    let members: Vec<String> = (0..1_000).map(|number| format!("\"m{number}\":0")).collect();
    let signed = |payload: &str| keys.sign(Signer::Es256, &header(&json!({})), payload);
    let deep_header = format!(
        "{{\"alg\":\"ES256\",\"kid\":\"p256\",\"x\":{}{}}}",
        "[".repeat(1_000),
        "]".repeat(1_000)
    );
    vec![
        case("control: lists within lists, 31 deep", "b10", signed(&nested(31)), "accepted"),
        case("lists within lists, 32 deep", "b10", signed(&nested(32)), "malformed"),
        case("lists within lists, 5000 deep", "b10", signed(&nested(5_000)), "malformed"),
        case("objects within objects, 32 deep", "b10", signed(&objects(32)), "malformed"),
        case("objects within objects, 1500 deep", "b10", signed(&objects(1_500)), "malformed"),
        case("5000 lists that are not closed", "b10", signed(&"[".repeat(5_000)), "malformed"),
        case(
            "a deep header",
            "b10",
            keys.sign(Signer::Es256, &deep_header, &claims(&json!({}))),
            "header",
        ),
        case(
            "control: a thousand members",
            "b10",
            signed(&begun_with(&members.join(","))),
            "accepted",
        ),
        case(
            "a thousand members, the last one twice",
            "b10",
            signed(&begun_with(&format!("{},\"m0\":0", members.join(",")))),
            "malformed",
        ),
    ]
}
