//! The certified OpenID provider of npm, on loopback over TLS, and what it was asked.
//! Never bends its rules: only accounts, lifetimes and a delay are set from here.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use crate::certificates::Authority;
use crate::child::Child;
use crate::components::{Components, node_script};
use crate::curl::Curl;
use crate::scratch::Scratch;

const START: Duration = Duration::from_secs(30);

/// The public client registered for kubectl-login (RS256 ID tokens).
pub const CLIENT_ID: &str = "kubectl-login";
/// The same with ES256 ID tokens.
pub const ELLIPTIC_CLIENT_ID: &str = "elliptic";
/// The machine client.
pub const ROBOT_ID: &str = "robot";
/// The resource whose access tokens are JWTs.
pub const RESOURCE: &str = "https://kubernetes.test/";

/// Accounts, lifetimes and manners of a provider.
pub struct Manners {
    /// Name → claims. `sub` and `preferred_username` are the name unless they are given.
    pub accounts: Value,
    /// Seconds by oidc-provider's names: `IdToken`, `AccessToken`, `RefreshToken`, …
    pub lifetimes: Value,
    /// The secret of the machine client.
    pub robot_secret: &'static str,
    /// How long the token endpoint thinks before it answers.
    pub token_delay: Duration,
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
        }
    }
}

/// A running provider.
pub struct OidcProvider {
    scratch: Scratch,
    authority: Authority,
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
        let settings = json!({
            "certificate": pair.certificate,
            "key": pair.key,
            "accounts": manners.accounts,
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
        Ok(Self { scratch, authority, issuer, curl, child })
    }

    /// The issuer URL.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The authority that signed its certificate.
    pub fn authority(&self) -> &Authority {
        &self.authority
    }

    /// curl that trusts it.
    pub fn curl(&self) -> &Curl {
        &self.curl
    }

    /// How many requests of a grant type ended with `outcome` (`success` or an OAuth error code).
    pub fn token_requests(&self, grant: &str, outcome: &str) -> Result<usize> {
        let count = self
            .child
            .stdout()?
            .lines()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok())
            .filter(|event| event["event"] == "token")
            .filter(|event| event["grant"] == grant && event["outcome"] == outcome)
            .count();
        Ok(count)
    }

    /// All requests to the token endpoint as `grant outcome`, in order.
    pub fn token_log(&self) -> Result<Vec<String>> {
        let lines = self
            .child
            .stdout()?
            .lines()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok())
            .filter(|event| event["event"] == "token")
            .map(|event| {
                let word = |name: &str| event[name].as_str().unwrap_or("?").to_owned();
                format!("{} {}", word("grant"), word("outcome"))
            })
            .collect();
        Ok(lines)
    }

    /// The process, to stop, suspend or kill it.
    pub fn process(&mut self) -> &mut Child {
        &mut self.child
    }

    /// Writes the file that tells `person.mjs` who signs in here and how.
    pub fn person(&self, login: &str, decision: &str) -> Result<PathBuf> {
        let settings = json!({
            "authority": self.authority.certificate(),
            "login": login,
            "password": "any password will do",
            "decision": decision,
        });
        self.scratch.file(&format!("person-{login}-{decision}.json"), settings.to_string())
    }
}
