//! The one thing that goes to stdout: the answer.
//! Never anything a person should read while kubectl is listening.

use std::io::{self, Write as _};

/// Writes and flushes.
pub fn write(answer: &[u8]) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(answer)?;
    stdout.flush()
}
