//! Seals a validated authorization request into a text, and opens it again.
//! Never stores anything: the browser holds the ticket, and can neither read nor change it.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, Nonce, RandomizedNonceKey};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use login_common::UnixTime;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{Form, IssuerSettings, opaque::CryptoError};

const NONCE_LENGTH: usize = 12;

/// A validated authorization request, sealed. It is a hidden field of the login form and is
/// submitted with the password, so that the issuer stores nothing before a user has signed in.
#[derive(Clone, PartialEq, Eq)]
pub struct AuthorizationTicket(String);

impl AuthorizationTicket {
    /// Takes the text of a submitted form. It is checked when it is used.
    pub fn from_form(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// URL-safe ASCII, at most 16 KiB.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for AuthorizationTicket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AuthorizationTicket(sealed)")
    }
}

/// Why a ticket is refused.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum TicketError {
    /// The ticket expired: the user must start again from the command line.
    #[error("the login form is too old")]
    Expired,
    /// Not sealed by this issuer, or modified.
    #[error("the login form was not made by this issuer")]
    Forged,
}

/// The content of a ticket: a validated authorization request.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
pub(crate) struct CheckedRequest {
    pub(crate) redirect_uri: String,
    pub(crate) state: Option<String>,
    pub(crate) nonce: Option<String>,
    pub(crate) challenge: String,
    pub(crate) scope: String,
    pub(crate) login_hint: Option<String>,
    /// Unix seconds.
    pub(crate) expires_at: i64,
}

/// The sealing key.
pub(crate) struct Seal {
    key: RandomizedNonceKey,
    /// Binds tickets to their purpose and to this issuer.
    context: Vec<u8>,
}

impl Seal {
    /// `key` has 32 bytes.
    pub(crate) fn new(key: &[u8], settings: &IssuerSettings) -> Result<Self, CryptoError> {
        let key = RandomizedNonceKey::new(&AES_256_GCM, key)
            .map_err(|_| CryptoError::new("use the sealing key"))?;
        let context = format!("authorization ticket 1 {}", settings.issuer).into_bytes();
        Ok(Self { key, context })
    }

    pub(crate) fn seal(
        &self,
        request: &CheckedRequest,
    ) -> Result<AuthorizationTicket, CryptoError> {
        let action = "seal a login form";
        let mut content =
            serde_json::to_vec(request).map_err(|source| CryptoError::because(action, source))?;
        let nonce = self
            .key
            .seal_in_place_append_tag(Aad::from(&self.context), &mut content)
            .map_err(|_| CryptoError::new(action))?;
        let mut sealed = nonce.as_ref().to_vec();
        sealed.append(&mut content);
        Ok(AuthorizationTicket::from_form(URL_SAFE_NO_PAD.encode(sealed)))
    }

    pub(crate) fn open(
        &self,
        ticket: &AuthorizationTicket,
        now: UnixTime,
    ) -> Result<CheckedRequest, TicketError> {
        let text = ticket.as_str();
        if text.len() > Form::MAX_LENGTH {
            return Err(TicketError::Forged);
        }
        let mut sealed = URL_SAFE_NO_PAD.decode(text).map_err(|_| TicketError::Forged)?;
        let (nonce, content) =
            sealed.split_at_mut_checked(NONCE_LENGTH).ok_or(TicketError::Forged)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| TicketError::Forged)?;
        let content = self
            .key
            .open_in_place(nonce, Aad::from(&self.context), content)
            .map_err(|_| TicketError::Forged)?;
        let request: CheckedRequest =
            serde_json::from_slice(content).map_err(|_| TicketError::Forged)?;
        if request.expires_at <= now.as_seconds() {
            return Err(TicketError::Expired);
        }
        Ok(request)
    }
}

#[cfg(test)]
mod tests {
    use login_common::names::IssuerUrl;

    use super::*;

    fn seal(key: u8, issuer: &str) -> Seal {
        let settings = IssuerSettings::new(IssuerUrl::parse(issuer).unwrap(), "kubernetes");
        Seal::new(&[key; 32], &settings).unwrap()
    }

    #[test]
    fn only_an_unchanged_ticket_of_this_issuer_opens_and_only_in_time() {
        let now = UnixTime::from_seconds;
        let ours = seal(1, "https://a.example");
        let request = CheckedRequest {
            redirect_uri: "http://127.0.0.1:1/callback".into(),
            state: Some("s".into()),
            nonce: None,
            challenge: "c".repeat(43),
            scope: "openid".into(),
            login_hint: None,
            expires_at: 100,
        };
        let ticket = ours.seal(&request).unwrap();
        assert_eq!(ours.open(&ticket, now(99)), Ok(request.clone()));
        assert_eq!(ours.open(&ticket, now(100)), Err(TicketError::Expired));
        assert_eq!(seal(2, "https://a.example").open(&ticket, now(1)), Err(TicketError::Forged));
        assert_eq!(seal(1, "https://b.example").open(&ticket, now(1)), Err(TicketError::Forged));
        assert_ne!(ticket.as_str(), ours.seal(&request).unwrap().as_str(), "a fresh nonce each");
        assert!(!ticket.as_str().contains("127"), "sealed, not only signed");

        for position in [0, 20, ticket.as_str().len() - 2] {
            let mut changed = ticket.as_str().as_bytes().to_vec();
            changed[position] = if changed[position] == b'A' { b'B' } else { b'A' };
            let changed = AuthorizationTicket::from_form(String::from_utf8(changed).unwrap());
            assert_eq!(ours.open(&changed, now(1)), Err(TicketError::Forged), "at {position}");
        }
        for text in ["", "AAAA", "not base64!", &"A".repeat(20_000)] {
            let nonsense = AuthorizationTicket::from_form(text);
            assert_eq!(ours.open(&nonsense, now(1)), Err(TicketError::Forged));
        }
    }
}
