//! Attacks on base64url, on the three parts, and on the text around them.
//! Never has a bad signature where the encoding is the attack.

use serde_json::json;

use super::{
    Case, case, claims, encode, header,
    keys::{Keys, Signer},
};

const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

pub(crate) fn cases(keys: &Keys) -> Vec<Case> {
    let mut cases = letters(keys);
    cases.extend(parts(keys));
    cases.extend(surroundings(keys));
    cases.extend(other_serializations(keys));
    cases
}

/// Sets an unused bit in the last letter; the encoded bits must end within a letter.
fn trailing_bit(part: &str) -> String {
    assert_ne!(part.len() % 4, 0, "every bit of it is used");
    let (rest, last) = part.split_at(part.len() - 1);
    let value = ALPHABET.iter().position(|letter| Some(letter) == last.as_bytes().first()).unwrap();
    format!("{rest}{}", char::from(*ALPHABET.get(value | 1).unwrap()))
}

/// Appends spaces to `text` until its base64 has unused bits.
fn uneven(mut text: String) -> String {
    while text.len().is_multiple_of(3) {
        text.push(' ');
    }
    text
}

fn letters(keys: &Keys) -> Vec<Case> {
    let head = encode(uneven(header(&json!({}))));
    let body = encode(uneven(claims(&json!({}))));
    let signed = |head: &str, body: &str| keys.sign_encoded(Signer::Es256, head, body);
    let good = signed(&head, &body);
    let (input, signature) = good.rsplit_once('.').unwrap();
    let middle = |part: &str, text: &str| {
        let (a, b) = part.split_at(part.len() / 2);
        format!("{a}{text}{b}")
    };
    let mut cases = vec![
        case("control: blanks at the end of JSON", "b10", good.clone(), "accepted"),
        case(
            "trailing bits in the header",
            "b10",
            signed(&trailing_bit(&head), &body),
            "malformed",
        ),
        case(
            "trailing bits in the payload",
            "b10",
            signed(&head, &trailing_bit(&body)),
            "malformed",
        ),
        case(
            "trailing bits in the signature",
            "b10",
            format!("{input}.{}", trailing_bit(signature)),
            "malformed",
        ),
        case("padding in the signature", "b10", format!("{good}=="), "malformed"),
        case("one sign of padding in the signature", "b10", format!("{good}="), "malformed"),
        case("a letter alone in the signature", "b10", format!("{good}AAA"), "malformed"),
    ];
    for (name, text) in [
        ("an equals sign", "="),
        ("a plus", "+"),
        ("a slash", "/"),
        ("a space", " "),
        ("a line feed", "\n"),
        ("a carriage return", "\r\n"),
        ("a tab", "\t"),
        ("NUL", "\u{0}"),
        ("a percent sign", "%2B"),
        ("an e with acute", "é"),
        ("a full-width A", "Ａ"),
        ("a zero-width space", "\u{200b}"),
    ] {
        cases.push(case(
            format!("{name} in the header"),
            "b10",
            signed(&middle(&head, text), &body),
            "malformed",
        ));
        cases.push(case(
            format!("{name} in the payload"),
            "b10",
            signed(&head, &middle(&body, text)),
            "malformed",
        ));
        cases.push(case(
            format!("{name} in the signature"),
            "b10",
            format!("{input}.{}", middle(signature, text)),
            "malformed",
        ));
    }
    cases
}

fn parts(keys: &Keys) -> Vec<Case> {
    let good = keys.good();
    let parts: Vec<&str> = good.split('.').collect();
    let [head, body, signature] = parts.as_slice() else { panic!("three parts") };
    let swapped = header(&json!({}));
    vec![
        case("no token", "b3", "", "empty"),
        case("one part", "b9", *head, "malformed"),
        case("two parts", "b9", format!("{head}.{body}"), "malformed"),
        case("two parts and nothing", "b9", format!("{head}.{body}."), "signature"),
        case("four parts", "b9", format!("{good}."), "malformed"),
        case("two signatures", "b20", format!("{good}.{signature}"), "malformed"),
        case("two signatures in one part", "b20", format!("{good}{signature}"), "signature"),
        case("two tokens", "b9", format!("{good}.{good}"), "malformed"),
        case(
            "five parts, as encrypted tokens have",
            "b7",
            format!("{head}.{body}.{signature}.{body}.{signature}"),
            "malformed",
        ),
        case("five empty parts", "b7", "....", "malformed"),
        case("three empty parts", "b9", "..", "header"),
        case("an empty header", "b9", format!(".{body}.{signature}"), "header"),
        case("a detached payload", "b20", format!("{head}..{signature}"), "malformed"),
        case("header and payload exchanged", "b9", format!("{body}.{head}.{signature}"), "header"),
        case(
            "a header as payload",
            "b20",
            keys.sign(Signer::Es256, &swapped, &swapped),
            "foreign_issuer",
        ),
        case("64 KiB of dots", "b9", ".".repeat(64 * 1024), "unknown_shape"),
        case("one byte more than 64 KiB", "b3", "a".repeat(64 * 1024 + 1), "too_long"),
        case(
            "a good signature over more than 64 KiB",
            "b3",
            keys.with_claims(&json!({ "pad": "x".repeat(48 * 1024) })),
            "too_long",
        ),
        case(
            "control: a good signature over 62 KiB",
            "b3",
            keys.with_claims(&json!({ "pad": "x".repeat(46 * 1024) })),
            "accepted",
        ),
    ]
}

fn surroundings(keys: &Keys) -> Vec<Case> {
    let good = keys.good();
    [
        ("a space before", format!(" {good}"), "malformed"),
        ("a space after", format!("{good} "), "malformed"),
        ("a line feed after", format!("{good}\n"), "malformed"),
        ("a header injected", format!("{good}\r\nImpersonate-User: admin"), "malformed"),
        ("NUL before", format!("\u{0}{good}"), "malformed"),
        ("NUL after", format!("{good}\u{0}"), "malformed"),
        ("an escape sequence", format!("\u{1b}[2J{good}"), "malformed"),
        ("DEL after", format!("{good}\u{7f}"), "malformed"),
        ("a byte order mark before", format!("\u{feff}{good}"), "malformed"),
        ("the scheme before", format!("Bearer {good}"), "malformed"),
        ("quotes around", format!("\"{good}\""), "malformed"),
        ("a comma and another token", format!("{good},{good}"), "malformed"),
        ("a right-to-left mark after", format!("{good}\u{200f}"), "malformed"),
        ("only spaces", "   ".to_owned(), "malformed"),
        ("only NUL", "\u{0}".to_owned(), "malformed"),
        ("in capitals", good.to_uppercase(), "header"),
    ]
    .into_iter()
    .map(|(name, token, expected)| case(format!("token with {name}"), "b3", token, expected))
    .collect()
}

/// RFC 7515 §7.2: no bearer token uses these, but several libraries parse them.
fn other_serializations(keys: &Keys) -> Vec<Case> {
    let good = keys.good();
    let parts: Vec<&str> = good.split('.').collect();
    let [head, body, signature] = parts.as_slice() else { panic!("three parts") };
    let one = json!({ "protected": head, "signature": signature });
    let evil = json!({ "protected": head, "signature": encode([1; 64]) });
    let flattened = json!({ "payload": body, "protected": head, "signature": signature });
    let general = json!({ "payload": body, "signatures": [one] });
    let two = json!({ "payload": body, "signatures": [evil, one] });
    let unprotected = json!({
        "payload": body, "header": { "alg": "none" }, "protected": head, "signature": signature,
    });
    [
        ("flattened JSON", flattened.to_string(), "unknown_shape"),
        ("general JSON", general.to_string(), "unknown_shape"),
        ("general JSON with two signatures", two.to_string(), "unknown_shape"),
        ("JSON with an unprotected header", unprotected.to_string(), "unknown_shape"),
        ("JSON, encoded", encode(flattened.to_string()), "malformed"),
        ("a JSON text", json!(good).to_string(), "malformed"),
    ]
    .into_iter()
    .map(|(name, token, expected)| case(name, "b20", token, expected))
    .collect()
}
