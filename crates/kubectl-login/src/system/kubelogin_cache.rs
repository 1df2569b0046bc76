//! Reads the tokens that int128/kubelogin keeps on disk.
//! Never changes them: kubelogin may still be in use; never takes what somebody else may have put
//! there.

use std::{
    fs::{self, File},
    io::Read as _,
    path::Path,
};

use login_common::Secret;
use zeroize::Zeroizing;

use super::disk::LocalDisk;

/// Longest file that is read.
const MAX_LENGTH: u64 = 256 * 1024;

/// So many files are looked at.
const MAX_FILES: usize = 1000;

/// A session of kubelogin.
pub struct KeptTokens {
    /// The last ID token.
    pub id_token: Secret,
    /// What renews it.
    pub refresh_token: Secret,
}

/// The sessions in `directory` that have both tokens. The names of the files are digests of
/// options in Go's own encoding; only the content says whose they are.
pub fn read(directory: &Path) -> Vec<KeptTokens> {
    let Ok(listing) = fs::read_dir(directory) else { return Vec::new() };
    let is_digest = |name: &str| name.len() == 64 && name.bytes().all(|b| b.is_ascii_hexdigit());
    listing
        .flatten()
        .filter(|file| file.file_name().to_str().is_some_and(is_digest))
        .take(MAX_FILES)
        .filter_map(|file| read_one(&file.path()))
        .collect()
}

fn read_one(path: &Path) -> Option<KeptTokens> {
    let mut content = Zeroizing::new(Vec::new());
    let file = LocalDisk::open_at(path).ok().filter(is_mine)?;
    file.take(MAX_LENGTH).read_to_end(&mut content).ok()?;
    let value: serde_json::Value = serde_json::from_slice(&content).ok()?;
    let text = |key: &str| value.get(key)?.as_str().filter(|text| !text.is_empty());
    Some(KeptTokens {
        id_token: Secret::new(text("id_token")?),
        refresh_token: Secret::new(text("refresh_token")?),
    })
}

#[cfg(unix)]
fn is_mine(file: &File) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let me = rustix::process::geteuid().as_raw();
    file.metadata()
        .is_ok_and(|facts| facts.is_file() && facts.uid() == me && facts.mode() & 0o022 == 0)
}

/// Windows: a profile's directories are private by their access list.
#[cfg(not(unix))]
fn is_mine(file: &File) -> bool {
    file.metadata().is_ok_and(|facts| facts.is_file())
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::{io::Write as _, os::unix::fs::PermissionsExt as _};

    use super::*;

    #[test]
    fn only_files_of_ours_that_nobody_else_may_change_are_read() {
        let scratch = tempfile::tempdir().unwrap();
        let name = "a".repeat(64);
        let path = scratch.path().join(&name);
        let mut file = File::create(&path).unwrap();
        file.write_all(br#"{"id_token":"i","refresh_token":"r"}"#).unwrap();
        for (mode, count) in [(0o600, 1), (0o644, 1), (0o620, 0), (0o602, 0)] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(read(scratch.path()).len(), count, "{mode:o}");
        }
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        std::os::unix::fs::symlink(&path, scratch.path().join("b".repeat(64))).unwrap();
        let pipe = scratch.path().join("c".repeat(64));
        rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, rustix::fs::Mode::RUSR).unwrap();
        assert_eq!(read(scratch.path()).len(), 1, "neither a link nor a pipe");
    }
}
