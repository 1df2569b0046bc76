//! Any program that prints an identity token.
//! Never runs a shell.

use super::{IdentityError, Place, Taken};
use crate::{
    options::target::{IdentityOptions, SourceKind},
    system::command,
};

pub(super) async fn take(options: &IdentityOptions) -> Result<Taken, IdentityError> {
    let kind = SourceKind::Command;
    let Some(line) = &options.command else {
        return Err(IdentityError::Command(command::CommandError::NoText(String::new())));
    };
    let text = command::output(line).await.map_err(IdentityError::Command)?;
    let place = Place::Command(line.text().to_owned());
    Ok(Taken::token(kind, text.expose(), place))
}
