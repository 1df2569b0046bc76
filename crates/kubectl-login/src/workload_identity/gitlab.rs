//! GitLab: a job's `id_tokens:` are in variables that the job names.
//! Never calls GitLab: the job definition decides the audience and which jobs get the token.

use super::{IdentityError, Taken, names, variable};
use crate::{
    options::target::{IdentityOptions, SourceKind},
    system::environment::Environment,
};

pub(super) fn take(
    environment: &dyn Environment,
    options: &IdentityOptions,
) -> Result<Taken, IdentityError> {
    let name = options.variable.as_deref().unwrap_or(names::GITLAB_VARIABLE);
    variable::read(environment, SourceKind::Gitlab, name)
}
