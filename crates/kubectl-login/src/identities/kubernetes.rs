//! Kubernetes: a service account's token, which kubelet keeps fresh in a file of the pod.
//! Never asks the API server: the audience is decided where the volume is defined.

use std::{io, path::Path};

use super::{IdentityError, IdentityToken, file};
use crate::{
    options::target::{IdentityOptions, SourceKind},
    system::System,
};

/// Where it is when `--identity-file` names no other place: a projected volume as Kubernetes'
/// documentation mounts it, else the one that every pod has, which is for the cluster's own API
/// server.
pub(super) const FILES: [&str; 2] = [
    "/var/run/secrets/tokens/kubectl-login",
    "/var/run/secrets/kubernetes.io/serviceaccount/token",
];

/// The pod's name: what sets one job apart from the next where they share a home.
pub const POD: &str = "HOSTNAME";

pub(super) fn obtain(
    system: &System<'_>,
    options: &IdentityOptions,
) -> Result<IdentityToken, IdentityError> {
    let kind = SourceKind::Kubernetes;
    if let Some(path) = &options.file {
        return file::read(system, kind, path);
    }
    let [projected, every_pod] = FILES.map(Path::new);
    match file::read(system, kind, projected) {
        Err(IdentityError::File { source, path, .. })
            if source.kind() == io::ErrorKind::NotFound =>
        {
            match file::read(system, kind, every_pod) {
                // The first place is the one to mend.
                Err(IdentityError::File { .. }) => Err(IdentityError::File { kind, path, source }),
                outcome => outcome,
            }
        }
        outcome => outcome,
    }
}
