//! The protected header of a token, and the errors of parsing a token.
//! Never uses keys from the header: `jwk`, `jku`, `x5u` and `x5c` are not even read.

use thiserror::Error;

use super::Algorithm;
use crate::oidc::claims::ClaimsError;
use login_common::strict_json::{self, Json, Object};

/// Maximum bytes of a `kid`: those of keys and of tokens are stored and logged.
pub const MAX_KEY_ID_LENGTH: usize = 1024;

/// Why a token cannot be verified. Contains nothing of the token but `alg`.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum JoseError {
    /// Longer than this many bytes.
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
    /// `alg` is not in [`Algorithm::ALL`]. The name is shortened and sanitised for display.
    #[error("the signature algorithm `{0}` is not accepted")]
    Algorithm(String),
    /// RFC 7515 §4.1.11: no extension is supported, so a critical one must be refused.
    #[error("the token's header has `crit`, and no extension is supported")]
    Critical,
    /// The payload is not a JSON object with unique keys.
    #[error("the token's payload is refused")]
    Payload(#[from] ClaimsError),
}

/// What a token says about its own signature. Not trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// `alg`.
    pub algorithm: Algorithm,
    /// `kid`: identifies a key in a set that is already cached; 1 to [`MAX_KEY_ID_LENGTH`] bytes.
    pub key_id: Option<String>,
    /// `typ`, as written.
    pub token_type: Option<String>,
}

impl Header {
    /// Parses the decoded first part of a compact JWS.
    pub fn parse(bytes: &[u8]) -> Result<Self, JoseError> {
        let members = strict_json::object(bytes)
            .map_err(|_| JoseError::Header("it is not a JSON object with unique keys"))?;
        let is_there =
            |name: &str| members.get(name).is_some_and(|member| !matches!(member, Json::Null));
        if is_there("crit") {
            return Err(JoseError::Critical);
        }
        // `b64` changes the signed bytes (RFC 7797); `zip` and `enc` belong to JWE.
        for (name, reason) in [
            ("b64", "`b64` is not supported"),
            ("zip", "`zip` is not supported"),
            ("enc", "`enc` is not supported"),
        ] {
            if is_there(name) {
                return Err(JoseError::Header(reason));
            }
        }
        // `cty` is not checked: a nested token (RFC 7519 §5.2) is no JSON object of claims, and
        // kube-apiserver accepts the tokens of an issuer that sets it by mistake.
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

    /// Whether `typ` is one of `wanted`; `None` in `wanted` allows it to be absent.
    /// RFC 7515 §4.1.9: `application/` may be omitted; media types ignore case (RFC 2045 §5.1).
    pub fn has_type(&self, wanted: &[Option<&str>]) -> bool {
        let own = self.token_type.as_deref().map(without_application);
        wanted.iter().any(|wanted| match (own, wanted) {
            (None, None) => true,
            (Some(own), Some(wanted)) => own.eq_ignore_ascii_case(wanted),
            (None, Some(_)) | (Some(_), None) => false,
        })
    }
}

/// Null counts as absent, as in Go: serializers write it for omitted members.
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

/// Sanitises an untrusted text for one line of a message.
fn displayable(name: &str) -> String {
    name.chars().take(16).map(|c| if c.is_ascii_graphic() && c != '`' { c } else { '?' }).collect()
}
