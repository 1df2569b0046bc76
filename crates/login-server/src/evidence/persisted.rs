//! Key sets on disk, so that a restart does not depend on the issuers being up.
//! Never replaces a file by something that was not used as a key set.

use std::path::{Path, PathBuf};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use login_common::{names::IssuerUrl, strict_json};
use login_protocols::jose::KeySet;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::system::files::{self, FileError, Readers};

const MAX_FILE: u64 = 2 * 1024 * 1024;

/// One file per issuer in `<state-dir>/key-sets`.
#[derive(Debug)]
pub(crate) struct Persisted {
    file: PathBuf,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    issuer: String,
    #[serde(borrow)]
    key_set: &'a RawValue,
}

impl Persisted {
    pub(crate) fn in_folder(folder: &Path, issuer: &IssuerUrl) -> Self {
        // The issuer is not a file name: it may hold slashes, and two may differ by case only.
        let digest =
            aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, issuer.as_str().as_bytes());
        let name = URL_SAFE_NO_PAD.encode(digest);
        Self { file: folder.join(format!("{name}.json")) }
    }

    /// The stored set, if there is one that can be used for this issuer.
    pub(crate) fn load(&self, issuer: &IssuerUrl) -> Option<(KeySet, Vec<u8>)> {
        let content = files::read(&self.file, MAX_FILE).ok()?;
        let document: Document<'_> = strict_json::from_slice(&content).ok()?;
        if document.issuer != issuer.as_str() {
            return None;
        }
        let bytes = document.key_set.get().as_bytes().to_vec();
        Some((KeySet::parse(&bytes).ok()?, bytes))
    }

    pub(crate) fn store(&self, issuer: &IssuerUrl, key_set: &[u8]) -> Result<(), FileError> {
        let text = String::from_utf8_lossy(key_set);
        // It was parsed as JSON before it came here.
        let Ok(key_set) = serde_json::from_str(&text) else { return Ok(()) };
        let document = Document { issuer: issuer.as_str().to_owned(), key_set };
        let content = serde_json::to_vec(&document).unwrap_or_default();
        if let Some(folder) = self.file.parent() {
            files::make_private_folder(folder)?;
        }
        files::write(&self.file, &content, Readers::Everyone)
    }
}
