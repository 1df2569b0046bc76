//! POST `/token`, `/revoke` and `/device_authorization`: forms in, JSON out.
//! Never lets an answer be stored, never says more than the issuer does.

use std::{net::IpAddr, sync::Arc};

use http::{HeaderMap, HeaderValue, Request, StatusCode, header};
use login_issuer::{GrantFacts, TokenError, TokenResponse};
use serde_json::json;

use super::{
    form::{self, FormFault},
    response::{Reply, private_json},
};
use crate::{
    config::Limits,
    revoked_grants::is_revoked,
    serve::Arriving,
    start::{Embedded, Gate, NotDone, State},
    system::clock,
    telemetry::{
        chain,
        seldom::{STRANGERS, Seldom},
    },
};

/// The token endpoint (RFC 6749 §3.2).
pub async fn token(state: &State, embedded: &Embedded, request: Request<Arriving>) -> Reply {
    let limits = &state.limits;
    let submitted = match form::read(request, limits).await {
        Ok(submitted) => submitted,
        Err(fault) => return malformed(fault),
    };
    let list = Arc::clone(state.in_force().policy.revocations());
    let done = embedded
        .ask(Gate::Store, limits, move |issuer| {
            let authorization = authorization(&submitted.headers)?;
            let now = clock::now();
            let is_revoked = |grant: &GrantFacts<'_>| is_revoked(&list, issuer, grant, now);
            issuer.token(&submitted.form, authorization, &is_revoked, now)
        })
        .await;
    match done {
        Ok(Ok(response)) => granted(&response),
        Ok(Err(refusal)) => refused("token", &refusal),
        Err(fault) => unavailable(fault),
    }
}

/// The revocation endpoint (RFC 7009 §2).
pub async fn revoke(state: &State, embedded: &Embedded, request: Request<Arriving>) -> Reply {
    let limits = &state.limits;
    let submitted = match form::read(request, limits).await {
        Ok(submitted) => submitted,
        Err(fault) => return malformed(fault),
    };
    let done = embedded
        .ask(Gate::Store, limits, move |issuer| {
            let authorization = authorization(&submitted.headers)?;
            issuer.revoke(&submitted.form, authorization, clock::now())
        })
        .await;
    match done {
        Ok(Ok(revoked)) => {
            let client = revoked.client_id;
            if let Some(session) = revoked.session_id {
                tracing::info!(client, session, "session ended");
                // Whoever is told that a session ended finds it ended here.
                state.look_at_sessions().await;
            } else {
                tracing::debug!(client, "asked to end a session that is not known");
            }
            // §2.2: the content of the answer is ignored by the client.
            private_json(StatusCode::OK, "{}")
        }
        Ok(Err(refusal)) => refused("revoke", &refusal),
        Err(fault) => unavailable(fault),
    }
}

/// The device authorization endpoint (RFC 8628 §3.1).
pub async fn device_authorization(
    embedded: &Embedded,
    limits: &Limits,
    source: IpAddr,
    request: Request<Arriving>,
) -> Reply {
    let submitted = match form::read(request, limits).await {
        Ok(submitted) => submitted,
        Err(fault) => return malformed(fault),
    };
    let done = embedded
        .ask(Gate::Store, limits, move |issuer| {
            let authorization = authorization(&submitted.headers)?;
            issuer.authorize_device(&submitted.form, authorization, source, clock::now())
        })
        .await;
    match done {
        Ok(Ok(response)) => {
            private_json(StatusCode::OK, response.body().expose().to_owned().into_bytes())
        }
        Ok(Err(refusal)) => refused("device_authorization", &refusal),
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

fn refused(endpoint: &str, refusal: &TokenError) -> Reply {
    match refusal {
        // A device asks every few seconds; that is not news.
        TokenError::AuthorizationPending | TokenError::SlowDown => {
            tracing::debug!(endpoint, error = refusal.error(), "waiting for a person");
        }
        TokenError::Store(_) | TokenError::Crypto(_) => {
            tracing::error!(endpoint, error = %chain(refusal), "the issuer could not answer");
        }
        // Anybody can bring this about, as often as they like.
        _ => {
            static REFUSALS: Seldom = Seldom::with(STRANGERS);
            if let Some(times) = REFUSALS.turn() {
                let times = (times > 1).then_some(times);
                tracing::info!(endpoint, error = refusal.error(), reason = %refusal, times, "refused");
            }
        }
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
    tracing::error!(reason = fault.as_str(), "the issuer could not answer");
    error_json(fault.status(), "temporarily_unavailable", fault.message())
}

fn error_json(status: StatusCode, error: &str, description: &str) -> Reply {
    let body = json!({"error": error, "error_description": description}).to_string();
    private_json(status, body)
}
