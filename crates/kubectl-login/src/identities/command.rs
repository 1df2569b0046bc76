//! Any program that prints an identity token.
//! Never a shell.

use super::{IdentityError, IdentityToken, Place};
use crate::{
    flows::issued::Moments,
    options::target::IdentityOptions,
    system::{System, command},
};

pub(super) async fn obtain(
    system: &System<'_>,
    options: &IdentityOptions,
) -> Result<IdentityToken, IdentityError> {
    let words = options.command.as_deref().unwrap_or_default();
    let text = command::output(words).await.map_err(IdentityError::Command)?;
    let place = Place::Command(words.first().cloned().unwrap_or_default());
    let moments = Moments { requested_at: system.clock.now(), issuer_date: None };
    IdentityToken::read(text.expose(), place, moments)
}
