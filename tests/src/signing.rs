//! Keys that sign tokens of the rig's own issuers, with every algorithm that Kubernetes supports.
//! Never checks a signature.

use anyhow::{Context as _, Result};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING,
    ECDSA_P521_SHA512_FIXED_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm, KeyPair as _,
    RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256, RSA_PSS_SHA384,
    RSA_PSS_SHA512, RsaEncoding, RsaKeyPair,
};
use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use serde_json::{Value, json};

/// A private key with the name under which its public half is published.
pub struct SigningKey {
    name: String,
    pair: Pair,
}

enum Pair {
    Elliptic(&'static str, EcdsaKeyPair),
    Rsa(RsaKeyPair),
}

impl SigningKey {
    /// A key for one of `ES256`, `ES384` and `ES512`, or a 2048-bit RSA key for all of `RS…` and
    /// `PS…`.
    pub fn new(name: &str, algorithm: &str) -> Result<Self> {
        let elliptic = |curve: &'static str, signing: &'static EcdsaSigningAlgorithm| {
            EcdsaKeyPair::generate(signing).map(|pair| Pair::Elliptic(curve, pair))
        };
        let pair = match algorithm {
            "ES256" => elliptic("P-256", &ECDSA_P256_SHA256_FIXED_SIGNING)?,
            "ES384" => elliptic("P-384", &ECDSA_P384_SHA384_FIXED_SIGNING)?,
            "ES512" => elliptic("P-521", &ECDSA_P521_SHA512_FIXED_SIGNING)?,
            _ => Pair::Rsa(RsaKeyPair::generate(KeySize::Rsa2048)?),
        };
        Ok(Self { name: name.to_owned(), pair })
    }

    /// The `kid` of its public half.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The public half as a JWK (RFC 7517) without `alg`.
    pub fn public(&self) -> Result<Value> {
        let encode = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
        let mut key = match &self.pair {
            Pair::Elliptic(curve, pair) => {
                // SEC 1 §2.3.3: 4, then both coordinates.
                let point = pair.public_key().as_ref();
                let coordinates = point.strip_prefix(&[4]).context("a compressed point")?;
                let (x, y) = coordinates.split_at(coordinates.len() / 2);
                json!({ "kty": "EC", "crv": curve, "x": encode(x), "y": encode(y) })
            }
            Pair::Rsa(pair) => {
                // RFC 8017 §A.1.1: the modulus precedes the exponent 65537 (3 + 2 bytes).
                let public = pair.public_key().as_ref();
                let end = public.len().checked_sub(5).context("no RSA key")?;
                let start = end.checked_sub(pair.public_modulus_len()).context("no modulus")?;
                let modulus = public.get(start..end).context("no modulus")?;
                json!({ "kty": "RSA", "n": encode(modulus), "e": "AQAB" })
            }
        };
        key["kid"] = json!(self.name);
        key["use"] = json!("sig");
        Ok(key)
    }

    /// A JWS in compact form over `claims` with exactly this header (RFC 7515 §3.1).
    pub fn sign(&self, header: &Value, claims: &str) -> Result<String> {
        let signed = format!(
            "{}.{}",
            BASE64_URL_SAFE_NO_PAD.encode(header.to_string()),
            BASE64_URL_SAFE_NO_PAD.encode(claims)
        );
        let algorithm = header["alg"].as_str().unwrap_or_default();
        let signature =
            BASE64_URL_SAFE_NO_PAD.encode(self.signature(algorithm, signed.as_bytes())?);
        Ok(format!("{signed}.{signature}"))
    }

    fn signature(&self, algorithm: &str, message: &[u8]) -> Result<Vec<u8>> {
        let random = SystemRandom::new();
        let pair = match &self.pair {
            Pair::Elliptic(_, pair) => return Ok(pair.sign(&random, message)?.as_ref().to_vec()),
            Pair::Rsa(pair) => pair,
        };
        let encoding: &'static dyn RsaEncoding = match algorithm {
            "RS384" => &RSA_PKCS1_SHA384,
            "RS512" => &RSA_PKCS1_SHA512,
            "PS256" => &RSA_PSS_SHA256,
            "PS384" => &RSA_PSS_SHA384,
            "PS512" => &RSA_PSS_SHA512,
            _ => &RSA_PKCS1_SHA256,
        };
        let mut signature = vec![0; pair.public_modulus_len()];
        pair.sign(encoding, &random, message, &mut signature)?;
        Ok(signature)
    }
}
