//! POST `/authenticate`: reads a TokenReview, gathers the evidence, sends the answer.
//! Never logs the token, never judges itself, never answers 200 when it cannot tell.

use std::pin::pin;

use bytes::Bytes;
use http::{HeaderValue, Method, Request, StatusCode, header};
use hyper::body::Incoming;
use login_common::{
    UnixTime,
    token_review::{ReviewApiVersion, ReviewRequest},
};
use login_review::{Answer, Outage, Reason, RequestFault, Verdict, answer, answer_fault};

use super::{
    body::{self, BodyFault},
    response::{Reply, json},
};
use crate::{
    evidence::result_cache::Question,
    judgement::{Judgement, judge},
    serve::Caller,
    start::{InForce, State},
    system::clock,
    telemetry::chain,
    tls::ClientCertificate,
};

/// Answers one request, whatever its method.
pub async fn review(state: &State, caller: Caller, request: Request<Incoming>) -> Reply {
    if request.method() != Method::POST {
        let mut reply = faulty(RequestFault::MethodNotAllowed);
        reply.headers_mut().insert(header::ALLOW, HeaderValue::from_static("POST"));
        return reply;
    }
    if state.client_certificate != ClientCertificate::NotAsked && !caller.certified {
        tracing::warn!(source = %caller.source, "a review was asked for without a client certificate");
        return faulty(RequestFault::CallerNotAllowed);
    }
    if !body::has_media_type(&request, "application/json") {
        return faulty(RequestFault::UnsupportedMediaType);
    }
    let Ok(_permit) = state.reviews.try_acquire() else {
        tracing::warn!("too many reviews at the same moment");
        return faulty(RequestFault::Overloaded);
    };
    let judged = pin!(judged(state, request));
    if let Some(reply) = state.ticks.within(state.limits.review, judged).await {
        return reply;
    }
    let outage = Outage::DeadlineExceeded;
    tracing::warn!(outcome = "cannot_tell", reason = outage.as_str(), "review");
    reply(answer(ReviewApiVersion::V1, &Verdict::CannotTell(outage)))
}

async fn judged(state: &State, request: Request<Incoming>) -> Reply {
    let body = match body::read(request, state.limits.review_body).await {
        Ok(body) => body,
        Err(BodyFault::TooLarge(_)) => return faulty(RequestFault::TooLarge),
        Err(fault @ BodyFault::Broken(_)) => {
            tracing::debug!(error = %chain(&fault), "review request did not arrive");
            return faulty(RequestFault::Malformed);
        }
    };
    let now = clock::now();
    // Without a name the question is judged, and its answer not kept.
    let question = state.results.question(&body).ok();
    let in_force = state.in_force();
    let generation = |issuer| in_force.keys.generation(issuer);
    let known =
        question.as_ref().and_then(|question| state.results.answer(question, now, generation));
    if let Some(known) = known {
        tracing::debug!("review answered as before");
        return json(StatusCode::OK, known);
    }
    // Boxed, so that an answer from the cache need not move a future with room for all of it.
    Box::pin(judged_anew(state, &in_force, question, &body, now)).await
}

async fn judged_anew(
    state: &State,
    in_force: &InForce,
    question: Option<Question>,
    body: &[u8],
    now: UnixTime,
) -> Reply {
    let request = match ReviewRequest::parse(body) {
        Ok(request) => request,
        Err(fault) => {
            tracing::info!(reason = %chain(&fault), "a request is not a TokenReview");
            return faulty(RequestFault::from(&fault));
        }
    };
    let judgement = judge(state, in_force, &request, now).await;
    log(in_force, &judgement);
    let answer = answer(request.api_version, &judgement.verdict);
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let body = Bytes::from(answer.body);
    if let (Some(question), Some(issuer), Some(generation), Some(end)) =
        (question, judgement.issuer, judgement.generation, keepable(&judgement.verdict))
    {
        state.results.keep(question, body.clone(), end.expiry, issuer, generation, now);
    }
    json(status, body)
}

struct Keepable {
    expiry: Option<UnixTime>,
}

/// What may be said again without looking, as long as the keys are the same.
const fn keepable(verdict: &Verdict) -> Option<Keepable> {
    match verdict {
        Verdict::Accepted { expires_at, .. } => Some(Keepable { expiry: Some(*expires_at) }),
        // These change by waiting, or by asking the issuer again.
        Verdict::Refused(Reason::NotYetValid | Reason::IssuedInFuture | Reason::UnknownKey)
        | Verdict::CannotTell(_) => None,
        Verdict::Refused(_) => Some(Keepable { expiry: None }),
    }
}

fn log(in_force: &InForce, judgement: &Judgement<'_>) {
    let issuer = judgement.issuer.map_or("", |issuer| in_force.keys.issuer(issuer));
    match &judgement.verdict {
        Verdict::Accepted { identity, .. } => {
            let credential = identity
                .extra
                .get(login_review::claims::mapping::CREDENTIAL_ID_KEY)
                .and_then(|ids| ids.first())
                .map_or("", String::as_str);
            tracing::info!(
                outcome = "accepted",
                issuer,
                username = identity.username,
                credential,
                "review"
            );
        }
        Verdict::Refused(reason) => {
            tracing::info!(outcome = "refused", issuer, reason = reason.as_str(), "review");
        }
        Verdict::CannotTell(outage) => {
            tracing::warn!(outcome = "cannot_tell", issuer, reason = outage.as_str(), "review");
        }
    }
}

/// The answer to a request that is not judged.
pub fn faulty(fault: RequestFault) -> Reply {
    reply(answer_fault(&fault))
}

/// The answer when a handler panicked.
pub fn internal_error() -> Reply {
    reply(answer(ReviewApiVersion::V1, &Verdict::CannotTell(Outage::Internal)))
}

fn reply(answer: Answer) -> Reply {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    json(status, answer.body)
}
