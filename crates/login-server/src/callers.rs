//! Which callers may ask for reviews: those with a certificate of the client CA, or with a token.
//! Never stores a token: only digests, which are compared in constant time.

use std::{path::Path, sync::Arc};

use arc_swap::ArcSwap;
use aws_lc_rs::{
    constant_time::verify_slices_are_equal,
    digest::{SHA256, digest},
};
use http::{HeaderMap, header};
use login_common::UnixTime;
use thiserror::Error;

use crate::{
    serve::Caller,
    system::{files::FileError, tracked_files::TrackedFiles},
    telemetry::log_throttle::LogThrottle,
    tls::ClientCertificate,
};

const MAX_FILE: u64 = 64 * 1024;
/// Two are enough to replace one by the other; each one costs a comparison.
const MAX_TOKENS: usize = 16;
/// 128 bits in base64. A shorter token can be guessed.
const SHORTEST: usize = 22;

/// The digests of the tokens that authenticate callers.
#[derive(Clone)]
pub struct Tokens(Vec<[u8; 32]>);

/// Why a file with tokens cannot be used.
#[derive(Debug, Error)]
pub enum TokensFault {
    /// It cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// More than [`MAX_TOKENS`].
    #[error("`{path}` holds more than {MAX_TOKENS} tokens")]
    TooMany {
        /// The file.
        path: String,
    },
    /// A line that cannot be the token of a caller.
    #[error("`{path}`, line {line}: {fault}")]
    Line {
        /// The file.
        path: String,
        /// Counted from 1.
        line: usize,
        /// What is wrong with it; never its content.
        fault: &'static str,
    },
}

impl Tokens {
    /// Reads one token a line; empty lines and lines that begin with `#` do not count. A file
    /// without tokens admits no caller: an operator who removes the last one means it.
    pub fn read(path: &Path, files: &TrackedFiles) -> Result<Self, TokensFault> {
        let text = zeroize::Zeroizing::new(files.read_text(path, MAX_FILE)?);
        files.mark_secret(path);
        let path = || path.display().to_string();
        let mut tokens = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let token = line.trim();
            if token.is_empty() || token.starts_with('#') {
                continue;
            }
            let fault = if token.len() < SHORTEST {
                Some("a token has at least 22 characters")
            } else if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
                Some("a token is of visible ASCII characters, without spaces")
            } else {
                None
            };
            if let Some(fault) = fault {
                return Err(TokensFault::Line { path: path(), line: index + 1, fault });
            }
            tokens.push(hashed(token.as_bytes()));
        }
        if MAX_TOKENS < tokens.len() {
            return Err(TokensFault::TooMany { path: path() });
        }
        Ok(Self(tokens))
    }

    /// Whether they admit no caller.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn hold(&self, token: &[u8]) -> bool {
        let shown = hashed(token);
        // Always compares all of them, so that the time does not show which one matched.
        self.0.iter().fold(false, |found, one| verify_slices_are_equal(one, &shown).is_ok() | found)
    }
}

fn hashed(token: &[u8]) -> [u8; 32] {
    digest(&SHA256, token).as_ref().try_into().unwrap_or_default()
}

/// Decides which callers may ask for reviews, and counts refusals for the log.
pub struct Callers {
    certificate: ClientCertificate,
    tokens: Option<ArcSwap<Tokens>>,
    refused: LogThrottle,
}

impl Callers {
    /// Where both are configured, either is enough.
    pub fn new(certificate: ClientCertificate, tokens: Option<Tokens>) -> Self {
        let tokens = tokens.map(ArcSwap::from_pointee);
        Self { certificate, tokens, refused: LogThrottle::default() }
    }

    /// Replaces all tokens.
    pub fn replace(&self, tokens: Tokens) {
        if let Some(current) = &self.tokens {
            current.store(Arc::new(tokens));
        }
    }

    /// Whether `caller` may ask for reviews. Refusals are logged at a limited rate.
    pub fn admit(&self, caller: &Caller, headers: &HeaderMap, now: UnixTime) -> bool {
        let is_open = self.certificate == ClientCertificate::NotAsked && self.tokens.is_none();
        if is_open {
            return true;
        }
        let is_certified = caller.certificate.as_ref().is_some_and(|shown| shown.counts(now));
        if is_certified || self.has_token(headers) {
            caller.place.admit();
            return true;
        }
        if let Some(refused) = self.refused.turn() {
            tracing::warn!(
                source = %caller.source,
                name = caller.name().unwrap_or_default(),
                refused,
                "a caller without an allowed certificate or token sends reviews"
            );
        }
        false
    }

    fn has_token(&self, headers: &HeaderMap) -> bool {
        let Some(tokens) = &self.tokens else { return false };
        let Some(shown) = headers.get(header::AUTHORIZATION) else { return false };
        let shown = shown.as_bytes();
        // RFC 9110 §11.1: the scheme's case does not matter.
        let is_bearer =
            shown.get(..7).is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"bearer "));
        is_bearer && shown.get(7..).is_some_and(|token| tokens.load().hold(token))
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use super::*;
    use crate::{
        serve::Place,
        system::files::{Readers, write},
    };

    fn read(text: &str) -> Result<Tokens, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tokens");
        write(&path, text.as_bytes(), Readers::OwnerOnly).unwrap();
        Tokens::read(&path, &TrackedFiles::default())
            .map_err(|fault| fault.to_string().replace(&path.display().to_string(), "tokens"))
    }

    const ONE: &str = "one-0123456789abcdefghij";
    const TWO: &str = "two-0123456789abcdefghij";

    #[test]
    fn a_file_holds_one_token_a_line() {
        let tokens = read(&format!("# kube-apiserver\n{ONE}\n\n  {TWO}  \n")).unwrap();
        assert!(tokens.hold(ONE.as_bytes()) && tokens.hold(TWO.as_bytes()));
        assert!(!tokens.hold(b"") && !tokens.hold(b"# kube-apiserver"));
        for text in ["", "\n", "# nothing\n"] {
            let none = read(text).unwrap();
            assert!(none.is_empty() && !none.hold(b"") && !none.hold(ONE.as_bytes()));
        }
        for (text, fault) in [
            ("\nshort\n", "`tokens`, line 2: a token has at least 22 characters"),
            (
                "with a space 0123456789abcdef",
                "`tokens`, line 1: a token is of visible ASCII characters, without spaces",
            ),
        ] {
            assert_eq!(read(text).err().as_deref(), Some(fault));
        }
        assert!(read(&format!("{ONE}\n").repeat(17)).is_err());
    }

    #[test]
    fn whoever_shows_neither_is_not_admitted() {
        let caller = Caller {
            source: IpAddr::V4(Ipv4Addr::LOCALHOST),
            certificate: None,
            place: Place::only(),
        };
        let headers = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::AUTHORIZATION, value.parse().unwrap());
            headers
        };
        let tokens = || Some(read(ONE).unwrap());
        let required = ClientCertificate::RequiredForReviews;
        let open = ClientCertificate::NotAsked;
        let bearer = format!("Bearer {ONE}");
        let now = UnixTime::from_seconds(0);
        for (callers, shown, expected) in [
            (Callers::new(open, None), "", true),
            (Callers::new(required, None), bearer.as_str(), false),
            (Callers::new(required, tokens()), &bearer, true),
            (Callers::new(open, tokens()), &bearer, true),
            // A file without tokens does not open the webhook: it admits no caller.
            (Callers::new(open, Some(read("# none\n").unwrap())), &bearer, false),
            (Callers::new(open, Some(read("").unwrap())), "", false),
            (Callers::new(open, Some(read("").unwrap())), "Bearer ", false),
            (Callers::new(open, tokens()), &format!("bEARER {ONE}"), true),
            (Callers::new(open, tokens()), "", false),
            (Callers::new(open, tokens()), ONE, false),
            (Callers::new(open, tokens()), &format!("Basic {ONE}"), false),
            (Callers::new(open, tokens()), &format!("Bearer  {ONE}"), false),
            (Callers::new(open, tokens()), &format!("Bearer {TWO}"), false),
            (Callers::new(open, tokens()), "Bearer ", false),
        ] {
            assert_eq!(callers.admit(&caller, &headers(shown), now), expected, "{shown}");
        }
    }
}
