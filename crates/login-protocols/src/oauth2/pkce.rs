//! Proof Key for Code Exchange, S256 only (RFC 7636).
//! Never offers `plain`: it does not protect a request that an attacker can read.

use aws_lc_rs::{constant_time, digest};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use login_common::Secret;

/// The name of the method in requests and in discovery documents.
pub const S256: &str = "S256";

/// A code verifier: 43 characters from 32 random bytes (RFC 7636 §4.1).
#[derive(Debug)]
pub struct Verifier(Secret);

impl Verifier {
    /// The verifier for these random bytes, which must come from a cryptographic generator and be
    /// used once.
    pub fn from_random(bytes: [u8; 32]) -> Self {
        Self(Secret::new(URL_SAFE_NO_PAD.encode(bytes)))
    }

    /// The text for `code_verifier`.
    pub fn as_secret(&self) -> &Secret {
        &self.0
    }

    /// The text for `code_challenge` (RFC 7636 §4.2).
    pub fn challenge_s256(&self) -> String {
        challenge_of(self.0.expose())
    }
}

/// Whether `verifier` matches `challenge` under S256; the issuer's check at the exchange. A
/// verifier whose length or alphabet RFC 7636 §4.1 does not allow never matches.
pub fn matches_s256(verifier: &str, challenge: &str) -> bool {
    let well_formed = (43..=128).contains(&verifier.len())
        && verifier
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~'));
    well_formed
        && constant_time::verify_slices_are_equal(
            challenge_of(verifier).as_bytes(),
            challenge.as_bytes(),
        )
        .is_ok()
}

/// Whether `challenge` is a well-formed S256 challenge: 43 characters of base64url.
pub fn is_s256_challenge(challenge: &str) -> bool {
    challenge.len() == 43 && URL_SAFE_NO_PAD.decode(challenge).is_ok()
}

fn challenge_of(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, verifier.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    // RFC 7636 appendix B.
    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    #[test]
    fn the_example_of_the_rfc_holds() {
        let bytes: [u8; 32] = URL_SAFE_NO_PAD.decode(VERIFIER).unwrap().try_into().unwrap();
        let verifier = Verifier::from_random(bytes);
        assert_eq!(verifier.as_secret().expose(), VERIFIER);
        assert_eq!(verifier.challenge_s256(), CHALLENGE);
        assert!(matches_s256(VERIFIER, CHALLENGE));
        assert!(is_s256_challenge(CHALLENGE));
    }

    #[test]
    fn another_verifier_or_challenge_does_not_match() {
        for (verifier, challenge) in [
            (VERIFIER.replace('d', "e"), CHALLENGE.to_owned()),
            (VERIFIER.to_owned(), CHALLENGE.replace('E', "F")),
            (VERIFIER.to_owned(), String::new()),
            // `plain`
            (VERIFIER.to_owned(), VERIFIER.to_owned()),
        ] {
            assert!(!matches_s256(&verifier, &challenge), "{verifier} {challenge}");
        }
    }

    #[test]
    fn verifiers_outside_the_grammar_match_nothing_even_with_their_own_challenge() {
        for verifier in [
            "",
            &"a".repeat(42),
            &"a".repeat(129),
            &format!("{}=", "a".repeat(43)),
            &"ä".repeat(30),
        ] {
            assert!(!matches_s256(verifier, &challenge_of(verifier)), "{verifier}");
        }
        assert!(matches_s256(&"a".repeat(128), &challenge_of(&"a".repeat(128))));
        assert!(!is_s256_challenge("short"));
        assert!(!is_s256_challenge(&"+".repeat(43)));
    }
}
