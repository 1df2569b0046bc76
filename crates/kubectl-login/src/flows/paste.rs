//! The authorization code, pasted by the user from a browser on any host.
//! Never listens: the address of the page that fails to load has the answer.

use login_common::Secret;
use login_protocols::{
    oauth2::authorization::{Callback, CallbackExpectations, read_callback},
    oidc::ProviderMetadata,
};

use super::{
    FlowError, authorization, callback_address, issuer_client::IssuerClient, request::Request,
};
use crate::system::{
    console::{Console, Echo},
    port,
};

/// How many times the user may paste.
const ATTEMPTS: usize = 3;

/// Longest code that is accepted.
const MAX_CODE: usize = 8 * 1024;

/// What the user pasted.
pub struct Pasted {
    /// The code for the exchange.
    pub code: Secret,
    /// The redirect URI of the request.
    pub redirect_uri: String,
    /// What shows that the code belongs to this sign-in.
    pub tie: Tie,
}

/// What ties a code to the sign-in that it was pasted into. A proof key does so only if the issuer
/// checks it, which a client cannot see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tie {
    /// `state` came with it.
    State,
    /// Nothing came with it: the ID token must have our `nonce`.
    Nonce,
}

/// Shows the address and waits for the answer. The caller bounds the wait.
pub async fn ask(
    issuer_client: &IssuerClient<'_>,
    metadata: &ProviderMetadata,
    request: &Request,
) -> Result<Pasted, FlowError> {
    let target = issuer_client.target;
    let console = Console::open().ok_or_else(|| FlowError::no_terminal(&target.issuer))?;
    let callback = &target.callback;
    let wanted: Vec<u16> =
        callback_address::listen_on(callback).into_iter().map(|(_, port)| port).collect();
    // Reserved without listening: no other process on this host can answer there.
    let port = port::reserve(&wanted);
    let redirect_uri = callback_address::redirect_uri(callback, port.number());
    let url = authorization::url(issuer_client, metadata, request, &redirect_uri, None)?;
    let terminal = issuer_client.system.terminal;
    terminal
        .ask(&format!("Open this page in any browser to sign in to {}:\n  {url}", target.issuer));
    terminal.ask(if callback.proof_key {
        "It ends with a code, or with a page that cannot be shown: copy the code, or the whole \
         address of that page."
    } else {
        // Without a proof key only `state` ties an answer to this sign-in.
        "It ends with a page that cannot be shown: copy the whole address of that page; a code \
         alone is not enough with `--pkce-method no`."
    });
    let expected = CallbackExpectations {
        state: &request.state,
        issuer: &target.issuer,
        issuer_must_be_named: metadata.authorization_response_iss_parameter_supported,
    };
    for _ in 0..ATTEMPTS {
        let line = console.line("Paste it here and press Enter: ", Echo::Shown).await;
        let line = line.map_err(FlowError::Terminal)?;
        match judge(&line, &expected, callback.proof_key) {
            (Callback::Answer(Ok(code)), tie) => return Ok(Pasted { code, redirect_uri, tie }),
            (Callback::Answer(Err(source)), _) => {
                return Err(FlowError::Callback { issuer: target.issuer.clone(), source });
            }
            (Callback::Stray, _) => terminal.ask("That is not the answer to this sign-in."),
        }
    }
    Err(FlowError::NoAnswer { issuer: target.issuer.clone() })
}

/// Reads a whole address, with or without its scheme, its query alone, or a bare code. A bare code
/// has no `state`: it is accepted only with a proof key, and its ID token must tie it to this
/// sign-in.
fn judge(line: &Secret, expected: &CallbackExpectations<'_>, proof_key: bool) -> (Callback, Tie) {
    let text = line.expose().trim();
    let query = match text.split_once('?') {
        Some((_, query)) => Some(query),
        None if text.contains("://") => Some(""),
        None => (text.starts_with("code=") || text.contains("state=")).then_some(text),
    };
    if let Some(query) = query {
        let query = query.split_once('#').map_or(query, |(query, _)| query);
        return (read_callback(query, expected), Tie::State);
    }
    let is_code = proof_key
        && (1..=MAX_CODE).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_graphic());
    let found = if is_code { Callback::Answer(Ok(Secret::new(text))) } else { Callback::Stray };
    (found, Tie::Nonce)
}

#[cfg(test)]
mod tests {
    use login_common::names::IssuerUrl;
    use login_protocols::oauth2::authorization::State;

    use super::*;

    #[test]
    fn an_address_a_query_or_a_code_may_be_pasted() {
        // 32 zero bytes in base64url.
        let state = "A".repeat(43);
        let issuer = IssuerUrl::parse("https://id.example").unwrap();
        let expected = CallbackExpectations {
            state: &State::from_random([0; 32]),
            issuer: &issuer,
            issuer_must_be_named: false,
        };
        for (line, outcome) in [
            (format!("http://127.0.0.1:4711/callback?code=c%2F1&state={state}"), "code c/1"),
            (format!("  https://localhost/?state={state}&code=c \t"), "code c"),
            (format!("?code=c&state={state}"), "code c"),
            (format!("code=c&state={state}"), "code c"),
            (format!("127.0.0.1:4711/callback?code=c&state={state}"), "code c"),
            (format!("localhost:8000/?code=c%2F1&state={state}#"), "code c/1"),
            (format!("localhost/?code=c&state={state}#_=_"), "code c"),
            (format!("code=c&state={state}#_=_"), "code c"),
            ("localhost:8000/?code=c".to_owned(), "stray"),
            ("localhost:8000/?code=c&state=other".to_owned(), "stray"),
            ("http://localhost:8000/".to_owned(), "stray"),
            ("code=c".to_owned(), "stray"),
            ("4/0AX4XfWh=_-".to_owned(), "code 4/0AX4XfWh=_-"),
            (
                format!("http://127.0.0.1/?error=access_denied&state={state}"),
                "the issuer answered `access_denied`",
            ),
            (
                format!("http://127.0.0.1/?code=c&state={state}&iss=https%3A%2F%2Fother.example"),
                "the answer came from issuer `https://other.example`, \
                 which is not the one that was asked",
            ),
            ("http://127.0.0.1:4711/callback?code=c&state=other".to_owned(), "stray"),
            ("http://127.0.0.1:4711/callback?code=c".to_owned(), "stray"),
            ("https://id.example/authorize?response_type=code".to_owned(), "stray"),
            ("state=other&code=c".to_owned(), "stray"),
            (String::new(), "stray"),
            ("two words".to_owned(), "stray"),
            ("c".repeat(MAX_CODE + 1), "stray"),
        ] {
            let found = match judge(&Secret::new(line.clone()), &expected, true) {
                (Callback::Stray, _) => "stray".to_owned(),
                (Callback::Answer(Ok(code)), tie) => {
                    assert_eq!(tie == Tie::Nonce, !line.contains("state="), "{line}");
                    format!("code {}", code.expose())
                }
                (Callback::Answer(Err(refusal)), _) => refusal.to_string(),
            };
            assert_eq!(found, outcome, "{line}");
        }
        let untied = |line: String| judge(&Secret::new(line), &expected, false).0;
        assert!(matches!(untied("4/0AX4XfWh".to_owned()), Callback::Stray));
        let address = format!("localhost/?code=c&state={state}");
        assert!(matches!(untied(address), Callback::Answer(Ok(_))));
    }
}
