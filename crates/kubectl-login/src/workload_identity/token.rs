//! An identity token: trimmed, checked for length and characters, and its claims.
//! Never verified here: the party that it is sent to does that. Never included in any text.

use login_common::{
    Secret, UnixTime,
    names::{ClientId, IssuerUrl},
};
use login_protocols::{jose::MAX_TOKEN_LENGTH, oidc::claims::Claims};
use thiserror::Error;

use super::{IdentityError, place::Place, taken::payload};
use crate::{flows::moments::Moments, options::identity_source::SourceKind};

/// How many characters of a foreign name are shown.
const SHOWN: usize = 200;

/// Why a text is not an identity token.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum Fault {
    /// Nothing but white space.
    #[error("it is empty")]
    Empty,
    /// Not UTF-8.
    #[error("it is no text")]
    NoText,
    /// No recipient would accept it.
    #[error("it is longer than {MAX_TOKEN_LENGTH} bytes")]
    TooLong,
    /// RFC 6750 §2.1 `b64token`: other characters would not survive an HTTP header.
    #[error("it has characters that a bearer token may not have")]
    Characters,
    /// JWT-SVID §3.1.
    #[error("it is no JWT whose `sub` is a SPIFFE ID (`spiffe://…`)")]
    NoSpiffeId,
}

/// A token that identifies a job.
pub struct IdentityToken {
    /// The token.
    pub token: Secret,
    /// Where it was found.
    pub place: Place,
    /// When it was received, by both clocks.
    pub moments: Moments,
    /// `None` if it is not a JWT.
    claims: Option<Claims>,
}

impl IdentityToken {
    /// Reads `text`, found in `place`, as a token.
    pub(super) fn read(text: &str, place: Place, moments: Moments) -> Result<Self, IdentityError> {
        let text = text.trim();
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte);
        let fault = if text.is_empty() {
            Some(Fault::Empty)
        } else if text.len() > MAX_TOKEN_LENGTH {
            Some(Fault::TooLong)
        } else if !text.bytes().all(allowed) {
            Some(Fault::Characters)
        } else {
            None
        };
        if let Some(source) = fault {
            return Err(IdentityError::Unusable { place, source });
        }
        let claims = unverified_claims(text);
        let now = moments.issuer_now();
        match claims.as_ref().and_then(Claims::expires_at) {
            Some(expired_at) if expired_at <= now => {
                Err(IdentityError::Expired { place, expired_at, now })
            }
            _ => Ok(Self { token: Secret::new(text), place, moments, claims }),
        }
    }

    /// `iss`, if it is a JWT that has one.
    pub fn issuer(&self) -> Option<&str> {
        self.claims.as_ref()?.issuer()
    }

    /// `sub`, if it is a JWT that has one.
    pub fn subject(&self) -> Option<&str> {
        self.claims.as_ref()?.subject()
    }

    /// `exp`, if it is a JWT that has one.
    pub fn expires_at(&self) -> Option<UnixTime> {
        self.claims.as_ref()?.expires_at()
    }

    /// Whether its `iss` is `issuer`; the signature is not checked.
    pub fn is_from(&self, issuer: &IssuerUrl) -> bool {
        self.issuer() == Some(issuer.as_str())
    }

    /// Whether its `aud` contains `audience`; the signature is not checked.
    pub fn is_for(&self, audience: &str) -> bool {
        self.claims.as_ref().is_some_and(|claims| claims.audiences().contains(&audience))
    }

    /// Whether its source signed it for the audience that was requested.
    pub fn is_made_to_order(&self) -> bool {
        self.place == Place::Service(SourceKind::GithubActions)
    }

    /// Its claims for `-v`: the names that an issuer's rules match, and nothing that could be used
    /// in place of the token.
    pub fn description(&self) -> String {
        let Some(claims) = &self.claims else {
            return format!("the identity token from {} is no JWT", self.place);
        };
        let name = |name: Option<&str>| shown(name.unwrap_or_default());
        format!(
            "the identity token from {} is signed by `{}`, about `{}`, for `{}`",
            self.place,
            name(claims.issuer()),
            name(claims.subject()),
            shown(&claims.audiences().join("`, `")),
        )
    }

    /// Whether the cluster can accept it as it is: from `issuer`, for `client_id`. A token that is
    /// not a JWT cannot be checked here and passes.
    pub fn fits(&self, issuer: &IssuerUrl, client_id: &ClientId) -> Result<(), IdentityError> {
        let Some(claims) = &self.claims else { return Ok(()) };
        if !self.is_from(issuer) {
            return Err(IdentityError::OtherIssuer {
                place: self.place.clone(),
                found: shown(claims.issuer().unwrap_or_default()),
                wanted: issuer.clone(),
            });
        }
        let audiences = claims.audiences();
        if !audiences.contains(&client_id.as_str()) {
            return Err(IdentityError::OtherAudience {
                place: self.place.clone(),
                found: shown(&audiences.join("`, `")),
                wanted: client_id.clone(),
            });
        }
        Ok(())
    }
}

/// The claims of a JWT of any algorithm: its recipient may support algorithms that we do not.
fn unverified_claims(token: &str) -> Option<Claims> {
    Claims::parse(&payload(token)?).ok()
}

/// Foreign text, made fit for one line of a message.
fn shown(text: &str) -> String {
    text.chars().filter(|character| !character.is_control()).take(SHOWN).collect()
}

#[cfg(test)]
mod tests;
