//! A program built from a Go module that `tests/go` pins, and cached by its version.
//! Never with modules whose hashes are not in the `go.sum` beside the `go.mod`.

use super::cache;
use crate::{children, workspace};
use anyhow::{Context as _, Result};
use std::{fs, path::PathBuf, process::Command};

/// The package of a program whose sources are in this checkout.
pub(crate) const OUR_OWN: &str = ".";

/// A program and what it is built from.
pub(crate) struct GoProgram {
    /// The program's name.
    pub(crate) name: &'static str,
    /// The folder of the `go.mod` that requires its module.
    pub(crate) folder: &'static str,
    pub(crate) module: &'static str,
    /// The package of the command; [`OUR_OWN`] is the one beside the `go.mod`.
    pub(crate) package: &'static str,
    /// Whether it contains C code.
    pub(crate) has_c: bool,
}

impl GoProgram {
    /// The version of the module that the `go.mod` requires.
    pub(crate) fn version(&self) -> Result<String> {
        let file = self.source().join("go.mod");
        let text = fs::read_to_string(&file)
            .with_context(|| format!("could not read {}", file.display()))?;
        let version = version_in(&text, self.module);
        version.with_context(|| format!("{} does not require `{}`", file.display(), self.module))
    }

    /// The program if it was built before; changes nothing.
    pub(crate) fn if_there(&self) -> Option<PathBuf> {
        Some(cache::part_if_there(&self.key().ok()?)?.join(self.name))
    }

    /// Builds it with these linker flags, unless it is cached.
    pub(crate) fn build(&self, linker: &str) -> Result<PathBuf> {
        let key = self.key()?;
        let folder = cache::part(&key, |folder| {
            let log = cache::log(&key)?;
            let mut build = Command::new("go");
            build
                .current_dir(self.source())
                .args(["build", "-trimpath", "-ldflags", linker, "-o"])
                .arg(folder.join(self.name))
                .arg(self.package)
                .env("CGO_ENABLED", if self.has_c { "1" } else { "0" })
                .env("GOWORK", "off")
                .env("GOFLAGS", "-mod=readonly -buildvcs=false");
            children::patiently(&format!("building {key}"), &log, &mut build)
        })?;
        Ok(folder.join(self.name))
    }

    fn source(&self) -> PathBuf {
        workspace::root().join(self.folder)
    }

    fn key(&self) -> Result<String> {
        let key = format!("{}-{}", self.name, self.version()?);
        if self.package != OUR_OWN {
            return Ok(key);
        }
        Ok(format!("{key}-{}", cache::digest(&self.own_files()?)))
    }

    /// All files of the folder, by name: a change in them makes another program.
    fn own_files(&self) -> Result<Vec<u8>> {
        let folder = self.source();
        let mut files = fs::read_dir(&folder)
            .and_then(|entries| {
                entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>, _>>()
            })
            .with_context(|| format!("could not list {}", folder.display()))?;
        files.sort();
        let mut all = Vec::new();
        for file in files {
            let text =
                fs::read(&file).with_context(|| format!("could not read {}", file.display()))?;
            all.extend(text);
        }
        Ok(all)
    }
}

fn version_in(go_mod: &str, module: &str) -> Option<String> {
    go_mod
        .lines()
        .map(|line| line.trim().trim_start_matches("require "))
        .filter_map(|line| line.strip_prefix(module)?.strip_prefix(' '))
        .filter(|rest| !rest.starts_with("=>"))
        .find_map(|rest| rest.split(' ').next().map(str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_the_required_one_not_the_replacement() {
        let go_mod = "module m\n\nrequire (\n\tgo.etcd.io/etcd/server/v3 v3.7.0\n\tk8s.io/kubernetes v1.37.1\n)\n\nreplace k8s.io/api => k8s.io/api v0.37.1\n";
        assert_eq!(version_in(go_mod, "k8s.io/kubernetes").as_deref(), Some("v1.37.1"));
        assert_eq!(version_in(go_mod, "go.etcd.io/etcd/server/v3").as_deref(), Some("v3.7.0"));
        assert_eq!(version_in(go_mod, "k8s.io/api"), None);
    }
}
