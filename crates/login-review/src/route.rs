//! Whose token is this? Cheap refusals by shape, size and issuer, before crypto and network.
//! Never offers a token to more than one party, and a JWT to nobody but the issuer it names.

use login_common::UnixTime;
use login_protocols::jose::{CompactJws, JoseError};

use crate::{
    policy::{IntrospectorIndex, IssuerIndex, Policy, static_tokens::TokenDigest},
    verdict::Reason,
};

/// The prefix of a presigned AWS STS request that is used as a token.
pub const AWS_PREFIX: &str = "k8s-aws-v1.";
/// What every Fernet token begins with; Keystone's are such.
pub const FERNET_PREFIX: &str = "gAAAA";
/// What every JWS and JWE begins with that writes its header without blanks.
pub const JOSE_PREFIX: &str = "eyJ";

/// The one authenticator a token can belong to, and the token as that one reads it.
pub(crate) enum Route<'t> {
    /// A JWT of a configured issuer.
    Jwt { issuer: IssuerIndex, jws: CompactJws<'t> },
    /// One of the static tokens.
    Static(TokenDigest),
    /// An opaque token of this introspector.
    Introspected { introspector: IntrospectorIndex, token: &'t str },
}

/// Where `token` belongs.
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
    // The signature could not save a token that says itself that its time is over; so an issuer
    // that is down does not turn expired tokens into outages.
    if claims.expires_at().is_some_and(|expires_at| expires_at <= now) {
        return Err(Reason::Expired);
    }
    Ok(Route::Jwt { issuer: index, jws })
}

/// What is no JWS: a static token, or one of an introspector whose prefix fits. `error` says why
/// it is no JWS.
#[cold]
fn opaque<'t>(policy: &Policy, token: &'t str, error: &JoseError) -> Result<Route<'t>, Reason> {
    let shape = shape(token)?;
    if shape == Shape::Jose {
        // A damaged JWT is still somebody's: only an operator who names its first letters, which
        // are no header's, sends it anywhere.
        return policy
            .introspector_by_prefix(token)
            .map(|introspector| Route::Introspected { introspector, token })
            .ok_or_else(|| refusal(error));
    }
    let digest = policy.static_tokens().map(|tokens| (tokens, TokenDigest::of(token)));
    if let Some((tokens, digest)) = &digest
        && tokens.find(digest).is_some()
    {
        return Ok(Route::Static(*digest));
    }
    let introspector = policy.introspector_by_prefix(token).or_else(|| match shape {
        Shape::Opaque => policy.introspector_of_the_rest(),
        Shape::Jose | Shape::Fernet => None,
    });
    match introspector {
        Some(introspector) => Ok(Route::Introspected { introspector, token }),
        None if digest.is_some() => Err(Reason::UnknownStaticToken),
        None => Err(Reason::UnknownShape),
    }
}

/// How a token looks that is not a readable JWS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// A JWE, a JWS that cannot be read, or what is meant to be one.
    Jose,
    /// Keystone's; no authenticator takes it unless its prefix is configured.
    Fernet,
    /// Anything else.
    Opaque,
}

/// The shape of `token`, or why no authenticator could take it. The configured tokens and
/// prefixes are judged by this, too, so that none is accepted that could never match.
pub(crate) fn shape(token: &str) -> Result<Shape, Reason> {
    if token.is_empty() {
        return Err(Reason::Empty);
    }
    // RFC 6750 §2.1 allows less; what is invisible is a mistake in every token.
    if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Reason::Malformed);
    }
    if is_bootstrap_token(token) {
        return Err(Reason::BootstrapToken);
    }
    if token.starts_with(AWS_PREFIX) {
        return Err(Reason::UnknownShape);
    }
    let dots = token.bytes().filter(|byte| *byte == b'.').count();
    // JWS and JWE in compact form have two and four (RFC 7515 §7.1, RFC 7516 §7.1).
    if matches!(dots, 2 | 4) || token.starts_with(JOSE_PREFIX) {
        return Ok(Shape::Jose);
    }
    Ok(if token.starts_with(FERNET_PREFIX) { Shape::Fernet } else { Shape::Opaque })
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
        JoseError::TooLong(_) => Reason::TooLong,
        JoseError::Shape | JoseError::Base64(_) | JoseError::Payload(_) => Reason::Malformed,
        JoseError::Header(_) | JoseError::Critical => Reason::Header,
        JoseError::Algorithm(_) => Reason::Algorithm,
    }
}

#[cfg(test)]
mod tests;
