//! Records where a value came from, and how far that source is trusted.
//! Never decides which of several values wins: `layers` does.

use std::{fmt, path::PathBuf};

/// Where a value came from; hints name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The command line.
    CommandLine,
    /// The `args` of the kubeconfig entry that kubectl runs.
    Arguments,
    /// The `args` or `env` of a kubeconfig user entry that `login` read.
    Kubeconfig {
        /// The name of the user entry.
        user: String,
        /// The file that holds it.
        file: String,
    },
    /// An environment variable.
    Variable(&'static str),
    /// The extension `client.authentication.k8s.io/exec` of the kubeconfig's cluster entry.
    Cluster,
    /// What a server publishes about how to sign in.
    Server {
        /// Its address.
        address: String,
        /// Whether it is the issuer itself.
        is_issuer: bool,
    },
    /// The configuration file.
    File(PathBuf),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CommandLine => f.write_str("the command line"),
            Self::Arguments => f.write_str("`exec.args` of the user in the kubeconfig"),
            Self::Kubeconfig { user, file } => write!(f, "user `{user}` in `{file}`"),
            Self::Variable(name) => write!(f, "the environment variable `{name}`"),
            Self::Cluster => f.write_str(
                "the extension `client.authentication.k8s.io/exec` of the cluster in the kubeconfig",
            ),
            Self::Server { address, .. } => write!(f, "the server `{address}`"),
            Self::File(path) => write!(f, "the configuration file `{}`", path.display()),
        }
    }
}

/// How far a layer is trusted, lowest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Trust {
    /// From another party: the cluster's settings, a server.
    Told,
    /// Typed, set as a variable, or in a kubeconfig's user entry.
    Given,
    /// From the user's own configuration file.
    Own,
}

impl Origin {
    /// How far it is trusted.
    pub fn trust(&self) -> Trust {
        match self {
            Self::Cluster | Self::Server { .. } => Trust::Told,
            Self::CommandLine | Self::Arguments | Self::Kubeconfig { .. } | Self::Variable(_) => {
                Trust::Given
            }
            Self::File(_) => Trust::Own,
        }
    }

    /// Whether an issuer that this layer names, or makes trusted, may be sent `value`.
    pub(super) fn vouches_for(&self, value: &Self) -> bool {
        match (self, value) {
            // The user typed it together with the address of that very server.
            (Self::Server { is_issuer: true, .. }, Self::CommandLine) => true,
            _ => value.trust() <= self.trust(),
        }
    }
}

/// Why a value may not be used with the issuer in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The issuer is named by a layer that is trusted less.
    NamedBy(Origin),
    /// The cluster or a server gave it for an issuer that other layers name, too.
    NotTheirs,
    /// A less trusted layer decides which server is accepted as the issuer.
    BelievedBy {
        /// The option that decides it.
        anchor: &'static str,
        /// The origin of that option.
        from: Origin,
    },
}
