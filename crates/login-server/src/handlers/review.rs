//! POST `/authenticate`: reads a TokenReview, has it judged, sends the answer.
//! Never logs the token, never judges itself, never answers 200 when no verdict is possible.

use std::{
    pin::pin,
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{HeaderValue, Method, Request, StatusCode, header};
use login_common::{
    causes,
    token_review::{ReviewApiVersion, ReviewRequest},
};
use login_review::{
    Answer, Outage, Reason, RequestFault, Verdict, answer, answer_fault,
    claims::mapping::CREDENTIAL_ID_KEY,
};

use super::{
    body::{self, BodyFault},
    response::{Reply, json},
};
use crate::{
    config::load::SESSION_ID_KEY,
    effort::short_patience,
    evidence::result_cache::{Answered, Basis, Epoch, Keep, Question},
    gather::Judgement,
    in_force::InForce,
    review::ReviewService,
    serve::{Arriving, Caller},
    system::clock::{self, Moment},
    telemetry::{
        audit::{Asked, Record, Subject, bounded},
        decision::{DECISION_ID_KEY, Decided, DecisionId, Origin, Outcome},
        traces::ReviewSpan,
    },
};

/// Answers one request, whatever its method.
pub async fn review(service: &ReviewService, caller: Caller, request: Request<Arriving>) -> Reply {
    let mut review = Review { service, caller, begun: clock::instant(), span: ReviewSpan::none() };
    if request.method() != Method::POST {
        let mut reply = review.rejected(RequestFault::MethodNotAllowed);
        reply.headers_mut().insert(header::ALLOW, HeaderValue::from_static("POST"));
        return reply;
    }
    if !service.callers.admit(&review.caller, request.headers(), service.clock.now()) {
        return review.rejected(RequestFault::CallerNotAllowed);
    }
    review.span = service.traces.review(request.headers());
    if !body::has_media_type(&request, "application/json") {
        return review.rejected(RequestFault::UnsupportedMediaType);
    }
    let judged = pin!(review.judged(request));
    match service.judge.timeout.within(service.limits.review, judged).await {
        Some(reply) => reply,
        None => review.untold(Outage::DeadlineExceeded),
    }
}

/// One request that is being answered.
struct Review<'s> {
    service: &'s ReviewService,
    caller: Caller,
    begun: Instant,
    span: ReviewSpan,
}

impl Review<'_> {
    async fn judged(&self, request: Request<Arriving>) -> Reply {
        let service = self.service;
        let longest =
            service.configurations.current().policy.max_token_length() + service.limits.review_body;
        let body = match body::read(request, longest).await {
            Ok(body) => body,
            Err(BodyFault::TooLarge(_)) => return self.rejected(RequestFault::TooLarge),
            Err(BodyFault::Displaced) => return self.overloaded(),
            Err(fault @ BodyFault::Broken(_)) => {
                tracing::debug!(error = %causes::one_line(&fault), "review request did not arrive");
                return self.rejected(RequestFault::Malformed);
            }
        };
        let now = service.clock.moment();
        let in_force = service.configurations.current();
        let epoch = service.epoch(&in_force);
        let known = |question: &Question| {
            let generation = |issuer| in_force.keys.generation(issuer);
            service.results.answer(question, now, epoch, generation)
        };
        // Without a cache key the request is judged, and its answer is not cached.
        let question = service.results.question(&body).ok();
        if let Some((known, decided)) = question.as_ref().and_then(known) {
            self.repeated(decided);
            return self.sent(json(StatusCode::OK, known));
        }
        // Boxed, so that an answer from the cache does not move a future with room for all of it.
        Box::pin(async {
            let request = match ReviewRequest::parse(&body) {
                Ok(request) => request,
                Err(fault) => {
                    if let Some(times) = service.malformed.turn() {
                        tracing::info!(reason = %causes::one_line(&fault), times, "a request is not a TokenReview");
                    }
                    return self.rejected(RequestFault::from(&fault));
                }
            };
            let Ok(id) = DecisionId::draw(&service.decision_ids) else {
                tracing::error!("the system's random source failed");
                return self.sent(internal_error());
            };
            let judge = self.judged_in_turn(&in_force, epoch, question, &request, id, now);
            let answered = match question {
                None => judge.await.map(|answered| (answered, true)),
                Some(question) => {
                    let (known, places) = (|| known(&question), &service.sharing);
                    service.results.judged_once(question, epoch, places, known, judge).await
                }
            };
            let Ok((answered, is_own)) = answered else { return self.overloaded() };
            if !is_own {
                self.repeated(answered.decided);
            }
            self.sent(json(answered.status, answered.body))
        })
        .await
    }

    /// Takes a turn only after the body has arrived, which may be slow, and after the cache was
    /// read. A caller that waits for the verdict on an equal request needs no turn either.
    async fn judged_in_turn(
        &self,
        in_force: &InForce,
        epoch: Epoch,
        question: Option<Question>,
        request: &ReviewRequest,
        id: DecisionId,
        now: Moment,
    ) -> Result<Answered, RequestFault> {
        let turn = self.service.turns.take(&self.service.judge.timeout).await;
        let _turn = turn.ok_or(RequestFault::Overloaded)?;
        Ok(self.judged_anew(in_force, epoch, question, request, id, now).await)
    }

    async fn judged_anew(
        &self,
        in_force: &InForce,
        epoch: Epoch,
        question: Option<Question>,
        request: &ReviewRequest,
        id: DecisionId,
        now: Moment,
    ) -> Answered {
        let mut judgement = self.service.judge.judge(in_force, request, now.wall).await;
        if let Verdict::Accepted { identity, .. } = &mut judgement.verdict
            && self.service.audit.decision_id_in_extra()
        {
            identity.extra.insert(DECISION_ID_KEY.to_owned(), vec![id.to_string()]);
        }
        let decided = Decided { id, outcome: Outcome::from(&judgement.verdict) };
        let answer = answer(request.api_version, &judgement.verdict);
        let status =
            StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = Bytes::from(answer.body);
        if let (Some(question), Some(issuer), Some(generation), Some(keep)) =
            (question, judgement.issuer, judgement.generation, keepable(&judgement.verdict))
        {
            let basis = Basis { epoch, keys: (issuer, generation) };
            self.service.results.keep(question, (body.clone(), decided), keep, basis, now);
        }
        self.count(decided.outcome, Origin::Judged);
        self.span.decided(decided, Origin::Judged);
        self.span.issuer(judgement.issuer.map(|issuer| in_force.keys.issuer(issuer)));
        self.service.audit.record(decided.outcome, || {
            let subject = self.subject(in_force, request, &judgement);
            let asked = Asked {
                api_version: Some(request.api_version.as_str()),
                audiences: &request.audiences,
                ..self.asked()
            };
            let time = self.service.clock.milliseconds();
            Record::new(time, decided, Origin::Judged, self.took(), subject, asked)
        });
        Answered { status, body, decided }
    }

    /// The fields of the audit record about the token and its owner.
    fn subject<'a>(
        &self,
        in_force: &'a InForce,
        request: &ReviewRequest,
        judgement: &'a Judgement<'_>,
    ) -> Subject<'a> {
        let audit = &self.service.audit;
        let token = request.token.expose();
        let mut subject = Subject {
            issuer: judgement.issuer.map(|issuer| in_force.keys.issuer(issuer)),
            token_hash: (!token.is_empty()).then(|| audit.hash(token)),
            ..Subject::default()
        };
        if let Some(token) = &judgement.token {
            let claim = |name| token.unverified_claims().and_then(|claims| claims.text(name));
            subject.authenticator = Some(token.authenticator().as_str());
            subject.key_id = token.key_id().map(bounded);
            subject.credential_id = claim("jti").map(bounded);
            subject.session = claim("sid").map(bounded);
            subject.subject_hash = claim("sub").map(|subject| audit.hash(subject));
            subject.expression = refusing_expression(in_force, judgement);
        }
        if let Verdict::Accepted { identity, .. } = &judgement.verdict {
            let told = |key: &str| Some(identity.extra.get(key)?.first()?.as_str());
            subject.username = Some(&identity.username);
            subject.groups = Some(identity.groups.len());
            // The claims are verified now; a token that another party knows has none of its own.
            subject.credential_id = told(CREDENTIAL_ID_KEY)
                .map(|id| id.strip_prefix("JTI=").unwrap_or(id))
                .or(subject.credential_id);
            subject.session = told(SESSION_ID_KEY).or(subject.session);
        }
        subject
    }

    /// Counts and records an answer from the cache; its decision ID was stored with it.
    fn repeated(&self, decided: Decided) {
        self.count(decided.outcome, Origin::Cache);
        self.span.decided(decided, Origin::Cache);
        if self.service.audit.is_repeat_wanted() {
            self.recorded_without_details(decided, Origin::Cache);
        }
    }

    /// Answers a review that did not end in time; its record has no details of the token.
    fn untold(&self, outage: Outage) -> Reply {
        let outcome = Outcome::CannotTell(outage);
        self.count(outcome, Origin::Judged);
        if let Ok(id) = DecisionId::draw(&self.service.decision_ids) {
            let decided = Decided { id, outcome };
            self.span.decided(decided, Origin::Judged);
            self.recorded_without_details(decided, Origin::Judged);
        }
        self.sent(reply(answer(ReviewApiVersion::V1, &Verdict::CannotTell(outage))))
    }

    fn recorded_without_details(&self, decided: Decided, origin: Origin) {
        self.service.audit.record(decided.outcome, || {
            let time = self.service.clock.milliseconds();
            Record::new(time, decided, origin, self.took(), Subject::default(), self.asked())
        });
    }

    /// The caller, without what it asked.
    fn asked(&self) -> Asked<'_> {
        Asked {
            caller: self.caller.source.to_string(),
            caller_name: self.caller.name().map(bounded),
            ..Asked::default()
        }
    }

    fn overloaded(&self) -> Reply {
        if let Some(shed) = self.service.shed.turn() {
            tracing::warn!(shed, "too many concurrent reviews");
        }
        self.rejected(RequestFault::Overloaded)
    }

    fn rejected(&self, fault: RequestFault) -> Reply {
        self.service.counts.rejected(fault);
        self.span.rejected(fault);
        self.sent(faulty(fault))
    }

    fn sent(&self, reply: Reply) -> Reply {
        self.span.answered(reply.status());
        reply
    }

    fn count(&self, outcome: Outcome, origin: Origin) {
        if matches!(outcome, Outcome::Accepted) {
            // Where callers need not authenticate, a good token distinguishes a caller from a
            // flood.
            self.caller.place.admit();
        }
        self.service.counts.answered(outcome, origin, self.took());
    }

    fn took(&self) -> Duration {
        clock::instant().duration_since(self.begun)
    }
}

/// How long a verdict may be cached while all that it rests on stays the same.
const fn keepable(verdict: &Verdict) -> Option<Keep> {
    match verdict {
        Verdict::Accepted { expires_at, .. } => Some(Keep::Accepted { until: *expires_at }),
        // These change with time, or when the issuer is asked again.
        Verdict::Refused(
            Reason::NotYetValid
            | Reason::IssuedInFuture
            | Reason::UnknownKey
            | Reason::AmbiguousKey
            | Reason::KeyAlgorithm
            | Reason::UnusableKey
            | Reason::Signature,
        )
        | Verdict::CannotTell(_) => None,
        Verdict::Refused(_) => Some(Keep::Refused),
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

/// Evaluated once more, which only a token with a good signature can cause.
fn refusing_expression(in_force: &InForce, judgement: &Judgement<'_>) -> Option<String> {
    let by_expression =
        [Reason::Expression, Reason::ExpressionCost, Reason::ClaimRule, Reason::UserRule];
    let Verdict::Refused(reason) = &judgement.verdict else { return None };
    let issuer = judgement.issuer.filter(|_| by_expression.contains(reason))?;
    let claims = judgement.token.as_ref()?.unverified_claims()?;
    let patience = short_patience();
    let issuer = in_force.policy.issuer(issuer)?;
    Some(issuer.refusing_expression_within(claims, Some(&patience))?.said)
}
