//! kube-apiserver and etcd, built from the Go modules that `tests/go/go.mod` pins.
//! Never with other modules than `tests/go/go.sum` has the hashes of.

use super::{cache, kubectl};
use crate::{children, workspace};
use anyhow::{Context as _, Result, bail};
use std::{env, fs, path::PathBuf, process::Command};

const KUBERNETES: &str = "k8s.io/kubernetes";
const ETCD: &str = "go.etcd.io/etcd/server/v3";

/// kube-apiserver of `KUBEBUILDER_ASSETS`, else built and cached (some minutes the first time).
pub(crate) fn kube_apiserver() -> Result<PathBuf> {
    if let Some(program) = from_assets("kube-apiserver") {
        return Ok(program);
    }
    let version = pinned(KUBERNETES)?;
    let mut numbers = version.trim_start_matches('v').split('.');
    let (Some(major), Some(minor)) = (numbers.next(), numbers.next()) else {
        bail!("`{version}` in tests/go/go.mod is no version of Kubernetes");
    };
    // Without these the program calls itself v0.0.0-master.
    let names = "k8s.io/component-base/version";
    let linker = format!(
        "-s -w -X {names}.gitVersion={version} -X {names}.gitMajor={major} -X {names}.gitMinor={minor}"
    );
    let package = format!("{KUBERNETES}/cmd/kube-apiserver");
    build("kube-apiserver", &version, &linker, &package)
}

/// etcd of `KUBEBUILDER_ASSETS`, else built and cached.
pub(crate) fn etcd() -> Result<PathBuf> {
    match from_assets("etcd") {
        Some(program) => Ok(program),
        None => build("etcd", &pinned(ETCD)?, "-s -w", ETCD),
    }
}

/// kubectl, kube-apiserver and etcd, if all of them are at hand without building: the cache, the
/// envtest convention's folder, `PATH`.
pub(crate) fn if_there() -> Option<[PathBuf; 3]> {
    let cached = |name: &str, module: &str| {
        let version = pinned(module).ok()?;
        Some(cache::part_if_there(&format!("{name}-{version}"))?.join(name))
    };
    let kubectl = kubectl::if_there()
        .and_then(|folder| kubectl::newest(&folder).ok())
        .or_else(|| from_assets("kubectl"))
        .or_else(|| children::on_path("kubectl"));
    let either = |name: &str, module: &str| {
        from_assets(name).or_else(|| cached(name, module)).or_else(|| children::on_path(name))
    };
    Some([kubectl?, either("kube-apiserver", KUBERNETES)?, either("etcd", ETCD)?])
}

fn from_assets(name: &str) -> Option<PathBuf> {
    let program = PathBuf::from(env::var_os("KUBEBUILDER_ASSETS")?).join(name);
    program.is_file().then_some(program)
}

/// The version of a module in `tests/go/go.mod`.
fn pinned(module: &str) -> Result<String> {
    let file = workspace::root().join("tests/go/go.mod");
    let text =
        fs::read_to_string(&file).with_context(|| format!("could not read {}", file.display()))?;
    let version = version_in(&text, module);
    version.with_context(|| format!("{} does not require `{module}`", file.display()))
}

fn version_in(go_mod: &str, module: &str) -> Option<String> {
    go_mod
        .lines()
        .map(|line| line.trim().trim_start_matches("require "))
        .filter_map(|line| line.strip_prefix(module)?.strip_prefix(' '))
        .filter(|rest| !rest.starts_with("=>"))
        .find_map(|rest| rest.split(' ').next().map(str::to_owned))
}

fn build(name: &str, version: &str, linker: &str, package: &str) -> Result<PathBuf> {
    let key = format!("{name}-{version}");
    let folder = cache::part(&key, |folder| {
        let log = cache::log(&key)?;
        let mut build = Command::new("go");
        build
            .current_dir(workspace::root().join("tests/go"))
            .args(["build", "-trimpath", "-ldflags", linker, "-o"])
            .arg(folder.join(name))
            .arg(package)
            .env("CGO_ENABLED", "0")
            .env("GOWORK", "off")
            .env("GOFLAGS", "-mod=readonly -buildvcs=false");
        children::patiently(&format!("building {name} {version}"), &log, &mut build)
    })?;
    Ok(folder.join(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_the_required_one_not_the_replacement() {
        let go_mod = "module m\n\nrequire (\n\tgo.etcd.io/etcd/server/v3 v3.7.0\n\tk8s.io/kubernetes v1.37.1\n)\n\nreplace k8s.io/api => k8s.io/api v0.37.1\n";
        assert_eq!(version_in(go_mod, KUBERNETES).as_deref(), Some("v1.37.1"));
        assert_eq!(version_in(go_mod, ETCD).as_deref(), Some("v3.7.0"));
        assert_eq!(version_in(go_mod, "k8s.io/api"), None);
    }
}
