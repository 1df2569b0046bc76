//! POST `/token`, `/revoke` and `/device_authorization`: forms in, JSON out.
//! Never lets a response be cached, never says more than the issuer does.

use std::sync::Arc;

use http::{HeaderMap, HeaderValue, Request, StatusCode, header};
use login_issuer::{GrantFacts, TokenError, TokenResponse};
use serde_json::json;

use super::{
    form::FormFault,
    response::{Reply, private_json},
    visit::Visit,
};
use crate::{
    embedded::{Gate, NotDone},
    issuer::IssuerService,
    revoked_grants::is_revoked,
    serve::Arriving,
};

/// The token endpoint (RFC 6749 §3.2).
pub async fn token(service: &IssuerService, visit: Visit<'_>, request: Request<Arriving>) -> Reply {
    let submitted = match visit.form(request).await {
        Ok(submitted) => submitted,
        Err(fault) => return malformed(fault),
    };
    let list = Arc::clone(service.configurations.current().policy.revocations());
    let done = visit
        .ask(Gate::Store, {
            let list = Arc::clone(&list);
            move |issuer, now| {
                let authorization = authorization(&submitted.headers)?;
                let is_revoked = |grant: &GrantFacts<'_>| is_revoked(&list, issuer, grant, now);
                issuer.token(&submitted.form, authorization, &is_revoked, now)
            }
        })
        .await;
    service.revoked_grants.was_granted_by(&list);
    match done {
        Ok(Ok(response)) => granted(&response),
        Ok(Err(refusal)) => refused(visit, &refusal),
        Err(fault) => unavailable(fault),
    }
}

/// The revocation endpoint (RFC 7009 §2).
pub async fn revoke(
    service: &IssuerService,
    visit: Visit<'_>,
    request: Request<Arriving>,
) -> Reply {
    let submitted = match visit.form(request).await {
        Ok(submitted) => submitted,
        Err(fault) => return malformed(fault),
    };
    let done = visit
        .ask(Gate::Store, move |issuer, now| {
            let authorization = authorization(&submitted.headers)?;
            issuer.revoke(&submitted.form, authorization, now)
        })
        .await;
    match done {
        Ok(Ok(revoked)) => {
            let client = revoked.client_id;
            if let Some(session) = revoked.session_id {
                tracing::info!(client, session, "session ended");
                // A client that receives the answer must find its session ended in this process.
                service.look_at_sessions().await;
            } else {
                tracing::debug!(client, "an unknown session cannot be revoked");
            }
            // §2.2: the content of the answer is ignored by the client.
            private_json(StatusCode::OK, "{}")
        }
        Ok(Err(refusal)) => refused(visit, &refusal),
        Err(fault) => unavailable(fault),
    }
}

/// The device authorization endpoint (RFC 8628 §3.1).
pub async fn device_authorization(visit: Visit<'_>, request: Request<Arriving>) -> Reply {
    let Visit { source, .. } = visit;
    let submitted = match visit.form(request).await {
        Ok(submitted) => submitted,
        Err(fault) => return malformed(fault),
    };
    let done = visit
        .ask(Gate::Store, move |issuer, now| {
            let authorization = authorization(&submitted.headers)?;
            issuer.authorize_device(&submitted.form, authorization, source, now)
        })
        .await;
    match done {
        Ok(Ok(response)) => {
            private_json(StatusCode::OK, response.body().expose().to_owned().into_bytes())
        }
        Ok(Err(refusal)) => refused(visit, &refusal),
        Err(fault) => unavailable(fault),
    }
}

fn authorization(headers: &HeaderMap) -> Result<Option<&str>, TokenError> {
    match headers.get(header::AUTHORIZATION).map(HeaderValue::to_str) {
        None => Ok(None),
        Some(Ok(text)) => Ok(Some(text)),
        Some(Err(_)) => Err(TokenError::InvalidClient { by_header: true }),
    }
}

fn granted(response: &TokenResponse) -> Reply {
    let grantee = &response.grantee;
    tracing::info!(
        grant = grantee.grant.as_str(),
        client = grantee.client_id,
        username = grantee.username,
        session = grantee.session_id,
        "tokens issued"
    );
    private_json(StatusCode::OK, response.body().expose().to_owned().into_bytes())
}

fn refused(visit: Visit<'_>, refusal: &TokenError) -> Reply {
    match refusal {
        // A device polls every few seconds, which is not worth more than a debug line.
        TokenError::AuthorizationPending | TokenError::SlowDown => {
            let (endpoint, error) = (visit.endpoint.as_str(), refusal.error());
            tracing::debug!(endpoint, error, "the user has not answered yet");
        }
        TokenError::Store(_) | TokenError::Crypto(_) => drop(visit.failed(refusal)),
        _ => visit.refused(refusal.error(), refusal),
    }
    let status = StatusCode::from_u16(refusal.status()).unwrap_or(StatusCode::BAD_REQUEST);
    let mut reply = private_json(status, refusal.body());
    if let Some(challenge) = refusal.challenge() {
        let challenge = HeaderValue::from_static(challenge);
        reply.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
    }
    reply
}

fn malformed(fault: FormFault) -> Reply {
    error_json(fault.status(), "invalid_request", fault.message())
}

fn unavailable(fault: NotDone) -> Reply {
    error_json(fault.status(), "temporarily_unavailable", fault.message())
}

fn error_json(status: StatusCode, error: &str, description: &str) -> Reply {
    let body = json!({"error": error, "error_description": description}).to_string();
    private_json(status, body)
}
