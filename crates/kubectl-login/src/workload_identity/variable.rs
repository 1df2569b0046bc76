//! An environment variable that holds an identity token.
//! Never shows a value, only names.

use login_common::Secret;

use super::{
    IdentityError, Place, Taken,
    source::{Read, Source, no_hint},
    token::Fault,
};
use crate::{
    options::target::{IdentityOptions, SourceKind},
    system::environment::Environment,
};

pub(super) static SOURCE: Source = Source {
    kind: SourceKind::Variable,
    offer: None,
    read: Read::Token { take, check: Ok },
    hint: no_hint,
};

fn take(
    environment: &dyn Environment,
    options: &IdentityOptions,
) -> Result<Option<Taken>, IdentityError> {
    let name = options.variable.as_deref().unwrap_or_default();
    read(environment, SourceKind::Variable, name).map(Some)
}

/// The token in the variable `name`.
pub(super) fn read(
    environment: &dyn Environment,
    kind: SourceKind,
    name: &str,
) -> Result<Taken, IdentityError> {
    let text = text(environment, kind, name)?;
    Ok(Taken::token(kind, text.expose(), Place::Variable(name.to_owned())))
}

/// The value of the variable `name`, trimmed.
pub(super) fn text(
    environment: &dyn Environment,
    kind: SourceKind,
    name: &str,
) -> Result<Secret, IdentityError> {
    // CI systems also represent "not set" as an empty value.
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
