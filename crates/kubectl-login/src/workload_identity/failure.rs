//! Why there is no identity token, sorted by whose fault it is.
//! Never shows a token or a part of one.

use std::{io, path::PathBuf};

use login_common::{
    UnixTime,
    names::{ClientId, IssuerUrl},
};
use thiserror::Error;

use super::{names, place::Place, token};
use crate::{
    options::{
        origin::Origin,
        target::{SourceKind, Target},
    },
    report::Fault,
    system::{command::CommandError, environment::Environment, http::HttpError},
};

/// Why there is no identity token.
#[derive(Debug, Error)]
pub enum IdentityError {
    /// `--identity auto` found no known source.
    #[error("this place offers no identity")]
    Nowhere {
        /// Whether this is a GitHub Actions job nevertheless.
        github_actions: bool,
    },
    /// A variable of the named source is not set.
    #[error("the identity `{}` is not here: the environment variable `{variable}` is not set", .kind.as_str())]
    NotSet {
        /// The source.
        kind: SourceKind,
        /// Its name.
        variable: String,
    },
    /// A file of the named source cannot be read.
    #[error("the identity `{}` is not here: could not read `{}`", .kind.as_str(), path.display())]
    File {
        /// The source.
        kind: SourceKind,
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The program of `--identity-command` failed.
    #[error("could not get the identity token")]
    Command(#[source] CommandError),
    /// The source holds something that is not a token.
    #[error("the identity token from {place} cannot be used")]
    Unusable {
        /// The place of the token.
        place: Place,
        /// Why.
        #[source]
        source: token::Fault,
    },
    /// The token has expired.
    #[error("the identity token from {place} expired at {expired_at}; it is {now}")]
    Expired {
        /// The place of the token.
        place: Place,
        /// `exp`.
        expired_at: UnixTime,
        /// The time that `exp` was compared with.
        now: UnixTime,
    },
    /// The variable for the service's address holds no URL.
    #[error("the environment variable `{variable}` is no URL")]
    Address {
        /// The source.
        kind: SourceKind,
        /// Its name.
        variable: &'static str,
    },
    /// The request token would be sent unencrypted.
    #[error("the token service of `{}` is at `{url}`, which is not `https://`", .kind.as_str())]
    Exposed {
        /// The CI system.
        kind: SourceKind,
        /// The service's address.
        url: String,
    },
    /// The service did not answer.
    #[error("could not reach the token service of `{}`", .kind.as_str())]
    Unreachable {
        /// The CI system.
        kind: SourceKind,
        /// Why.
        #[source]
        source: HttpError,
    },
    /// The service answered with an outage.
    #[error("the token service of `{}` is out of order: it answered {status}", .kind.as_str())]
    OutOfOrder {
        /// The CI system.
        kind: SourceKind,
        /// The HTTP status.
        status: u16,
    },
    /// The service refused the request.
    #[error("the token service of `{}` refused a token: it answered {status}", .kind.as_str())]
    Refused {
        /// The CI system.
        kind: SourceKind,
        /// The HTTP status.
        status: u16,
    },
    /// The answer has no token.
    #[error("the answer of the token service of `{}` has no `{member}` with a token", .kind.as_str())]
    Answer {
        /// The CI system.
        kind: SourceKind,
        /// The member that should hold the token.
        member: &'static str,
    },
    /// The token that every pod has, for an issuer other than its own cluster.
    #[error("the token in `{}` is for the pod's own cluster and is not shown to `{issuer}`", path.display())]
    ForTheCluster {
        /// The file of the token.
        path: PathBuf,
        /// `--issuer-url`.
        issuer: IssuerUrl,
    },
    /// To be handed out as it is, but signed by another issuer.
    #[error("the identity token from {place} {}; wanted is `{wanted}`",
        if found.is_empty() { "does not say who signed it".to_owned() } else { format!("is signed by `{found}`") })]
    OtherIssuer {
        /// The place of the token.
        place: Place,
        /// `iss`; empty when missing.
        found: String,
        /// `--issuer-url`.
        wanted: IssuerUrl,
    },
    /// To be handed out as it is, but for another client.
    #[error("the identity token from {place} {}; wanted is client `{wanted}`",
        if found.is_empty() { "does not say whom it is for".to_owned() } else { format!("is for `{found}`") })]
    OtherAudience {
        /// The place of the token.
        place: Place,
        /// `aud`; empty when missing.
        found: String,
        /// `--client-id`.
        wanted: ClientId,
    },
}

impl IdentityError {
    /// For `--identity auto` where nothing was found.
    pub(super) fn nowhere(environment: &dyn Environment) -> Self {
        Self::Nowhere { github_actions: environment.has("GITHUB_ACTIONS") }
    }

    /// Whose fault it is.
    pub fn fault(&self) -> Fault {
        match self {
            Self::Nowhere { .. } => Fault::NeedsPerson,
            Self::NotSet { .. }
            | Self::File { .. }
            | Self::Command(_)
            | Self::Unusable { .. }
            | Self::Address { .. }
            | Self::Exposed { .. }
            | Self::ForTheCluster { .. }
            | Self::OtherIssuer { .. }
            | Self::OtherAudience { .. } => Fault::Usage,
            Self::Unreachable { .. } | Self::OutOfOrder { .. } => Fault::Unreachable,
            Self::Expired { .. } | Self::Refused { .. } | Self::Answer { .. } => Fault::Refused,
        }
    }

    /// What the user can do, with the origin of the value to look at.
    pub fn hint(&self, target: &Target) -> Option<String> {
        let from = |origin: &Option<Origin>| {
            origin.as_ref().map(|origin| format!("; it came from {origin}")).unwrap_or_default()
        };
        let identity = from(&target.origins.identity);
        let text = match self {
            Self::Nowhere { github_actions: true }
            | Self::NotSet { kind: SourceKind::GithubActions, .. }
            | Self::Refused { kind: SourceKind::GithubActions, .. } => {
                "give the job `permissions: { id-token: write }`".to_owned()
            }
            Self::Nowhere { .. } => format!(
                "looked for the variables `{}`, `{}` and `{}`, and for a service account's token \
                 in `{}`; say where the token is with `--identity-file`, `--identity-variable` or \
                 `--identity-command`",
                names::GITLAB_VARIABLE,
                names::GITHUB_ACTIONS_URL,
                names::AZURE_PIPELINES_URL,
                names::KUBERNETES_FILES.join("` and `"),
            ),
            Self::NotSet { kind: SourceKind::Gitlab, variable } => format!(
                "give the job `id_tokens:` with `{variable}`, or say which variable it is with \
                 `--identity-variable`{identity}"
            ),
            Self::NotSet { variable, .. } if variable == names::AZURE_PIPELINES_TOKEN => {
                "map it into the step: `env: { SYSTEM_ACCESSTOKEN: $(System.AccessToken) }`"
                    .to_owned()
            }
            Self::NotSet { kind: SourceKind::AzurePipelines, .. } => {
                format!("this is no job of Azure Pipelines; check `--identity`{identity}")
            }
            Self::NotSet { .. } => format!("check `--identity-variable`{identity}"),
            Self::File { kind: SourceKind::Kubernetes, .. } => format!(
                "mount a projected `serviceAccountToken` there, or say where it is with \
                 `--identity-file`{identity}"
            ),
            Self::File { .. } => format!("check `--identity-file`{identity}"),
            Self::Command(CommandError::NotAllowed(refusal)) => refusal.hint(),
            Self::Command(_) => format!("check `--identity-command`{identity}"),
            Self::Unusable { place, .. } => {
                format!("{place} should hold one bearer token and nothing else{identity}")
            }
            Self::Expired { place: Place::File(_), .. } => {
                "the program that renews that file has stopped, or this machine's clock is wrong"
                    .to_owned()
            }
            Self::Expired { .. } => {
                "the job has outlived its token, or this machine's clock is wrong".to_owned()
            }
            Self::Address { .. } | Self::Exposed { .. } => {
                "the CI system sets it for each job; do not set it by hand".to_owned()
            }
            Self::Unreachable { .. } | Self::OutOfOrder { .. } => {
                "nothing was lost; try again when the CI system answers".to_owned()
            }
            Self::Refused { .. } => "the job may have ended, or may not ask for tokens".to_owned(),
            Self::Answer { .. } => return None,
            Self::ForTheCluster { issuer, .. } => format!(
                "mount a projected `serviceAccountToken` with the audience `{issuer}` at `{}`, or \
                 say where another is with `--identity-file`{identity}",
                names::KUBERNETES_FILES[0]
            ),
            Self::OtherIssuer { .. } => format!(
                "if the cluster takes that issuer's tokens, name it with `--issuer-url`{}; if \
                 `--issuer-url` takes them, use `--flow auto`, `token-exchange` or `jwt-bearer`",
                from(&target.origins.issuer)
            ),
            Self::OtherAudience { place: Place::Service(SourceKind::GithubActions), .. } => {
                "leave `--identity-audience` out, or give the same as `--client-id`".to_owned()
            }
            Self::OtherAudience { .. } => format!(
                "whom it is for is said where the token is made; or give that as `--client-id`{}",
                from(&target.origins.client_id)
            ),
        };
        Some(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::environment::{NoEnvironment, Overlay};

    #[test]
    fn where_nothing_is_offered_a_person_is_needed_and_a_named_source_is_a_wrong_option() {
        assert_eq!(IdentityError::nowhere(&NoEnvironment).fault(), Fault::NeedsPerson);
        let variables = [("GITHUB_ACTIONS".to_owned(), "true".to_owned())];
        let environment = Overlay { variables: &variables, below: &NoEnvironment };
        assert!(matches!(
            IdentityError::nowhere(&environment),
            IdentityError::Nowhere { github_actions: true }
        ));
        let missing =
            IdentityError::NotSet { kind: SourceKind::Gitlab, variable: "TOKEN".to_owned() };
        assert_eq!(missing.fault(), Fault::Usage);
        assert_eq!(
            missing.to_string(),
            "the identity `gitlab` is not here: the environment variable `TOKEN` is not set"
        );
    }
}
