//! The authorization request for the browser, and the callback that it returns with.
//! Never accepts a callback that does not answer exactly this request.

use aws_lc_rs::constant_time;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use login_common::{
    Secret,
    names::{ClientId, IssuerUrl},
};
use thiserror::Error;
use url::{Url, form_urlencoded};

use super::{error::OAuthError, pkce};

/// Maximum length of a response in bytes.
pub const MAX_ANSWER: usize = 16 * 1024;

/// Binds the callback to the request (RFC 6749 §10.12).
#[derive(Debug)]
pub struct State(Secret);

/// Binds the ID token to the request (OpenID Connect Core §3.1.2.1).
#[derive(Debug)]
pub struct Nonce(Secret);

impl State {
    /// The state for these random bytes.
    pub fn from_random(bytes: [u8; 32]) -> Self {
        Self(Secret::new(URL_SAFE_NO_PAD.encode(bytes)))
    }
}

impl Nonce {
    /// The nonce for these random bytes.
    pub fn from_random(bytes: [u8; 32]) -> Self {
        Self(Secret::new(URL_SAFE_NO_PAD.encode(bytes)))
    }

    /// The expected `nonce` of the ID token.
    pub fn as_str(&self) -> &str {
        self.0.expose()
    }
}

/// The content of an authorization request (RFC 6749 §4.1.1, RFC 7636 §4.3).
pub struct AuthorizationRequest<'a> {
    /// The issuer's `authorization_endpoint`; its query, if any, is preserved.
    pub endpoint: &'a Url,
    /// The client.
    pub client_id: &'a ClientId,
    /// Where the issuer redirects the browser.
    pub redirect_uri: &'a str,
    /// Joined by spaces.
    pub scopes: &'a [String],
    /// Returned in the callback.
    pub state: &'a State,
    /// Returned in the ID token.
    pub nonce: &'a Nonce,
    /// Its verifier is sent with the code. `None` for issuers that refuse PKCE.
    pub code_challenge: Option<&'a str>,
    /// The requested response mode; the issuer's default is the query.
    pub response_mode: Option<ResponseMode>,
    /// Additional parameters, such as `login_hint` or `audience`.
    pub extra: &'a [(&'a str, &'a str)],
}

impl AuthorizationRequest<'_> {
    /// The URL for the browser.
    pub fn to_url(&self) -> Url {
        let scopes = self.scopes.join(" ");
        let mut parameters = vec![
            ("response_type", "code"),
            ("client_id", self.client_id.as_str()),
            ("redirect_uri", self.redirect_uri),
            ("scope", scopes.as_str()),
            ("state", self.state.0.expose()),
            ("nonce", self.nonce.0.expose()),
        ];
        if let Some(challenge) = self.code_challenge {
            parameters.push(("code_challenge", challenge));
            parameters.push(("code_challenge_method", pkce::S256));
        }
        if let Some(mode) = self.response_mode {
            parameters.push(("response_mode", mode.as_str()));
        }
        parameters.extend(self.extra);
        let mut url = self.endpoint.clone();
        // A repeated parameter would be an error (RFC 6749 §3.1).
        let is_ours = |name: &str| parameters.iter().any(|(ours, _)| *ours == name);
        if url.query_pairs().any(|(name, _)| is_ours(&name)) {
            let theirs: Vec<(String, String)> = url
                .query_pairs()
                .filter(|(name, _)| !is_ours(name))
                .map(|(name, value)| (name.into_owned(), value.into_owned()))
                .collect();
            url.set_query(None);
            url.query_pairs_mut().extend_pairs(theirs);
        }
        url.query_pairs_mut().extend_pairs(&parameters);
        url
    }
}

/// How the authorization response is returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResponseMode {
    /// In the query of the redirect URI.
    Query,
    /// In a form that the browser posts: no code in histories and logs (OAuth 2.0 Form Post
    /// Response Mode).
    FormPost,
}

impl ResponseMode {
    /// The name in requests and in discovery documents.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Query => "query",
            Self::FormPost => "form_post",
        }
    }
}

/// The expected properties of the callback.
pub struct CallbackExpectations<'a> {
    /// The state of the request.
    pub state: &'a State,
    /// The issuer that the request was sent to.
    pub issuer: &'a IssuerUrl,
    /// Whether the issuer announced `authorization_response_iss_parameter_supported`.
    pub issuer_must_be_named: bool,
}

/// A request to the redirect URI.
#[derive(Debug)]
pub enum Callback {
    /// Not the response to this request: keep waiting.
    Stray,
    /// The response.
    Answer(Result<Secret, CallbackRefusal>),
}

/// Why the response to this request has no usable code.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum CallbackRefusal {
    /// The issuer or the user denied the request.
    #[error("the issuer answered {0}")]
    Issuer(OAuthError),
    /// RFC 9207 §2.4: the response is from another issuer.
    #[error("the answer came from issuer `{0}`, which is not the one that was asked")]
    WrongIssuer(String),
    /// RFC 9207 §2.4: the issuer announced `iss` and did not send it.
    #[error("the answer does not name its issuer, though the issuer announced that it does")]
    NoIssuer,
    /// Neither a code nor an error.
    #[error("the answer has neither a code nor an error")]
    Empty,
}

/// Judges the query of a request to the redirect URI, or the form that was posted there: both have
/// the same encoding.
///
/// Any party could send a request without the right `state`, so it is ignored. A repeated parameter
/// (RFC 6749 §3.1) makes the whole request stray, too.
pub fn read_callback(answer: &str, expected: &CallbackExpectations<'_>) -> Callback {
    if answer.len() > MAX_ANSWER {
        return Callback::Stray;
    }
    let (mut state, mut code, mut error, mut description, mut issuer) =
        (None, None, None, None, None);
    for (name, value) in form_urlencoded::parse(answer.as_bytes()) {
        let slot = match name.as_ref() {
            "state" => &mut state,
            "code" => &mut code,
            "error" => &mut error,
            "error_description" => &mut description,
            "iss" => &mut issuer,
            _ => continue,
        };
        if slot.replace(value).is_some() {
            return Callback::Stray;
        }
    }
    let ours = state.is_some_and(|state| {
        constant_time::verify_slices_are_equal(
            state.as_bytes(),
            expected.state.0.expose().as_bytes(),
        )
        .is_ok()
    });
    if !ours {
        return Callback::Stray;
    }
    Callback::Answer(match issuer {
        Some(issuer) if issuer != expected.issuer.as_str() => {
            Err(CallbackRefusal::WrongIssuer(super::error::presentable(&issuer)))
        }
        None if expected.issuer_must_be_named => Err(CallbackRefusal::NoIssuer),
        _ => match (error, code) {
            (Some(error), _) => {
                Err(CallbackRefusal::Issuer(OAuthError::new(&error, description.as_deref())))
            }
            (None, Some(code)) if !code.is_empty() => Ok(Secret::new(code)),
            (None, _) => Err(CallbackRefusal::Empty),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state() -> State {
        State(Secret::new("st"))
    }

    /// The outcome in one line.
    fn judged(query: &str, issuer_must_be_named: bool) -> String {
        let issuer = IssuerUrl::parse("https://id.example").unwrap();
        let expected =
            CallbackExpectations { state: &state(), issuer: &issuer, issuer_must_be_named };
        match read_callback(query, &expected) {
            Callback::Stray => "stray".to_owned(),
            Callback::Answer(Ok(code)) => format!("code {}", code.expose()),
            Callback::Answer(Err(refusal)) => format!("refused: {refusal}"),
        }
    }

    #[test]
    fn the_request_says_everything_once() {
        let request = AuthorizationRequest {
            endpoint: &Url::parse("https://id.example/authorize?tenant=a%20b").unwrap(),
            client_id: &ClientId::parse("kubectl-login").unwrap(),
            redirect_uri: "http://127.0.0.1:4711/callback",
            scopes: &["openid".to_owned(), "offline_access".to_owned()],
            state: &state(),
            nonce: &Nonce(Secret::new("no")),
            code_challenge: Some("ch"),
            response_mode: None,
            extra: &[("login_hint", "alice@example.com")],
        };
        assert_eq!(
            request.to_url().as_str(),
            "https://id.example/authorize?tenant=a%20b&response_type=code&client_id=kubectl-login\
             &redirect_uri=http%3A%2F%2F127.0.0.1%3A4711%2Fcallback&scope=openid+offline_access\
             &state=st&nonce=no&code_challenge=ch&code_challenge_method=S256\
             &login_hint=alice%40example.com"
        );
    }

    #[test]
    fn a_request_may_do_without_a_proof_key_and_ask_for_a_form() {
        let request = AuthorizationRequest {
            endpoint: &Url::parse("https://id.example/authorize").unwrap(),
            client_id: &ClientId::parse("k").unwrap(),
            redirect_uri: "urn:ietf:wg:oauth:2.0:oob",
            scopes: &["openid".to_owned()],
            state: &state(),
            nonce: &Nonce(Secret::new("no")),
            code_challenge: None,
            response_mode: Some(ResponseMode::FormPost),
            extra: &[],
        };
        assert_eq!(
            request.to_url().as_str(),
            "https://id.example/authorize?response_type=code&client_id=k\
             &redirect_uri=urn%3Aietf%3Awg%3Aoauth%3A2.0%3Aoob&scope=openid&state=st&nonce=no\
             &response_mode=form_post"
        );
    }

    #[test]
    fn a_parameter_of_ours_takes_the_place_of_the_endpoints() {
        let request = AuthorizationRequest {
            endpoint: &Url::parse("https://id.example/authorize?p=b2c&prompt=none&state=x")
                .unwrap(),
            client_id: &ClientId::parse("k").unwrap(),
            redirect_uri: "http://127.0.0.1:1/callback",
            scopes: &["openid".to_owned()],
            state: &state(),
            nonce: &Nonce(Secret::new("no")),
            code_challenge: None,
            response_mode: None,
            extra: &[("prompt", "login")],
        };
        assert_eq!(
            request.to_url().as_str(),
            "https://id.example/authorize?p=b2c&response_type=code&client_id=k\
             &redirect_uri=http%3A%2F%2F127.0.0.1%3A1%2Fcallback&scope=openid&state=st&nonce=no\
             &prompt=login"
        );
    }

    #[test]
    fn the_answer_to_our_request_is_taken() {
        for (query, outcome) in [
            ("code=c%2Fd&state=st", "code c/d"),
            ("state=st&code=c&session_state=x&iss=https%3A%2F%2Fid.example", "code c"),
            (
                "error=access_denied&error_description=No+thanks&state=st",
                "refused: the issuer answered `access_denied` (No thanks)",
            ),
            // An error takes precedence over a code: no correct issuer sends both.
            ("error=server_error&code=c&state=st", "refused: the issuer answered `server_error`"),
            ("state=st", "refused: the answer has neither a code nor an error"),
            ("state=st&code=", "refused: the answer has neither a code nor an error"),
        ] {
            assert_eq!(judged(query, false), outcome, "{query}");
        }
    }

    #[test]
    fn what_anyone_could_have_sent_ends_nothing() {
        for query in [
            "",
            "code=c",
            "code=c&state=wrong",
            "code=c&state=",
            "error=access_denied",
            "error=access_denied&state=ST",
            "code=c&code=d&state=st",
            "code=c&state=st&state=st",
            &format!("code={}&state=st", "c".repeat(MAX_ANSWER)),
        ] {
            assert_eq!(judged(query, false), "stray", "{query}");
        }
    }

    #[test]
    fn another_issuers_answer_is_refused() {
        let wrong = "code=c&state=st&iss=https%3A%2F%2Fevil.example";
        for must in [false, true] {
            assert_eq!(
                judged(wrong, must),
                "refused: the answer came from issuer `https://evil.example`, \
                 which is not the one that was asked"
            );
        }
        assert_eq!(
            judged("code=c&state=st", true),
            "refused: the answer does not name its issuer, though the issuer announced that it does"
        );
    }

    #[test]
    fn states_and_nonces_have_256_bits() {
        assert_eq!(State::from_random([7; 32]).0.expose().len(), 43);
        assert_eq!(Nonce::from_random([7; 32]).as_str().len(), 43);
    }
}
