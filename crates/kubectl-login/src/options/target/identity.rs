//! The identity that a place gives to a job: which source, and what to ask it for.
//! Never asks it.

use std::path::PathBuf;

use super::values::{choice, command, path, text, wrong};
use crate::{
    cache::key::digest_of,
    identities::{azure_pipelines, github_actions, gitlab, kubernetes},
    options::{
        fault::OptionError,
        layers::Settings,
        table::{Name, row_of},
    },
    system::environment::Environment,
};

/// Where an identity token comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceKind {
    /// The first that this place offers.
    Auto,
    /// GitHub Actions' token service.
    GithubActions,
    /// GitLab's `id_tokens`.
    Gitlab,
    /// Azure Pipelines' token service.
    AzurePipelines,
    /// A projected service-account token.
    Kubernetes,
    /// A JWT-SVID that an agent keeps in a file.
    Spiffe,
    /// Any file.
    File,
    /// Any variable.
    Variable,
    /// Any program.
    Command,
}

/// An identity as asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentityOptions {
    /// Where from.
    pub kind: SourceKind,
    /// `--identity-file`
    pub file: Option<PathBuf>,
    /// `--identity-variable`
    pub variable: Option<String>,
    /// `--identity-command`
    pub command: Option<Vec<String>>,
    /// `--identity-audience`
    pub audience: Option<String>,
    /// Digest of what sets this job apart from others on the same machine, where anything does: a
    /// runner that stays must not hand the token of one job to the next.
    pub job: Option<String>,
}

#[cfg(test)]
impl IdentityOptions {
    /// A source without further options.
    pub(crate) fn of(kind: SourceKind) -> Self {
        Self { kind, file: None, variable: None, command: None, audience: None, job: None }
    }
}

const KINDS: [(&str, SourceKind); 10] = [
    ("auto", SourceKind::Auto),
    ("github-actions", SourceKind::GithubActions),
    ("gitlab", SourceKind::Gitlab),
    ("azure-pipelines", SourceKind::AzurePipelines),
    ("kubernetes", SourceKind::Kubernetes),
    ("spiffe", SourceKind::Spiffe),
    ("file", SourceKind::File),
    ("variable", SourceKind::Variable),
    ("environment", SourceKind::Variable),
    ("command", SourceKind::Command),
];

impl SourceKind {
    /// The spelling in options.
    pub fn as_str(self) -> &'static str {
        KINDS.iter().find(|(_, kind)| *kind == self).map_or("auto", |(spelling, _)| spelling)
    }
}

pub(super) fn check(
    settings: &Settings,
    environment: &dyn Environment,
) -> Result<Option<IdentityOptions>, OptionError> {
    let file = path(settings, Name::IdentityFile, environment);
    let variable = text(settings, Name::IdentityVariable);
    let command = command(settings, Name::IdentityCommand)?;
    // Naming the place names the source.
    let implied = match (&file, &variable, &command) {
        (Some(_), None, None) => Some(SourceKind::File),
        (None, Some(_), None) => Some(SourceKind::Variable),
        (None, None, Some(_)) => Some(SourceKind::Command),
        _ => None,
    };
    let Some(kind) = choice(settings, Name::Identity, &KINDS)?.or(implied) else {
        let places = [Name::IdentityFile, Name::IdentityVariable, Name::IdentityCommand];
        return match places.into_iter().find(|name| settings.origin(*name).is_some()) {
            Some(name) => Err(wrong(settings, name, "`--identity` has to say which one counts")),
            None => Ok(None),
        };
    };
    let needed = match kind {
        SourceKind::File | SourceKind::Spiffe if file.is_none() => Some(Name::IdentityFile),
        SourceKind::Variable if variable.is_none() => Some(Name::IdentityVariable),
        SourceKind::Command if command.is_none() => Some(Name::IdentityCommand),
        _ => None,
    };
    if let Some(needed) = needed {
        let problem = format!("`--{}` is needed, too", row_of(needed).long);
        return Err(wrong(settings, Name::Identity, problem));
    }
    let audience = text(settings, Name::IdentityAudience);
    let job = job(kind, variable.as_deref(), environment);
    Ok(Some(IdentityOptions { kind, file, variable, command, audience, job }))
}

fn job(kind: SourceKind, variable: Option<&str>, environment: &dyn Environment) -> Option<String> {
    let gitlab = variable.unwrap_or(gitlab::DEFAULT_VARIABLE);
    let names: &[&str] = match kind {
        SourceKind::GithubActions => &[github_actions::TOKEN],
        SourceKind::AzurePipelines => &[azure_pipelines::TOKEN],
        SourceKind::Gitlab | SourceKind::Variable => &[gitlab],
        SourceKind::Kubernetes => &[kubernetes::POD],
        SourceKind::Auto => {
            &[gitlab, github_actions::TOKEN, azure_pipelines::TOKEN, kubernetes::POD]
        }
        // Their path or command line is all that is known before they are read or run.
        SourceKind::Spiffe | SourceKind::File | SourceKind::Command => &[],
    };
    let values: Vec<String> = names
        .iter()
        .filter_map(|name| environment.variable(name))
        .map(|value| value.to_string_lossy().into_owned())
        .filter(|value| !value.is_empty())
        .collect();
    (!values.is_empty()).then(|| digest_of(values.join("\n").as_bytes()))
}
