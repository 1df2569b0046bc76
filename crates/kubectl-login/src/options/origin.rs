//! Where a value came from, and how much such a place is trusted.
//! Never which of several values counts: that is `layers`.

use std::{fmt, path::PathBuf};

/// Where a value came from; what a hint names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Typed.
    CommandLine,
    /// The `args` of the kubeconfig entry that kubectl runs.
    Arguments,
    /// The `args` or `env` of a kubeconfig user that `login` has read.
    Kubeconfig {
        /// The name of the user entry.
        user: String,
        /// The file it is in.
        file: String,
    },
    /// An environment variable.
    Variable(&'static str),
    /// The extension `client.authentication.k8s.io/exec` of the kubeconfig's cluster entry.
    Cluster,
    /// What a server publishes about signing in.
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

/// How much a layer is trusted, least first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Trust {
    /// Somebody else said it: the cluster's settings, a server.
    Told,
    /// Typed, set, or in the user entry of a kubeconfig.
    Given,
    /// In the person's own configuration file.
    Own,
}

impl Origin {
    /// How much it is trusted.
    pub fn trust(&self) -> Trust {
        match self {
            Self::Cluster | Self::Server { .. } => Trust::Told,
            Self::CommandLine | Self::Arguments | Self::Kubeconfig { .. } | Self::Variable(_) => {
                Trust::Given
            }
            Self::File(_) => Trust::Own,
        }
    }

    /// Whether an issuer that is named here, or believed because of this, may be shown `value`.
    pub(super) fn vouches_for(&self, value: &Self) -> bool {
        match (self, value) {
            // Typed beside the address of that very server.
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
    /// Others said it of an issuer that is not theirs alone.
    NotTheirs,
    /// A layer that is trusted less says who is believed to be the issuer.
    BelievedBy {
        /// By this option.
        anchor: &'static str,
        /// Which came from here.
        from: Origin,
    },
}
