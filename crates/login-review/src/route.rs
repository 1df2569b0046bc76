//! Whose token is this? Cheap refusals by shape, size and issuer, before crypto and network.
//! Never offers a token to an issuer that it does not name.

use login_common::UnixTime;
use login_protocols::jose::{CompactJws, JoseError, MAX_TOKEN_LENGTH};

use crate::{
    policy::{IssuerIndex, Policy},
    verdict::Reason,
};

/// The configured issuer that `token` names, and the token taken apart.
pub(crate) fn route<'t>(
    policy: &Policy,
    token: &'t str,
    now: UnixTime,
) -> Result<(IssuerIndex, CompactJws<'t>), Reason> {
    if token.is_empty() {
        return Err(Reason::Empty);
    }
    if token.len() > MAX_TOKEN_LENGTH {
        return Err(Reason::TooLong);
    }
    if is_bootstrap_token(token) {
        return Err(Reason::BootstrapToken);
    }
    let jws = CompactJws::parse(token).map_err(|error| refusal(&error))?;
    let claims = jws.unverified_claims();
    let Some(issuer) = claims.issuer() else {
        return Err(Reason::ForeignIssuer);
    };
    let Some(index) = policy.find(issuer) else {
        let of_a_service_account = is_service_account_issuer(issuer);
        return Err(if of_a_service_account {
            Reason::ServiceAccountToken
        } else {
            Reason::ForeignIssuer
        });
    };
    // The signature could not save a token that says itself that its time is over; so an issuer
    // that is down does not turn expired tokens into outages.
    if claims.expires_at().is_some_and(|expires_at| expires_at <= now) {
        return Err(Reason::Expired);
    }
    Ok((index, jws))
}

/// `[a-z0-9]{6}.[a-z0-9]{16}`: kubeadm's bootstrap tokens. kube-apiserver asks the webhook also
/// about tokens that its own authenticators refused.
fn is_bootstrap_token(token: &str) -> bool {
    let of = |part: &str, length: usize| {
        part.len() == length
            && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    token.split_once('.').is_some_and(|(id, secret)| of(id, 6) && of(secret, 16))
}

/// Whether `issuer` is one that kube-apiserver uses for its service accounts unless told
/// otherwise: the legacy name, or the cluster-internal address.
pub(crate) fn is_service_account_issuer(issuer: &str) -> bool {
    if issuer == "kubernetes/serviceaccount" {
        return true;
    }
    let Some(rest) = issuer.strip_prefix("https://kubernetes.default.svc") else {
        return false;
    };
    rest.is_empty() || rest.starts_with(['.', '/', ':'])
}

fn refusal(error: &JoseError) -> Reason {
    match error {
        JoseError::TooLong => Reason::TooLong,
        JoseError::Shape | JoseError::Base64(_) | JoseError::Payload(_) => Reason::Malformed,
        JoseError::Header(_) | JoseError::Critical => Reason::Header,
        JoseError::Algorithm(_) => Reason::Algorithm,
    }
}
