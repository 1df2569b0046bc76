//! cargo-deny, built once from crates.io.
//! Never the one on PATH: another version has other checks.

use super::cache;
use crate::{children, workspace};
use anyhow::Result;
use std::path::PathBuf;

const VERSION: &str = "0.20.2";

pub(crate) fn provide() -> Result<PathBuf> {
    let key = format!("cargo-deny-{VERSION}");
    let folder = cache::part(&key, |folder| {
        let log = cache::log(&key)?;
        let mut install = workspace::cargo();
        // A debug build takes half the time and checks the same. It has a target folder of its
        // own, so that nothing of it remains.
        install
            .args(["install", "--locked", "--debug", "cargo-deny", "--version", VERSION, "--root"])
            .arg(folder)
            .env_remove("CARGO_TARGET_DIR");
        children::patiently(&format!("building cargo-deny {VERSION}"), &log, &mut install)
    })?;
    Ok(folder.join("bin/cargo-deny"))
}
