//! Any program that prints an identity token.
//! Never runs a shell.

use super::{
    IdentityError, Place, Taken,
    source::{Read, Source, no_hint},
};
use crate::{
    options::target::{IdentityOptions, SourceKind},
    system::command,
};

pub(super) static SOURCE: Source = Source {
    kind: SourceKind::Command,
    offer: None,
    // Its output depends on all that it sees: it is run each time.
    read: Read::Token { take: |_, _| Ok(None), check: Ok },
    hint: no_hint,
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
