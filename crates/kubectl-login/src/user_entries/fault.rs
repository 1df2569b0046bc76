//! Errors about kubeconfigs and their user entries: reading, finding, changing and writing them.
//! Never contain a value from a kubeconfig: it may be a credential.

use std::{
    io,
    path::{Path, PathBuf},
};

use kubeconfig::{KubeconfigFault, edit::Edit};
use located_yaml::write::{self, Syntax};
use login_common::exec_entry::SecretInEntry;
use serde_json::json;
use thiserror::Error;

use super::difference;
use crate::report::{Fault, Reported};

/// Why a kubeconfig could not be used or changed.
#[derive(Debug, Error)]
pub enum KubeconfigError {
    /// A file cannot be read, found or changed.
    #[error(transparent)]
    Content(#[from] KubeconfigFault),
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
    /// The text cannot be changed in place without loss.
    #[error("{}", KubeconfigFault::Unwritable)]
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
            Self::Content(KubeconfigFault::Conflict(_)) | Self::Locked(_) | Self::Write { .. } => {
                Fault::Refused
            }
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
            Self::Content(fault) => match fault {
                KubeconfigFault::Duplicate { .. } => {
                    "remove one of them: kubectl refuses the whole file, too".to_owned()
                }
                KubeconfigFault::Conflict(_) => "run the command again".to_owned(),
                KubeconfigFault::Nowhere
                | KubeconfigFault::EmptyList
                | KubeconfigFault::Read { .. }
                | KubeconfigFault::Malformed { .. }
                | KubeconfigFault::NotYaml(_)
                | KubeconfigFault::NotAKubeconfig(_)
                | KubeconfigFault::Unwritable => {
                    "name another file with `--kubeconfig` or the variable `KUBECONFIG`".to_owned()
                }
            },
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

    /// The error of a change to the file at `path`.
    pub(super) fn of(fault: KubeconfigFault, path: &Path, edits: &[Edit]) -> Self {
        match fault {
            KubeconfigFault::NotYaml(source) => {
                KubeconfigFault::Malformed { path: path.to_owned(), source }.into()
            }
            KubeconfigFault::Unwritable => {
                Self::Unwritable { snippet: snippet(edits) }.unchanged(path)
            }
            other => Self::from(other).unchanged(path),
        }
    }

    /// The file at `path` was not changed, because of this error.
    pub(super) fn unchanged(self, path: &Path) -> Self {
        Self::Unchanged { path: path.to_owned(), source: Box::new(self) }
    }
}

/// A change on one line, for the user to apply by hand.
fn snippet(edits: &[Edit]) -> String {
    let parts: Vec<String> = edits
        .iter()
        .map(|edit| match edit {
            Edit::User { name, after, .. } => {
                let entry = write::flow(&json!({ "name": name, "user": after }), Syntax::Yaml);
                format!("in `users`: `- {}`", difference::without_secrets(&entry))
            }
            Edit::Context { name, user } => {
                format!("in context `{name}`: `user: {}`", write::scalar(user))
            }
        })
        .collect();
    parts.join(", ")
}
