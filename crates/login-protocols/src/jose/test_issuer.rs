//! An issuer for tests: one key of each kind, and tokens with any header and payload, however
//! wrong.
//! Never uses the code under test to sign: it calls the cryptographic library directly.

use std::sync::LazyLock;

use aws_lc_rs::{
    encoding::{AsBigEndian as _, AsDer as _, EcPrivateKeyBin, EcPrivateKeyRfc5915Der, Pkcs8V1Der},
    rand::SystemRandom,
    rsa::{self, KeySize},
    signature::{self, EcdsaKeyPair, EcdsaSigningAlgorithm, KeyPair as _, RsaEncoding},
};
use serde_json::{Value, json};

use super::{Algorithm, CompactJws, KeySet, SignatureError, base64url};

/// A payload that is valid until the year 2096.
pub(crate) const PAYLOAD: &str = r#"{"iss":"https://id.example.com","exp":4000000000}"#;

static RSA: LazyLock<rsa::KeyPair> =
    LazyLock::new(|| rsa::KeyPair::generate(KeySize::Rsa2048).unwrap());
static P256: LazyLock<EcdsaKeyPair> =
    LazyLock::new(|| ec(&signature::ECDSA_P256_SHA256_FIXED_SIGNING));
static P384: LazyLock<EcdsaKeyPair> =
    LazyLock::new(|| ec(&signature::ECDSA_P384_SHA384_FIXED_SIGNING));
static P521: LazyLock<EcdsaKeyPair> =
    LazyLock::new(|| ec(&signature::ECDSA_P521_SHA512_FIXED_SIGNING));

fn ec(algorithm: &'static EcdsaSigningAlgorithm) -> EcdsaKeyPair {
    EcdsaKeyPair::generate(algorithm).unwrap()
}

enum Key {
    Rsa(&'static dyn RsaEncoding),
    Ec(&'static EcdsaKeyPair, &'static str),
}

fn key(algorithm: Algorithm) -> Key {
    match algorithm {
        Algorithm::Rs256 => Key::Rsa(&signature::RSA_PKCS1_SHA256),
        Algorithm::Rs384 => Key::Rsa(&signature::RSA_PKCS1_SHA384),
        Algorithm::Rs512 => Key::Rsa(&signature::RSA_PKCS1_SHA512),
        Algorithm::Ps256 => Key::Rsa(&signature::RSA_PSS_SHA256),
        Algorithm::Ps384 => Key::Rsa(&signature::RSA_PSS_SHA384),
        Algorithm::Ps512 => Key::Rsa(&signature::RSA_PSS_SHA512),
        Algorithm::Es256 => Key::Ec(&P256, "P-256"),
        Algorithm::Es384 => Key::Ec(&P384, "P-384"),
        Algorithm::Es512 => Key::Ec(&P521, "P-521"),
    }
}

/// A token with these texts as header and payload, signed by the key for `algorithm`, whatever the
/// header says.
pub(crate) fn sign(algorithm: Algorithm, header: &str, payload: &str) -> String {
    sign_encoded(algorithm, &base64url::encode(header), &base64url::encode(payload))
}

/// As `sign`, with parts that are already encoded, correctly or not.
pub(crate) fn sign_encoded(algorithm: Algorithm, header: &str, payload: &str) -> String {
    let input = format!("{header}.{payload}");
    let random = SystemRandom::new();
    let signature = match key(algorithm) {
        Key::Rsa(encoding) => {
            let mut signature = vec![0; RSA.public_modulus_len()];
            RSA.sign(encoding, &random, input.as_bytes(), &mut signature).unwrap();
            signature
        }
        Key::Ec(pair, _) => pair.sign(&random, input.as_bytes()).unwrap().as_ref().to_vec(),
    };
    format!("{input}.{}", base64url::encode(signature))
}

/// A token with `PAYLOAD`.
pub(crate) fn signed(algorithm: Algorithm, kid: Option<&str>) -> String {
    let header = match kid {
        Some(kid) => json!({ "alg": algorithm.as_str(), "kid": kid }),
        None => json!({ "alg": algorithm.as_str() }),
    };
    sign(algorithm, &header.to_string(), PAYLOAD)
}

/// Verifies the signature of a token, which must parse.
pub(crate) fn verify(token: &str, keys: &KeySet) -> Result<(), SignatureError> {
    CompactJws::parse(token).unwrap().verify(keys)
}

/// The public key for `algorithm`, with only the members that the key type requires.
pub(crate) fn bare_jwk(algorithm: Algorithm) -> Value {
    match key(algorithm) {
        Key::Rsa(_) => {
            // RFC 8017 A.1.1, 2048 bits: a sequence header of 4 bytes, an integer header of 4, a
            // zero for the sign, the modulus; then the exponent 65537.
            let der = RSA.public_key().as_ref();
            assert_eq!(&der[der.len() - 5..], [2, 3, 1, 0, 1]);
            json!({ "kty": "RSA", "n": base64url::encode(&der[9..265]), "e": "AQAB" })
        }
        Key::Ec(pair, curve) => {
            let (x, y) =
                pair.public_key().as_ref()[1..].split_at(pair.public_key().as_ref().len() / 2);
            json!({
                "kty": "EC", "crv": curve, "x": base64url::encode(x), "y": base64url::encode(y),
            })
        }
    }
}

/// The public key for `algorithm` with `members` added or replaced.
pub(crate) fn jwk(algorithm: Algorithm, members: Value) -> Value {
    with(bare_jwk(algorithm), members)
}

/// `object` with `members` set; members that are `null` are removed.
pub(crate) fn with(mut object: Value, members: Value) -> Value {
    for (name, value) in members.as_object().unwrap() {
        if value.is_null() {
            object.as_object_mut().unwrap().remove(name);
        } else {
            object[name] = value.clone();
        }
    }
    object
}

/// A set of these keys.
pub(crate) fn key_set(keys: &[Value]) -> KeySet {
    KeySet::parse(json!({ "keys": keys }).to_string().as_bytes()).unwrap()
}

/// The private key for `algorithm`, for another library.
pub(crate) fn pkcs8(algorithm: Algorithm) -> Vec<u8> {
    match key(algorithm) {
        Key::Rsa(_) => {
            let der: Pkcs8V1Der<'_> = RSA.as_der().unwrap();
            der.as_ref().to_vec()
        }
        Key::Ec(pair, _) => pair.to_pkcs8v1().unwrap().as_ref().to_vec(),
    }
}

/// The private key for `algorithm` in SEC 1; it must be an EC key.
pub(crate) fn sec1(algorithm: Algorithm) -> Vec<u8> {
    let Key::Ec(pair, _) = key(algorithm) else { panic!("{algorithm} has no curve") };
    let der: EcPrivateKeyRfc5915Der<'_> = pair.private_key().as_der().unwrap();
    der.as_ref().to_vec()
}

/// The private key for `algorithm` as a JWK.
pub(crate) fn private_jwk(algorithm: Algorithm) -> Value {
    let members = match key(algorithm) {
        Key::Rsa(_) => {
            // RFC 8017 A.1.2, after 26 bytes of PKCS #8 and 4 of the sequence's header: version, n,
            // e, d, p, q, dP, dQ, qInv.
            let der: Pkcs8V1Der<'_> = RSA.as_der().unwrap();
            let numbers = integers(&der.as_ref()[30..]);
            let names = ["d", "p", "q", "dp", "dq", "qi"];
            names
                .iter()
                .zip(&numbers[3..])
                .map(|(name, number)| ((*name).to_owned(), Value::from(base64url::encode(number))))
                .collect()
        }
        Key::Ec(pair, _) => {
            let number: EcPrivateKeyBin<'_> = pair.private_key().as_be_bytes().unwrap();
            json!({ "d": base64url::encode(number.as_ref()) })
        }
    };
    with(bare_jwk(algorithm), members)
}

/// Consecutive DER integers, without the leading zero of their sign.
fn integers(mut der: &[u8]) -> Vec<Vec<u8>> {
    let mut numbers = Vec::new();
    while let [2, length, rest @ ..] = der {
        let (length, rest) = match *length {
            0x81 => (usize::from(rest[0]), &rest[1..]),
            0x82 => (usize::from(rest[0]) << 8 | usize::from(rest[1]), &rest[2..]),
            short => (usize::from(short), rest),
        };
        let (number, next) = rest.split_at(length);
        numbers.push(number.strip_prefix(&[0]).unwrap_or(number).to_vec());
        der = next;
    }
    numbers
}
