//! GitLab: a job's `id_tokens:` lie in variables that the job names.
//! Never asks GitLab: who may see the token, and for whom it is, is decided where the job is defined.

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
