//! The assertion by which a client proves that it holds a key (RFC 7523 §3, OpenID Connect Core §9
//! `private_key_jwt`).
//! Never long-lived: a leaked one can be used for a minute at most, and once.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use login_common::{Secret, UnixTime, names::ClientId};
use serde_json::json;

use crate::jose::{Algorithm, PrivateKey, PrivateKeyError};

/// The one type of client assertion (RFC 7523 §2.2).
pub const JWT_BEARER_ASSERTION: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Lifetime of an assertion.
const LIFETIME: Duration = Duration::from_mins(1);

/// The content of an assertion.
pub struct ClientAssertion<'a> {
    /// The client that authenticates.
    pub client_id: &'a ClientId,
    /// The issuer's identifier, or its token endpoint where the issuer requires that.
    pub audience: &'a str,
    /// The source of `jti`; new for each assertion.
    pub random: [u8; 32],
    /// The time by the issuer's clock, if it is known to differ from ours.
    pub now: UnixTime,
}

impl ClientAssertion<'_> {
    /// Signs the assertion. `key_id` overrides the key's own.
    pub fn sign(
        &self,
        key: &PrivateKey,
        algorithm: Algorithm,
        key_id: Option<&str>,
    ) -> Result<Secret, PrivateKeyError> {
        let claims = json!({
            "iss": self.client_id.as_str(),
            "sub": self.client_id.as_str(),
            "aud": self.audience,
            "jti": URL_SAFE_NO_PAD.encode(self.random),
            "iat": self.now.as_seconds(),
            "exp": self.now.plus(LIFETIME).as_seconds(),
        });
        key.sign(algorithm, key_id, &claims).map(Secret::new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jose::{CompactJws, test_issuer};

    #[test]
    fn an_assertion_names_the_client_twice_and_lives_a_minute() {
        let jwk = test_issuer::private_jwk(Algorithm::Es256).to_string();
        let key = PrivateKey::parse(jwk.as_bytes()).unwrap();
        let assertion = ClientAssertion {
            client_id: &ClientId::parse("ci").unwrap(),
            audience: "https://id.example",
            random: [0; 32],
            now: UnixTime::from_seconds(1000),
        };
        let signed = assertion.sign(&key, Algorithm::Es256, Some("k1")).unwrap();
        let token = CompactJws::parse(signed.expose()).unwrap();
        let claims = token.unverified_claims();
        assert_eq!(claims.issuer(), Some("ci"));
        assert_eq!(claims.subject(), Some("ci"));
        assert_eq!(claims.checked_audiences().unwrap(), ["https://id.example"]);
        assert_eq!(claims.expires_at(), Some(UnixTime::from_seconds(1060)));
        assert_eq!(claims.text("jti").map(str::len), Some(43));
    }
}
