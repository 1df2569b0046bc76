//! A folder for one world or one case, deleted afterwards.
//! Never writes outside itself.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use tempfile::TempDir;

/// A temporary folder with mode 0700.
pub struct Scratch(TempDir);

impl Scratch {
    /// Makes the folder.
    pub fn new() -> Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix("login-test-")
            .tempdir()
            .context("could not make a scratch folder")?;
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o700))
            .context("could not close the scratch folder to others")?;
        Ok(Self(folder))
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Makes a folder inside (and those above it).
    pub fn folder(&self, name: &str) -> Result<PathBuf> {
        let path = self.path().join(name);
        fs::create_dir_all(&path)
            .with_context(|| format!("could not make `{}`", path.display()))?;
        Ok(path)
    }

    /// Writes a file with mode 0600.
    pub fn file(&self, name: &str, content: impl AsRef<[u8]>) -> Result<PathBuf> {
        let path = self.path().join(name);
        fs::write(&path, content)
            .and_then(|()| fs::set_permissions(&path, fs::Permissions::from_mode(0o600)))
            .with_context(|| format!("could not write `{}`", path.display()))?;
        Ok(path)
    }
}

/// Reads a file as text.
pub fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("could not read `{}`", path.display()))
}
