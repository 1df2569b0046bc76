//! Errors about options: what is wrong with a value, and where it came from.
//! Never contain the value of a secret.

use std::path::{Path, PathBuf};

use thiserror::Error;

use super::{
    origin::{Origin, Reason, Trust},
    table::Row,
};
use crate::report::{Fault, Reported};

/// Maximum number of characters of a URL that is shown.
const SHOWN: usize = 200;

/// An option has a value that cannot be used, or lacks one.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum OptionError {
    /// The value is wrong.
    #[error("the value of `--{option}` cannot be used")]
    Wrong {
        /// The option.
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
    /// The configuration file is invalid as a whole, or cannot be read.
    #[error("the configuration file `{}` cannot be used", path.display())]
    File {
        /// The path of the file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        problem: Problem,
    },
    /// A value that may not be used with the issuer in force.
    #[error("the value of `--{}` is not used with the issuer `{}`", .0.option, .0.issuer)]
    Misplaced(#[source] Box<Misplaced>),
    /// A required option is missing.
    #[error("`--{0}` is missing")]
    Missing(&'static str),
}

/// A value, and why it may not be used with the issuer in force.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("{problem}")]
pub struct Misplaced {
    option: &'static str,
    origin: Origin,
    issuer: String,
    reason: Reason,
    problem: Problem,
}

/// What is wrong with a value, as text; never the value of a secret.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("{0}")]
pub struct Problem(String);

impl OptionError {
    /// `row`'s value is wrong because of `problem`.
    pub fn new(row: &Row, origin: &Origin, problem: impl Into<String>) -> Self {
        Self::Wrong { option: row.long, origin: origin.clone(), problem: Problem(problem.into()) }
    }

    /// `row`'s value may not be used with `issuer`.
    pub fn misplaced(row: &Row, origin: &Origin, issuer: &str, reason: Reason) -> Self {
        let problem = match &reason {
            Reason::NamedBy(namer) => {
                format!("it came from {origin}, and that issuer is named by {namer}")
            }
            Reason::NotTheirs => format!(
                "it came from {origin}, which may say this of the issuer only that it alone names"
            ),
            Reason::BelievedBy { anchor, from } => format!(
                "it came from {origin}, and `--{anchor}`, which came from {from}, lets others pass \
                 for that issuer"
            ),
        };
        Self::Misplaced(Box::new(Misplaced {
            option: row.long,
            origin: origin.clone(),
            issuer: issuer.chars().take(SHOWN).collect(),
            reason,
            problem: Problem(problem),
        }))
    }

    /// The cluster's settings are wrong as a whole because of `problem`.
    pub fn cluster(problem: impl Into<String>) -> Self {
        Self::Cluster(Problem(problem.into()))
    }

    /// The configuration file is wrong because of `problem`.
    pub fn file(path: &Path, problem: impl Into<String>) -> Self {
        Self::File { path: path.to_owned(), problem: Problem(problem.into()) }
    }

    /// What the user can do about it.
    fn advice(&self) -> String {
        match self {
            Self::Wrong { origin, .. } => format!("it came from {origin}"),
            Self::Misplaced(misplaced) => misplaced.hint(),
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

impl Reported for OptionError {
    fn fault(&self) -> Fault {
        Fault::Usage
    }

    fn hint(&self) -> Option<String> {
        Some(self.advice())
    }
}

impl Misplaced {
    /// What to change, and where.
    fn hint(&self) -> String {
        let option = self.option;
        match &self.reason {
            Reason::NamedBy(_) => {
                format!("if that issuer is meant, {}", named_at(&self.origin, &self.issuer))
            }
            Reason::NotTheirs => format!(
                "if it is meant, say it yourself: `--{option}` in the user entry, or a variable, \
                 or under `issuers:` in the configuration file"
            ),
            Reason::BelievedBy { anchor, .. } if self.origin.trust() == Trust::Own => format!(
                "write `{anchor}` beside `{option}` into the configuration file, and take it out \
                 where it is now"
            ),
            Reason::BelievedBy { anchor, .. } => {
                format!("if that is meant, give `--{anchor}` yourself")
            }
        }
    }
}

/// How to name `issuer` in the place where a value came from.
fn named_at(origin: &Origin, issuer: &str) -> String {
    match origin {
        Origin::CommandLine => format!("give `--issuer-url {issuer}`, too"),
        Origin::Arguments | Origin::Kubeconfig { .. } => {
            format!("write `--issuer-url={issuer}` into `exec.args` of the user, too")
        }
        Origin::Variable(_) => {
            format!("set the variable `KUBECTL_LOGIN_ISSUER_URL` to `{issuer}`, too")
        }
        Origin::File(path) => format!(
            "write it into `{}` below `issuers:`, beside `issuer-url: {issuer}`",
            path.display()
        ),
        Origin::Cluster | Origin::Server { .. } => "say it yourself".to_owned(),
    }
}
