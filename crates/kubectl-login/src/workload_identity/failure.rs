//! Why there is no identity token, sorted by whose fault it is.
//! Never shows a token or a part of one.

use std::{io, path::PathBuf};

use login_common::{
    UnixTime,
    names::{ClientId, IssuerUrl},
};
use thiserror::Error;

use super::{place::Place, token};
use crate::{
    options::target::SourceKind,
    report::Fault,
    system::{command::CommandError, http::HttpError},
};

/// Why there is no identity token.
#[derive(Debug, Error)]
pub enum IdentityError {
    /// `--identity auto` found no known source.
    #[error("this place offers no identity")]
    Nowhere {
        /// The CI system whose job this is, nevertheless.
        job_of: Option<SourceKind>,
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

    /// The source that it is about, if it is one.
    pub(super) fn kind(&self) -> Option<SourceKind> {
        match self {
            Self::Nowhere { job_of } => *job_of,
            Self::NotSet { kind, .. }
            | Self::File { kind, .. }
            | Self::Address { kind, .. }
            | Self::Exposed { kind, .. }
            | Self::Unreachable { kind, .. }
            | Self::OutOfOrder { kind, .. }
            | Self::Refused { kind, .. }
            | Self::Answer { kind, .. }
            | Self::OtherAudience { place: Place::Service(kind), .. } => Some(*kind),
            Self::ForTheCluster { .. } => Some(SourceKind::Kubernetes),
            Self::Command(_)
            | Self::Unusable { .. }
            | Self::Expired { .. }
            | Self::OtherIssuer { .. }
            | Self::OtherAudience { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_nothing_is_offered_a_person_is_needed_and_a_named_source_is_a_wrong_option() {
        assert_eq!(IdentityError::Nowhere { job_of: None }.fault(), Fault::NeedsPerson);
        let missing =
            IdentityError::NotSet { kind: SourceKind::Gitlab, variable: "TOKEN".to_owned() };
        assert_eq!(missing.fault(), Fault::Usage);
        assert_eq!(
            missing.to_string(),
            "the identity `gitlab` is not here: the environment variable `TOKEN` is not set"
        );
    }
}
