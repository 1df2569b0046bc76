//! What is wrong with an option, and where its value came from.
//! Never the value of a secret.

use std::path::{Path, PathBuf};

use thiserror::Error;

use super::{layers::Origin, table::Row};

/// An option has a value that cannot be used, or lacks one.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum OptionError {
    /// The value is wrong.
    #[error("the value of `--{option}` cannot be used")]
    Wrong {
        /// Which option.
        option: &'static str,
        /// Where the value came from.
        origin: Origin,
        /// What is wrong with it.
        #[source]
        problem: Problem,
    },
    /// The cluster's settings are wrong.
    #[error("the cluster's settings for kubectl-login cannot be used")]
    Cluster(#[source] Problem),
    /// The configuration file is wrong as a whole, or cannot be read.
    #[error("the configuration file `{}` cannot be used", path.display())]
    File {
        /// Where it is.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        problem: Problem,
    },
    /// An option without which nothing works.
    #[error("`--{0}` is missing")]
    Missing(&'static str),
}

/// What is wrong with a value, in words; never the value of a secret.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("{0}")]
pub struct Problem(String);

impl OptionError {
    /// `row`'s value is wrong because of `problem`.
    pub fn new(row: &Row, origin: &Origin, problem: impl Into<String>) -> Self {
        Self::Wrong { option: row.long, origin: origin.clone(), problem: Problem(problem.into()) }
    }

    /// The whole of the cluster's settings is wrong because of `problem`.
    pub fn cluster(problem: impl Into<String>) -> Self {
        Self::Cluster(Problem(problem.into()))
    }

    /// The configuration file is wrong because of `problem`.
    pub fn file(path: &Path, problem: impl Into<String>) -> Self {
        Self::File { path: path.to_owned(), problem: Problem(problem.into()) }
    }

    /// What the user can do.
    pub fn hint(&self) -> String {
        match self {
            Self::Wrong { origin, .. } => format!("it came from {origin}"),
            Self::Cluster(_) => format!("they came from {}", Origin::Cluster),
            Self::File { .. } => {
                "correct it, or name another file in the variable `KUBECTL_LOGIN_CONFIG`".to_owned()
            }
            Self::Missing(option) => {
                let variable = option.to_uppercase().replace('-', "_");
                format!(
                    "give `--{option}` or set the variable `KUBECTL_LOGIN_{variable}`; if the \
                     kubeconfig's cluster entry has it, the user entry needs \
                     `provideClusterInfo: true`"
                )
            }
        }
    }
}
