//! The floor of a review of a new token: signature checks and nothing else, with parsed keys.
//! Never parses a token, never touches a network.
//!
//! usage: `raw_signature_checks MILLISECONDS`; prints JSON, checks per second of processor time.

#![expect(clippy::print_stdout, reason = "the figures are what the benchmark reads")]
#![expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]

use anyhow::{Context as _, Result};
use aws_lc_rs::{
    rand::SystemRandom,
    rsa::KeySize,
    signature::{
        ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _,
        ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RSA_PSS_2048_8192_SHA256,
        RSA_PSS_SHA256, RsaEncoding, RsaKeyPair, VerificationAlgorithm,
    },
};
use std::time::{Duration, Instant};

/// The length of header and claims of a typical ID token.
const SIGNED_LENGTH: usize = 560;
/// Distinct messages, so that the processor's caches do not improve the figure.
const MESSAGES: usize = 256;

struct Signed {
    message: Vec<u8>,
    signature: Vec<u8>,
}

fn main() -> Result<()> {
    let milliseconds =
        std::env::args().nth(1).context("usage: raw_signature_checks MILLISECONDS")?;
    let duration = Duration::from_millis(milliseconds.parse()?);
    let random = SystemRandom::new();

    let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)?;
    let public = ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, key.public_key())?;
    let signed = signed(|message| Ok(key.sign(&random, message)?.as_ref().to_vec()))?;
    let es256 = rate(&public, &signed, duration)?;

    let key = RsaKeyPair::generate(KeySize::Rsa2048)?;
    let by_rsa = |padding: &'static dyn RsaEncoding,
                  algorithm: &'static dyn VerificationAlgorithm| {
        let public = ParsedPublicKey::new(algorithm, key.public_key())?;
        let signed = self::signed(|message| {
            let mut signature = vec![0; key.public_modulus_len()];
            key.sign(padding, &random, message, &mut signature)?;
            Ok(signature)
        })?;
        rate(&public, &signed, duration)
    };
    let rs256 = by_rsa(&RSA_PKCS1_SHA256, &RSA_PKCS1_2048_8192_SHA256)?;
    let ps256 = by_rsa(&RSA_PSS_SHA256, &RSA_PSS_2048_8192_SHA256)?;

    println!("{}", serde_json::json!({ "ES256": es256, "RS256": rs256, "PS256": ps256 }));
    Ok(())
}

fn signed(sign: impl Fn(&[u8]) -> Result<Vec<u8>>) -> Result<Vec<Signed>> {
    (0..MESSAGES)
        .map(|number| {
            let mut message = format!("{number:0>20}.").into_bytes();
            message.resize(SIGNED_LENGTH, b'A');
            let signature = sign(&message)?;
            Ok(Signed { message, signature })
        })
        .collect()
}

fn rate(public: &ParsedPublicKey, signed: &[Signed], duration: Duration) -> Result<f64> {
    let (started, processor) = (Instant::now(), processor_seconds()?);
    let mut checks = 0_u32;
    while started.elapsed() < duration {
        for Signed { message, signature } in signed {
            public.verify_sig(message, signature)?;
            checks += 1;
        }
    }
    Ok(f64::from(checks) / (processor_seconds()? - processor))
}

/// The processor time of this program's one thread, to the nanosecond (Linux).
fn processor_seconds() -> Result<f64> {
    let text = std::fs::read_to_string("/proc/self/schedstat")?;
    let nanoseconds = text.split(' ').next().context("no processor time")?;
    Ok(nanoseconds.parse::<f64>()? / 1e9)
}
