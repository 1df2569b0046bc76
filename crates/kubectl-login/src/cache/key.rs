//! Names a session in the cache: a digest of all that changes the token and of nothing else.
//! Never contains a secret, a path, or anything about how the person signs in.

use std::fmt;

use aws_lc_rs::digest::{Context, SHA256, digest};

/// 64 hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CacheKey(String);

impl CacheKey {
    /// The key of a target. `scopes` must be sorted, each once. `for_client` tells the client's own
    /// tokens from those of people; browser and device give a person the same ones.
    ///
    /// The certificate authority is no part of it: whoever vouches for the issuer, its tokens are
    /// the same. Nor is the client's secret, which may be rotated.
    pub fn of(
        issuer: &str,
        client_id: &str,
        scopes: &[String],
        audience: Option<&str>,
        account: Option<&str>,
        for_client: bool,
        use_access_token: bool,
    ) -> Self {
        let mut fields = Fields(Context::new(&SHA256));
        fields.add("format", [super::FORMAT]);
        // A field that is added later goes in only when it has a value, to keep old keys.
        fields.add("account", account);
        fields.add("audience", audience);
        fields.add("client_id", [client_id]);
        fields.add("grant", [if for_client { "client" } else { "person" }]);
        fields.add("issuer", [issuer]);
        fields.add("scope", scopes.iter().map(String::as_str));
        fields.add("token", [if use_access_token { "access" } else { "id" }]);
        Self(hexadecimal(fields.0.finish().as_ref()))
    }

    /// The name of this session's file of a kind.
    pub fn file(&self, kind: &str) -> String {
        format!("{}.{kind}", self.0)
    }

    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CacheKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The digits of a SHA-256 digest.
pub fn digest_of(bytes: &[u8]) -> String {
    hexadecimal(digest(&SHA256, bytes).as_ref())
}

/// Each field is its name, then `+` and a value for each value, then `.`; each text is its length
/// in eight bytes, big-endian, and its bytes.
struct Fields(Context);

impl Fields {
    /// Lengths go first, so that no two lists of fields look alike.
    fn add<'a>(&mut self, name: &str, values: impl IntoIterator<Item = &'a str>) {
        self.text(name);
        for value in values {
            self.0.update(b"+");
            self.text(value);
        }
        self.0.update(b".");
    }

    fn text(&mut self, text: &str) {
        self.0.update(&(text.len() as u64).to_be_bytes());
        self.0.update(text.as_bytes());
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    let digit =
        |nibble: u8| char::from(if nibble < 10 { b'0' + nibble } else { b'a' + nibble - 10 });
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Given<'a> {
        issuer: &'a str,
        client: &'a str,
        scopes: &'a [&'a str],
        audience: Option<&'a str>,
        account: Option<&'a str>,
        for_client: bool,
        access: bool,
    }

    const BASE: Given<'_> = Given {
        issuer: "https://id.example",
        client: "k",
        scopes: &["a", "b"],
        audience: None,
        account: None,
        for_client: false,
        access: false,
    };

    fn key(given: &Given<'_>) -> String {
        let scopes: Vec<String> = given.scopes.iter().map(ToString::to_string).collect();
        CacheKey::of(
            given.issuer,
            given.client,
            &scopes,
            given.audience,
            given.account,
            given.for_client,
            given.access,
        )
        .as_str()
        .to_owned()
    }

    #[test]
    fn the_key_of_a_target_stays_what_it_was_in_earlier_versions() {
        // Computed by another program from the description above `Fields`.
        assert_eq!(key(&BASE), "7ec2808f7c18c000cdd4bb28b1f0bf857d0303840a8989ab61dac4c6f20b40c2");
    }

    #[test]
    fn whatever_changes_the_token_changes_the_key() {
        let different = [
            Given { ..BASE },
            Given { issuer: "https://id.example/", ..BASE },
            Given { client: "K", ..BASE },
            Given { scopes: &["a"], ..BASE },
            Given { scopes: &["ab"], ..BASE },
            Given { scopes: &[], ..BASE },
            Given { audience: Some("x"), ..BASE },
            Given { account: Some("x"), ..BASE },
            Given { audience: Some(""), ..BASE },
            Given { for_client: true, ..BASE },
            Given { access: true, ..BASE },
        ];
        let keys: std::collections::HashSet<String> = different.iter().map(key).collect();
        assert_eq!(keys.len(), different.len());
    }

    #[test]
    fn digits_are_hexadecimal() {
        assert_eq!(hexadecimal(&[0x00, 0x9a, 0xff]), "009aff");
        assert!(digest_of(b"").starts_with("e3b0c44298fc1c14"));
    }
}
