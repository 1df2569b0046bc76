//! `login-server dev` in a scratch folder, and kubectl-login aimed at it: what demo, startup and
//! bench have in common. Never touches the user's own home, cache or kubeconfig.

use crate::children::{self, Background};
use anyhow::{Context as _, Result, bail};
use serde_json::Value;
use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Output},
    time::Duration,
};

const PATIENCE: Duration = Duration::from_secs(20);

/// The line that the server printed when it was ready.
pub(crate) struct DevServer {
    facts: Value,
    pub(crate) background: Background,
}

impl DevServer {
    pub(crate) fn start(program: &Path, scratch: &Path) -> Result<Self> {
        let home = scratch.join("home");
        fs::create_dir_all(&home)?;
        let mut command = Command::new(program);
        command
            .args(["dev", "-o", "json", "--state-dir"])
            .arg(scratch.join("server"))
            .current_dir(scratch)
            .env("HOME", home);
        let log = scratch.join("login-server.log");
        let (background, line) =
            Background::start_and_read_line("login-server dev", &log, &mut command, PATIENCE)?;
        let facts = serde_json::from_str(&line)
            .with_context(|| format!("`login-server dev -o json` printed `{line}`"))?;
        Ok(Self { facts, background })
    }

    /// A fact by its JSON pointer, such as `/user/name`.
    pub(crate) fn fact(&self, pointer: &str) -> Result<&str> {
        let fact = self.facts.pointer(pointer).and_then(Value::as_str);
        fact.with_context(|| format!("`login-server dev -o json` does not say `{pointer}`"))
    }

    pub(crate) fn groups(&self, pointer: &str) -> Vec<&str> {
        let groups = self.facts.pointer(pointer).and_then(Value::as_array);
        groups.into_iter().flatten().filter_map(Value::as_str).collect()
    }

    /// POSTs a TokenReview (v1) of the token; returns the `status` of the answer.
    pub(crate) fn review(&self, scratch: &Path, token: &str) -> Result<Value> {
        let file = scratch.join("token-review.json");
        fs::write(&file, token_review(token))?;
        let answer = children::text(
            curl(self.fact("/certificateAuthorityFile")?)
                .args(["--fail-with-body", "--header", "content-type: application/json", "--data"])
                .arg(format!("@{}", file.display()))
                .arg(self.fact("/webhookUrl")?),
        )?;
        let answer: Value = serde_json::from_str(&answer)
            .with_context(|| format!("the answer is not JSON: `{answer}`"))?;
        answer.get("status").cloned().context("the answer has no `status`")
    }
}

/// What kube-apiserver would POST.
pub(crate) fn token_review(token: &str) -> String {
    serde_json::json!({
        "kind": "TokenReview",
        "apiVersion": "authentication.k8s.io/v1",
        "metadata": { "creationTimestamp": null },
        "spec": { "token": token },
        "status": { "user": {} },
    })
    .to_string()
}

/// The system's curl without the user's configuration, trusting one CA, with a time limit.
pub(crate) fn curl(certificate_authority: &str) -> Command {
    let mut curl = Command::new("curl");
    curl.args(["--disable", "--silent", "--show-error", "--max-time", "10", "--noproxy", "*"]);
    curl.args(["--cacert", certificate_authority]);
    curl
}

/// kubectl-login with a home and a token cache of its own.
pub(crate) struct Client {
    pub(crate) program: PathBuf,
    scratch: PathBuf,
}

impl Client {
    pub(crate) fn new(program: &Path, scratch: &Path) -> Self {
        Self { program: program.to_owned(), scratch: scratch.to_owned() }
    }

    pub(crate) fn token_cache(&self) -> PathBuf {
        self.scratch.join("token-cache")
    }

    /// Gives a command this client's home, and hides the user's settings from it.
    pub(crate) fn at_home(&self, command: &mut Command) {
        for (name, _) in env::vars_os() {
            let text = name.to_string_lossy();
            let foreign = ["KUBECTL_LOGIN_", "KUBERNETES_EXEC_INFO", "KUBECACHEDIR", "KUBECONFIG"];
            if foreign.iter().any(|prefix| text.starts_with(prefix)) || text.starts_with("XDG_") {
                command.env_remove(&name);
            }
        }
        // `cargo run` sets its own library path; a loader that searches it is slower than a user's.
        command.env_remove("LD_LIBRARY_PATH");
        command.current_dir(&self.scratch).env("HOME", self.scratch.join("home"));
    }

    /// The arguments of a CI job: client id and secret.
    pub(crate) fn machine_arguments(&self, server: &DevServer) -> Result<Vec<String>> {
        let mut arguments = self.arguments(server, server.fact("/client/id")?)?;
        arguments.push(format!("--client-secret-file={}", server.fact("/client/secretFile")?));
        arguments.push("--flow=client-credentials".to_owned());
        Ok(arguments)
    }

    /// The arguments of a user with a browser.
    pub(crate) fn person_arguments(&self, server: &DevServer) -> Result<Vec<String>> {
        let mut arguments = self.arguments(server, server.fact("/clientId")?)?;
        arguments.push("--flow=browser".to_owned());
        Ok(arguments)
    }

    fn arguments(&self, server: &DevServer, client_id: &str) -> Result<Vec<String>> {
        Ok(vec![
            "get-token".to_owned(),
            format!("--issuer-url={}", server.fact("/issuerUrl")?),
            format!("--client-id={client_id}"),
            format!("--certificate-authority={}", server.fact("/certificateAuthorityFile")?),
            format!("--token-cache-dir={}", self.token_cache().display()),
        ])
    }

    /// Runs `get-token`: exactly what it printed, which must be one ExecCredential.
    pub(crate) fn run(&self, arguments: &[String], more: &[&str]) -> Result<Credential> {
        let mut command = Command::new(&self.program);
        command.args(arguments).args(more);
        self.at_home(&mut command);
        let Output { status, stdout, stderr } = children::output(&mut command)?;
        if !status.success() {
            bail!(
                "`kubectl-login` ended with {status}: {}",
                String::from_utf8_lossy(&stderr).trim()
            );
        }
        let json: Value = serde_json::from_slice(&stdout).with_context(|| {
            format!("stdout is not JSON: `{}`", String::from_utf8_lossy(&stdout).trim())
        })?;
        let field = |pointer: &str| json.pointer(pointer).and_then(Value::as_str);
        if field("/kind") != Some("ExecCredential") {
            bail!("stdout is not an ExecCredential");
        }
        Ok(Credential {
            token: field("/status/token").context("the ExecCredential has no token")?.to_owned(),
            expires: field("/status/expirationTimestamp").unwrap_or("never").to_owned(),
            printed: stdout,
        })
    }
}

/// One answer of `get-token`.
pub(crate) struct Credential {
    pub(crate) token: String,
    pub(crate) expires: String,
    /// The exact bytes of stdout.
    pub(crate) printed: Vec<u8>,
}
