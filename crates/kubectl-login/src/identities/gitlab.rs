//! GitLab: a job's `id_tokens:` lie in variables that the job names.
//! Never asks GitLab: who may see the token, and for whom it is, is decided where the job is defined.

use super::{IdentityError, IdentityToken, variable};
use crate::{
    options::target::{IdentityOptions, SourceKind},
    system::System,
};

/// The variable when `--identity-variable` names no other.
pub const DEFAULT_VARIABLE: &str = "KUBECTL_LOGIN_ID_TOKEN";

pub(super) fn obtain(
    system: &System<'_>,
    options: &IdentityOptions,
) -> Result<IdentityToken, IdentityError> {
    let name = options.variable.as_deref().unwrap_or(DEFAULT_VARIABLE);
    variable::read(system, SourceKind::Gitlab, name)
}
