//! Where an identity token was found.

use std::{fmt, path::PathBuf};

use crate::options::identity_source::SourceKind;

/// Where a token was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// An environment variable.
    Variable(String),
    /// A file.
    File(PathBuf),
    /// What this program printed.
    Command(String),
    /// The answer of a CI system.
    Service(SourceKind),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Variable(name) => write!(f, "the environment variable `{name}`"),
            Self::File(path) => write!(f, "`{}`", path.display()),
            Self::Command(program) => write!(f, "the program `{program}`"),
            Self::Service(kind) => write!(f, "the token service of `{}`", kind.as_str()),
        }
    }
}
