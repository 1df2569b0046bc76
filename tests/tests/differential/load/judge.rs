//! Asks both programs about a file: each reads it and states whether it would start with it.
//! Never lets kube-apiserver start so far that it needs etcd.

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Result, bail};
use login_tests::certificates::{Authority, Pair, signing_keys};
use login_tests::command::run;
use login_tests::components::Components;
use login_tests::etcd::free_port;
use login_tests::login_server::{operate, print};
use login_tests::scratch::Scratch;

const LIMIT: Duration = Duration::from_mins(1);
/// kube-apiserver reads this file after the authentication configuration; nothing is below a device.
const NEXT_FILE: &str = "/dev/null/audit-policy.yaml";

pub(crate) struct Judge {
    components: Arc<Components>,
    scratch: Scratch,
    server: Pair,
    signing: Pair,
    count: AtomicUsize,
}

impl Judge {
    pub(crate) fn new(components: &Arc<Components>) -> Result<Self> {
        let scratch = Scratch::new()?;
        let authority = Authority::new(&scratch, "judge")?;
        Ok(Self {
            server: authority.server(&scratch, "kube-apiserver")?,
            signing: signing_keys(&scratch)?,
            components: Arc::clone(components),
            scratch,
            count: AtomicUsize::new(0),
        })
    }

    /// Whether kube-apiserver accepts the file, and its output.
    pub(crate) fn kube_apiserver(&self, text: &str) -> Result<(bool, String)> {
        let name = format!("theirs-{}.yaml", self.count.fetch_add(1, Ordering::SeqCst));
        let file = self.scratch.file(&name, text)?;
        let mut command = Command::new(self.components.kube_apiserver()?);
        command
            .env_clear()
            .args(["--etcd-servers=http://127.0.0.1:1", "--bind-address=127.0.0.1"])
            .arg(format!("--secure-port={}", free_port()?))
            .arg("--authorization-mode=RBAC")
            .arg(format!("--tls-cert-file={}", self.server.certificate.display()))
            .arg(format!("--tls-private-key-file={}", self.server.key.display()))
            .arg(format!("--cert-dir={}", self.scratch.path().display()))
            .arg("--service-account-issuer=https://kubernetes.default.svc")
            .arg(format!("--service-account-key-file={}", self.signing.certificate.display()))
            .arg(format!("--service-account-signing-key-file={}", self.signing.key.display()))
            .arg(format!("--authentication-config={}", file.display()))
            .arg(format!("--audit-policy-file={NEXT_FILE}"));
        let finished = run(&mut command, LIMIT)?;
        let said = finished.stderr.split_once("\"command failed\" err=");
        let said = said.map_or(finished.stderr.as_str(), |(_, said)| said).to_owned();
        let refused = ["authentication configuration", "oidc: egress lookup", "disallowed issuers"];
        if said.contains(NEXT_FILE) {
            Ok((true, said))
        } else if refused.iter().any(|sign| said.contains(sign)) {
            Ok((false, said))
        } else {
            bail!("kube-apiserver failed for another reason: {finished}")
        }
    }

    /// What `login-server print authentication-config` writes.
    pub(crate) fn printed(&self, arguments: &[&str]) -> Result<String> {
        print(&self.components, &[&["authentication-config"], arguments].concat())
    }

    /// Whether `check-config` accepts the file, and its output.
    pub(crate) fn login_server(&self, text: &str) -> Result<(bool, String)> {
        let name = format!("ours-{}.yaml", self.count.fetch_add(1, Ordering::SeqCst));
        let file = self.scratch.file(&name, text)?.display().to_string();
        let finished =
            operate(&self.components, &["check-config", "--authentication-config", &file])?;
        match finished.code {
            Some(0) => Ok((true, finished.stderr)),
            Some(2) => Ok((false, finished.stderr)),
            _ => bail!("neither 0 nor 2: {finished}"),
        }
    }
}
