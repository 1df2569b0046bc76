//! The real parts that the tests run, and where they are cached between runs.
//! Never in the checkout, never incomplete: a part is made in a scratch folder and renamed.
//!
//! One file per part. [`provide`] is what `cargo xtask test` calls.

pub(crate) mod cache;
pub(crate) mod cargo_deny;
pub(crate) mod cel_oracle;
pub(crate) mod control_plane;
pub(crate) mod dex;
pub(crate) mod foreign_targets;
pub(crate) mod go_program;
pub(crate) mod kubectl;
pub(crate) mod mdbook;
pub(crate) mod node_modules;
pub(crate) mod peers;
pub(crate) mod system_packages;

use crate::children;
use anyhow::Result;
use serde_json::Value;
use std::{
    collections::BTreeSet,
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

/// What a test run has, what it lacks, and the versions.
#[derive(Default)]
pub(crate) struct Components {
    /// Environment variable → path, as `tests/` reads them.
    pub(crate) environment: Vec<(&'static str, PathBuf)>,
    /// `kubectl v1.37.1`, one a line.
    pub(crate) versions: Vec<String>,
    /// What could not be provided, and why.
    pub(crate) left_out: Vec<String>,
}

// The variables by which tests find the parts.
pub(crate) const KUBECTL: &str = "LOGIN_TEST_KUBECTL_DIR";
pub(crate) const KUBE_APISERVER: &str = "LOGIN_TEST_KUBE_APISERVER";
pub(crate) const ETCD: &str = "LOGIN_TEST_ETCD";
pub(crate) const DEX: &str = "LOGIN_TEST_DEX";
pub(crate) const CEL_ORACLE: &str = "LOGIN_TEST_CEL_ORACLE";
pub(crate) const NODE_MODULES: &str = "LOGIN_TEST_NODE_MODULES";
pub(crate) const CHROMIUM: &str = "LOGIN_TEST_CHROMIUM";

pub(crate) const ALL: [&str; 7] =
    [KUBECTL, KUBE_APISERVER, ETCD, DEX, CEL_ORACLE, NODE_MODULES, CHROMIUM];

/// Installs, builds or finds what is needed, by its variable. What cannot be provided is listed, not
/// an error.
pub(crate) fn provide(needed: &BTreeSet<&str>) -> Result<Components> {
    let mut components = Components::default();
    components.versions.push(children::text(Command::new("rustc").arg("--version"))?);
    if needed.is_empty() {
        return Ok(components);
    }
    if needed.contains(KUBE_APISERVER) && control_plane::if_there().is_none() {
        eprintln!(
            "first, once: what the tests run is fetched and built into {}, which takes about ten \
             minutes on two cores; `logs` there has what each step says",
            cache::folder()?.display()
        );
    }
    components.left_out.extend(system_packages::provide(&system_packages::FOR_TESTS)?);

    components.take(needed, KUBECTL, "kubectl", kubectl::provide, |folder| {
        Ok(kubectl::installed(folder)?
            .into_iter()
            .map(|(_, version)| format!("kubectl {version}"))
            .collect())
    });
    components.take(needed, KUBE_APISERVER, "kube-apiserver", control_plane::kube_apiserver, |p| {
        let said = children::text(Command::new(p).arg("--version"))?;
        Ok(vec![said.replace("Kubernetes", "kube-apiserver")])
    });
    components.take(needed, ETCD, "etcd", control_plane::etcd, |program| {
        let said = children::text(Command::new(program).arg("--version"))?;
        let first = said.lines().next().unwrap_or_default();
        Ok(vec![first.replace("etcd Version: ", "etcd v")])
    });
    components.take(needed, DEX, "dex", dex::provide, |program| {
        let said = children::text(Command::new(program).arg("version"))?;
        let first = said.lines().next().unwrap_or_default();
        Ok(vec![first.replace("Dex Version: ", "dex ")])
    });
    components.take(needed, CEL_ORACLE, "cel_oracle", cel_oracle::provide, cel_oracle::versions);
    components.take(needed, NODE_MODULES, "npm packages", node_modules::provide, |folder| {
        let mut versions =
            vec![format!("Node.js {}", children::text(Command::new("node").arg("--version"))?)];
        for package in ["oidc-provider", "playwright-core"] {
            versions.push(format!("{package} v{}", node_modules::version(folder, package)?));
        }
        Ok(versions)
    });
    components.take(needed, CHROMIUM, "Chromium", chromium, |program| {
        Ok(vec![children::text(Command::new(program).arg("--version"))?])
    });
    Ok(components)
}

impl Components {
    /// Uses what the variable already names, else what `provide` makes.
    fn take(
        &mut self,
        needed: &BTreeSet<&str>,
        variable: &'static str,
        name: &str,
        provide: impl FnOnce() -> Result<PathBuf>,
        versions: impl FnOnce(&Path) -> Result<Vec<String>>,
    ) {
        if !needed.contains(variable) {
            return;
        }
        let path = env::var_os(variable).map_or_else(provide, |path| Ok(path.into()));
        match path.and_then(|path| Ok((versions(&path)?, path))) {
            Ok((versions, path)) => {
                self.versions.extend(versions);
                self.environment.push((variable, path));
            }
            Err(error) => self.left_out.push(format!("{name}: {error:#}")),
        }
    }
}

fn chromium() -> Result<PathBuf> {
    ["chromium", "chromium-browser", "google-chrome"]
        .iter()
        .find_map(|name| children::on_path(name))
        .ok_or_else(|| anyhow::anyhow!("no Chromium on PATH"))
}

/// A JSON file.
pub(crate) fn read_json(file: &Path) -> Result<Value> {
    use anyhow::Context as _;
    let text = fs::read(file).with_context(|| format!("could not read {}", file.display()))?;
    serde_json::from_slice(&text).with_context(|| format!("{} is not JSON", file.display()))
}
