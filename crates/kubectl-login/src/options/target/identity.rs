//! Checks the options of a job's identity: which source, and what to request from it.
//! Never requests it.

use std::path::PathBuf;

use super::values::{choice, command, path, text, wrong};
pub use crate::options::identity_source::SourceKind;
use crate::{
    options::{
        fault::OptionError,
        identity_source::KINDS,
        layers::Settings,
        program::ProgramLine,
        table::{Name, row_of},
    },
    system::environment::Environment,
    workload_identity::Taken,
};

/// An identity as requested.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentityOptions {
    /// The source.
    pub kind: SourceKind,
    /// `--identity-file`
    pub file: Option<PathBuf>,
    /// `--identity-variable`
    pub variable: Option<String>,
    /// `--identity-command`
    pub command: Option<ProgramLine>,
    /// `--identity-audience`
    pub audience: Option<String>,
    /// What the source returned when it was read to identify the job: the same token is then used
    /// for the sign-in.
    pub taken: Option<Taken>,
}

#[cfg(test)]
impl IdentityOptions {
    /// A source without further options.
    pub(crate) fn of(kind: SourceKind) -> Self {
        Self { kind, file: None, variable: None, command: None, audience: None, taken: None }
    }
}

pub(super) fn check(
    settings: &Settings,
    environment: &dyn Environment,
) -> Result<Option<IdentityOptions>, OptionError> {
    let file = path(settings, Name::IdentityFile, environment);
    let variable = text(settings, Name::IdentityVariable);
    let command = command(settings, Name::IdentityCommand, environment)?;
    // The option that names the place implies the source.
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
    Ok(Some(IdentityOptions { kind, file, variable, command, audience, taken: None }))
}
