//! Lists the sources of identities, in the order in which `auto` looks for them.

use super::{
    azure_pipelines, command, file, github_actions, gitlab, kubernetes, source::Source, spiffe,
    variable,
};
use crate::options::target::SourceKind;

// recipe: identity source
/// The variable that a job sets for this program comes first, then the services of CI systems,
/// where the job may call them; last the service account, since nearly every pod has one and a job
/// with another identity rarely wants it. Sources that must be named follow.
pub(super) static SOURCES: [&Source; 8] = [
    &gitlab::SOURCE,
    &github_actions::SOURCE,
    &azure_pipelines::SOURCE,
    &kubernetes::SOURCE,
    &spiffe::SOURCE,
    &file::SOURCE,
    &variable::SOURCE,
    &command::SOURCE,
];

/// The source of that kind; `None` for `auto`.
pub(super) fn of(kind: SourceKind) -> Option<&'static Source> {
    SOURCES.iter().find(|source| source.kind == kind).copied()
}
