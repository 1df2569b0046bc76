//! npm's certified OpenID provider, on loopback over TLS, and a record of its requests.
//! Never changes its rules: only accounts, lifetimes and a delay are set from here.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use crate::browser::{Decision, Person};
use crate::certificates::{Authority, Pair, assertion_key};
use crate::child::Child;
use crate::components::{Components, node_script};
use crate::curl::Curl;
use crate::login_client::LoginClient;
use crate::scratch::Scratch;

const START: Duration = Duration::from_secs(90);
const ACCOUNTS: &str = "accounts.json";

/// The public client registered for kubectl-login (RS256 ID tokens).
pub const CLIENT_ID: &str = "kubectl-login";
/// The same with ES256 ID tokens.
pub const ELLIPTIC_CLIENT_ID: &str = "elliptic";
/// The machine client.
pub const ROBOT_ID: &str = "robot";
/// The same with its secret in the form.
pub const FORM_ROBOT_ID: &str = "form-robot";
/// The machine client that signs assertions (`private_key_jwt`).
pub const SIGNER_ID: &str = "signer";
/// The machine client that authenticates with a certificate (`tls_client_auth`).
pub const CERTIFIED_ID: &str = "certified";
/// The public client that exchanges tokens of other issuers.
pub const EXCHANGER_ID: &str = "exchanger";
/// The resource whose access tokens are JWTs.
pub const RESOURCE: &str = "https://kubernetes.test/";

/// Accounts, lifetimes and behavior of a provider.
pub struct Manners {
    /// Name → claims. `sub` and `preferred_username` are the name unless they are given.
    pub accounts: Value,
    /// Seconds by oidc-provider's names: `IdToken`, `AccessToken`, `RefreshToken`, …
    pub lifetimes: Value,
    /// The secret of the machine client.
    pub robot_secret: &'static str,
    /// How long the token endpoint waits before it answers.
    pub token_delay: Duration,
    /// The issuers whose tokens it exchanges (RFC 8693) and accepts as grants (RFC 7523).
    pub trusted: Vec<Trusted>,
    /// Its listening address and its issuer URL, where a forwarder stands in front of it.
    pub behind: Option<(SocketAddr, String)>,
}

/// An issuer whose tokens a provider accepts for exchange.
#[derive(Clone, Debug)]
pub struct Trusted {
    /// `iss`.
    pub issuer: String,
    /// `aud`.
    pub audience: String,
    /// Its JSON Web Key Set.
    pub key_set: Value,
}

impl Default for Manners {
    fn default() -> Self {
        Self {
            accounts: json!({
                "alice": { "groups": ["developers", "operators"], "email": "alice@example.test" },
                "bob": { "groups": [] },
            }),
            lifetimes: json!({}),
            robot_secret: "a-secret-that-must-never-be-shown",
            token_delay: Duration::ZERO,
            trusted: Vec::new(),
            behind: None,
        }
    }
}

/// A running provider.
pub struct OidcProvider {
    scratch: Scratch,
    authority: Authority,
    signing_key: PathBuf,
    client_certificate: Pair,
    issuer: String,
    curl: Curl,
    child: Child,
}

impl OidcProvider {
    /// Starts the provider and waits until it listens.
    pub fn start(components: &Components, manners: &Manners) -> Result<Self> {
        let scratch = Scratch::new()?;
        let authority = Authority::new(&scratch, "issuer")?;
        let pair = authority.server(&scratch, "oidc-provider")?;
        let clients = Authority::new(&scratch, "clients")?;
        let client_certificate = clients.client(&scratch, CERTIFIED_ID, "machines")?;
        let (signing_key, public_key) = assertion_key(&scratch, "signing-key")?;
        let trusted = |trusted: &Trusted| {
            json!({
                "issuer": trusted.issuer, "audience": trusted.audience, "jwks": trusted.key_set,
            })
        };
        let behind = manners.behind.as_ref();
        let settings = json!({
            "port": behind.map_or(0, |(address, _)| address.port()),
            "issuer": behind.map(|(_, issuer)| issuer),
            "signerKeys": { "keys": [public_key] },
            "clientAuthority": clients.certificate(),
            "trusted": manners.trusted.iter().map(trusted).collect::<Vec<_>>(),
            "certificate": pair.certificate,
            "key": pair.key,
            "accounts": scratch.file(ACCOUNTS, manners.accounts.to_string())?,
            "lifetimes": manners.lifetimes,
            "robotSecret": manners.robot_secret,
            "tokenDelay": u64::try_from(manners.token_delay.as_millis())?,
        });
        let settings = scratch.file("settings.json", settings.to_string())?;
        let mut command = Command::new(components.system_program("node")?);
        command
            .env_clear()
            .env("NODE_ENV", "production")
            .arg(node_script("oidc-provider.mjs"))
            .arg(components.node_modules()?)
            .arg(settings);
        let mut child = Child::start("oidc-provider", &mut command, scratch.path())?;
        let ready = child.wait_for_line("\"ready\"", START)?;
        let ready: Value = serde_json::from_str(&ready).context("not the provider's own line")?;
        let issuer = ready["issuer"].as_str().context("no issuer")?.to_owned();
        let curl = Curl::new(components, authority.certificate())?;
        Ok(Self { scratch, authority, signing_key, client_certificate, issuer, curl, child })
    }

    /// The issuer URL.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Where it listens.
    pub fn address(&self) -> Result<SocketAddr> {
        let text = self.issuer.strip_prefix("https://").context("not https")?;
        text.parse().context("not an address")
    }

    /// The authority that signed its certificate.
    pub fn authority(&self) -> &Authority {
        &self.authority
    }

    /// The private key of the client that signs assertions.
    pub fn signing_key(&self) -> &Path {
        &self.signing_key
    }

    /// The certificate of the client that authenticates with one.
    pub fn client_certificate(&self) -> &Pair {
        &self.client_certificate
    }

    /// This provider as an issuer whose ID tokens for `audience` another provider accepts.
    pub fn as_trusted(&self, audience: &str) -> Result<Trusted> {
        let key_set = self.curl.get(&format!("{}/jwks", self.issuer))?.json()?;
        Ok(Trusted { issuer: self.issuer.clone(), audience: audience.to_owned(), key_set })
    }

    /// curl that trusts it.
    pub fn curl(&self) -> &Curl {
        &self.curl
    }

    /// What it has printed so far, one value for each event.
    pub fn events(&self) -> Result<Vec<Value>> {
        let lines = self.child.stdout()?;
        Ok(lines.lines().filter_map(|line| serde_json::from_str(line).ok()).collect())
    }

    /// All answers of the token endpoint as `GRANT OUTCOME` in order; an outcome is `success` or
    /// an OAuth error code.
    pub fn token_log(&self) -> Result<Vec<String>> {
        let log = self
            .events()?
            .iter()
            .filter(|event| event["event"] == "token")
            .map(|event| {
                let word = |name: &str| event[name].as_str().unwrap_or("?").to_owned();
                format!("{} {}", word("grant"), word("outcome"))
            })
            .collect();
        Ok(log)
    }

    /// How many tokens an account got by a grant type.
    pub fn tokens_of(&self, account: &str, grant: &str) -> Result<usize> {
        let is_one = |event: &&Value| {
            event["event"] == "token"
                && event["outcome"] == "success"
                && event["account"] == account
                && event["grant"] == grant
        };
        Ok(self.events()?.iter().filter(is_one).count())
    }

    /// Every request that arrived, as `METHOD PATH` in order.
    pub fn requests(&self) -> Result<Vec<String>> {
        let events = self.events()?;
        let requests = events.iter().filter(|event| event["event"] == "request");
        let word = |event: &Value, name: &str| event[name].as_str().unwrap_or("?").to_owned();
        Ok(requests.map(|event| word(event, "method") + " " + &word(event, "path")).collect())
    }

    /// How many sessions it has ended: revoked, or a rotated refresh token was used twice.
    pub fn ended_sessions(&self) -> Result<usize> {
        Ok(self.events()?.iter().filter(|event| event["event"] == "session-ended").count())
    }

    /// How many requests of a grant type had an outcome.
    pub fn token_requests(&self, grant: &str, outcome: &str) -> Result<usize> {
        let line = format!("{grant} {outcome}");
        Ok(self.token_log()?.iter().filter(|entry| **entry == line).count())
    }

    /// Changes the accounts, as an administrator does; later tokens show it. Replaces the file
    /// atomically, since the provider may be reading it for another case.
    pub fn change_accounts(&self, accounts: &Value) -> Result<()> {
        let new = self.scratch.file("accounts.new", accounts.to_string())?;
        fs::rename(new, self.scratch.path().join(ACCOUNTS)).context("could not change accounts")
    }

    /// The process, to stop, suspend or kill it.
    pub fn process(&mut self) -> &mut Child {
        &mut self.child
    }

    /// A user who signs in here; the provider accepts any password.
    pub fn person(&self, login: &str, decision: Decision) -> Person<'_> {
        Person {
            authority: self.authority.certificate(),
            login: login.to_owned(),
            password: "any".to_owned(),
            decision,
        }
    }

    /// A client of `client_id` at this provider whose user is `login`, a person without a browser.
    pub fn client(
        &self,
        components: &Arc<Components>,
        client_id: &str,
        login: &str,
    ) -> Result<LoginClient> {
        let client = LoginClient::for_issuer(
            components,
            &self.issuer,
            client_id,
            self.authority.certificate(),
        )?;
        let person =
            self.person(login, Decision::Approve).command_line(components, client.scratch())?;
        Ok(client.with(&[
            "--scope",
            "groups,profile",
            "--flow",
            "browser",
            "--browser-command",
            &person,
        ]))
    }
}
