//! The one thing that goes to stdout: the answer.
//! Never anything a person should read while kubectl is listening.

use std::io::{self, Write as _};

use crate::report::Failure;

/// Writes and flushes.
pub fn answer(text: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush())
        .map_err(|source| Failure::Write { what: "to stdout".to_owned(), source })
}
