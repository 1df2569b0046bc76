//! Names the session of a target in the cache: everything that changes its token.
//! Never includes a secret that may be rotated, or how the user signs in.

use login_cache::key::{CacheKey, KeyFields};
use login_common::Secret;

use super::IdentityOptions;
use crate::options::program::ProgramLine;

/// Everything that changes a token.
#[derive(Clone, Copy, Default)]
pub(crate) struct Identifying<'a> {
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

impl Identifying<'_> {
    /// The key of a self.
    ///
    /// The trust settings are a part of it: tokens obtained under one authority, or without
    /// verification, are neither handed out nor sent under another. The client's secret is not a
    /// part, as it may be rotated.
    pub(crate) fn key(&self) -> CacheKey {
        let mut fields = KeyFields::new();
        // A field added later is included only when it has a value, so that old keys stay valid.
        fields.add("account", self.account);
        fields.add("audience", self.audience);
        fields.add("client_id", [self.client_id]);
        fields.add("grant", [if self.for_client { "client" } else { "person" }]);
        fields.add("issuer", [self.issuer]);
        fields.add("scope", self.scopes.iter().map(String::as_str));
        fields.add("token", [if self.use_access_token { "access" } else { "id" }]);
        fields.add_if_given("username", self.username);
        if let Some(identity) = self.identity {
            fields.add("identity", [identity.kind.as_str()]);
            fields.add_if_given("identity_audience", identity.audience.as_deref());
            fields.add_if_given("identity_variable", identity.variable.as_deref());
            let command = identity.command.as_ref().map(ProgramLine::text);
            fields.add_if_given("identity_command", command);
            fields.add_if_given("identity_flow", self.identity_flow);
        }
        fields.add_if_given("subject_token_type", self.subject_token_type);
        fields.add_if_given("requested_token_type", self.requested_token_type);
        for (name, value) in self.authorization_parameters {
            fields.add("authorization_parameter", [name.as_str(), value.as_str()]);
        }
        // RFC 9110 §5.1: field names are case-insensitive.
        let headers = self.request_headers.iter();
        let mut headers: Vec<(String, &Secret)> =
            headers.map(|(name, value)| (name.to_ascii_lowercase(), value)).collect();
        headers.sort_by(|(one, _), (other, _)| one.cmp(other));
        for (name, value) in headers {
            fields.add("request_header", [name.as_str(), value.expose()]);
        }
        fields.add_if_given("trust", self.trust.iter().map(String::as_str));
        fields.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::target::SourceKind;

    fn scopes(names: &[&str]) -> Vec<String> {
        names.iter().map(ToString::to_string).collect()
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
        let mut keys: std::collections::HashSet<String> =
            different.iter().map(|one| one.key().to_string()).collect();
        let of_jobs = ["1", "2"].map(|says| base.key().of_job(says).to_string());
        keys.extend(of_jobs);
        assert_eq!(keys.len(), different.len() + 2);
    }
}
