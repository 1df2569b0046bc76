//! dex, a third-party OpenID provider: passwords, devices, rotation, token exchange.
//! Never changes its rules: accounts, lifetimes and one upstream are set from here.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use crate::browser::{Decision, Person};
use crate::certificates::Authority;
use crate::child::Child;
use crate::command::clean;
use crate::components::Components;
use crate::curl::Curl;
use crate::etcd::free_port;
use crate::login_client::LoginClient;
use crate::oidc_provider::{CLIENT_ID, OidcProvider};
use crate::scratch::Scratch;

const START: Duration = Duration::from_secs(90);

/// The e-mail address that alice types.
pub const ALICE: &str = "alice@example.test";
/// Her password.
pub const PASSWORD: &str = "password";
/// The id of the upstream provider, which dex requires with a token to exchange.
pub const UPSTREAM: &str = "upstream";
/// bcrypt of the password with ten rounds, as dex's own example has it.
const HASH: &str = "$2a$10$2b2cU8CPhOTaGrs1HRQuAueS7JTT5ZHsHSzYiFPm1leZck7Mc8T4W";

/// A running dex.
pub struct Dex {
    _scratch: Scratch,
    authority: Authority,
    issuer: String,
    curl: Curl,
    child: Child,
}

impl Dex {
    /// Starts dex whose ID tokens live for a time such as `10m`; with an upstream provider, it
    /// exchanges the ID tokens of that provider's public client for its own.
    pub fn start(
        components: &Components,
        id_tokens: &str,
        upstream: Option<&OidcProvider>,
    ) -> Result<Self> {
        let scratch = Scratch::new()?;
        let authority = Authority::new(&scratch, "dex-authority")?;
        let pair = authority.server(&scratch, "dex")?;
        let address = format!("127.0.0.1:{}", free_port()?);
        let issuer = format!("https://{address}/dex");
        let connectors: Vec<Value> =
            upstream.map(|upstream| connector(upstream, &issuer)).into_iter().collect();
        let configuration = json!({
            "issuer": issuer,
            "storage": { "type": "memory" },
            "web": { "https": address, "tlsCert": pair.certificate, "tlsKey": pair.key },
            "oauth2": { "passwordConnector": "local" },
            "expiry": {
                "idTokens": id_tokens,
                "refreshTokens": { "reuseInterval": "0s" },
            },
            "enablePasswordDB": true,
            "staticPasswords": [
                { "email": ALICE, "hash": HASH, "username": "alice", "userID": "1" },
            ],
            "staticClients": [{ "id": CLIENT_ID, "name": "kubectl-login", "public": true }],
            "connectors": connectors,
        });
        let configuration = scratch.file("dex.yaml", configuration.to_string())?;
        let mut command = clean(components.dex()?, scratch.path(), &[]);
        command.arg("serve").arg(configuration);
        let mut child = Child::start("dex", &mut command, scratch.path())?;
        child.wait_for_line("listening on", START)?;
        let curl = Curl::new(components, authority.certificate())?;
        Ok(Self { _scratch: scratch, authority, issuer, curl, child })
    }

    /// The issuer URL.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Where it listens.
    pub fn address(&self) -> Result<SocketAddr> {
        let text = self.issuer.trim_start_matches("https://").trim_end_matches("/dex");
        text.parse().context("not an address")
    }

    /// The authority that signed its certificate.
    pub fn authority(&self) -> &Authority {
        &self.authority
    }

    /// curl that trusts it.
    pub fn curl(&self) -> &Curl {
        &self.curl
    }

    /// The process, to stop, suspend or kill it.
    pub fn process(&mut self) -> &mut Child {
        &mut self.child
    }

    /// alice, without a browser.
    pub fn person(&self, decision: Decision) -> Person<'_> {
        Person {
            authority: self.authority.certificate(),
            login: ALICE.to_owned(),
            password: PASSWORD.to_owned(),
            decision,
        }
    }

    /// A client of its public client with a fresh home.
    pub fn client(&self, components: &Arc<Components>) -> Result<LoginClient> {
        let authority = self.authority.certificate();
        LoginClient::for_issuer(components, &self.issuer, CLIENT_ID, authority)
    }
}

fn connector(upstream: &OidcProvider, issuer: &str) -> Value {
    json!({
        "type": "oidc",
        "id": UPSTREAM,
        "name": "the other provider",
        "config": {
            "issuer": upstream.issuer(),
            "clientID": CLIENT_ID,
            "clientSecret": "none",
            "redirectURI": format!("{issuer}/callback"),
            "rootCAs": [upstream.authority().certificate()],
            "userNameKey": "sub",
            "claimMapping": { "email": "sub" },
            "insecureSkipEmailVerified": true,
        },
    })
}
