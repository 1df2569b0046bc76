//! A bearer token: parsed, and verified against the public keys of RFC 7515 A.2 and A.3.
//! Never accepts that a token verifies which the RFC did not sign.

use std::sync::LazyLock;

use login_protocols::jose::{CompactJws, KeySet};

const KEYS: &str = include_str!("../../corpus/jwks/rfc7515.json");
const SIGNED: [&str; 2] = [
    include_str!("../../corpus/jwt/rfc7515-a2-rs256"),
    include_str!("../../corpus/jwt/rfc7515-a3-es256"),
];

static KEY_SET: LazyLock<Option<KeySet>> = LazyLock::new(|| KeySet::parse(KEYS.as_bytes()).ok());

/// One input.
pub fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Some(keys) = &*KEY_SET else { panic!("the key set of the corpus cannot be read") };
    let Ok(token) = CompactJws::parse(text) else { return };
    // Accessed so that parts that are parsed lazily are parsed.
    let claims = token.unverified_claims();
    let _ = (claims.issuer(), claims.checked_audiences(), claims.expires_at());
    let _ = (claims.checked_moment("nbf"), keys.has_key_for(token.header()));
    if token.verify(keys).is_ok() {
        let signed = |text: &str| text.rsplit_once('.').map(|(signed, _)| signed.to_owned());
        // ECDSA has a second signature for the same bytes, so only the bytes are compared.
        assert!(
            SIGNED.iter().any(|known| signed(known) == signed(text)),
            "a forged token verifies"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tokens_of_the_rfc_verify_and_with_another_byte_they_do_not() {
        let keys = KeySet::parse(KEYS.as_bytes()).unwrap();
        for token in SIGNED {
            assert!(CompactJws::parse(token).unwrap().verify(&keys).is_ok());
            let other = CompactJws::parse(&token.replace("eyJpc3MiOiJqb2Ui", "eyJpc3MiOiJqb2Qi"))
                .map(|other| other.verify(&keys).is_ok());
            assert_ne!(other, Ok(true));
        }
    }
}
