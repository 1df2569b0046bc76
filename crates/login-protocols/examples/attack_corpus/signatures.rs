//! Signature values that a careless verifier accepts.
//! Never a fault in header or claims: only the signature is wrong.

use aws_lc_rs::digest::{SHA256, digest};
use serde_json::json;

use super::{
    Case, case, claims, encode, header,
    keys::{Keys, OTHER_MODULUS, Signer},
};

/// The order of P-256 (SEC 2 §2.4.2).
const ORDER: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
];

pub(crate) fn cases(keys: &Keys) -> Vec<Case> {
    let mut cases = elliptic(keys);
    cases.extend(moved(keys));
    cases.extend(rsa(keys));
    cases.push(exponent_one());
    cases
}

fn number(value: u8) -> [u8; 32] {
    let mut number = [0; 32];
    *number.last_mut().unwrap() = value;
    number
}

/// `ORDER` minus `number`, which must be smaller.
fn negated(number: &[u8]) -> Vec<u8> {
    let mut borrow = 0;
    let mut difference: Vec<u8> = ORDER
        .iter()
        .zip(number)
        .rev()
        .map(|(own, other)| {
            let (less, first) = own.overflowing_sub(*other);
            let (less, second) = less.overflowing_sub(borrow);
            borrow = u8::from(first || second);
            less
        })
        .collect();
    difference.reverse();
    difference
}

fn elliptic(keys: &Keys) -> Vec<Case> {
    let good = keys.good();
    let (input, _) = good.rsplit_once('.').unwrap();
    let signature = keys.signature(Signer::Es256, input.as_bytes());
    let (r, s) = signature.split_at(32);
    let integer = |number: &[u8]| {
        let sign: &[u8] =
            if number.first().is_some_and(|first| *first >= 0x80) { &[0] } else { &[] };
        let length = u8::try_from(number.len() + sign.len()).unwrap();
        [&[2, length][..], sign, number].concat()
    };
    let inner = [integer(r), integer(s)].concat();
    let der = [&[0x30, u8::try_from(inner.len()).unwrap()][..], &inner].concat();
    let (zero, one, most) = (number(0), number(1), [0xff; 32]);
    let pair = |r: &[u8], s: &[u8]| [r, s].concat();
    [
        ("nothing", Vec::new(), "signature"),
        ("one byte", vec![0], "signature"),
        ("zeros (CVE-2022-21449)", vec![0; 64], "signature"),
        ("r is zero", pair(&zero, s), "signature"),
        ("s is zero", pair(r, &zero), "signature"),
        ("r and s are one", pair(&one, &one), "signature"),
        ("r is the order", pair(&ORDER, s), "signature"),
        ("s is the order", pair(r, &ORDER), "signature"),
        ("both are the order", pair(&ORDER, &ORDER), "signature"),
        ("r is one, s is the order", pair(&one, &ORDER), "signature"),
        ("both are beyond the order", pair(&most, &most), "signature"),
        ("s is beyond the order", pair(r, &most), "signature"),
        ("r and s exchanged", pair(s, r), "signature"),
        ("r negated", pair(&negated(r), s), "signature"),
        ("DER in place of raw numbers", der, "signature"),
        ("a byte less", signature.get(..63).unwrap().to_vec(), "signature"),
        ("half of it", r.to_vec(), "signature"),
        ("a zero more", pair(&signature, &[0]), "signature"),
        ("a zero before", pair(&[0], &signature), "signature"),
        ("twice", pair(&signature, &signature), "signature"),
        ("numbers as wide as those of P-384", [&[0; 16][..], r, &[0; 16], s].concat(), "signature"),
        ("numbers as wide as those of P-521", [&[0; 34][..], r, &[0; 34], s].concat(), "signature"),
        // ECDSA has two valid signatures for each, so a signature must not serve as an identifier.
        ("control: s negated", pair(r, &negated(s)), "accepted"),
    ]
    .into_iter()
    .map(|(name, signature, expected)| {
        case(format!("ECDSA: {name}"), "b20", format!("{input}.{}", encode(signature)), expected)
    })
    .collect()
}

/// Signatures that are valid, but for other bytes.
fn moved(keys: &Keys) -> Vec<Case> {
    let (head, body) = (encode(header(&json!({}))), encode(claims(&json!({}))));
    let over =
        |input: &[u8]| format!("{head}.{body}.{}", encode(keys.signature(Signer::Es256, input)));
    let other = keys.with_claims(&json!({ "sub": "alice" }));
    let signature = other.rsplit_once('.').unwrap().1;
    let decoded = format!("{}.{}", header(&json!({})), claims(&json!({})));
    vec![
        case(
            "the signature of another token",
            "b20",
            format!("{head}.{body}.{signature}"),
            "signature",
        ),
        case("a signature over the header alone", "b20", over(head.as_bytes()), "signature"),
        case("a signature over the payload alone", "b20", over(body.as_bytes()), "signature"),
        case("a signature over the decoded parts", "b20", over(decoded.as_bytes()), "signature"),
        case(
            "a signature over the parts without their dot",
            "b20",
            over(format!("{head}{body}").as_bytes()),
            "signature",
        ),
        case("a signature over nothing", "b20", over(b""), "signature"),
        case(
            "a signature over the digest",
            "b20",
            over(digest(&SHA256, format!("{head}.{body}").as_bytes()).as_ref()),
            "signature",
        ),
    ]
}

fn rsa(keys: &Keys) -> Vec<Case> {
    let header = header(&json!({ "alg": "RS256", "kid": "rsa" }));
    let good = keys.sign(Signer::Rs256, &header, &claims(&json!({})));
    let (input, _) = good.rsplit_once('.').unwrap();
    let signature = keys.signature(Signer::Rs256, input.as_bytes());
    let one = [vec![0; 255], vec![1]].concat();
    [
        ("zeros", vec![0; 256]),
        ("one", one),
        ("the modulus", keys.rsa_modulus()),
        ("beyond the modulus", vec![0xff; 256]),
        ("a byte less", signature.get(..255).unwrap().to_vec()),
        ("a zero before", [&[0][..], &signature].concat()),
        ("a zero after", [&signature[..], &[0]].concat()),
        ("twice", [&signature[..], &signature].concat()),
        ("the padded digest, unsigned", padded(input.as_bytes())),
    ]
    .into_iter()
    .map(|(name, signature)| {
        case(format!("RSA: {name}"), "b20", format!("{input}.{}", encode(signature)), "signature")
    })
    .collect()
}

/// EMSA-PKCS1-v1_5 for a modulus of 2048 bits (RFC 8017 §9.2).
fn padded(message: &[u8]) -> Vec<u8> {
    let prefix = [
        0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01,
        0x05, 0x00, 0x04, 0x20,
    ];
    let tail = [&[0][..], &prefix, digest(&SHA256, message).as_ref()].concat();
    [&[0, 1][..], &vec![0xff; 254 - tail.len()], &tail].concat()
}

/// With exponent 1 the padded digest is its own signature; the issuer publishes such a key.
fn exponent_one() -> Case {
    let header = header(&json!({ "alg": "RS256", "kid": "exponent-one" }));
    let input = format!("{}.{}", encode(header), encode(claims(&json!({}))));
    let signature = padded(input.as_bytes());
    assert!(signature.as_slice() < OTHER_MODULUS.as_slice(), "a signature is below the modulus");
    case(
        "a forgery under a key with exponent 1",
        "b16",
        format!("{input}.{}", encode(signature)),
        "unusable_key",
    )
}
