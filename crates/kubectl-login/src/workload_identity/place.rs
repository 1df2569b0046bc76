//! Where an identity token was found.

use std::{fmt, path::PathBuf};

use crate::options::identity_source::SourceKind;

/// Where a token was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// The name of an environment variable.
    Variable(String),
    /// The path of a file.
    File(PathBuf),
    /// The command line of the program that printed it.
    Command(String),
    /// The CI system whose token service returned it.
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
