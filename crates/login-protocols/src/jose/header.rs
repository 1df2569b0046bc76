//! The protected header of a token, and all the ways in which a token is not one.
//! Never follows what the header offers: `jwk`, `jku`, `x5u` and `x5c` are not even read.

use thiserror::Error;

use super::Algorithm;
use crate::oidc::claims::ClaimsError;
use login_common::strict_json::{self, Json, Object};

/// A `kid` may have this many bytes: those of keys and of tokens are kept and logged.
pub const MAX_KEY_ID_LENGTH: usize = 1024;

/// Why a text is not a token that we would verify. Says nothing of the token's content but `alg`.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum JoseError {
    /// Longer than so many bytes.
    #[error("the token is longer than {0} bytes")]
    TooLong(usize),
    /// Not `header.payload.signature`: opaque, encrypted (five parts), or detached.
    #[error("the token does not have the three parts of a signed JWT")]
    Shape,
    /// The named part is not base64url without padding.
    #[error("the token's {0} is not base64url without padding")]
    Base64(&'static str),
    /// The header is not a JSON object with unique keys, or one of its members is unacceptable.
    #[error("the token's header is refused: {0}")]
    Header(&'static str),
    /// `alg` is missing from [`Algorithm::ALL`]. The name is cut and cleaned for display.
    #[error("the signature algorithm `{0}` is not accepted")]
    Algorithm(String),
    /// RFC 7515 §4.1.11: we understand no extension, so a critical one cannot be honoured.
    #[error("the token's header has `crit`, and no extension is supported")]
    Critical,
    /// The payload is not a JSON object with unique keys.
    #[error("the token's payload is refused")]
    Payload(#[from] ClaimsError),
}

/// What a token says about its own signature. Nothing here is trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// `alg`.
    pub algorithm: Algorithm,
    /// `kid`: names a key in a set that we already hold; 1 to [`MAX_KEY_ID_LENGTH`] bytes.
    pub key_id: Option<String>,
    /// `typ`, as written.
    pub token_type: Option<String>,
}

impl Header {
    /// Reads the decoded first part of a compact JWS.
    pub fn parse(bytes: &[u8]) -> Result<Self, JoseError> {
        let members = strict_json::object(bytes)
            .map_err(|_| JoseError::Header("it is not a JSON object with unique keys"))?;
        let is_there =
            |name: &str| members.get(name).is_some_and(|member| !matches!(member, Json::Null));
        if is_there("crit") {
            return Err(JoseError::Critical);
        }
        // `b64` changes the bytes that are signed (RFC 7797); `zip` and `enc` belong to JWE.
        for (name, reason) in [
            ("b64", "`b64` is not supported"),
            ("zip", "`zip` is not supported"),
            ("enc", "`enc` is not supported"),
        ] {
            if is_there(name) {
                return Err(JoseError::Header(reason));
            }
        }
        // `cty` is not asked: a nested token (RFC 7519 §5.2) is no JSON object of claims, and an
        // issuer that announces one by mistake has its tokens read by kube-apiserver.
        let key_id =
            text(&members, "kid", "`kid` is not a text")?.filter(|key_id| !key_id.is_empty());
        if key_id.is_some_and(|key_id| key_id.len() > MAX_KEY_ID_LENGTH) {
            return Err(JoseError::Header("`kid` is longer than 1024 bytes"));
        }
        let name = text(&members, "alg", "`alg` is not a text")?
            .ok_or(JoseError::Header("`alg` is missing"))?;
        Ok(Self {
            algorithm: Algorithm::parse(name)
                .ok_or_else(|| JoseError::Algorithm(displayable(name)))?,
            key_id: key_id.map(str::to_owned),
            token_type: text(&members, "typ", "`typ` is not a text")?
                .filter(|name| !name.is_empty())
                .map(str::to_owned),
        })
    }

    /// Whether `typ` is `wanted`, or absent when that is allowed by `None` being among `wanted`.
    /// RFC 7515 §4.1.9: `application/` may be left out; media types ignore case (RFC 2045 §5.1).
    pub fn has_type(&self, wanted: &[Option<&str>]) -> bool {
        let own = self.token_type.as_deref().map(without_application);
        wanted.iter().any(|wanted| match (own, wanted) {
            (None, None) => true,
            (Some(own), Some(wanted)) => own.eq_ignore_ascii_case(wanted),
            (None, Some(_)) | (Some(_), None) => false,
        })
    }
}

/// Null is absent, as in Go: serializers write it for what they leave out.
fn text<'m>(
    members: &'m Object<'_>,
    name: &str,
    problem: &'static str,
) -> Result<Option<&'m str>, JoseError> {
    match members.get(name) {
        None | Some(Json::Null) => Ok(None),
        Some(Json::Text(text)) => Ok(Some(text)),
        Some(_) => Err(JoseError::Header(problem)),
    }
}

fn without_application(media_type: &str) -> &str {
    match media_type.split_once('/') {
        Some((kind, rest)) if kind.eq_ignore_ascii_case("application") => rest,
        _ => media_type,
    }
}

/// Somebody else's text, made fit for one line of a message.
fn displayable(name: &str) -> String {
    name.chars().take(16).map(|c| if c.is_ascii_graphic() && c != '`' { c } else { '?' }).collect()
}
