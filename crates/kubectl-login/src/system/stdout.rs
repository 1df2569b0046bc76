//! The one thing that goes to stdout: the answer.
//! Never anything a person should read while kubectl is listening.

use std::io::{self, Write as _};

use crate::report::NotWritten;

/// Whether stdout shows colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colours {
    /// A terminal that wants them.
    Shown,
    /// A file, a pipe, or a person who wants none (`NO_COLOR`, `CLICOLOR`, `TERM=dumb`).
    Left,
}

/// Writes and flushes.
pub fn answer(text: &str) -> Result<(), NotWritten> {
    let mut stdout = io::stdout().lock();
    stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush())
        .map_err(|source| NotWritten { what: "to stdout".to_owned(), source })
}

/// Whether stdout shows colours.
pub fn colours() -> Colours {
    match anstream::AutoStream::choice(&io::stdout()) {
        anstream::ColorChoice::Never => Colours::Left,
        _ => Colours::Shown,
    }
}

/// Writes text with colours, which are left out where nobody sees them or `NO_COLOR` says so.
pub fn coloured(text: &str) -> Result<(), NotWritten> {
    let mut stdout = anstream::stdout().lock();
    stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush())
        .map_err(|source| NotWritten { what: "to stdout".to_owned(), source })
}
