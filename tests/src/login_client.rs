//! kubectl-login with a home of its own.
//! Never touches the cache of the user who runs the tests.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use serde_json::{Value, json};
use tempfile::NamedTempFile;

use crate::child::Child;
use crate::command::{Finished, clean, run};
use crate::components::Components;
use crate::scratch::Scratch;

/// Options that name commands, which a kubeconfig may not run unless the user allows it.
const COMMANDS: [&str; 3] = ["--browser-command", "--identity-command", "--client-secret-command"];

const LIMIT: Duration = Duration::from_mins(1);

/// A kubectl-login, its home and the options it is always run with.
pub struct LoginClient {
    components: Arc<Components>,
    program: PathBuf,
    scratch: Scratch,
    options: Vec<String>,
}

impl LoginClient {
    /// A client with an empty home that gets `options` on every run.
    pub fn new(components: &Arc<Components>, options: &[&str]) -> Result<Self> {
        let scratch = Scratch::new()?;
        scratch.folder("home")?;
        Ok(Self {
            components: Arc::clone(components),
            program: components.kubectl_login()?,
            scratch,
            options: options.iter().map(|&option| option.to_owned()).collect(),
        })
    }

    /// The options for an issuer and a client, and the authority of the issuer's certificate.
    pub fn for_issuer(
        components: &Arc<Components>,
        issuer: &str,
        client: &str,
        authority: &Path,
    ) -> Result<Self> {
        let authority = authority.display().to_string();
        let options =
            ["--issuer-url", issuer, "--client-id", client, "--certificate-authority", &authority];
        Self::new(components, &options)
    }

    /// The same with more options.
    #[must_use]
    pub fn with(mut self, options: &[&str]) -> Self {
        self.options.extend(options.iter().map(|&option| option.to_owned()));
        self
    }

    /// Its `HOME`.
    pub fn home(&self) -> PathBuf {
        self.scratch.path().join("home")
    }

    /// The folder it runs in.
    pub fn scratch(&self) -> &Scratch {
        &self.scratch
    }

    /// The components, for parts a case adds.
    pub fn components(&self) -> &Arc<Components> {
        &self.components
    }

    /// The command `kubectl-login SUBCOMMAND OPTIONS MORE`, not yet run.
    pub fn command(&self, subcommand: &str, more: &[&str]) -> Command {
        let mut command = clean(&self.program, &self.home(), &[]);
        command.current_dir(self.scratch.path()).arg(subcommand).args(&self.options).args(more);
        self.allow_commands(more);
        command
    }

    /// Allows the commands that its options name, as a user does who trusts that kubeconfig. Leaves
    /// the configuration alone where a case has its own.
    fn allow_commands(&self, more: &[&str]) {
        const BEGIN: &str = "# Allowed for this case.\n";
        static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
        let _turn = ONE_AT_A_TIME.lock();
        let folder = self.home().join(".config/kubectl-login");
        let file = folder.join("config.yaml");
        let before = fs::read_to_string(&file).unwrap_or_else(|_| BEGIN.to_owned());
        let words: Vec<&str> =
            self.options.iter().map(String::as_str).chain(more.iter().copied()).collect();
        let mut lines = Vec::new();
        for (index, word) in words.iter().enumerate() {
            let (option, value) = match word.split_once('=') {
                Some((option, value)) => (option, Some(value)),
                None => (*word, words.get(index + 1).copied()),
            };
            if COMMANDS.contains(&option) {
                lines.extend(value.map(|value| format!("- {}\n", json!(value))));
            }
        }
        lines.retain(|line| !before.contains(line));
        if lines.is_empty() || !before.starts_with(BEGIN) {
            return;
        }
        let head = if before == BEGIN { "allowed-commands:\n" } else { "" };
        // If the file cannot be written, the case itself fails.
        let _ = fs::create_dir_all(&folder);
        // Replaced atomically: cases share clients, so another case's client may be reading it.
        let Ok(mut new) = NamedTempFile::new_in(&folder) else { return };
        let _ = new.write_all(format!("{before}{head}{}", lines.concat()).as_bytes());
        let _ = new.persist(&file);
    }

    /// The command `kubectl-login ARGUMENTS` without the options of every run.
    pub fn bare_command(&self, arguments: &[&str]) -> Command {
        let mut command = clean(&self.program, &self.home(), &[]);
        command.current_dir(self.scratch.path()).args(arguments);
        command
    }

    /// Runs `get-token` as kubectl would, and returns how it ended.
    pub fn get_token(&self, more: &[&str]) -> Result<Finished> {
        run(&mut asked_by_kubectl(self.command("get-token", more), "v1"), LIMIT)
    }

    /// Runs `get-token` and returns the credential it printed; fails unless that is all it printed.
    pub fn credential(&self, more: &[&str]) -> Result<Credential> {
        Credential::read(&self.get_token(more)?.success()?)
    }

    /// Starts `get-token` beside the case.
    pub fn start(&self, name: &str, more: &[&str]) -> Result<Child> {
        let mut command = asked_by_kubectl(self.command("get-token", more), "v1");
        Child::start(name, &mut command, self.scratch.path())
    }

    /// The `exec` entry of a kubeconfig that runs this client as kubectl's plugin.
    pub fn exec_entry(&self, version: &str) -> Value {
        self.allow_commands(&[]);
        let mut arguments = vec!["get-token".to_owned()];
        arguments.extend(self.options.iter().cloned());
        json!({
            "apiVersion": format!("client.authentication.k8s.io/{version}"),
            "command": "kubectl-login",
            "args": arguments,
            "env": null,
            "interactiveMode": "IfAvailable",
            "provideClusterInfo": false,
        })
    }

    /// Every file below its home with its mode, to check what a run left behind.
    pub fn files(&self) -> Result<Vec<(PathBuf, u32)>> {
        let mut found = Vec::new();
        let mut folders = vec![self.home()];
        while let Some(folder) = folders.pop() {
            let listing = fs::read_dir(&folder)
                .with_context(|| format!("could not list `{}`", folder.display()))?;
            for entry in listing {
                let entry = entry?;
                let about = entry.metadata()?;
                if about.is_dir() {
                    folders.push(entry.path());
                }
                found.push((entry.path(), about.permissions().mode() & 0o7777));
            }
        }
        found.sort();
        Ok(found)
    }
}

/// Adds the `KUBERNETES_EXEC_INFO` that kubectl sends without a terminal (client-go, `exec.go`).
pub fn asked_by_kubectl(mut command: Command, version: &str) -> Command {
    let info = json!({
        "kind": "ExecCredential",
        "apiVersion": format!("client.authentication.k8s.io/{version}"),
        "spec": { "interactive": false },
    });
    command.env("KUBERNETES_EXEC_INFO", format!("{info}\n"));
    command
}

/// The credential that `get-token` printed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credential {
    /// The token.
    pub token: String,
    /// `status.expirationTimestamp`.
    pub expires: Option<String>,
}

impl Credential {
    /// Reads standard output: exactly one ExecCredential.
    pub fn read(finished: &Finished) -> Result<Self> {
        let object = finished.json()?;
        ensure!(finished.stdout.starts_with('{'), "not one object: {finished}");
        ensure!(object["kind"] == "ExecCredential", "not an ExecCredential: {finished}");
        let text = |name: &str| object["status"][name].as_str().map(str::to_owned);
        let token = text("token").with_context(|| format!("no token: {finished}"))?;
        Ok(Self { token, expires: text("expirationTimestamp") })
    }

    /// The claims of the token, unverified.
    pub fn claims(&self) -> Result<Value> {
        let payload = self.token.split('.').nth(1).context("not a JWT")?;
        let payload = BASE64_URL_SAFE_NO_PAD.decode(payload).context("not base64url")?;
        serde_json::from_slice(&payload).context("not JSON")
    }
}
