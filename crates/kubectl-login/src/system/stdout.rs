//! Writes the answer to stdout, and nothing else.
//! Never prints messages for the user there: kubectl parses stdout.

use std::io::{self, Write as _};

use crate::report::NotWritten;

/// Whether stdout shows colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colours {
    /// For a terminal that supports colours.
    Shown,
    /// Not for a file, a pipe, or a user who disabled them (`NO_COLOR`, `CLICOLOR`, `TERM=dumb`).
    Left,
}

/// Writes and flushes the answer.
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

/// Writes text with colours, which are removed unless stdout is a terminal that shows them, or if
/// `NO_COLOR` is set.
pub fn coloured(text: &str) -> Result<(), NotWritten> {
    let mut stdout = anstream::stdout().lock();
    stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush())
        .map_err(|source| NotWritten { what: "to stdout".to_owned(), source })
}
