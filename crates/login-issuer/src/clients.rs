//! OAuth clients: the built-in public client, and machine clients with a secret.
//! Never stores a client secret, only its digest.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use login_common::{Secret, UnixTime, names::ClientId};
use url::form_urlencoded;

use crate::{
    Form, GrantType, TokenError,
    opaque::Digest,
    store::{ClientRecord, Store},
};

/// The public client that `kubectl-login` uses. It is built in and cannot be deleted.
pub const PUBLIC_CLIENT_ID: &str = "kubectl-login";

/// Maximum length of an `Authorization` header in bytes.
const LONGEST_HEADER: usize = 4096;

/// A machine client, as shown to the operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// `sub` of its tokens; `preferred_username` is `client:` and this id.
    pub id: ClientId,
    /// `groups` of its tokens.
    pub groups: Vec<String>,
    /// When the operator added it.
    pub created_at: UnixTime,
}

/// A machine client to add.
#[derive(Clone, Debug)]
pub struct NewClient {
    /// Not [`PUBLIC_CLIENT_ID`], not an existing id, not beginning with `user_`.
    pub id: ClientId,
    /// 1 to 256 characters each, without control characters.
    pub groups: Vec<String>,
}

/// The client that sends a request to an endpoint.
#[derive(Clone, Debug)]
pub(crate) enum Caller {
    /// The built-in client. Any caller can claim to be it.
    Public,
    /// A machine client that authenticated.
    Machine(ClientRecord),
}

impl Caller {
    pub(crate) fn id(&self) -> &str {
        match self {
            Self::Public => PUBLIC_CLIENT_ID,
            Self::Machine(client) => &client.id,
        }
    }

    pub(crate) fn may_use(&self, grant: GrantType) -> bool {
        match self {
            Self::Public => matches!(
                grant,
                GrantType::AuthorizationCode | GrantType::DeviceCode | GrantType::RefreshToken
            ),
            Self::Machine(_) => grant == GrantType::ClientCredentials,
        }
    }
}

/// Authenticates the client by `none`, `client_secret_basic` or `client_secret_post`
/// (RFC 6749 §2.3).
pub(crate) fn authenticate(
    store: &dyn Store,
    form: &Form,
    authorization: Option<&str>,
) -> Result<Caller, TokenError> {
    let by_header = authorization.is_some();
    let refused = TokenError::InvalidClient { by_header };
    let (id, secret) = if let Some(header) = authorization {
        let Some((id, secret)) = parse_basic(header) else { return Err(refused) };
        let other_name = form.text("client_id").is_some_and(|other| other != id);
        if other_name || form.secret("client_secret").is_some() {
            return Err(TokenError::TwoAuthentications);
        }
        (id, Some(secret))
    } else {
        let id = form.text("client_id").ok_or(TokenError::Missing("client_id"))?;
        (id.to_owned(), form.secret("client_secret").cloned())
    };
    let secret = secret.filter(|secret| !secret.is_empty());
    if id == PUBLIC_CLIENT_ID {
        // The public client has no secret, so any secret is wrong.
        return if secret.is_none() { Ok(Caller::Public) } else { Err(refused) };
    }
    let (Some(client), Some(secret)) = (store.client(&id)?, secret) else { return Err(refused) };
    if client.secret == Digest::of(secret.expose()) {
        Ok(Caller::Machine(client))
    } else {
        Err(refused)
    }
}

/// RFC 6749 §2.3.1: both parts are form-urlencoded before they are joined.
fn parse_basic(header: &str) -> Option<(String, Secret)> {
    if header.len() > LONGEST_HEADER {
        return None;
    }
    let (scheme, encoded) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = Secret::new(String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?);
    let (id, secret) = decoded.expose().split_once(':')?;
    Some((form_decoded(id)?, Secret::new(form_decoded(secret)?)))
}

fn form_decoded(text: &str) -> Option<String> {
    let pair = format!("value={text}");
    let mut pairs = form_urlencoded::parse(pair.as_bytes());
    let (_, value) = pairs.next()?;
    pairs.next().is_none().then(|| value.into_owned())
}

/// Whether `redirect_uri` leads to a program on the same host, at any port (RFC 8252 §7.3).
/// Compared as text, so that no two URL parsers can disagree about it.
pub(crate) fn is_loopback_redirect(redirect_uri: &str) -> bool {
    let allowed = [
        ("http://127.0.0.1", &["/callback"] as &[&str]),
        ("http://[::1]", &["/callback"]),
        ("http://localhost", &["", "/", "/callback"]),
    ];
    allowed.into_iter().any(|(origin, paths)| {
        let Some(rest) = redirect_uri.strip_prefix(origin) else { return false };
        let path = match rest.strip_prefix(':') {
            Some(rest) => {
                let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
                let Some((port, path)) = rest.split_at_checked(digits) else { return false };
                if port.starts_with('0') || port.parse::<u16>().is_err() {
                    return false;
                }
                path
            }
            None => rest,
        };
        paths.contains(&path)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirects_lead_to_this_machine_only() {
        for good in [
            "http://127.0.0.1:1/callback",
            "http://127.0.0.1/callback",
            "http://[::1]:65535/callback",
            "http://localhost:8000",
            "http://localhost:8000/",
            "http://localhost:8000/callback",
        ] {
            assert!(is_loopback_redirect(good), "{good}");
        }
        for bad in [
            "",
            "https://127.0.0.1:1/callback",
            "http://127.0.0.1:1",
            "http://127.0.0.1:1/",
            "http://127.0.0.1:1/callback/",
            "http://127.0.0.1:1/callback?x=1",
            "http://127.0.0.1:1/callback#x",
            "http://127.0.0.1:0/callback",
            "http://127.0.0.1:65536/callback",
            "http://127.0.0.1:/callback",
            "http://127.0.0.1:1@evil.example/callback",
            "http://127.0.0.1.evil.example/callback",
            "http://user@127.0.0.1:1/callback",
            "http://127.1:1/callback",
            "http://localhost.evil.example:1/",
            "http://localhost:8000/other",
            "HTTP://localhost:8000/",
            "http://localhost:8000/\r\nx",
        ] {
            assert!(!is_loopback_redirect(bad), "{bad}");
        }
    }

    #[test]
    fn basic_credentials_are_form_decoded() {
        let header = |plain: &str| format!("basic {}", STANDARD.encode(plain));
        let (id, secret) = parse_basic(&header("my+id%3A:a%2Bb%26c")).unwrap();
        assert_eq!((id.as_str(), secret.expose()), ("my id:", "a+b&c"));
        for bad in ["", "Basic", "Basic !", "Bearer eDp5", &header("no-colon"), &header("a:b&c")] {
            assert!(parse_basic(bad).is_none(), "{bad}");
        }
        assert!(parse_basic(&header(&format!("a:{}", "b".repeat(4096)))).is_none());
    }
}
