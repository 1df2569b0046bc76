//! mdBook, built once from crates.io: it makes the book of `docs`.
//! Never the one on PATH: another version has other rules.

use super::cache;
use crate::{children, workspace};
use anyhow::Result;
use std::path::PathBuf;

const VERSION: &str = "0.5.4";

pub(crate) fn provide() -> Result<PathBuf> {
    let key = format!("mdbook-{VERSION}");
    let folder = cache::part(&key, |folder| {
        let log = cache::log(&key)?;
        let mut install = workspace::cargo();
        // Only the builder: no server, watcher or search index.
        install.args(["install", "--locked", "--debug", "--no-default-features", "mdbook"]);
        install.args(["--version", VERSION, "--root"]).arg(folder).env_remove("CARGO_TARGET_DIR");
        children::patiently(&format!("building mdbook {VERSION}"), &log, &mut install)
    })?;
    Ok(folder.join("bin/mdbook"))
}
