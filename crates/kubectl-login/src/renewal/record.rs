//! Makes the record of a session from its target and the token that was issued.
//! Never includes a secret.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use login_cache::{
    refresh_secret::Protection,
    sessions::{Authority, SessionRecord},
};
use login_common::UnixTime;

use crate::{
    flows::issued::Issued,
    options::target::{CertificateAuthority, Target},
};

/// The record of a session at `target` that begins at `now`, before a token was issued.
pub(crate) fn of_target(target: &Target, now: UnixTime) -> SessionRecord {
    let authorities = target.connection.certificate_authorities.iter().map(|one| match one {
        CertificateAuthority::File(path) => Authority::File(path.clone()),
        CertificateAuthority::Pem(pem) => Authority::Data(STANDARD.encode(pem)),
    });
    SessionRecord {
        key: target.cache_key.clone(),
        issuer: target.issuer.clone(),
        client_id: target.client_id.clone(),
        account: target.account.clone(),
        username: target.username.clone(),
        scopes: target.scopes.clone(),
        audience: target.audience.clone(),
        flow: target.flow.as_str().to_owned(),
        use_access_token: target.use_access_token,
        subject: None,
        display_name: None,
        signed_in_at: now,
        valid_until: now,
        protection: None,
        unrenewable: None,
        refused_ways: Vec::new(),
        certificate_authorities: authorities.collect(),
        insecure_skip_tls_verify: target.connection.insecure_skip_tls_verify,
    }
}

/// The record of `target` after a token was `issued` at `now`. A renewal continues the record
/// `before`; a sign-in has none.
pub(super) fn of_issued(
    target: &Target,
    issued: &Issued,
    before: Option<SessionRecord>,
    protection: Option<Protection>,
    now: UnixTime,
) -> SessionRecord {
    let before = before.unwrap_or_else(|| SessionRecord {
        refused_ways: issued.refused.iter().map(ToString::to_string).collect(),
        ..of_target(target, now)
    });
    SessionRecord {
        subject: issued.subject.clone().or(before.subject),
        display_name: issued.name.clone().or(before.display_name),
        signed_in_at: before.signed_in_at,
        valid_until: issued.lifetime.valid_until,
        protection,
        unrenewable: unrenewable(issued, protection, before.unrenewable),
        refused_ways: before.refused_ways,
        ..of_target(target, now)
    }
}

/// Why a session cannot be renewed, if it cannot.
fn unrenewable(
    issued: &Issued,
    protection: Option<Protection>,
    before: Option<String>,
) -> Option<String> {
    match (protection, &issued.refresh_token) {
        (Some(_), _) => None,
        (None, Some(_)) => Some("the refresh token could not be kept on this machine".to_owned()),
        (None, None) => before.or_else(|| {
            Some(
                "the issuer gave no refresh token: allow this client `offline_access` there"
                    .to_owned(),
            )
        }),
    }
}
