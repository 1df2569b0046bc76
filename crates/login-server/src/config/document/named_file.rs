//! A file that the document names.
//! Never reads it.

use std::path::{Path, PathBuf};

use login_review::config::{Faults, Field};

/// A path, and the key that holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedFile {
    /// The file.
    pub path: PathBuf,
    /// The path of the key.
    pub key: String,
    /// The line of the key.
    pub line: u64,
}

impl NamedFile {
    pub(super) fn read(field: &Field<'_>, faults: &mut Faults) -> Option<Self> {
        let text = field.text(faults)?;
        if text.is_empty() {
            field.fault(faults, "must be the name of a file");
            return None;
        }
        Some(Self { path: PathBuf::from(text), key: field.key.clone(), line: field.line })
    }

    /// Resolves a relative path against `folder`.
    pub(super) fn resolve(&mut self, folder: &Path) {
        self.path = folder.join(&self.path);
    }
}
