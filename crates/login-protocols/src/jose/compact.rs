//! Parses tokens in compact serialization (RFC 7515 §7.1).
//! Never verifies a token: that needs keys, see `signature.rs` and `oidc/token.rs`.

use std::fmt;

use super::{Header, JoseError, base64url};
use crate::oidc::claims::Claims;

/// Maximum length of any token in bytes; the client returns no longer ones.
pub const MAX_TOKEN_LENGTH: usize = 128 * 1024;

/// A server's default for the maximum length of a token in bytes. Tokens of users in hundreds of
/// groups reach 60,000.
pub const DEFAULT_TOKEN_LENGTH: usize = 64 * 1024;

/// A signed token with a valid structure. Nothing in it is verified.
#[derive(Clone)]
pub struct CompactJws<'t> {
    header: Header,
    claims: Claims,
    signing_input: &'t str,
    signature: Vec<u8>,
}

impl<'t> CompactJws<'t> {
    /// Parses `token`; refuses what two parsers could read differently.
    pub fn parse(token: &'t str) -> Result<Self, JoseError> {
        if token.len() > MAX_TOKEN_LENGTH {
            return Err(JoseError::TooLong(MAX_TOKEN_LENGTH));
        }
        // The dots are counted before anything is decoded: a token of dots must cost nothing
        // (CVE-2025-30204).
        let (header, rest) = token.split_once('.').ok_or(JoseError::Shape)?;
        let (payload, signature) = rest.split_once('.').ok_or(JoseError::Shape)?;
        if signature.contains('.') {
            return Err(JoseError::Shape);
        }
        let (signing_input, _) = token.rsplit_once('.').ok_or(JoseError::Shape)?;
        let decode = |part, name| base64url::decode(part).ok_or(JoseError::Base64(name));
        Ok(Self {
            header: Header::parse(&decode(header, "header")?)?,
            claims: Claims::parse(&decode(payload, "payload")?)?,
            signature: decode(signature, "signature")?,
            signing_input,
        })
    }

    /// The protected header.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The claims, for routing by `iss` only: any party may have written them.
    pub fn unverified_claims(&self) -> &Claims {
        &self.claims
    }

    /// The bytes that are signed, exactly as received.
    pub(super) fn signing_input(&self) -> &'t str {
        self.signing_input
    }

    /// The signature's bytes.
    pub(super) fn signature(&self) -> &[u8] {
        &self.signature
    }
}

impl fmt::Debug for CompactJws<'_> {
    /// Shows the header only: with the signature, the text would be the token.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CompactJws").field("header", &self.header).finish_non_exhaustive()
    }
}
