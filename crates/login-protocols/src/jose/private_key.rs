//! A private key of a user or machine, parsed from PEM or a JWK, that signs tokens.
//! Never creates, stores or shows a key: `signing_key` is for keys that an issuer creates.

use std::fmt;

use aws_lc_rs::{
    rand::SystemRandom,
    rsa,
    signature::{self, EcdsaKeyPair, EcdsaSigningAlgorithm, RsaEncoding},
};
use rustls_pki_types::{PrivateKeyDer, pem::PemObject as _};
use serde::Deserialize;
use serde_json::{Value, json};
use thiserror::Error;
use zeroize::{Zeroize as _, Zeroizing};

use super::{Algorithm, base64url};

/// Why a text is not a usable signing key. Contains nothing of the text.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum PrivateKeyError {
    /// Neither PEM nor a JSON object.
    #[error("it is neither PEM with a `PRIVATE KEY` nor a private JWK")]
    Form,
    /// A PEM key that is encrypted with a password.
    #[error("the key is encrypted; decrypt it first, for example with `openssl pkey`")]
    Encrypted,
    /// A key of another kind, a weak one, or a damaged one.
    #[error("it is no RSA key of 2048 to 8192 bits and no EC key on P-256, P-384 or P-521")]
    Kind,
    /// A JWK whose `alg` does not fit its key.
    #[error("its `alg` does not belong to its kind of key")]
    Algorithm,
    /// The cryptographic library failed to sign.
    #[error("could not sign")]
    Sign,
}

enum Pair {
    Rsa(rsa::KeyPair),
    Ec(EcdsaKeyPair, Algorithm),
}

/// A private key with its metadata.
pub struct PrivateKey {
    pair: Pair,
    key_id: Option<String>,
    only: Option<Algorithm>,
}

/// RFC 7518 §6.2.2 and §6.3.2.
#[derive(Default, Deserialize)]
#[serde(default)]
struct WireJwk {
    kty: String,
    kid: Option<String>,
    alg: Option<String>,
    crv: String,
    x: String,
    y: String,
    n: String,
    e: String,
    d: Private,
    p: Private,
    q: Private,
    dp: Private,
    dq: Private,
    qi: Private,
}

/// A secret number.
#[derive(Default, Deserialize)]
#[serde(from = "String")]
struct Private(Zeroizing<String>);

impl From<String> for Private {
    fn from(text: String) -> Self {
        Self(Zeroizing::new(text))
    }
}

/// A curve, its only algorithm (RFC 7518 §3.4), and the implementation.
const CURVES: [(&str, Algorithm, &EcdsaSigningAlgorithm); 3] = [
    ("P-256", Algorithm::Es256, &signature::ECDSA_P256_SHA256_FIXED_SIGNING),
    ("P-384", Algorithm::Es384, &signature::ECDSA_P384_SHA384_FIXED_SIGNING),
    ("P-521", Algorithm::Es512, &signature::ECDSA_P521_SHA512_FIXED_SIGNING),
];

/// The algorithms of an RSA key; the most widely supported one comes first.
const RSA_ALGORITHMS: [Algorithm; 6] = [
    Algorithm::Rs256,
    Algorithm::Ps256,
    Algorithm::Ps384,
    Algorithm::Ps512,
    Algorithm::Rs384,
    Algorithm::Rs512,
];

impl PrivateKey {
    /// Parses PKCS #8, PKCS #1 or SEC 1 in PEM, or a private JWK (RFC 7517).
    pub fn parse(text: &[u8]) -> Result<Self, PrivateKeyError> {
        if text.trim_ascii_start().starts_with(b"{") {
            Self::of_jwk(text)
        } else {
            Self::of_pem(text)
        }
    }

    fn of_pem(text: &[u8]) -> Result<Self, PrivateKeyError> {
        let is_encrypted = |label: &[u8]| text.windows(label.len()).any(|part| part == label);
        if is_encrypted(b"BEGIN ENCRYPTED PRIVATE KEY") || is_encrypted(b"Proc-Type: 4,ENCRYPTED") {
            return Err(PrivateKeyError::Encrypted);
        }
        let mut key = PrivateKeyDer::from_pem_slice(text).map_err(|_| PrivateKeyError::Form)?;
        let der = key.secret_der();
        let pair = rsa::KeyPair::from_pkcs8(der)
            .or_else(|_| rsa::KeyPair::from_der(der))
            .map(Pair::Rsa)
            .ok()
            .or_else(|| {
                CURVES.iter().find_map(|(_, algorithm, signing)| {
                    let pair = EcdsaKeyPair::from_private_key_der(signing, der).ok()?;
                    Some(Pair::Ec(pair, *algorithm))
                })
            });
        key.zeroize();
        Ok(Self { pair: pair.ok_or(PrivateKeyError::Kind)?, key_id: None, only: None })
    }

    fn of_jwk(text: &[u8]) -> Result<Self, PrivateKeyError> {
        let jwk: WireJwk = serde_json::from_slice(text).map_err(|_| PrivateKeyError::Form)?;
        let bytes =
            |text: &str| base64url::decode(text).map(Zeroizing::new).ok_or(PrivateKeyError::Kind);
        let pair = match jwk.kty.as_str() {
            "RSA" => {
                let components = rsa::KeyPairComponents {
                    public_key: rsa::PublicKeyComponents { n: bytes(&jwk.n)?, e: bytes(&jwk.e)? },
                    d: bytes(&jwk.d.0)?,
                    p: bytes(&jwk.p.0)?,
                    q: bytes(&jwk.q.0)?,
                    dP: bytes(&jwk.dp.0)?,
                    dQ: bytes(&jwk.dq.0)?,
                    qInv: bytes(&jwk.qi.0)?,
                };
                let pair = rsa::KeyPair::from_components(&components);
                Pair::Rsa(pair.map_err(|_| PrivateKeyError::Kind)?)
            }
            "EC" => {
                let curve = CURVES.iter().find(|(name, ..)| *name == jwk.crv);
                let (_, algorithm, signing) = curve.ok_or(PrivateKeyError::Kind)?;
                // SEC 1 §2.3.3: an uncompressed point begins with 4.
                let point = [&[4][..], &bytes(&jwk.x)?, &bytes(&jwk.y)?].concat();
                let pair = EcdsaKeyPair::from_private_key_and_public_key(
                    signing,
                    &bytes(&jwk.d.0)?,
                    &point,
                );
                Pair::Ec(pair.map_err(|_| PrivateKeyError::Kind)?, *algorithm)
            }
            _ => return Err(PrivateKeyError::Kind),
        };
        let only = match jwk.alg.as_deref() {
            None => None,
            Some(name) => Some(Algorithm::parse(name).ok_or(PrivateKeyError::Algorithm)?),
        };
        let key = Self { pair, key_id: jwk.kid.clone(), only: None };
        match only {
            Some(only) if !key.algorithms().contains(&only) => Err(PrivateKeyError::Algorithm),
            only => Ok(Self { only, ..key }),
        }
    }

    /// `kid` of a JWK; PEM has none.
    pub fn key_id(&self) -> Option<&str> {
        self.key_id.as_deref()
    }

    /// The algorithms it can sign with, best first.
    fn algorithms(&self) -> &[Algorithm] {
        match (&self.only, &self.pair) {
            (Some(only), _) => std::slice::from_ref(only),
            (None, Pair::Rsa(_)) => &RSA_ALGORITHMS,
            (None, Pair::Ec(_, algorithm)) => std::slice::from_ref(algorithm),
        }
    }

    /// The algorithm for an issuer that announced these; the default if none of them fits, as
    /// announcements are often incomplete.
    pub fn algorithm_for(&self, announced: Option<&[String]>) -> Algorithm {
        let fits = |algorithm: &&Algorithm| {
            announced
                .is_none_or(|announced| announced.iter().any(|name| name == algorithm.as_str()))
        };
        let own = self.algorithms();
        own.iter().find(fits).or(own.first()).copied().unwrap_or(Algorithm::Rs256)
    }

    /// Signs `claims` as a compact JWS. `key_id` overrides the key's own.
    pub fn sign(
        &self,
        algorithm: Algorithm,
        key_id: Option<&str>,
        claims: &Value,
    ) -> Result<String, PrivateKeyError> {
        let mut header = json!({ "alg": algorithm.as_str(), "typ": "JWT" });
        if let (Some(key_id), Some(members)) = (key_id.or(self.key_id()), header.as_object_mut()) {
            members.insert("kid".to_owned(), key_id.into());
        }
        let mut token = format!(
            "{}.{}",
            base64url::encode(header.to_string()),
            base64url::encode(claims.to_string())
        );
        let random = SystemRandom::new();
        let signature = match &self.pair {
            Pair::Rsa(pair) => {
                let encoding = rsa_encoding(algorithm).ok_or(PrivateKeyError::Sign)?;
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(encoding, &random, token.as_bytes(), &mut signature)
                    .map_err(|_| PrivateKeyError::Sign)?;
                signature
            }
            Pair::Ec(pair, own) if *own == algorithm => {
                let signed = pair.sign(&random, token.as_bytes());
                signed.map_err(|_| PrivateKeyError::Sign)?.as_ref().to_vec()
            }
            Pair::Ec(..) => return Err(PrivateKeyError::Sign),
        };
        token.push('.');
        token.push_str(&base64url::encode(signature));
        Ok(token)
    }
}

fn rsa_encoding(algorithm: Algorithm) -> Option<&'static dyn RsaEncoding> {
    match algorithm {
        Algorithm::Rs256 => Some(&signature::RSA_PKCS1_SHA256),
        Algorithm::Rs384 => Some(&signature::RSA_PKCS1_SHA384),
        Algorithm::Rs512 => Some(&signature::RSA_PKCS1_SHA512),
        Algorithm::Ps256 => Some(&signature::RSA_PSS_SHA256),
        Algorithm::Ps384 => Some(&signature::RSA_PSS_SHA384),
        Algorithm::Ps512 => Some(&signature::RSA_PSS_SHA512),
        Algorithm::Es256 | Algorithm::Es384 | Algorithm::Es512 => None,
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PrivateKey").field("key_id", &self.key_id).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
