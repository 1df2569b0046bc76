//! Names a session in the cache: a digest of everything that changes the token.
//! Never contains a secret, a path, or how the user signs in.

use std::fmt;

use aws_lc_rs::digest::{Context, SHA256};
use login_common::Secret;

use super::digest::hexadecimal;
use crate::options::{program::ProgramLine, target::IdentityOptions};

/// 64 hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CacheKey(String);

/// Everything that changes a token.
#[derive(Clone, Copy, Default)]
pub struct Identifying<'a> {
    /// The issuer that signs it.
    pub issuer: &'a str,
    /// The client that requests it.
    pub client_id: &'a str,
    /// Sorted, without duplicates.
    pub scopes: &'a [String],
    /// The audience of an access token.
    pub audience: Option<&'a str>,
    /// Which of several accounts, `--account`.
    pub account: Option<&'a str>,
    /// The user whose password is sent.
    pub username: Option<&'a str>,
    /// Whether these are the client's own tokens, not a user's. Browser and device flow give a user
    /// the same tokens.
    pub for_client: bool,
    /// Access token instead of ID token.
    pub use_access_token: bool,
    /// Where a job's identity comes from.
    pub identity: Option<&'a IdentityOptions>,
    /// How that identity is used.
    pub identity_flow: Option<&'a str>,
    /// RFC 8693 `subject_token_type`.
    pub subject_token_type: Option<&'a str>,
    /// RFC 8693 `requested_token_type`.
    pub requested_token_type: Option<&'a str>,
    /// Sorted by name.
    pub authorization_parameters: &'a [(String, String)],
    /// Sorted by name.
    pub request_headers: &'a [(String, Secret)],
    /// The trust settings that authenticate the issuer, sorted; empty for the system's authorities.
    pub trust: &'a [String],
}

impl CacheKey {
    /// The key of a target.
    ///
    /// The trust settings are a part of it: tokens obtained under one authority, or without
    /// verification, are neither handed out nor sent under another. The client's secret is not a
    /// part, as it may be rotated.
    pub fn of(target: &Identifying<'_>) -> Self {
        let mut fields = Fields(Context::new(&SHA256));
        fields.add("format", [super::FORMAT]);
        // A field added later is included only when it has a value, so that old keys stay valid.
        fields.add("account", target.account);
        fields.add("audience", target.audience);
        fields.add("client_id", [target.client_id]);
        fields.add("grant", [if target.for_client { "client" } else { "person" }]);
        fields.add("issuer", [target.issuer]);
        fields.add("scope", target.scopes.iter().map(String::as_str));
        fields.add("token", [if target.use_access_token { "access" } else { "id" }]);
        fields.add_if_given("username", target.username);
        if let Some(identity) = target.identity {
            fields.add("identity", [identity.kind.as_str()]);
            fields.add_if_given("identity_audience", identity.audience.as_deref());
            fields.add_if_given("identity_variable", identity.variable.as_deref());
            let command = identity.command.as_ref().map(ProgramLine::text);
            fields.add_if_given("identity_command", command);
            fields.add_if_given("identity_flow", target.identity_flow);
        }
        fields.add_if_given("subject_token_type", target.subject_token_type);
        fields.add_if_given("requested_token_type", target.requested_token_type);
        for (name, value) in target.authorization_parameters {
            fields.add("authorization_parameter", [name.as_str(), value.as_str()]);
        }
        // RFC 9110 §5.1: field names are case-insensitive.
        let headers = target.request_headers.iter();
        let mut headers: Vec<(String, &Secret)> =
            headers.map(|(name, value)| (name.to_ascii_lowercase(), value)).collect();
        headers.sort_by(|(one, _), (other, _)| one.cmp(other));
        for (name, value) in headers {
            fields.add("request_header", [name.as_str(), value.expose()]);
        }
        fields.add_if_given("trust", target.trust.iter().map(String::as_str));
        Self(hexadecimal(fields.0.finish().as_ref()))
    }

    /// The key of the same target for one job. The place of an identity does not identify the job,
    /// as files are replaced and variables are set again; what the identity `says` does.
    #[must_use]
    pub fn of_job(&self, says: &str) -> Self {
        let mut fields = Fields(Context::new(&SHA256));
        fields.add("format", [super::FORMAT]);
        fields.add("identity_says", [says]);
        fields.add("target", [self.as_str()]);
        Self(hexadecimal(fields.0.finish().as_ref()))
    }

    /// Reads the digits that `as_str` returns.
    pub fn parse(digits: &str) -> Option<Self> {
        let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        (digits.len() == 64 && digits.bytes().all(is_digit)).then(|| Self(digits.to_owned()))
    }

    /// The name of this session's file of the given kind.
    pub fn file(&self, kind: &str) -> String {
        [self.as_str(), ".", kind].concat()
    }

    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
impl CacheKey {
    /// Some key, for tests that need one.
    pub(crate) fn of_client(issuer: &str, client_id: &str) -> Self {
        Self::of(&Identifying { issuer, client_id, ..Identifying::default() })
    }
}

impl fmt::Display for CacheKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Each field is its name, then `+` and a value for each value, then `.`. Each text is its length
/// in eight bytes, big-endian, followed by its bytes.
struct Fields(Context);

impl Fields {
    /// Adds a field. Lengths go first, so that no two lists of fields have the same encoding.
    fn add<'a>(&mut self, name: &str, values: impl IntoIterator<Item = &'a str>) {
        self.text(name);
        for value in values {
            self.0.update(b"+");
            self.text(value);
        }
        self.0.update(b".");
    }

    /// As `add`, but adds nothing when there is no value.
    fn add_if_given<'a>(&mut self, name: &str, values: impl IntoIterator<Item = &'a str>) {
        let mut values = values.into_iter().peekable();
        if values.peek().is_some() {
            self.add(name, values);
        }
    }

    fn text(&mut self, text: &str) {
        self.0.update(&(text.len() as u64).to_be_bytes());
        self.0.update(text.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::target::SourceKind;

    fn key(given: &Identifying<'_>) -> String {
        CacheKey::of(given).as_str().to_owned()
    }

    fn scopes(names: &[&str]) -> Vec<String> {
        names.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_key_of_a_target_stays_what_it_was_in_earlier_versions() {
        let scopes = scopes(&["a", "b"]);
        let base = Identifying {
            issuer: "https://id.example",
            client_id: "k",
            scopes: &scopes,
            ..Identifying::default()
        };
        // Computed by another program from the description above `Fields`.
        assert_eq!(key(&base), "7ec2808f7c18c000cdd4bb28b1f0bf857d0303840a8989ab61dac4c6f20b40c2");
    }

    #[test]
    fn whatever_changes_the_token_changes_the_key() {
        let (both, one, joined) = (scopes(&["a", "b"]), scopes(&["a"]), scopes(&["ab"]));
        let base = Identifying {
            issuer: "https://id.example",
            client_id: "k",
            scopes: &both,
            ..Identifying::default()
        };
        let identity = |kind, variable: &str| IdentityOptions {
            variable: Some(variable.to_owned()),
            ..IdentityOptions::of(kind)
        };
        let identities = [
            identity(SourceKind::Variable, "A"),
            identity(SourceKind::Variable, "B"),
            identity(SourceKind::Gitlab, "A"),
        ];
        let pairs = [("a".to_owned(), "b".to_owned())];
        let headers = [("a".to_owned(), Secret::new("b"))];
        let [first, second, third] = &identities;
        let different = [
            base,
            Identifying { issuer: "https://id.example/", ..base },
            Identifying { client_id: "K", ..base },
            Identifying { scopes: &one, ..base },
            Identifying { scopes: &joined, ..base },
            Identifying { scopes: &[], ..base },
            Identifying { audience: Some("x"), ..base },
            Identifying { audience: Some(""), ..base },
            Identifying { account: Some("x"), ..base },
            Identifying { username: Some("x"), ..base },
            Identifying { for_client: true, ..base },
            Identifying { use_access_token: true, ..base },
            Identifying { identity: Some(first), ..base },
            Identifying { identity: Some(second), ..base },
            Identifying { identity: Some(third), ..base },
            Identifying { identity: Some(first), identity_flow: Some("identity"), ..base },
            Identifying { subject_token_type: Some("x"), ..base },
            Identifying { requested_token_type: Some("x"), ..base },
            Identifying { authorization_parameters: &pairs, ..base },
            Identifying { request_headers: &headers, ..base },
            Identifying { trust: &one, ..base },
            Identifying { trust: &both, ..base },
        ];
        let mut keys: std::collections::HashSet<String> = different.iter().map(key).collect();
        let of_jobs = ["1", "2"].map(|says| CacheKey::of(&base).of_job(says).as_str().to_owned());
        keys.extend(of_jobs);
        assert_eq!(keys.len(), different.len() + 2);
    }
}
