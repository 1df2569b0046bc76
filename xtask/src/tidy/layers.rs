//! Checks that dependencies go only up the member list, and that the pure crates stay pure.
//! Never keeps a list of crates of its own: the root manifest is the diagram.

use crate::{children, workspace};
use anyhow::{Context as _, Result};
use serde_json::Value;
use std::{collections::BTreeMap, fs, path::Path};

/// Crates that must work without a runtime or a socket, and the crates that would add one.
const PURE: [&str; 6] = [
    "login-common",
    "login-protocols",
    "kubernetes-cel",
    "login-cache",
    "login-review",
    "login-issuer",
];
const RUNTIMES: [&str; 3] = ["tokio", "hyper", "reqwest"];

pub(crate) fn check(root: &Path, faults: &mut Vec<String>) -> Result<()> {
    let manifest = fs::read_to_string(root.join("Cargo.toml"))?;
    let layers = layers_of(&manifest);
    let top = layers.values().max().copied().unwrap_or_default();

    let metadata = workspace::metadata()?;
    let packages = metadata.get("packages").and_then(Value::as_array).context("no packages")?;
    for package in packages {
        let name = text(package, "name");
        let folder = Path::new(text(package, "manifest_path")).parent().unwrap_or(root);
        let member = folder.strip_prefix(root).unwrap_or(folder).to_string_lossy().into_owned();
        let Some(layer) = layers.get(&member) else {
            faults.push(format!("Cargo.toml: member `{member}` stands under no `# layer`"));
            continue;
        };
        let dependencies = package.get("dependencies").and_then(Value::as_array);
        for dependency in dependencies.into_iter().flatten() {
            let Some(path) = dependency.get("path").and_then(Value::as_str) else { continue };
            let path = Path::new(path);
            let other = path.strip_prefix(root).unwrap_or(path).to_string_lossy().into_owned();
            let below = layers.get(&other).is_some_and(|other| other < layer);
            let forbidden = layers.get(&other) == Some(&top);
            if !below || forbidden {
                let on = text(dependency, "name");
                faults.push(format!("{member}/Cargo.toml: `{name}` may not depend on `{on}`: it is not in a layer above it in the member list"));
            }
        }
        if !has_workspace_lints(&fs::read_to_string(folder.join("Cargo.toml"))?) {
            faults.push(format!("{member}/Cargo.toml: `[lints] workspace = true` is missing"));
        }
    }
    for name in PURE {
        check_pure(name, faults)?;
    }
    Ok(())
}

/// Member → number of its group; a comment line in the member list starts a group.
fn layers_of(manifest: &str) -> BTreeMap<String, usize> {
    let members = manifest.split_once("\nmembers = [").map_or("", |(_, rest)| rest);
    let members = members.split_once(']').map_or(members, |(members, _)| members);
    let mut group = 0;
    let mut layers = BTreeMap::new();
    for line in members.lines().map(str::trim) {
        if line.starts_with('#') {
            group += 1;
        } else if let Some(member) = line.strip_prefix('"').and_then(|l| l.split('"').next()) {
            layers.insert(member.to_owned(), group);
        }
    }
    layers
}

fn has_workspace_lints(manifest: &str) -> bool {
    let mut lines = manifest.lines().map(str::trim).skip_while(|line| *line != "[lints]").skip(1);
    lines.find(|line| !line.is_empty()) == Some("workspace = true")
}

fn check_pure(name: &str, faults: &mut Vec<String>) -> Result<()> {
    let tree = children::text(workspace::cargo().args([
        "tree",
        "--locked",
        "--package",
        name,
        "--edges",
        "normal",
        "--prefix",
        "none",
        "--format",
        "{p}",
    ]))?;
    for runtime in RUNTIMES {
        if tree.lines().any(|line| line.split(' ').next() == Some(runtime)) {
            faults.push(format!(
                "crates/{name}: `{runtime}` is in its dependencies; see `cargo tree -p {name} -i {runtime}`"
            ));
        }
    }
    Ok(())
}

fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comment_in_the_member_list_starts_a_layer() {
        let layers = layers_of(
            "[workspace]\nmembers = [\n  # layer 0\n  \"crates/a\",\n  # layer 1\n  \"crates/b\",\n  \"crates/c\",\n]\n",
        );
        assert_eq!(layers["crates/a"], 1);
        assert_eq!(layers["crates/b"], 2);
        assert_eq!(layers["crates/c"], 2);
    }

    #[test]
    fn lints_must_come_from_the_workspace() {
        assert!(has_workspace_lints("[package]\nname = \"a\"\n\n[lints]\nworkspace = true\n"));
        assert!(!has_workspace_lints("[package]\nname = \"a\"\n\n[dependencies]\n"));
        assert!(!has_workspace_lints("[lints.rust]\nunsafe_code = \"allow\"\n"));
    }
}
