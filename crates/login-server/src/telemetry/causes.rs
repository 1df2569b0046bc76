//! Formats an error as one line of the log.
//! Never adds a value to what the errors say.

use std::{error::Error, fmt::Write as _};

/// An error and everything that caused it, on one line.
pub fn chain(error: &dyn Error) -> String {
    let mut line = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        // Writing to a String cannot fail.
        let _ = write!(line, ": {cause}");
        source = cause.source();
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_names_every_cause() {
        let inner = std::io::Error::other("inner");
        assert_eq!(chain(&std::io::Error::other(inner)), "inner");
        let file = crate::system::files::FileError::Read {
            path: "x".into(),
            source: std::io::Error::other("gone"),
        };
        assert_eq!(chain(&file), "could not read `x`: gone");
    }
}
