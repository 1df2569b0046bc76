//! Where the real programs are, as `cargo xtask test` states in the environment.
//! Never looks for a replacement: a component is present or it is `Missing`.

use std::collections::BTreeMap;
use std::env;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use thiserror::Error;

/// A component that a case needs and this host lacks: the case is skipped.
#[derive(Debug, Error)]
#[error("{0}")]
pub struct Missing(String);

impl Missing {
    /// What is missing, and why it cannot be provided here.
    pub fn because(what: impl Into<String>) -> Self {
        Self(what.into())
    }
}

/// The versions of kubectl that an exec entry must work with.
pub const KUBECTL_VERSIONS: [&str; 4] = ["1.24", "1.27", "1.32", "1.37"];

/// The newest of them.
pub const NEWEST_KUBECTL: &str = "1.37";

/// The paths of the real programs.
pub struct Components {
    paths: BTreeMap<&'static str, PathBuf>,
    search_path: Vec<PathBuf>,
    required: bool,
}

impl Components {
    /// Reads `LOGIN_TEST_*`, `CI` and `PATH`.
    pub fn from_environment() -> Arc<Self> {
        const VARIABLES: [&str; 10] = [
            "LOGIN_TEST_KUBECTL_DIR",
            "LOGIN_TEST_KUBE_APISERVER",
            "LOGIN_TEST_ETCD",
            "LOGIN_TEST_DEX",
            "LOGIN_TEST_CEL_ORACLE",
            "LOGIN_TEST_NODE_MODULES",
            "LOGIN_TEST_CHROMIUM",
            "LOGIN_TEST_BIN_DIR",
            "LOGIN_TEST_SKIPPED",
            "LOGIN_TEST_SCREENSHOTS",
        ];
        let paths = VARIABLES
            .into_iter()
            .filter_map(|name| {
                let value = env::var_os(name).filter(|value| !value.is_empty())?;
                Some((name, PathBuf::from(value)))
            })
            .collect();
        let search_path =
            env::var_os("PATH").map(|path| env::split_paths(&path).collect()).unwrap_or_default();
        let required = env::var("CI").is_ok_and(|value| value == "true");
        Arc::new(Self { paths, search_path, required })
    }

    /// Whether a skipped case is a failure.
    pub fn all_are_required(&self) -> bool {
        self.required
    }

    /// The file that records skipped cases.
    pub fn skipped_file(&self) -> Option<&Path> {
        self.paths.get("LOGIN_TEST_SKIPPED").map(PathBuf::as_path)
    }

    /// Where screenshots are stored; without it they are deleted with the scratch folder.
    pub fn screenshots(&self) -> Option<&Path> {
        self.paths.get("LOGIN_TEST_SCREENSHOTS").map(PathBuf::as_path)
    }

    /// The upstream kubectl of a minor version such as `1.37`.
    pub fn kubectl(&self, version: &str) -> Result<PathBuf, Missing> {
        self.file("LOGIN_TEST_KUBECTL_DIR", &format!("kubectl-{version}"))
    }

    /// kube-apiserver.
    pub fn kube_apiserver(&self) -> Result<PathBuf, Missing> {
        self.file("LOGIN_TEST_KUBE_APISERVER", "")
    }

    /// etcd.
    pub fn etcd(&self) -> Result<PathBuf, Missing> {
        self.file("LOGIN_TEST_ETCD", "")
    }

    /// dex.
    pub fn dex(&self) -> Result<PathBuf, Missing> {
        self.file("LOGIN_TEST_DEX", "")
    }

    /// kube-apiserver's CEL compiler and evaluator behind JSON lines.
    pub fn cel_oracle(&self) -> Result<PathBuf, Missing> {
        self.file("LOGIN_TEST_CEL_ORACLE", "")
    }

    /// The folder with `oidc-provider` and `playwright-core`.
    pub fn node_modules(&self) -> Result<PathBuf, Missing> {
        self.file("LOGIN_TEST_NODE_MODULES", "")
    }

    /// Chromium.
    pub fn chromium(&self) -> Result<PathBuf, Missing> {
        self.file("LOGIN_TEST_CHROMIUM", "")
    }

    /// The client under test.
    pub fn kubectl_login(&self) -> Result<PathBuf, Missing> {
        self.file("LOGIN_TEST_BIN_DIR", "kubectl-login")
    }

    /// The server under test.
    pub fn login_server(&self) -> Result<PathBuf, Missing> {
        self.file("LOGIN_TEST_BIN_DIR", "login-server")
    }

    /// A program of the system: `node`, `curl`, `strace`.
    pub fn system_program(&self, name: &str) -> Result<PathBuf, Missing> {
        self.search_path
            .iter()
            .map(|folder| folder.join(name))
            .find(|path| path.is_file())
            .ok_or_else(|| Missing(format!("`{name}` is not in `PATH`")))
    }

    fn file(&self, variable: &'static str, name: &str) -> Result<PathBuf, Missing> {
        let base =
            self.paths.get(variable).ok_or_else(|| Missing(format!("`{variable}` is not set")))?;
        let path = if name.is_empty() { base.clone() } else { base.join(name) };
        if path.exists() {
            return Ok(path);
        }
        Err(Missing(format!("`{}` (from `{variable}`) does not exist", path.display())))
    }
}

/// A script of `tests/node`.
pub fn node_script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("node").join(name)
}
