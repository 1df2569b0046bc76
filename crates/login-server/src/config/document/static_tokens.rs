//! `staticTokens`: the files with tokens that the operator issued.
//! Never a token in the configuration itself.

use std::path::PathBuf;

use login_review::config::{Faults, Field, Key};

/// The key `staticTokens`; each path with the line that names it. Without files there are no
/// tokens.
#[derive(Clone, Debug, Default)]
pub struct StaticTokensSection {
    /// Kubernetes' CSV, with the tokens in plain text.
    pub file: Option<(PathBuf, u64)>,
    /// A list with the SHA-256 of each token.
    pub hashed_file: Option<(PathBuf, u64)>,
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
    let path = |name: &str, faults: &mut Faults| {
        let field = keys.field(name)?;
        Some((PathBuf::from(field.text(faults)?), field.line))
    };
    section.file = path("file", faults);
    section.hashed_file = path("hashedFile", faults);
    section.line = field.line;
    section
}
