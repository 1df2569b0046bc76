//! Finds the authenticator of a token. Refuses by shape, size and issuer, before any cryptography.
//! Never offers a token to more than one party, and a JWT only to the issuer that it names.

use login_common::UnixTime;
use login_protocols::jose::{CompactJws, JoseError};

use crate::{
    policy::{IssuerIndex, Policy, RemoteIndex, static_tokens::TokenDigest},
    remote::RemoteKind,
    verdict::Reason,
};

/// The prefix of a presigned AWS STS request that is used as a token.
pub const AWS_PREFIX: &str = "k8s-aws-v1.";
/// The prefix of every Fernet token, as used by Keystone.
pub const FERNET_PREFIX: &str = "gAAAA";
/// The prefix of every JWS and JWE whose header is written without white space.
pub const JOSE_PREFIX: &str = "eyJ";

/// The one authenticator of a token, and the token in its form.
pub(crate) enum Route<'t> {
    /// A JWT of a configured issuer.
    Jwt { issuer: IssuerIndex, jws: CompactJws<'t> },
    /// One of the static tokens.
    Static(TokenDigest),
    /// A token of this remote authenticator.
    Remote { index: RemoteIndex, kind: RemoteKind, token: &'t str },
}

/// Finds the authenticator of `token`.
pub(crate) fn route<'t>(
    policy: &Policy,
    token: &'t str,
    now: UnixTime,
) -> Result<Route<'t>, Reason> {
    if token.len() > policy.max_token_length() {
        return Err(Reason::TooLong);
    }
    let jws = match CompactJws::parse(token) {
        Ok(jws) => jws,
        Err(error) => return opaque(policy, token, &error),
    };
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
    // A valid signature could not help a token that says that it expired; so an unreachable issuer
    // does not turn expired tokens into outages.
    if claims.expires_at().is_some_and(|expires_at| expires_at <= now) {
        return Err(Reason::Expired);
    }
    Ok(Route::Jwt { issuer: index, jws })
}

/// Routes a token that is no JWS: a static token, or one that another party knows. `error` says why
/// it is no JWS.
#[cold]
fn opaque<'t>(policy: &Policy, token: &'t str, error: &JoseError) -> Result<Route<'t>, Reason> {
    let remote = |fits: &dyn Fn(&str) -> bool| {
        let (index, kind) = policy.remote_by_prefix(fits)?;
        Some(Route::Remote { index, kind, token })
    };
    let is_its = |prefix: &str| !prefix.is_empty() && token.starts_with(prefix);
    let shape = shape(token)?;
    match shape {
        // A damaged JWT still belongs to its issuer: it is only sent to a party whose configured
        // prefix matches, which is not the beginning of a JOSE header.
        Shape::Jose => return remote(&is_its).ok_or_else(|| refusal(error)),
        // It is a request to AWS, so no other party gets it.
        Shape::Aws => {
            let is_of_aws = |prefix: &str| prefix.starts_with(AWS_PREFIX) && is_its(prefix);
            return remote(&is_of_aws).ok_or(Reason::UnknownShape);
        }
        Shape::Fernet | Shape::Opaque => {}
    }
    let digest = policy.static_tokens().map(|tokens| (tokens, TokenDigest::of(token)));
    if let Some((tokens, digest)) = &digest
        && tokens.find(digest).is_some()
    {
        return Ok(Route::Static(*digest));
    }
    let of_the_rest = || remote(&str::is_empty).filter(|_| shape == Shape::Opaque);
    remote(&is_its).or_else(of_the_rest).ok_or(match digest {
        Some(_) => Reason::UnknownStaticToken,
        None => Reason::UnknownShape,
    })
}

/// The shape of a token that is not a valid JWS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// A JWE, a damaged JWS, or something similar.
    Jose,
    /// A presigned request to AWS; only an authenticator for these accepts it.
    Aws,
    /// Keystone's; no authenticator accepts it unless its prefix is configured.
    Fernet,
    /// Anything else.
    Opaque,
}

/// The shape of `token`, or why no authenticator could accept it. The configured tokens and
/// prefixes are checked by this, too, so that none is configured that could never match.
pub(crate) fn shape(token: &str) -> Result<Shape, Reason> {
    if token.is_empty() {
        return Err(Reason::Empty);
    }
    // RFC 6750 §2.1 allows less; an invisible character is an error in any token.
    if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Reason::Malformed);
    }
    if is_bootstrap_token(token) {
        return Err(Reason::BootstrapToken);
    }
    if token.starts_with(AWS_PREFIX) {
        return Ok(Shape::Aws);
    }
    let dots = token.bytes().filter(|byte| *byte == b'.').count();
    // The compact forms of JWS and JWE have two and four dots (RFC 7515 §7.1, RFC 7516 §7.1).
    if matches!(dots, 2 | 4) || token.starts_with(JOSE_PREFIX) {
        return Ok(Shape::Jose);
    }
    Ok(if token.starts_with(FERNET_PREFIX) { Shape::Fernet } else { Shape::Opaque })
}

/// `[a-z0-9]{6}.[a-z0-9]{16}`: kubeadm's bootstrap tokens. kube-apiserver sends the webhook also
/// the tokens that its own authenticators refused.
fn is_bootstrap_token(token: &str) -> bool {
    let of = |part: &str, length: usize| {
        part.len() == length
            && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    token.split_once('.').is_some_and(|(id, secret)| of(id, 6) && of(secret, 16))
}

/// Whether `issuer` is a default of kube-apiserver for its service accounts: the legacy name, or
/// the cluster-internal address.
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
        JoseError::TooLong(_) => Reason::TooLong,
        JoseError::Shape | JoseError::Base64(_) | JoseError::Payload(_) => Reason::Malformed,
        JoseError::Header(_) | JoseError::Critical => Reason::Header,
        JoseError::Algorithm(_) => Reason::Algorithm,
    }
}

#[cfg(test)]
mod tests;
