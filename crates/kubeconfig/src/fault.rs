//! Why a kubeconfig cannot be read or changed.
//! Never contains a value from a kubeconfig: it may be a credential.

use std::{io, path::PathBuf};

use located_yaml::typed::YamlError;
use thiserror::Error;

/// Why a kubeconfig cannot be read or changed.
#[derive(Debug, Error)]
pub enum KubeconfigFault {
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
    /// Another program changed the file meanwhile.
    #[error("{0} was changed by another program meanwhile")]
    Conflict(String),
    /// The text cannot be changed in place without loss.
    #[error("it is written in a way that cannot be changed without losing something")]
    Unwritable,
}
