//! What type-checking for Windows needs: Rust's target and a C compiler for it.
//! Never needed to build or test here.

use super::system_packages;
use crate::children;
use anyhow::{Context as _, Result, bail};
use std::{path::Path, process::Command};

pub(crate) const TARGET: &str = "x86_64-pc-windows-gnu";

/// Why it is left out, if it is. What rustup could bring and did not is an error.
pub(crate) fn provide() -> Result<Option<String>> {
    if !is_installed()? {
        if children::on_path("rustup").is_none() {
            return Ok(Some(format!("Rust's target {TARGET} is not installed")));
        }
        eprintln!("adding Rust's target {TARGET} …");
        let mut add = Command::new("rustup");
        children::text(add.args(["target", "add", TARGET]))
            .with_context(|| format!("could not add Rust's target {TARGET}"))?;
        if !is_installed()? {
            bail!("rustup added {TARGET} to another toolchain than the one that runs");
        }
    }
    let missing = system_packages::provide(&system_packages::FOR_WINDOWS)?;
    Ok(missing.into_iter().next())
}

fn is_installed() -> Result<bool> {
    let mut rustc = Command::new("rustc");
    let libraries = children::text(rustc.args(["--print", "target-libdir", "--target", TARGET]))?;
    Ok(Path::new(&libraries).is_dir())
}
