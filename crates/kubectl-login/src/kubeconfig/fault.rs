//! Errors about kubeconfigs: reading, finding, changing and writing them.
//! Never contain a value from a kubeconfig: it may be a credential.

use std::{
    io,
    path::{Path, PathBuf},
};

use located_yaml::typed::YamlError;
use login_common::exec_entry::SecretInEntry;
use thiserror::Error;

use crate::report::{Fault, Reported};

/// Why a kubeconfig could not be used or changed.
#[derive(Debug, Error)]
pub enum KubeconfigError {
    /// Neither a home directory nor a variable says where.
    #[error("there is no kubeconfig: neither `KUBECONFIG` nor the home directory is known")]
    Nowhere,
    /// `KUBECONFIG` is set, and lists no file.
    #[error("`KUBECONFIG` names no file")]
    EmptyList,
    /// A file cannot be read.
    #[error("could not read the kubeconfig `{}`", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A file is not YAML.
    #[error("the kubeconfig `{}` is not valid YAML", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Where and why.
        #[source]
        source: YamlError,
    },
    /// A list has two entries of one name.
    #[error("the kubeconfig `{}` has two entries for the {kind} `{name}`", path.display())]
    Duplicate {
        /// The file.
        path: PathBuf,
        /// What the list contains.
        kind: &'static str,
        /// The name.
        name: String,
    },
    /// A text is not YAML.
    #[error("it is not valid YAML")]
    NotYaml(#[source] YamlError),
    /// A field has the wrong type.
    #[error("{0} is not what it is in a kubeconfig")]
    NotAKubeconfig(&'static str),
    /// No file has the named entry.
    #[error("no kubeconfig has {0}")]
    Missing(String),
    /// The context for the entry does not exist.
    #[error("no kubeconfig has a context `{name}`")]
    NoContext {
        /// Its name.
        name: String,
        /// The commands that create it.
        commands: String,
    },
    /// The user entry runs another program, or none.
    #[error("user `{user}` in `{file}` does not run kubectl-login")]
    OtherUser {
        /// The user entry.
        user: String,
        /// Its file.
        file: String,
    },
    /// The arguments in the entry are invalid.
    #[error("the arguments of user `{user}` in `{file}` cannot be used: {problem}")]
    Arguments {
        /// The user entry.
        user: String,
        /// Its file.
        file: String,
        /// What clap says.
        problem: String,
    },
    /// A secret would be written to a kubeconfig, and from there appear in the process list.
    #[error(transparent)]
    Secret(#[from] SecretInEntry),
    /// The user entry has credentials that conflict with `exec`.
    #[error("user `{user}` in `{file}` has {what} already")]
    Occupied {
        /// The user entry.
        user: String,
        /// Its file.
        file: String,
        /// What it has.
        what: &'static str,
    },
    /// The user did not choose the name, and the entry of that name signs in elsewhere.
    #[error("user `{user}` in `{file}` exists already, and signs in somewhere else")]
    Taken {
        /// The user entry.
        user: String,
        /// Its file.
        file: String,
    },
    /// A file was not changed.
    #[error("the kubeconfig `{}` was left as it is", path.display())]
    Unchanged {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: Box<Self>,
    },
    /// Another program changed the file meanwhile.
    #[error("{0} was changed by another program meanwhile")]
    Conflict(String),
    /// The text cannot be changed in place without loss.
    #[error("it is written in a way that cannot be changed without losing something")]
    Unwritable {
        /// What to paste.
        snippet: String,
    },
    /// Another program holds the lock for too long.
    #[error("`{}` has been there for too long", .0.display())]
    Locked(PathBuf),
    /// The lock or the file could not be written.
    #[error("could not write `{}`", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl Reported for KubeconfigError {
    fn fault(&self) -> Fault {
        match self {
            Self::Unchanged { source, .. } => source.fault(),
            Self::Conflict(_) | Self::Locked(_) | Self::Write { .. } => Fault::Refused,
            _ => Fault::Usage,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(self.advice())
    }
}

impl KubeconfigError {
    /// What the user can do about it.
    fn advice(&self) -> String {
        match self {
            Self::Duplicate { .. } => {
                "remove one of them: kubectl refuses the whole file, too".to_owned()
            }
            Self::Nowhere
            | Self::EmptyList
            | Self::Read { .. }
            | Self::Malformed { .. }
            | Self::NotYaml(_)
            | Self::NotAKubeconfig(_) => {
                "name another file with `--kubeconfig` or the variable `KUBECONFIG`".to_owned()
            }
            Self::Missing(_) | Self::OtherUser { .. } => {
                "name a context with `--context`, or give `--issuer-url` and `--client-id`"
                    .to_owned()
            }
            Self::NoContext { commands, .. } => {
                format!("make it, then run this again:\n{commands}")
            }
            Self::Arguments { .. } => "correct `args` of that user".to_owned(),
            Self::Secret(refused) => refused.instead.to_owned(),
            Self::Occupied { .. } => {
                "give another `--name`, or `--replace` to put the new entry in its place".to_owned()
            }
            Self::Taken { .. } => "give another `--name`, or the same one to replace it".to_owned(),
            Self::Unchanged { source, .. } => source.advice(),
            Self::Conflict(_) => "run the command again".to_owned(),
            Self::Unwritable { snippet } => format!("put this there by hand: {snippet}"),
            Self::Locked(path) => format!(
                "if no kubectl or other program is at work on it, remove `{}`",
                path.display()
            ),
            Self::Write { .. } => {
                "check who may write there, and whether the disk is full".to_owned()
            }
        }
    }

    /// Adds the name of the file to the error.
    pub(super) fn of(self, path: &Path) -> Self {
        match self {
            Self::NotYaml(source) => Self::Malformed { path: path.to_owned(), source },
            other => Self::Unchanged { path: path.to_owned(), source: Box::new(other) },
        }
    }
}
