//! kubectl of one version with a home and a kubeconfig of its own.
//! Never sees the kubeconfig, cache or environment variables of the user who runs the tests.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::Result;
use serde_json::Value;

use crate::command::{Finished, clean, run, run_with_input};
use crate::components::Components;
use crate::kubeconfig::Kubeconfig;
use crate::scratch::Scratch;

const LIMIT: Duration = Duration::from_mins(1);

/// A kubectl, ready to run.
pub struct Kubectl {
    program: PathBuf,
    scratch: Scratch,
    kubeconfig: PathBuf,
    plugins: Vec<PathBuf>,
    home: PathBuf,
    environment: Vec<(String, String)>,
}

impl Kubectl {
    /// kubectl of `version` (such as `1.37`) with `kubeconfig`.
    pub fn new(components: &Components, version: &str, kubeconfig: &Kubeconfig) -> Result<Self> {
        let scratch = Scratch::new()?;
        let file = kubeconfig.write(&scratch, "config")?;
        Self::with_files(components, version, scratch, file)
    }

    /// kubectl of `version` with a `KUBECONFIG` value: one file, or several joined by `:`.
    pub fn with_kubeconfig(
        components: &Components,
        version: &str,
        kubeconfig: impl Into<PathBuf>,
    ) -> Result<Self> {
        Self::with_files(components, version, Scratch::new()?, kubeconfig.into())
    }

    fn with_files(
        components: &Components,
        version: &str,
        scratch: Scratch,
        kubeconfig: PathBuf,
    ) -> Result<Self> {
        let program = components.kubectl(version)?;
        let plugins = components.kubectl_login().ok();
        let plugins = plugins.as_deref().and_then(Path::parent).map(Path::to_path_buf);
        let home = scratch.folder("home")?;
        let plugins = plugins.into_iter().collect();
        Ok(Self { program, scratch, kubeconfig, plugins, home, environment: Vec::new() })
    }

    /// Uses the home folder of another kubectl or client, and so shares its cache.
    #[must_use]
    pub fn at_home(mut self, home: &Path) -> Self {
        home.clone_into(&mut self.home);
        self
    }

    /// Sets an environment variable for kubectl and its plugins.
    #[must_use]
    pub fn with_variable(mut self, name: &str, value: impl Into<String>) -> Self {
        self.environment.push((name.to_owned(), value.into()));
        self
    }

    /// The command `kubectl ARGUMENTS`, not yet run.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = clean(&self.program, &self.home, &self.plugins);
        command
            .env("KUBECONFIG", &self.kubeconfig)
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .current_dir(self.scratch.path())
            .args(arguments);
        command
    }

    /// Runs `kubectl ARGUMENTS`.
    pub fn run(&self, arguments: &[&str]) -> Result<Finished> {
        run(&mut self.command(arguments), LIMIT)
    }

    /// Runs `kubectl ARGUMENTS` with `manifest` on standard input.
    pub fn run_with_input(&self, arguments: &[&str], manifest: &Value) -> Result<Finished> {
        run_with_input(&mut self.command(arguments), manifest.to_string().as_bytes(), LIMIT)
    }

    /// `kubectl create -f -`, for the objects a case needs.
    pub fn create(&self, manifest: &Value) -> Result<Finished> {
        self.run_with_input(&["create", "-f", "-"], manifest)?.success()
    }

    /// `kubectl auth whoami -o json`: `status.userInfo` (kubectl 1.27 or later).
    pub fn whoami(&self, arguments: &[&str]) -> Result<Value> {
        let mut all = vec!["auth", "whoami", "-o", "json"];
        all.extend_from_slice(arguments);
        let review = self.run(&all)?.success()?.json()?;
        Ok(review["status"]["userInfo"].clone())
    }

    /// The folder it runs in.
    pub fn scratch(&self) -> &Scratch {
        &self.scratch
    }

    /// Its `HOME`.
    pub fn home(&self) -> &Path {
        &self.home
    }
}
