//! The folder outside the checkout that caches downloads and builds, keyed by version.
//! Never holds an incomplete part: parts are made in a scratch folder beside it and renamed.

use anyhow::{Context as _, Result};
use std::{
    env, fs,
    path::{Path, PathBuf},
};

/// `$LOGIN_BUILD_CACHE`, else `$XDG_CACHE_HOME/kubectl-login-build`, else
/// `~/.cache/kubectl-login-build`; the folder need not exist.
fn place() -> Result<PathBuf> {
    if let Some(folder) = env::var_os("LOGIN_BUILD_CACHE") {
        return Ok(PathBuf::from(folder));
    }
    if let Some(caches) = env::var_os("XDG_CACHE_HOME") {
        return Ok(Path::new(&caches).join("kubectl-login-build"));
    }
    let home = env::var_os("HOME").context("set `HOME` or `LOGIN_BUILD_CACHE`")?;
    Ok(Path::new(&home).join(".cache/kubectl-login-build"))
}

/// The cache folder, created if necessary.
pub(crate) fn folder() -> Result<PathBuf> {
    let folder = place()?;
    fs::create_dir_all(&folder)
        .with_context(|| format!("could not create the cache folder {}", folder.display()))?;
    // A relative path would be another folder for a child with another working directory.
    Ok(fs::canonicalize(&folder)?)
}

/// The part called `key` if it was made before; changes nothing.
pub(crate) fn part_if_there(key: &str) -> Option<PathBuf> {
    fs::canonicalize(place().ok()?.join(key)).ok()
}

/// The part called `key` (its name and version), made by `make` in a scratch folder if it is
/// missing. Two runs at once both make it; the first to finish wins.
pub(crate) fn part(key: &str, make: impl FnOnce(&Path) -> Result<()>) -> Result<PathBuf> {
    let cache = folder()?;
    let part = cache.join(key);
    if part.is_dir() {
        return Ok(part);
    }
    let scratch = tempfile::Builder::new().prefix(".making-").tempdir_in(&cache)?;
    make(scratch.path())?;
    let made = scratch.keep();
    if let Err(error) = fs::rename(&made, &part) {
        fs::remove_dir_all(&made)?;
        if !part.is_dir() {
            return Err(error).with_context(|| format!("could not create {}", part.display()));
        }
    }
    Ok(part)
}

/// The file in the cache folder with the build output of `key`.
pub(crate) fn log(key: &str) -> Result<PathBuf> {
    let logs = folder()?.join("logs");
    fs::create_dir_all(&logs)?;
    Ok(logs.join(format!("{key}.log")))
}

/// A short key of a text that has no version (FNV-1a, 64 bits): distinguishes, proves nothing.
pub(crate) fn digest(text: &[u8]) -> String {
    let hash = text.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    format!("{hash:016x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_is_fnv_1a() {
        assert_eq!(digest(b""), "cbf29ce484222325");
        assert_eq!(digest(b"foobar"), "85944171f73967e8");
    }
}
