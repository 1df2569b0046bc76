//! A bare kube-apiserver on loopback, and the certificates to administer it.
//! Never has more than authentication, RBAC and storage: no controllers, no nodes.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::Map;

use crate::certificates::{Authority, Pair, signing_keys};
use crate::child::Child;
use crate::components::Components;
use crate::curl::Curl;
use crate::etcd::{Etcd, free_port};
use crate::kubeconfig::{Kubeconfig, User};
use crate::scratch::Scratch;
use crate::wait;

const START: Duration = Duration::from_mins(1);

/// What every apiserver of one cluster has in common: storage, certificates, signing keys.
pub struct Cluster {
    components: Arc<Components>,
    scratch: Scratch,
    authority: Authority,
    server: Pair,
    administrator: Pair,
    signing: Pair,
    etcd: Etcd,
}

/// The flags in which the apiservers of these tests differ.
#[derive(Clone, Default)]
pub struct Authentication {
    /// `--authentication-token-webhook-config-file`.
    pub webhook: Option<PathBuf>,
    /// `--authentication-token-webhook-version`; unset means v1beta1.
    pub webhook_version: Option<&'static str>,
    /// `--authentication-token-webhook-cache-ttl`; unset means two minutes.
    pub webhook_cache_ttl: Option<&'static str>,
    /// `--authentication-config`.
    pub configuration: Option<PathBuf>,
    /// `--anonymous-auth`; unset means true.
    pub anonymous: Option<bool>,
    /// `--service-account-issuer`; unset means the name that every cluster has for itself. An
    /// apiserver takes tokens of another issuer for those of another cluster.
    pub service_account_issuer: Option<&'static str>,
    /// More flags, as they are.
    pub more: Vec<String>,
}

impl Cluster {
    /// Starts etcd and makes the certificates.
    pub fn start(components: &Arc<Components>) -> Result<Self> {
        let scratch = Scratch::new()?;
        let authority = Authority::new(&scratch, "cluster")?;
        Ok(Self {
            server: authority.server(&scratch, "kube-apiserver")?,
            administrator: authority.client(&scratch, "administrator", "system:masters")?,
            signing: signing_keys(&scratch)?,
            etcd: Etcd::start(components, &scratch)?,
            components: Arc::clone(components),
            authority,
            scratch,
        })
    }

    /// Starts a kube-apiserver named `name` and waits for its `/readyz`.
    pub fn api_server(&self, name: &str, authentication: &Authentication) -> Result<ApiServer> {
        let port = free_port()?;
        let mut command = Command::new(self.components.kube_apiserver()?);
        command
            .env_clear()
            .arg(format!("--etcd-servers={}", self.etcd.url()))
            .args(["--bind-address=127.0.0.1", "--advertise-address=127.0.0.1"])
            .arg(format!("--secure-port={port}"))
            .arg(flag("tls-cert-file", &self.server.certificate))
            .arg(flag("tls-private-key-file", &self.server.key))
            .arg(flag("client-ca-file", self.authority.certificate()))
            .arg(flag("cert-dir", &self.scratch.folder(&format!("{name}-certificates"))?))
            .arg(format!(
                "--service-account-issuer={}",
                authentication.service_account_issuer.unwrap_or("https://kubernetes.default.svc")
            ))
            .arg(flag("service-account-key-file", &self.signing.certificate))
            .arg(flag("service-account-signing-key-file", &self.signing.key))
            .args(["--endpoint-reconciler-type=none", "--service-cluster-ip-range=10.96.0.0/24"])
            .args(["--authorization-mode=RBAC", "--disable-admission-plugins=ServiceAccount"])
            .args(["--enable-priority-and-fairness=false", "--profiling=false"]);
        if let Some(file) = &authentication.webhook {
            command.arg(flag("authentication-token-webhook-config-file", file));
        }
        if let Some(version) = authentication.webhook_version {
            command.arg(format!("--authentication-token-webhook-version={version}"));
        }
        if let Some(ttl) = authentication.webhook_cache_ttl {
            command.arg(format!("--authentication-token-webhook-cache-ttl={ttl}"));
        }
        if let Some(file) = &authentication.configuration {
            command.arg(flag("authentication-config", file));
        }
        if let Some(anonymous) = authentication.anonymous {
            command.arg(format!("--anonymous-auth={anonymous}"));
        }
        command.args(&authentication.more);
        let mut child = Child::start(name, &mut command, self.scratch.path())?;
        let server = format!("https://127.0.0.1:{port}");
        let administrator = self.administrator_curl()?;
        wait::until(&format!("/readyz of {name}"), START, || {
            anyhow::ensure!(child.is_running()?, "{name} ended: {}", child.stderr()?);
            let ready = administrator.try_status(&format!("{server}/readyz"))?;
            Ok((ready == Some(200)).then_some(()))
        })
        .with_context(|| format!("{name} did not become ready"))?;
        Ok(ApiServer { server, certificate_authority: self.authority.pem()?, child })
    }

    /// A kubeconfig for the administrator of `server`.
    pub fn administrator(&self, server: &ApiServer) -> Kubeconfig {
        server.kubeconfig(User::Certificate(self.administrator.clone()))
    }

    /// curl that trusts this cluster, as its administrator.
    pub fn administrator_curl(&self) -> Result<Curl> {
        Ok(self.curl()?.with_client_certificate(&self.administrator))
    }

    /// curl that trusts this cluster, without credentials.
    pub fn curl(&self) -> Result<Curl> {
        Curl::new(&self.components, self.authority.certificate())
    }

    /// The certificate authority of the apiservers.
    pub fn authority(&self) -> &Authority {
        &self.authority
    }
}

/// A running kube-apiserver.
pub struct ApiServer {
    server: String,
    certificate_authority: String,
    child: Child,
}

impl ApiServer {
    /// `https://127.0.0.1:PORT`.
    pub fn url(&self) -> &str {
        &self.server
    }

    /// A kubeconfig for this server with one user.
    pub fn kubeconfig(&self, user: User) -> Kubeconfig {
        Kubeconfig {
            server: self.server.clone(),
            certificate_authority_pem: self.certificate_authority.clone(),
            user,
            more: Map::new(),
        }
    }

    /// What it logged so far.
    pub fn log(&self) -> Result<String> {
        self.child.stderr()
    }

    /// The process.
    pub fn process(&mut self) -> &mut Child {
        &mut self.child
    }
}

impl Drop for ApiServer {
    fn drop(&mut self) {
        // Its graceful shutdown takes longer than a test can wait, and it stores nothing.
        let _ = self.child.kill();
    }
}

fn flag(name: &str, file: &Path) -> String {
    format!("--{name}={}", file.display())
}
