//! Reads the tokens that int128/kubelogin keeps on disk.
//! Never changes them: kubelogin may still be in use.

use std::{
    fs::{self, File},
    io::Read as _,
    path::Path,
};

use login_common::Secret;
use zeroize::Zeroizing;

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
    File::open(path).ok()?.take(MAX_LENGTH).read_to_end(&mut content).ok()?;
    let value: serde_json::Value = serde_json::from_slice(&content).ok()?;
    let text = |key: &str| value.get(key)?.as_str().filter(|text| !text.is_empty());
    Some(KeptTokens {
        id_token: Secret::new(text("id_token")?),
        refresh_token: Secret::new(text("refresh_token")?),
    })
}
