//! Lists an error and what caused it.
//! Never adds a value to what the errors say.

use std::error::Error;

/// An error and everything that caused it, outermost first.
pub fn chain(error: &dyn Error) -> Vec<String> {
    let causes = std::iter::successors(error.source(), |&cause| cause.source());
    std::iter::once(error.to_string()).chain(causes.map(ToString::to_string)).collect()
}

/// The same on one line.
pub fn one_line(error: &dyn Error) -> String {
    chain(error).join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_names_every_cause() {
        #[derive(Debug, thiserror::Error)]
        #[error("could not read `x`")]
        struct Unread(#[source] std::io::Error);

        let inner = std::io::Error::other("inner");
        assert_eq!(one_line(&std::io::Error::other(inner)), "inner");
        assert_eq!(one_line(&Unread(std::io::Error::other("gone"))), "could not read `x`: gone");
    }
}
