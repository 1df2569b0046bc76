//! `staticTokens`: the files with tokens that the operator issued.
//! Never a token in the configuration itself.

use login_review::config::{Faults, Field, Key};

use super::named_file::NamedFile;

/// The key `staticTokens`; without files there are no tokens.
#[derive(Clone, Debug, Default)]
pub struct StaticTokensSection {
    /// Kubernetes' CSV, with the tokens in plain text.
    pub file: Option<NamedFile>,
    /// A list with the SHA-256 of each token.
    pub hashed_file: Option<NamedFile>,
    /// The line of the key.
    pub line: u64,
}

/// The keys of the section.
pub(super) const KEYS: &[Key] = &[
    Key::of("file", "Tokens in kube-apiserver's CSV format."),
    Key::of("hashedFile", "Tokens by their SHA-256, each with an end if wanted."),
];

pub(super) fn read(field: &Field<'_>, faults: &mut Faults) -> StaticTokensSection {
    let mut section = StaticTokensSection::default();
    let Some(keys) = field.keys(KEYS, faults) else { return section };
    section.file = keys.field("file").and_then(|field| NamedFile::read(&field, faults));
    section.hashed_file =
        keys.field("hashedFile").and_then(|field| NamedFile::read(&field, faults));
    section.line = field.line;
    section
}
