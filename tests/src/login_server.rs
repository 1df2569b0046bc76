//! login-server as an operator runs it: `serve`, and the short commands.
//! Never reads its state directly: cases see what a client or an operator sees.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use crate::certificates::Authority;
use crate::child::Child;
use crate::command::{Finished, clean, run, run_with_input};
use crate::components::Components;
use crate::curl::{Curl, Reply};
use crate::etcd::free_port;
use crate::scratch::Scratch;

const START: Duration = Duration::from_secs(90);
const LIMIT: Duration = Duration::from_secs(30);

/// An external issuer that login-server trusts.
pub struct TrustedIssuer<'a> {
    /// The issuer URL.
    pub url: &'a str,
    /// The certificate authority of the issuer, in PEM.
    pub authority_pem: String,
    /// The accepted audiences: OAuth client ids.
    pub audiences: &'a [&'a str],
}

impl TrustedIssuer<'_> {
    /// The AuthenticationConfiguration that maps `preferred_username` and `groups` without prefix.
    pub fn authentication_configuration(&self) -> Result<String> {
        let mut text = String::from(
            "apiVersion: apiserver.config.k8s.io/v1\nkind: AuthenticationConfiguration\njwt:\n",
        );
        write!(text, "- issuer:\n    url: {}\n    certificateAuthority: |\n", self.url)?;
        for line in self.authority_pem.lines() {
            writeln!(text, "      {line}")?;
        }
        writeln!(text, "    audiences: {}", json!(self.audiences))?;
        if self.audiences.len() > 1 {
            text.push_str("    audienceMatchPolicy: MatchAny\n");
        }
        text.push_str(
            "  claimMappings:\n    username: { claim: preferred_username, prefix: \"\" }\n    \
             groups: { claim: groups, prefix: \"\" }\n",
        );
        Ok(text)
    }
}

/// The configuration and options of `serve`.
#[derive(Default)]
pub struct Service {
    /// The text of `--config`.
    pub configuration: Option<String>,
    /// The text of `--authentication-config`.
    pub authentication: Option<String>,
    /// The port to listen on, where another part of the case already names it.
    pub port: Option<u16>,
    /// A state folder that an operator has prepared.
    pub state: Option<PathBuf>,
    /// An authority shared with other servers; otherwise it gets its own.
    pub authority: Option<Arc<Authority>>,
    /// More options.
    pub more: Vec<String>,
}

/// A running login-server.
pub struct LoginServer {
    components: Arc<Components>,
    scratch: Scratch,
    authority: PathBuf,
    url: String,
    health: String,
    curl: Curl,
    child: Child,
}

impl LoginServer {
    /// `login-server serve` over TLS with a certificate of the rig.
    pub fn serve(components: &Arc<Components>, service: &Service) -> Result<Self> {
        let scratch = Scratch::new()?;
        let authority = match &service.authority {
            Some(shared) => Arc::clone(shared),
            None => Arc::new(Authority::new(&scratch, "login-server-authority")?),
        };
        let pair = authority.server(&scratch, "login-server")?;
        let listen = format!("127.0.0.1:{}", service.port.map_or_else(free_port, Ok)?);
        let health = format!("127.0.0.1:{}", free_port()?);
        let state = match &service.state {
            Some(folder) => folder.clone(),
            None => scratch.folder("state")?,
        };
        let mut command = clean(components.login_server()?, scratch.path(), &[]);
        command.args(["serve", "--listen", &listen, "--health-listen", &health]);
        command.arg("--tls-cert-file").arg(&pair.certificate);
        command.arg("--tls-private-key-file").arg(&pair.key);
        command.arg("--state-dir").arg(state);
        if let Some(text) = &service.configuration {
            command.arg("--config").arg(scratch.file("config.yaml", text)?);
        }
        if let Some(text) = &service.authentication {
            command.arg("--authentication-config").arg(scratch.file("authentication.yaml", text)?);
        }
        command.args(&service.more);
        let mut child = Child::start("login-server", &mut command, scratch.path())?;
        child.wait_for_line("listening", START)?;
        Ok(Self {
            components: Arc::clone(components),
            authority: authority.certificate().to_path_buf(),
            curl: Curl::new(components, authority.certificate())?,
            url: format!("https://{listen}"),
            health: format!("http://{health}"),
            scratch,
            child,
        })
    }

    /// Where it serves: `https://127.0.0.1:PORT`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Where kube-apiserver posts its reviews.
    pub fn webhook_url(&self) -> String {
        format!("{}/authenticate", self.url)
    }

    /// Its folder: it was started with `authentication.yaml`, `config.yaml`, `login-server.crt` and
    /// `login-server.key` there.
    pub fn scratch(&self) -> &Scratch {
        &self.scratch
    }

    /// Where `/livez` and `/readyz` are.
    pub fn health_url(&self) -> &str {
        &self.health
    }

    /// The address as a socket address.
    pub fn address(&self) -> Result<SocketAddr> {
        let text = self.url.strip_prefix("https://").context("not https")?;
        text.parse().context("not an address")
    }

    /// The certificate authority of its certificate.
    pub fn authority(&self) -> &Path {
        &self.authority
    }

    /// curl that trusts it.
    pub fn curl(&self) -> &Curl {
        &self.curl
    }

    /// The process.
    pub fn process(&mut self) -> &mut Child {
        &mut self.child
    }

    /// What it has logged so far.
    pub fn log(&self) -> Result<String> {
        self.child.stderr()
    }

    /// Posts the TokenReview that kube-apiserver would post.
    pub fn review(&self, version: &str, token: &str) -> Result<Reply> {
        self.curl.post_json(&format!("{}?timeout=30s", self.webhook_url()), &review(version, token))
    }

    /// The webhook kubeconfig as `login-server print` writes it, saved to a file.
    pub fn printed_webhook_kubeconfig(&self) -> Result<PathBuf> {
        let url = self.webhook_url();
        printed_webhook_kubeconfig(&self.components, &self.scratch, &url, &self.authority)
    }
}

/// The webhook kubeconfig for a server at `url`, as `login-server print` writes it.
pub fn printed_webhook_kubeconfig(
    components: &Components,
    scratch: &Scratch,
    url: &str,
    authority: &Path,
) -> Result<PathBuf> {
    let authority = authority.display().to_string();
    let printed = print(
        components,
        &["webhook-kubeconfig", "--server", url, "--certificate-authority", &authority],
    )?;
    scratch.file("webhook.kubeconfig", printed)
}

/// The TokenReview that kube-apiserver posts.
pub fn review(version: &str, token: &str) -> Value {
    json!({
        "kind": "TokenReview",
        "apiVersion": format!("authentication.k8s.io/{version}"),
        "metadata": {},
        "spec": { "token": token, "audiences": ["https://kubernetes.default.svc"] },
        "status": { "user": {} },
    })
}

/// Runs a short command of login-server.
pub fn operate(components: &Components, arguments: &[&str]) -> Result<Finished> {
    operate_with_input(components, arguments, b"")
}

/// Runs a short command of login-server with `input` on standard input.
pub fn operate_with_input(
    components: &Components,
    arguments: &[&str],
    input: &[u8],
) -> Result<Finished> {
    let scratch = Scratch::new()?;
    let mut command = clean(components.login_server()?, scratch.path(), &[]);
    command.current_dir(scratch.path()).args(arguments);
    if input.is_empty() {
        run(&mut command, LIMIT)
    } else {
        run_with_input(&mut command, input, LIMIT)
    }
}

/// What `login-server print ARGUMENTS` writes.
pub fn print(components: &Components, arguments: &[&str]) -> Result<String> {
    let mut all = vec!["print"];
    all.extend_from_slice(arguments);
    Ok(operate(components, &all)?.success()?.stdout)
}
