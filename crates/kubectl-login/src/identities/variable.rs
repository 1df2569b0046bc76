//! Any environment variable that holds an identity token.
//! Never shows a value: only names.

use login_common::Secret;

use super::{IdentityError, IdentityToken, Place, token::Fault};
use crate::{
    flows::issued::Moments,
    options::target::{IdentityOptions, SourceKind},
    system::{System, environment::Environment},
};

pub(super) fn obtain(
    system: &System<'_>,
    options: &IdentityOptions,
) -> Result<IdentityToken, IdentityError> {
    let name = options.variable.as_deref().unwrap_or_default();
    read(system, SourceKind::Variable, name)
}

/// The token in the variable `name`.
pub(super) fn read(
    system: &System<'_>,
    kind: SourceKind,
    name: &str,
) -> Result<IdentityToken, IdentityError> {
    let text = text(system.environment, kind, name)?;
    let moments = Moments { requested_at: system.clock.now(), issuer_date: None };
    IdentityToken::read(text.expose(), Place::Variable(name.to_owned()), moments)
}

/// What the variable `name` holds, without white space around it.
pub(super) fn text(
    environment: &dyn Environment,
    kind: SourceKind,
    name: &str,
) -> Result<Secret, IdentityError> {
    // CI systems spell "not set" as empty, too.
    let value = environment
        .variable(name)
        .filter(|value| !value.is_empty())
        .ok_or_else(|| IdentityError::NotSet { kind, variable: name.to_owned() })?;
    let value = value.into_string().map_err(|_| IdentityError::Unusable {
        place: Place::Variable(name.to_owned()),
        source: Fault::NoText,
    })?;
    Ok(Secret::new(value.trim()))
}
