//! Kubernetes: a service account's token, which kubelet renews in a file of the pod.
//! Never calls the API server: the volume definition decides the audience.

use std::{io, path::Path};

use login_common::names::IssuerUrl;

use super::{
    IdentityError, IdentityToken, Place, Taken, file,
    source::{Offer, Read, Source, Whole},
};
use crate::{
    options::target::{IdentityOptions, SourceKind},
    system::environment::Environment,
};

/// Where the token is if `--identity-file` names no other place: a projected volume as mounted in
/// Kubernetes' documentation, else the token that every pod has, which is for the cluster's own
/// API server.
const FILES: [&str; 2] = [
    "/var/run/secrets/tokens/kubectl-login",
    "/var/run/secrets/kubernetes.io/serviceaccount/token",
];

pub(super) static SOURCE: Source = Source {
    kind: SourceKind::Kubernetes,
    // kubelet sets the variable in every pod.
    offer: Some(Offer { job: None, mark: "KUBERNETES_SERVICE_HOST", whole: Whole::File(&FILES) }),
    read: Read::Token { take, check: Ok },
    hint,
};

fn hint(error: &IdentityError, origin: &str) -> Option<String> {
    match error {
        IdentityError::File { .. } => Some(format!(
            "mount a projected `serviceAccountToken` there, or say where it is with \
             `--identity-file`{origin}"
        )),
        IdentityError::ForTheCluster { issuer, .. } => Some(format!(
            "mount a projected `serviceAccountToken` with the audience `{issuer}` at `{}`, or say \
             where another is with `--identity-file`{origin}",
            FILES[0]
        )),
        _ => None,
    }
}

/// Whether `identity` may be sent to `issuer` to obtain another token. The token that every pod has
/// grants access to its own cluster: an issuer that neither signed it nor is its audience could
/// use it there.
pub fn may_be_shown(
    identity: &IdentityToken,
    options: &IdentityOptions,
    issuer: &IssuerUrl,
) -> Result<(), IdentityError> {
    let [_, every_pod] = FILES.map(Path::new);
    let was_found = options.file.is_none()
        && matches!(options.kind, SourceKind::Kubernetes | SourceKind::Auto)
        && identity.place == Place::File(every_pod.to_owned());
    if !was_found || identity.is_from(issuer) || identity.is_for(issuer.as_str()) {
        return Ok(());
    }
    Err(IdentityError::ForTheCluster { path: every_pod.to_owned(), issuer: issuer.clone() })
}

fn take(_: &dyn Environment, options: &IdentityOptions) -> Result<Option<Taken>, IdentityError> {
    let kind = SourceKind::Kubernetes;
    if let Some(path) = &options.file {
        return file::read(kind, path).map(Some);
    }
    let [projected, every_pod] = FILES.map(Path::new);
    match file::read(kind, projected) {
        Err(IdentityError::File { source, path, .. })
            if source.kind() == io::ErrorKind::NotFound =>
        {
            match file::read(kind, every_pod) {
                // The error names the first path, which is the one to fix.
                Err(IdentityError::File { .. }) => Err(IdentityError::File { kind, path, source }),
                outcome => outcome.map(Some),
            }
        }
        outcome => outcome.map(Some),
    }
}

#[cfg(test)]
mod tests {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    use login_common::UnixTime;

    use super::*;
    use crate::flows::moments::Moments;

    #[test]
    fn the_token_of_every_pod_is_for_its_signer_and_its_audience_only() {
        let issuer = IssuerUrl::parse("https://id.example").unwrap();
        let [projected, every_pod] = FILES;
        for (place, given, claims, may) in [
            (every_pod, None, r#"{"iss":"https://k8s.local","aud":["https://k8s.local"]}"#, false),
            (every_pod, None, r#"{"iss":"kubernetes/serviceaccount"}"#, false),
            (every_pod, None, r#"{"iss":"https://id.example","aud":"x"}"#, true),
            (every_pod, None, r#"{"iss":"https://k8s.local","aud":"https://id.example"}"#, true),
            (every_pod, Some(every_pod), r#"{"iss":"https://k8s.local","aud":"x"}"#, true),
            (projected, None, r#"{"iss":"https://k8s.local","aud":"x"}"#, true),
        ] {
            let text = format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims));
            let moments = Moments { requested_at: UnixTime::from_seconds(0), issuer_date: None };
            let identity = IdentityToken::read(&text, Place::File(place.into()), moments).unwrap();
            for kind in [SourceKind::Kubernetes, SourceKind::Auto] {
                let file = given.map(Into::into);
                let options = IdentityOptions { file, ..IdentityOptions::of(kind) };
                let outcome = may_be_shown(&identity, &options, &issuer);
                assert_eq!(outcome.is_ok(), may, "{claims} {given:?}");
            }
        }
    }
}
