//! Names the sources of a job's identity, as options spell them.

use super::spellings::spellings;

// recipe: identity source
/// Where an identity token comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceKind {
    /// The first source that is available here.
    Auto,
    /// GitHub Actions' token service.
    GithubActions,
    /// GitLab's `id_tokens`.
    Gitlab,
    /// Azure Pipelines' token service.
    AzurePipelines,
    /// A projected service-account token.
    Kubernetes,
    /// A JWT-SVID that an agent writes to a file.
    Spiffe,
    /// Any file.
    File,
    /// Any variable.
    Variable,
    /// Any program.
    Command,
}

/// Our spellings, then others for the same sources.
pub(super) const KINDS: [(&str, SourceKind); 10] = [
    ("auto", SourceKind::Auto),
    ("github-actions", SourceKind::GithubActions),
    ("gitlab", SourceKind::Gitlab),
    ("azure-pipelines", SourceKind::AzurePipelines),
    ("kubernetes", SourceKind::Kubernetes),
    ("spiffe", SourceKind::Spiffe),
    ("file", SourceKind::File),
    ("variable", SourceKind::Variable),
    ("command", SourceKind::Command),
    ("environment", SourceKind::Variable),
];

/// How many of them are not ours.
const OTHERS: usize = 1;

/// Our spellings.
pub(super) const CHOICES: [&str; KINDS.len() - OTHERS] = spellings(&KINDS);

impl SourceKind {
    /// The spelling in options.
    pub fn as_str(self) -> &'static str {
        KINDS.iter().find(|(_, kind)| *kind == self).map_or("auto", |(spelling, _)| spelling)
    }
}
