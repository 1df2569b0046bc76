//! A private ES256 key that signs tokens, and its public half for verifiers.
//! Never shows the private half except through `to_pkcs8`, for storing it.

use std::fmt;

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _},
};
use serde_json::{Value, json};
use thiserror::Error;
use zeroize::Zeroizing;

use super::{Algorithm, base64url, thumbprint};

/// Why a key cannot be created or cannot sign.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum SigningKeyError {
    /// The cryptographic library failed, for no reason in the input.
    #[error("could not generate a P-256 key")]
    Generate,
    /// The bytes are not a PKCS #8 private key on P-256.
    #[error("the stored bytes are not a PKCS #8 private key on P-256")]
    Pkcs8,
    /// The claims are not a JSON object (RFC 7519 §4).
    #[error("the claims are not a JSON object")]
    Claims,
    /// The cryptographic library failed to sign.
    #[error("could not sign")]
    Sign,
}

/// An ES256 key pair. Its `kid` is its RFC 7638 thumbprint.
pub struct SigningKey {
    pair: EcdsaKeyPair,
    pkcs8: Zeroizing<Vec<u8>>,
    public: PublicHalf,
}

struct PublicHalf {
    key_id: String,
    x: String,
    y: String,
}

impl SigningKey {
    /// Generates a key from the operating system's random source.
    pub fn generate() -> Result<Self, SigningKeyError> {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)
            .map_err(|_| SigningKeyError::Generate)?;
        let pkcs8 = pair.to_pkcs8v1().map_err(|_| SigningKeyError::Generate)?;
        Self::from_pkcs8(pkcs8.as_ref())
    }

    /// Parses an unencrypted PKCS #8 document.
    pub fn from_pkcs8(pkcs8: &[u8]) -> Result<Self, SigningKeyError> {
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8)
            .map_err(|_| SigningKeyError::Pkcs8)?;
        let public =
            PublicHalf::of_point(pair.public_key().as_ref()).ok_or(SigningKeyError::Pkcs8)?;
        Ok(Self { pair, pkcs8: Zeroizing::new(pkcs8.to_vec()), public })
    }

    /// The private key as PKCS #8, unencrypted.
    pub fn to_pkcs8(&self) -> Zeroizing<Vec<u8>> {
        self.pkcs8.clone()
    }

    /// The `kid`.
    pub fn key_id(&self) -> &str {
        &self.public.key_id
    }

    /// The public half as a JWK.
    pub fn public_jwk(&self) -> Value {
        json!({
            "kty": "EC",
            "crv": "P-256",
            "x": self.public.x,
            "y": self.public.y,
            "kid": self.public.key_id,
            "use": "sig",
            "alg": Algorithm::Es256.as_str(),
        })
    }

    /// Signs `claims` (an object) as a compact JWS with `typ` = `token_type`, such as `JWT` or
    /// `at+jwt`.
    pub fn sign(&self, token_type: &str, claims: &Value) -> Result<String, SigningKeyError> {
        if !claims.is_object() {
            return Err(SigningKeyError::Claims);
        }
        let header = json!({
            "alg": Algorithm::Es256.as_str(),
            "kid": self.public.key_id,
            "typ": token_type,
        });
        let mut token = format!(
            "{}.{}",
            base64url::encode(header.to_string()),
            base64url::encode(claims.to_string())
        );
        // RFC 7518 §3.4: R and S concatenated, 32 bytes each; not ASN.1.
        let signature = self
            .pair
            .sign(&SystemRandom::new(), token.as_bytes())
            .map_err(|_| SigningKeyError::Sign)?;
        token.push('.');
        token.push_str(&base64url::encode(signature));
        Ok(token)
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("key_id", &self.public.key_id).finish_non_exhaustive()
    }
}

impl PublicHalf {
    /// From an uncompressed point (SEC 1 §2.3.3).
    fn of_point(point: &[u8]) -> Option<Self> {
        let (&[4], coordinates) = point.split_first_chunk::<1>()? else { return None };
        let (x, y) = coordinates.split_at_checked(32)?;
        let (x, y) = (base64url::encode(x), base64url::encode(y));
        let key_id = thumbprint(&json!({ "kty": "EC", "crv": "P-256", "x": x, "y": y }))?;
        Some(Self { key_id, x, y })
    }
}

/// The JWK Set of the public halves: `{"keys":[…]}`.
pub fn public_key_set(keys: &[&SigningKey]) -> Value {
    json!({ "keys": keys.iter().map(|key| key.public_jwk()).collect::<Vec<_>>() })
}
