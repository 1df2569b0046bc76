//! Complete flows through the public interface, at fixed times.
//! Never reaches behind it, except to add records that only another client could own; the client's
//! side uses `login_protocols`, so that both must agree.

mod bindings;
mod browser;
mod device;
mod durability;
mod machine;
mod operator;
mod refresh;
mod revocation;

use std::{net::IpAddr, time::Duration};

use login_common::{
    Secret, UnixTime,
    names::{ClientId, IssuerUrl},
};
use login_protocols::{
    jose::{Algorithm, CompactJws},
    oauth2::pkce::Verifier,
    oidc::{self, Expectations},
};
use serde_json::{Map, Value};
use url::{Url, form_urlencoded};

use crate::{
    Form, Issuer, IssuerSettings, LoginPrompt, NewClient, NewUser, PasswordPolicy, SignIn,
    SignInRefusal, TokenError, TokenResponse, User,
    store::{SqliteStore, Store},
};

const ISSUER: &str = "https://login.example.com";
const REDIRECT: &str = "http://127.0.0.1:4242/callback";
const PASSWORD: &str = "correct horse battery";

/// Seconds after the start of each test.
fn at(seconds: i64) -> UnixTime {
    UnixTime::from_seconds(1_800_000_000 + seconds)
}

fn source() -> IpAddr {
    "192.0.2.7".parse().unwrap()
}

fn verifier() -> Verifier {
    Verifier::from_random([7; 32])
}

fn settings() -> IssuerSettings {
    IssuerSettings {
        // Cheap, so that the suite is fast; each hash records its cost.
        passwords: PasswordPolicy { memory_kib: 16, passes: 1, ..PasswordPolicy::RECOMMENDED },
        ..IssuerSettings::new(IssuerUrl::parse(ISSUER).unwrap(), "kubernetes")
    }
}

/// An issuer with user `alice` and machine client `ci`.
struct Rig {
    issuer: Issuer,
    alice: User,
    ci_secret: Secret,
}

impl Rig {
    fn new() -> Self {
        Self::with(settings())
    }

    fn with(settings: IssuerSettings) -> Self {
        Self::on(settings, Box::new(SqliteStore::in_memory().unwrap()))
    }

    fn on(settings: IssuerSettings, store: Box<dyn Store>) -> Self {
        let issuer = Issuer::open(settings, store, at(0)).unwrap();
        let operator = issuer.administration();
        let alice = operator
            .add_user(
                &NewUser {
                    name: "alice".into(),
                    password: Secret::new(PASSWORD),
                    groups: vec!["developers".into()],
                },
                at(0),
            )
            .unwrap();
        let ci = NewClient { id: ClientId::parse("ci").unwrap(), groups: vec!["deployers".into()] };
        let (_, ci_secret) = operator.add_client(&ci, at(0)).unwrap();
        Self { issuer, alice, ci_secret }
    }

    /// A valid authorization request, with some parameters changed; an empty one is omitted.
    fn prompt(
        &self,
        changes: &[(&str, &str)],
        now: UnixTime,
    ) -> Result<LoginPrompt, crate::AuthorizationRefusal> {
        let challenge = verifier().challenge_s256();
        let good = [
            ("response_type", "code"),
            ("client_id", "kubectl-login"),
            ("redirect_uri", REDIRECT),
            ("scope", "openid offline_access"),
            ("state", "the-state"),
            ("nonce", "the-nonce"),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ];
        self.issuer.authorize(&encoded(&good, changes), now)
    }

    fn submit(
        &self,
        prompt: &LoginPrompt,
        username: &str,
        password: &str,
        now: UnixTime,
    ) -> Result<Url, SignInRefusal> {
        let password = Secret::new(password);
        let form =
            SignIn { ticket: &prompt.ticket, username, password: &password, source: source() };
        self.issuer.sign_in(&form, now)
    }

    /// The code of a successful sign-in.
    fn code(&self, changes: &[(&str, &str)], now: UnixTime) -> String {
        let prompt = self.prompt(changes, now).unwrap();
        let location = self.submit(&prompt, "alice", PASSWORD, now).unwrap();
        parameter(&location, "code").unwrap()
    }

    /// A valid exchange of `code`, with some parameters changed; an empty one is omitted.
    fn exchange(
        &self,
        code: &str,
        changes: &[(&str, &str)],
        now: UnixTime,
    ) -> Result<TokenResponse, TokenError> {
        let verifier = verifier();
        let good = [
            ("grant_type", "authorization_code"),
            ("client_id", "kubectl-login"),
            ("redirect_uri", REDIRECT),
            ("code", code),
            ("code_verifier", verifier.as_secret().expose()),
        ];
        self.token(&encoded(&good, changes), now)
    }

    fn refresh(
        &self,
        refresh_token: &Secret,
        changes: &[(&str, &str)],
        now: UnixTime,
    ) -> Result<TokenResponse, TokenError> {
        let good = [
            ("grant_type", "refresh_token"),
            ("client_id", "kubectl-login"),
            ("refresh_token", refresh_token.expose()),
        ];
        self.token(&encoded(&good, changes), now)
    }

    fn token(&self, body: &str, now: UnixTime) -> Result<TokenResponse, TokenError> {
        self.issuer.token(&Form::parse(body.as_bytes())?, None, &|_| false, now)
    }

    /// A session: the tokens of a successful browser sign-in.
    fn signed_in(&self, now: UnixTime) -> TokenResponse {
        self.exchange(&self.code(&[], now), &[], now).unwrap()
    }

    /// The claims of a token that a verifier accepts for `audience`.
    fn claims(&self, token: &Secret, audience: &str, now: UnixTime) -> Map<String, Value> {
        let token = CompactJws::parse(token.expose()).unwrap();
        let expected = Expectations {
            issuer: &IssuerUrl::parse(ISSUER).unwrap(),
            audiences: &[audience.to_owned()],
            algorithms: &[Algorithm::Es256],
        };
        let keys = self.issuer.key_set();
        oidc::verify(&token, &keys, &expected, now).unwrap().claims.as_map().clone()
    }
}

fn encoded(good: &[(&str, &str)], changes: &[(&str, &str)]) -> String {
    let changed = |name: &str| changes.iter().any(|(other, _)| *other == name);
    form_urlencoded::Serializer::new(String::new())
        .extend_pairs(good.iter().filter(|(name, _)| !changed(name)))
        .extend_pairs(changes.iter().filter(|(_, value)| !value.is_empty()))
        .finish()
}

fn parameter(url: &Url, name: &str) -> Option<String> {
    url.query_pairs().find(|(other, _)| other == name).map(|(_, value)| value.into_owned())
}

fn refused<T: std::fmt::Debug>(outcome: Result<T, TokenError>) -> (u16, &'static str, String) {
    let refusal = outcome.unwrap_err();
    let body: Value = serde_json::from_str(&refusal.body()).unwrap();
    assert_eq!(body["error"], refusal.error());
    (refusal.status(), refusal.error(), refusal.to_string())
}

const fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}
