//! kube-apiserver and etcd: from an envtest folder, or built.
//! Never of another version than `tests/go/go.mod` pins, unless `KUBEBUILDER_ASSETS` is set.

use super::{go_program::GoProgram, kubectl};
use crate::children;
use anyhow::{Result, bail};
use std::{env, path::PathBuf};

const KUBE_APISERVER: GoProgram = GoProgram {
    name: "kube-apiserver",
    folder: "tests/go",
    module: "k8s.io/kubernetes",
    package: "k8s.io/kubernetes/cmd/kube-apiserver",
    has_c: false,
};

const ETCD: GoProgram = GoProgram {
    name: "etcd",
    folder: "tests/go",
    module: "go.etcd.io/etcd/server/v3",
    package: "go.etcd.io/etcd/server/v3",
    has_c: false,
};

/// kube-apiserver of `KUBEBUILDER_ASSETS`, else built and cached (some minutes the first time).
pub(crate) fn kube_apiserver() -> Result<PathBuf> {
    if let Some(program) = from_assets(KUBE_APISERVER.name) {
        return Ok(program);
    }
    let version = KUBE_APISERVER.version()?;
    let mut numbers = version.trim_start_matches('v').split('.');
    let (Some(major), Some(minor)) = (numbers.next(), numbers.next()) else {
        bail!("`{version}` in tests/go/go.mod is no version of Kubernetes");
    };
    // Without these the program reports v0.0.0-master.
    let names = "k8s.io/component-base/version";
    KUBE_APISERVER.build(&format!(
        "-s -w -X {names}.gitVersion={version} -X {names}.gitMajor={major} -X {names}.gitMinor={minor}"
    ))
}

/// etcd of `KUBEBUILDER_ASSETS`, else built and cached.
pub(crate) fn etcd() -> Result<PathBuf> {
    from_assets(ETCD.name).map_or_else(|| ETCD.build("-s -w"), Ok)
}

/// kubectl, kube-apiserver and etcd, if all of them exist without building: in the cache, the
/// envtest convention's folder, `PATH`.
pub(crate) fn if_there() -> Option<[PathBuf; 3]> {
    let kubectl = kubectl::if_there()
        .and_then(|folder| kubectl::newest(&folder).ok())
        .or_else(|| from_assets("kubectl"))
        .or_else(|| children::on_path("kubectl"));
    let either = |program: &GoProgram| {
        from_assets(program.name)
            .or_else(|| program.if_there())
            .or_else(|| children::on_path(program.name))
    };
    Some([kubectl?, either(&KUBE_APISERVER)?, either(&ETCD)?])
}

fn from_assets(name: &str) -> Option<PathBuf> {
    let program = PathBuf::from(env::var_os("KUBEBUILDER_ASSETS")?).join(name);
    program.is_file().then_some(program)
}
