//! Names that both sides must agree on byte for byte: issuers and OAuth clients.
//! Never normalises: OpenID Connect compares issuers as exact strings.

use std::fmt;

use thiserror::Error;
use url::{Host, Url};

/// Why a text is not a usable name. URLs are shown through [`without_secrets`].
#[derive(Debug, Error, PartialEq, Eq)]
pub enum NameError {
    /// The text does not parse as a URL.
    #[error("`{0}` is not a URL such as `https://id.example.com`")]
    NotAUrl(String),
    /// Plain http to a host that is not this machine.
    #[error("`{0}` must begin with `https://` (`http://` is accepted for loopback hosts only)")]
    NotHttps(String),
    /// OpenID Connect Discovery §3: no query or fragment; user information would leak into logs.
    #[error("`{0}` must not contain user information, a query or a fragment")]
    ExtraParts(String),
    /// RFC 6749 appendix A.1: one or more visible ASCII characters.
    #[error("a client id has 1 to 255 visible ASCII characters")]
    ClientId,
}

/// Maximum length of a name in an error message.
const LONGEST_SHOWN: usize = 200;

/// A URL text that is safe to show: without user information, query and fragment, which may hold
/// passwords and keys, and without control characters. Omitted parts become `…`. The text need not
/// parse: a URL with a typo contains its password, too.
pub fn without_secrets(text: &str) -> String {
    let (shown, rest) = match text.find(['?', '#']) {
        Some(end) => text.split_at(end),
        None => (text, ""),
    };
    let scheme = shown.find("//").map_or("", |end| shown.get(..end + 2).unwrap_or(""));
    // A password may contain `?` or `#`.
    if rest.contains('@') {
        return format!("{}…", scheme.escape_debug());
    }
    // Cut up to the last `@`, even if the scheme is missing or a password contains a slash.
    let shown = match shown.rsplit_once('@') {
        None => shown.to_owned(),
        Some((_, after)) => format!("{scheme}…@{after}"),
    };
    let mut shown: String = shown.chars().take(LONGEST_SHOWN).collect();
    shown = shown.escape_debug().to_string();
    if let Some(mark) = rest.chars().next() {
        shown.push(mark);
        shown.push('…');
    }
    shown
}

/// The exact text of an issuer, as in `iss` and in the discovery document.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IssuerUrl(String);

impl IssuerUrl {
    /// Accepts `https://…`, and `http://…` for loopback hosts, without user information, query
    /// or fragment (OpenID Connect Discovery 1.0 §3).
    pub fn parse(text: &str) -> Result<Self, NameError> {
        // The URL parser drops white space and control characters, and converts backslashes;
        // issuers are compared as exact strings, so a text with any of them is refused.
        if text.contains(|c: char| c.is_whitespace() || c.is_control() || c == '\\') {
            return Err(NameError::NotAUrl(without_secrets(text)));
        }
        let url = Url::parse(text).map_err(|_| NameError::NotAUrl(without_secrets(text)))?;
        if !is_confidential(&url) {
            return Err(NameError::NotHttps(without_secrets(text)));
        }
        if url.query().is_some()
            || url.fragment().is_some()
            || !url.username().is_empty()
            || url.password().is_some()
        {
            return Err(NameError::ExtraParts(without_secrets(text)));
        }
        Ok(Self(text.to_owned()))
    }

    /// The text, exactly as given.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a token whose `iss` is `text` is from this issuer: the same bytes, or the name that
    /// Google used before the standard (OpenID Connect Core §15.6.2).
    pub fn is_named_by(&self, text: &str) -> bool {
        self.0 == text || text == "accounts.google.com" && self.0 == "https://accounts.google.com"
    }
}

impl fmt::Display for IssuerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether a secret may be sent to `url`: https, or a connection that stays on this host.
pub fn is_confidential(url: &Url) -> bool {
    match url.scheme() {
        "https" => url.host().is_some(),
        "http" => is_on_this_machine(url),
        _ => false,
    }
}

/// Whether the host of `url` is this host, so that no proxy may be used (the rule of Go's
/// `httpproxy`).
pub fn is_on_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.to_canonical().is_loopback(),
        // RFC 6761 §6.3: `localhost` resolves to loopback addresses only.
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

/// An OAuth 2.0 client identifier.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientId(String);

impl ClientId {
    /// RFC 6749 appendix A.1 (`VSCHAR`), bounded in length.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let visible = text.bytes().all(|byte| matches!(byte, 0x20..=0x7e));
        if text.is_empty() || text.len() > 255 || !visible {
            return Err(NameError::ClientId);
        }
        Ok(Self(text.to_owned()))
    }

    /// The text, exactly as given.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn issuers_are_kept_byte_for_byte() {
        for text in [
            "https://id.example.com",
            "https://id.example.com/",
            "https://ID.example.com/realms/x",
            "http://127.0.0.1:8080",
            "http://[::1]:8080",
            "http://localhost:8080",
            "http://[::ffff:127.0.0.1]:8080",
        ] {
            assert_eq!(IssuerUrl::parse(text).unwrap().as_str(), text);
        }
    }

    #[test]
    fn issuers_that_could_leak_or_confuse_are_refused() {
        for text in [
            "",
            "id.example.com",
            "http://id.example.com",
            "http://localhost.example.com",
            "http://localhost./",
            "http://[::ffff:10.0.0.1]",
            "ftp://id.example.com",
            "https://user@id.example.com",
            "https://user:secret@id.example.com",
            "https://id.example.com?x=1",
            "https://id.example.com#x",
            "https://id.example.com ",
            " https://id.example.com",
            "https://id.exa\nmple.com",
            "https://id.example.com/\u{1b}[31m",
            "https:\\\\id.example.com",
        ] {
            assert!(IssuerUrl::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn no_error_shows_what_may_be_secret() {
        for (text, shown) in [
            (
                "https://user:hunter2@id.example.com/x?apikey=hunter2",
                "https://…@id.example.com/x?…",
            ),
            ("https://id.example.com/#hunter2", "https://id.example.com/#…"),
            ("http://user:hunter2@id.example.com", "http://…@id.example.com"),
            ("ftp://user:hunter2@id.example.com", "ftp://…@id.example.com"),
            ("user:hunter2@id.example.com", "…@id.example.com"),
            ("https//user:hunter2@id.example.com", "https//…@id.example.com"),
            ("https://user:hunter2/x@id.example.com", "https://…@id.example.com"),
            ("https://hunter2@id.example.com:x/", "https://…@id.example.com:x/"),
            ("https://user:hunter2@id.exa mple", "https://…@id.exa mple"),
            ("https://user:hunter2?hunter2@id.example.com", "https://…"),
            ("https://user:hunter2#hunter2@id.example.com:x", "https://…"),
            ("user:hunter2?@id.example.com", "…"),
            ("https://id.example.com/?mail=a@hunter2", "https://…"),
            ("?hunter2", "?…"),
            ("https://id.exa\nmple.com", "https://id.exa\\nmple.com"),
        ] {
            assert_eq!(without_secrets(text), shown);
            let error = IssuerUrl::parse(text).unwrap_err();
            let told = format!("{error} {error:?}");
            assert!(!told.contains("hunter2"), "{told}");
        }
        assert_eq!(without_secrets(&"x".repeat(1000)).len(), LONGEST_SHOWN);
    }

    #[test]
    fn only_google_has_two_names() {
        let named = |issuer: &str, text: &str| IssuerUrl::parse(issuer).unwrap().is_named_by(text);
        assert!(named("https://id.example.com", "https://id.example.com"));
        assert!(named("https://accounts.google.com", "https://accounts.google.com"));
        assert!(named("https://accounts.google.com", "accounts.google.com"));
        assert!(!named("https://accounts.google.com", "https://accounts.google.com/"));
        assert!(!named("https://accounts.google.com/", "accounts.google.com"));
        assert!(!named("https://id.example.com", "id.example.com"));
        assert!(!named("https://id.example.com", "accounts.google.com"));
    }

    #[test]
    fn client_ids_are_visible_ascii() {
        assert!(ClientId::parse("kubectl-login").is_ok());
        assert!(ClientId::parse("").is_err());
        assert!(ClientId::parse("a\nb").is_err());
        assert!(ClientId::parse(&"x".repeat(256)).is_err());
    }
}
