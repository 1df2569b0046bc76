//! One public key of a key set (RFC 7517 §4, RFC 7518 §6), validated and ready to verify.
//! Never uses a key for an algorithm that its type, its curve or its own `alg` does not allow.

use std::sync::OnceLock;

use aws_lc_rs::signature::{
    self, EcdsaVerificationAlgorithm, ParsedPublicKey, RsaParameters, RsaPublicKeyComponents,
};
use serde_json::{Map, Value};
use thiserror::Error;

use super::{Algorithm, base64url, header::MAX_KEY_ID_LENGTH};

const RSA_MODULUS_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;
const RSA_MAX_EXPONENT: u64 = 1 << 32;

/// Why a key of a set is skipped. Contains nothing of the key.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum KeyProblem {
    /// Not an object, or a member has the wrong type.
    #[error("member `{0}` is missing or malformed")]
    Malformed(&'static str),
    /// `use` is present and is neither `sig` nor `jwt-svid`.
    #[error("`use` is neither `sig` nor `jwt-svid`")]
    Use,
    /// `key_ops` is not empty and does not list `verify`.
    #[error("`key_ops` does not list `verify`")]
    Operations,
    /// A symmetric key, a curve without a supported algorithm, …
    #[error("the key type or curve is not supported")]
    Type,
    /// `alg` is unknown, or belongs to another key type or curve.
    #[error("`alg` is not supported for this type of key")]
    Algorithm,
    /// A private key was published; the issuer's operator should be informed.
    #[error("the key contains private members")]
    Private,
    /// RSA: fewer than 2048 or more than 8192 bits, or an exponent that is even, 1, or over 2^32.
    #[error(
        "the RSA key has fewer than 2048 bits or more than 8192, or an exponent that is not used"
    )]
    Strength,
    /// The point is not on the curve.
    #[error("the point is not on the curve")]
    Point,
}

/// A usable key: its name, and a verifier for each algorithm that it supports.
pub(super) struct VerificationKey {
    pub(super) key_id: Option<String>,
    verifiers: Vec<Verifier>,
    rsa: Option<Rsa>,
}

/// Created when the first token uses the algorithm: an RSA key without `alg` has six, and its
/// issuer uses one.
struct Verifier {
    algorithm: Algorithm,
    key: OnceLock<Option<ParsedPublicKey>>,
}

/// Numbers without leading zeros.
struct Rsa {
    n: Vec<u8>,
    e: Vec<u8>,
}

impl Rsa {
    fn verifier(&self, algorithm: Algorithm) -> Option<ParsedPublicKey> {
        let components = RsaPublicKeyComponents { n: &self.n, e: &self.e };
        components.to_parsed_public_key(rsa_parameters(algorithm)?).ok()
    }
}

/// `kid` of one member of `keys`, if it has a valid one.
pub(super) fn key_id(jwk: &Value) -> Option<&str> {
    let text = jwk.get("kid")?.as_str()?;
    (1..=MAX_KEY_ID_LENGTH).contains(&text.len()).then_some(text)
}

impl VerificationKey {
    /// Parses one member of `keys`.
    pub(super) fn parse(jwk: &Value) -> Result<Self, KeyProblem> {
        let jwk = jwk.as_object().ok_or(KeyProblem::Malformed("keys"))?;
        let key_id = named(jwk, "kid")?;
        if key_id.is_some_and(|key_id| key_id.len() > MAX_KEY_ID_LENGTH) {
            return Err(KeyProblem::Malformed("kid"));
        }
        let kind = text(jwk, "kty")?.ok_or(KeyProblem::Malformed("kty"))?;
        if kind != "RSA" && kind != "EC" {
            return Err(KeyProblem::Type);
        }
        // RFC 7518 §6.2.2, §6.3.2 and §6.4.1: all members of private or symmetric keys.
        let is_there = |name: &&str| jwk.get(*name).is_some_and(|member| !member.is_null());
        if ["d", "p", "q", "dp", "dq", "qi", "oth", "k"].iter().any(is_there) {
            return Err(KeyProblem::Private);
        }
        // SPIFFE uses `jwt-svid` (SPIFFE Trust Domain and Bundle §4.2.2).
        if named(jwk, "use")?.is_some_and(|purpose| !["sig", "jwt-svid"].contains(&purpose)) {
            return Err(KeyProblem::Use);
        }
        match jwk.get("key_ops") {
            None | Some(Value::Null) => {}
            Some(Value::Array(operations)) => {
                if !operations.is_empty() && !operations.iter().any(|name| name == "verify") {
                    return Err(KeyProblem::Operations);
                }
            }
            Some(_) => return Err(KeyProblem::Malformed("key_ops")),
        }
        let only = match named(jwk, "alg")? {
            Some(name) => Some(Algorithm::parse(name).ok_or(KeyProblem::Algorithm)?),
            None => None,
        };
        let (verifiers, rsa) = if kind == "RSA" {
            let (verifiers, rsa) = rsa_verifiers(jwk, only)?;
            (verifiers, Some(rsa))
        } else {
            (vec![ec_verifier(jwk, only)?], None)
        };
        Ok(Self { key_id: key_id.map(str::to_owned), verifiers, rsa })
    }

    /// Whether the key may verify `algorithm`.
    pub(super) fn serves(&self, algorithm: Algorithm) -> bool {
        self.verifiers.iter().any(|verifier| verifier.algorithm == algorithm)
    }

    /// Whether `signature` is this key's signature of `message`.
    pub(super) fn verifies(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
        let verifier = self.verifiers.iter().find(|verifier| verifier.algorithm == algorithm);
        verifier
            .and_then(|verifier| {
                let made = || self.rsa.as_ref().and_then(|rsa| rsa.verifier(algorithm));
                verifier.key.get_or_init(made).as_ref()
            })
            .is_some_and(|key| key.verify_sig(message, signature).is_ok())
    }
}

/// An RSA key without `alg` supports all six RSA algorithms (RFC 7517 §4.4: `alg` is optional).
fn rsa_verifiers(
    jwk: &Map<String, Value>,
    only: Option<Algorithm>,
) -> Result<(Vec<Verifier>, Rsa), KeyProblem> {
    let n = bytes(jwk, "n")?;
    let e = bytes(jwk, "e")?;
    // RFC 7518 §6.3.1.1 forbids a leading zero octet and notes that some libraries write one.
    let n = without_leading_zeros(&n);
    let e = without_leading_zeros(&e);
    let bits = n.first().map_or(0, |first| n.len() * 8 - first.leading_zeros() as usize);
    let exponent =
        (e.len() <= 8).then(|| e.iter().fold(0, |sum, &byte| sum << 8 | u64::from(byte)));
    let exponent_is_good = exponent.is_some_and(|e| e % 2 == 1 && 1 < e && e <= RSA_MAX_EXPONENT);
    let modulus_is_odd = n.last().is_some_and(|last| last % 2 == 1);
    if !RSA_MODULUS_BITS.contains(&bits) || !modulus_is_odd || !exponent_is_good {
        return Err(KeyProblem::Strength);
    }
    let mut verifiers: Vec<Verifier> = Algorithm::ALL
        .into_iter()
        .filter(|algorithm| only.is_none_or(|only| only == *algorithm))
        .filter(|algorithm| rsa_parameters(*algorithm).is_some())
        .map(|algorithm| Verifier { algorithm, key: OnceLock::new() })
        .collect();
    let rsa = Rsa { n: n.to_vec(), e: e.to_vec() };
    // All six parse alike; a key that does not parse must be refused now.
    let first = verifiers.first_mut().ok_or(KeyProblem::Algorithm)?;
    let key = rsa.verifier(first.algorithm).ok_or(KeyProblem::Strength)?;
    first.key = OnceLock::from(Some(key));
    Ok((verifiers, rsa))
}

/// A curve has exactly one algorithm (RFC 7518 §3.4).
fn ec_verifier(jwk: &Map<String, Value>, only: Option<Algorithm>) -> Result<Verifier, KeyProblem> {
    let (algorithm, coordinate_length, parameters): (_, _, &'static EcdsaVerificationAlgorithm) =
        match text(jwk, "crv")?.ok_or(KeyProblem::Malformed("crv"))? {
            "P-256" => (Algorithm::Es256, 32, &signature::ECDSA_P256_SHA256_FIXED),
            "P-384" => (Algorithm::Es384, 48, &signature::ECDSA_P384_SHA384_FIXED),
            "P-521" => (Algorithm::Es512, 66, &signature::ECDSA_P521_SHA512_FIXED),
            _ => return Err(KeyProblem::Type),
        };
    if only.is_some_and(|only| only != algorithm) {
        return Err(KeyProblem::Algorithm);
    }
    let x = bytes(jwk, "x")?;
    let y = bytes(jwk, "y")?;
    // RFC 7518 §6.2.1.2: the length is that of the curve's field, leading zeros included.
    if x.len() != coordinate_length {
        return Err(KeyProblem::Malformed("x"));
    }
    if y.len() != coordinate_length {
        return Err(KeyProblem::Malformed("y"));
    }
    // SEC 1 §2.3.3: an uncompressed point begins with 4.
    let point = [&[4][..], &x, &y].concat();
    let key = ParsedPublicKey::new(parameters, point).map_err(|_| KeyProblem::Point)?;
    Ok(Verifier { algorithm, key: OnceLock::from(Some(key)) })
}

fn rsa_parameters(algorithm: Algorithm) -> Option<&'static RsaParameters> {
    match algorithm {
        Algorithm::Rs256 => Some(&signature::RSA_PKCS1_2048_8192_SHA256),
        Algorithm::Rs384 => Some(&signature::RSA_PKCS1_2048_8192_SHA384),
        Algorithm::Rs512 => Some(&signature::RSA_PKCS1_2048_8192_SHA512),
        Algorithm::Ps256 => Some(&signature::RSA_PSS_2048_8192_SHA256),
        Algorithm::Ps384 => Some(&signature::RSA_PSS_2048_8192_SHA384),
        Algorithm::Ps512 => Some(&signature::RSA_PSS_2048_8192_SHA512),
        Algorithm::Es256 | Algorithm::Es384 | Algorithm::Es512 => None,
    }
}

/// Null counts as absent, as in Go: serializers write it for omitted members.
fn text<'j>(
    jwk: &'j Map<String, Value>,
    name: &'static str,
) -> Result<Option<&'j str>, KeyProblem> {
    match jwk.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(KeyProblem::Malformed(name)),
    }
}

/// An empty text counts as absent.
fn named<'j>(
    jwk: &'j Map<String, Value>,
    name: &'static str,
) -> Result<Option<&'j str>, KeyProblem> {
    Ok(text(jwk, name)?.filter(|text| !text.is_empty()))
}

fn bytes(jwk: &Map<String, Value>, name: &'static str) -> Result<Vec<u8>, KeyProblem> {
    text(jwk, name)?.and_then(base64url::decode).ok_or(KeyProblem::Malformed(name))
}

fn without_leading_zeros(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|&&byte| byte == 0).count();
    number.get(zeros..).unwrap_or_default()
}
