//! What providers require beyond the standards before they issue a refresh token.
//! Never overrides a parameter that the user gave.

use login_common::names::IssuerUrl;
use login_protocols::oidc::ProviderMetadata;

/// Parameters of the authorization request, by issuer.
///
/// Google issues a refresh token for `access_type=offline`, and after the first sign-in only with
/// `prompt=consent`; so does Zoho. Dropbox has its own parameter.
const NEEDS: [(&str, &[(&str, &str)]); 4] = [
    ("https://accounts.google.com", &[("access_type", "offline"), ("prompt", "consent")]),
    ("https://accounts.zoho.com", &[("access_type", "offline"), ("prompt", "consent")]),
    ("https://accounts.zoho.eu", &[("access_type", "offline"), ("prompt", "consent")]),
    ("https://www.dropbox.com", &[("token_access_type", "offline")]),
];

/// For issuers that do not list `offline_access`. Issuers ignore unknown parameters (RFC 6749
/// §3.1), and int128/kubelogin sends it to all of them.
const OTHERWISE: &[(&str, &str)] = &[("access_type", "offline")];

/// The additional parameters of an authorization request to this issuer.
pub fn parameters(
    issuer: &IssuerUrl,
    metadata: &ProviderMetadata,
) -> &'static [(&'static str, &'static str)] {
    if let Some((_, needs)) = NEEDS.iter().find(|(known, _)| *known == issuer.as_str()) {
        return needs;
    }
    let knows_offline_access = metadata
        .scopes
        .as_ref()
        .is_some_and(|scopes| scopes.iter().any(|scope| scope == "offline_access"));
    if knows_offline_access { &[] } else { OTHERWISE }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issuer_is_asked_for_a_refresh_token_in_its_own_way() {
        let scopes = r#","scopes_supported":["openid","offline_access"]"#;
        for (issuer, members, expected) in [
            (
                "https://accounts.google.com",
                r#","scopes_supported":["openid","email","profile"]"#,
                "access_type=offline prompt=consent",
            ),
            ("https://www.dropbox.com", "", "token_access_type=offline"),
            ("https://id.example", "", "access_type=offline"),
            ("https://id.example", r#","scopes_supported":["openid"]"#, "access_type=offline"),
            ("https://id.example", scopes, ""),
            // Only the issuer itself, not one with a similar name.
            ("https://accounts.google.com.example", scopes, ""),
        ] {
            let url = IssuerUrl::parse(issuer).unwrap();
            let json = format!(r#"{{"issuer":"{issuer}"{members}}}"#);
            let metadata = ProviderMetadata::parse(json.as_bytes(), &url).unwrap();
            let shown: Vec<String> = parameters(&url, &metadata)
                .iter()
                .map(|(name, value)| format!("{name}={value}"))
                .collect();
            assert_eq!(shown.join(" "), expected, "{issuer} {members}");
        }
    }

    #[test]
    fn the_documentation_lists_the_issuers() {
        let page = include_str!("../../../../docs/src/how-to/every-day.md");
        for (issuer, needs) in NEEDS {
            assert!(page.contains(issuer), "{issuer}");
            for (name, value) in needs {
                assert!(page.contains(&format!("`{name}={value}`")), "{issuer} {name}");
            }
        }
    }
}
