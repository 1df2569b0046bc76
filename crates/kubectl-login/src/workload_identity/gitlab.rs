//! GitLab: a job's `id_tokens:` are in variables that the job names.
//! Never calls GitLab: the job definition decides the audience and which jobs get the token.

use super::{
    IdentityError, Taken,
    source::{Offer, Read, Source, Whole},
    variable,
};
use crate::{
    options::target::{IdentityOptions, SourceKind},
    system::environment::Environment,
};

/// The variable if `--identity-variable` names no other.
pub(super) const VARIABLE: &str = "KUBECTL_LOGIN_ID_TOKEN";

pub(super) static SOURCE: Source = Source {
    kind: SourceKind::Gitlab,
    offer: Some(Offer { job: None, mark: VARIABLE, whole: Whole::Variable(VARIABLE) }),
    read: Read::Token { take, check: Ok },
    hint,
};

fn take(
    environment: &dyn Environment,
    options: &IdentityOptions,
) -> Result<Option<Taken>, IdentityError> {
    let name = options.variable.as_deref().unwrap_or(VARIABLE);
    variable::read(environment, SourceKind::Gitlab, name).map(Some)
}

fn hint(error: &IdentityError, origin: &str) -> Option<String> {
    let IdentityError::NotSet { variable, .. } = error else { return None };
    Some(format!(
        "give the job `id_tokens:` with `{variable}`, or say which variable it is with \
         `--identity-variable`{origin}"
    ))
}
