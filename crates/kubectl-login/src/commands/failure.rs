//! What goes wrong in the commands that examine sessions and clusters.
//! Never shows a token.

use login_common::names::IssuerUrl;
use thiserror::Error;

use crate::{
    report::{Fault, Reported},
    system::http::HttpError,
};

/// Why a command failed.
#[derive(Debug, Error)]
pub enum CommandError {
    /// `status --check`: the next kubectl would need a sign-in.
    #[error("a sign-in to `{0}` is needed")]
    SignInNeeded(IssuerUrl),
    /// The kubeconfig yields no cluster to call.
    #[error("{0}")]
    NoCluster(String),
    /// The cluster's entry in the kubeconfig cannot be used.
    #[error("the entry of cluster `{cluster}` in the kubeconfig cannot be used: {problem}")]
    Cluster {
        /// The entry.
        cluster: String,
        /// What is wrong with it.
        problem: String,
    },
    /// kube-apiserver did not answer.
    #[error("could not reach the cluster at `{server}`")]
    ClusterUnreachable {
        /// Its URL.
        server: String,
        /// Why.
        #[source]
        source: HttpError,
    },
    /// 401: the cluster refuses the token, or its verdict is unavailable (an outage of its webhook
    /// looks the same).
    #[error("the cluster at `{server}` did not accept the token of `{issuer}`")]
    TokenNotAccepted {
        /// Its URL.
        server: String,
        /// The issuer of the token.
        issuer: IssuerUrl,
    },
    /// 403.
    #[error("the cluster at `{0}` accepted the token, and does not say whose it is")]
    ReviewForbidden(String),
    /// 404 for every version.
    #[error("the cluster at `{0}` has no SelfSubjectReview, which Kubernetes 1.28 brought")]
    NoReview(String),
    /// Any other answer.
    #[error("the cluster at `{server}` gave an answer that cannot be used: {answer}")]
    ClusterAnswer {
        /// Its URL.
        server: String,
        /// What it answered.
        answer: String,
        /// Whether the answer was an outage.
        is_outage: bool,
    },
    /// `doctor` found problems.
    #[error("{count} {} found", if *count == 1 { "problem was" } else { "problems were" })]
    Problems {
        /// How many.
        count: usize,
        /// Whose fault the first one is.
        fault: Fault,
    },
}

impl Reported for CommandError {
    fn fault(&self) -> Fault {
        match self {
            Self::SignInNeeded(_) => Fault::NeedsPerson,
            Self::NoCluster(_) | Self::Cluster { .. } | Self::NoReview(_) => Fault::Usage,
            Self::ClusterUnreachable { .. } | Self::ClusterAnswer { is_outage: true, .. } => {
                Fault::Unreachable
            }
            Self::TokenNotAccepted { .. }
            | Self::ReviewForbidden(_)
            | Self::ClusterAnswer { is_outage: false, .. } => Fault::Refused,
            Self::Problems { fault, .. } => *fault,
        }
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::SignInNeeded(_) => "sign in with `kubectl-login login`",
            Self::NoCluster(_) => "name a context with `--context`",
            Self::Cluster { .. } => "correct it with `kubectl config set-cluster`",
            Self::ClusterUnreachable { source, .. } => {
                if let Some(hint) = source.hint() {
                    return Some(hint);
                }
                if source.is_untrusted() {
                    "check `certificate-authority` of that cluster in the kubeconfig"
                } else {
                    "check that the cluster runs and that `server` in the kubeconfig is right"
                }
            }
            Self::TokenNotAccepted { .. } => {
                "`kubectl-login doctor` compares the token with what the cluster trusts; when the \
                 cluster cannot reach its webhook, it answers like this, too"
            }
            Self::ReviewForbidden(_) => {
                "an administrator can allow it: ClusterRole `system:basic-user` does so for \
                 everybody who is signed in"
            }
            Self::NoReview(_) => {
                "`kubectl auth can-i --list` shows what this user may do, though not who it is"
            }
            Self::ClusterAnswer { .. } | Self::Problems { .. } => return None,
        };
        Some(hint.to_owned())
    }
}
