//! Where the checkout is, what cargo calls its parts, and how to build them.
//! Never guesses where a program was built: cargo reports it.

use crate::children;
use anyhow::{Context as _, Result, bail};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// The feature that the default build leaves out.
pub(crate) const TRACES: &str = "login-server/otel";

/// The checkout's folder.
pub(crate) fn root() -> PathBuf {
    // `cargo run` states where the package is now; a program started alone uses the built-in path.
    let package = std::env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    package.parent().map_or_else(|| PathBuf::from("."), Path::to_path_buf)
}

/// The cargo that runs us, at the root of the checkout.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    // Set by the `cargo run` around us; a nested cargo must not take them for the user's own.
    for name in ["CARGO_MANIFEST_DIR", "CARGO_MANIFEST_PATH", "CARGO_PKG_NAME"] {
        command.env_remove(name);
    }
    command
}

/// `cargo metadata` of the workspace's own packages.
pub(crate) fn metadata() -> Result<Value> {
    let json = children::text(cargo().args(["metadata", "--format-version=1", "--no-deps"]))?;
    serde_json::from_str(&json).context("`cargo metadata` printed no JSON")
}

/// Runs `cargo build` with these arguments and returns where each program is: name → path.
pub(crate) fn build(arguments: &[&str]) -> Result<BTreeMap<String, PathBuf>> {
    build_with(arguments, &[])
}

/// The same with variables for cargo.
pub(crate) fn build_with(
    arguments: &[&str],
    variables: &[(&str, &str)],
) -> Result<BTreeMap<String, PathBuf>> {
    let output = cargo()
        .arg("build")
        .args(arguments)
        .envs(variables.iter().copied())
        .arg("--message-format=json-render-diagnostics")
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .context("could not start `cargo`")?;
    if !output.status.success() {
        bail!("`cargo build {}` failed", arguments.join(" "));
    }
    let mut programs = BTreeMap::new();
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let message: Value = serde_json::from_str(line).unwrap_or(Value::Null);
        let name = message.pointer("/target/name").and_then(Value::as_str);
        let executable = message.pointer("/executable").and_then(Value::as_str);
        if let (Some(name), Some(executable)) = (name, executable) {
            programs.insert(name.to_owned(), PathBuf::from(executable));
        }
    }
    Ok(programs)
}

/// The path of one program that [`build`] built.
pub(crate) fn program(programs: &BTreeMap<String, PathBuf>, name: &str) -> Result<PathBuf> {
    programs.get(name).cloned().with_context(|| format!("cargo built no program `{name}`"))
}

/// Every file under `folder` that belongs to the checkout, sorted.
pub(crate) fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    const NOT_OURS: [&str; 2] = [".git", "node_modules"];
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    let built = folder.join("target");
    while let Some(folder) = folders.pop() {
        let entries = std::fs::read_dir(&folder)
            .with_context(|| format!("could not list {}", folder.display()))?;
        for entry in entries {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                let is_ours = !NOT_OURS.iter().any(|name| entry.file_name() == *name);
                if is_ours && entry.path() != built {
                    folders.push(entry.path());
                }
            } else {
                found.push(entry.path());
            }
        }
    }
    found.sort();
    Ok(found)
}
