//! Judges one token as a review does, and then examines what would have come next.
//! Never verifies by its own rules: it calls `plan` and `decide` again, supposing that what failed
//! had passed.

use login_common::{
    Identity, Secret, UnixTime,
    token_review::{ReviewApiVersion, ReviewRequest},
};
use login_protocols::{
    jose::{Algorithm, CompactJws, JoseError, KeyProblem, KeySet},
    oidc::Claims,
};
use login_review::{
    AudienceRequest, Authenticator, Decision, Evidence, IssuerIndex, Need, Outage, Plan, Policy,
    Reason, Verdict, decide, plan,
};

use super::{
    advice::{self, Network},
    details::malformed_claim,
    stage::{Stage, stages},
};
use crate::{gather::Judge, in_force::InForce};

/// How a step ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Passed,
    Failed(Reason),
    CannotTell,
    NotReached,
}

/// A step and its end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Check {
    pub(super) stage: Stage,
    /// The name of the stage.
    pub(super) name: &'static str,
    pub(super) end: End,
    /// The step was reached only by supposing that an earlier one had passed.
    pub(super) is_supposed: bool,
}

/// The explanation of a token.
pub struct Examination<'t> {
    /// The verdict of a review.
    pub verdict: Verdict,
    pub(super) checks: Vec<Check>,
    pub(super) jws: Option<CompactJws<'t>>,
    /// Why it is not a JWT.
    pub(super) fault: Option<JoseError>,
    /// Why the key that it names is not used.
    pub(super) key_problem: Option<KeyProblem>,
    pub(super) issuer: Option<IssuerIndex>,
    pub(super) keys: Option<usize>,
    /// The user, if the token were good except for what failed.
    pub(super) supposed_user: Option<Identity>,
}

/// Judges `request` as the server would at `now`, and examines the rest.
pub async fn examine<'t>(
    judge: &Judge,
    in_force: &InForce,
    request: &'t ReviewRequest,
    now: UnixTime,
) -> Examination<'t> {
    let judgement = judge.judge(in_force, request, now).await;
    let text = request.token.expose();
    let parsed = CompactJws::parse(text);
    let fault = parsed.as_ref().err().cloned();
    let jws = parsed.ok();
    let routed = judgement.token.as_ref();
    let issuer = judgement.issuer.or_else(|| named_issuer(&in_force.policy, jws.as_ref()));
    let authenticator = match (routed, issuer) {
        (Some(token), _) => Some(token.authenticator()),
        (None, Some(_)) => Some(Authenticator::Jwt),
        (None, None)
            if matches!(judgement.verdict, Verdict::Refused(Reason::UnknownStaticToken)) =>
        {
            Some(Authenticator::StaticToken)
        }
        (None, None) => None,
    };
    let keys = match issuer {
        Some(issuer) if authenticator == Some(Authenticator::Jwt) => {
            in_force.keys.current_or_fetched(issuer).await
        }
        _ => None,
    };
    let audiences = judge.audiences(request);
    let mut trail = Trail {
        are_audiences_refused: audiences.grant().is_err(),
        has_keys: keys.is_some(),
        is_routed: routed.is_some(),
        ..Trail::new(authenticator)
    };
    trail.add(&judgement.verdict, jws.as_ref(), &in_force.policy, issuer);
    let mut supposed_user = None;
    if let (Some(issuer), Some(jws)) = (issuer, &jws) {
        let none = KeySet::empty();
        let mut supposition = Supposition {
            policy: in_force.policy.clone(),
            now,
            issuer,
            claims: jws.unverified_claims(),
            keys: keys.as_ref().map(|snapshot| &snapshot.keys),
            gone: Vec::new(),
        };
        let mut verdict = judgement.verdict.clone();
        // Each iteration supposes one cause away, and there are no more kinds of them.
        for _ in 0..8 {
            if !supposition.suppose(&verdict, &trail) {
                break;
            }
            let Some(next) = supposition.judged(text, audiences, &none) else { break };
            verdict = next;
            (trail.is_supposing, trail.is_routed) = (true, true);
            trail.add(&verdict, Some(jws), &supposition.policy, Some(issuer));
            if let Verdict::Accepted { identity, .. } = &verdict {
                supposed_user = Some(identity.clone());
                break;
            }
        }
    }
    let named = jws.as_ref().and_then(|jws| jws.header().key_id.as_deref());
    let key_problem = keys.as_ref().zip(named).and_then(|(snapshot, named)| {
        let mut left_out = snapshot.keys.left_out();
        left_out.find(|(name, _)| *name == Some(named)).map(|(_, problem)| problem)
    });
    Examination {
        verdict: judgement.verdict,
        fault,
        key_problem,
        checks: trail.checks,
        issuer,
        keys: keys.map(|snapshot| snapshot.keys.len()),
        jws,
        supposed_user,
    }
}

/// A request as a review has it, without a caller.
pub fn question(token: Secret, audiences: Vec<String>) -> ReviewRequest {
    ReviewRequest { api_version: ReviewApiVersion::V1, token, audiences }
}

fn named_issuer(policy: &Policy, jws: Option<&CompactJws<'_>>) -> Option<IssuerIndex> {
    let name = jws?.unverified_claims().issuer()?;
    policy.named(name)
}

/// The steps, and how far they are known.
struct Trail {
    checks: Vec<Check>,
    are_audiences_refused: bool,
    has_keys: bool,
    is_routed: bool,
    is_supposing: bool,
}

impl Trail {
    fn new(authenticator: Option<Authenticator>) -> Self {
        let check = |stage: &Stage| Check {
            stage: *stage,
            name: stage.name(authenticator),
            end: End::NotReached,
            is_supposed: false,
        };
        Self {
            checks: stages(authenticator).iter().map(check).collect(),
            are_audiences_refused: false,
            has_keys: false,
            is_routed: false,
            is_supposing: false,
        }
    }

    /// Marks all steps before the one where `verdict` was reached as passed.
    fn add(
        &mut self,
        verdict: &Verdict,
        jws: Option<&CompactJws<'_>>,
        policy: &Policy,
        issuer: Option<IssuerIndex>,
    ) {
        let (place, end) = match verdict {
            Verdict::Accepted { .. } => (None, End::Passed),
            Verdict::Refused(reason) => {
                let for_us = jws.zip(issuer.and_then(|issuer| policy.issuer(issuer)));
                let claims = jws.map(CompactJws::unverified_claims);
                let is_audience_fine = for_us.is_none_or(|(jws, issuer)| {
                    let named = jws.unverified_claims().audiences();
                    issuer.audiences.iter().any(|accepted| named.contains(&accepted.as_str()))
                });
                let seen = Seen {
                    is_routed: self.is_routed,
                    is_audience_asked: self.are_audiences_refused && is_audience_fine,
                    is_audience_malformed: claims.and_then(malformed_claim) == Some("aud"),
                    is_rule: for_us.is_some_and(|(jws, issuer)| {
                        let claims = jws.unverified_claims();
                        issuer.refusing_expression(claims).is_some_and(|found| found.is_rule)
                    }),
                };
                (Some(place(*reason, seen)), End::Failed(*reason))
            }
            // All steps that need no keys have been examined.
            Verdict::CannotTell(Outage::KeysUnavailable) if self.is_supposing => {
                (Some(Stage::KeyId), End::CannotTell)
            }
            Verdict::CannotTell(outage) => {
                (Some(advice::of_outage(*outage, Network::Offline).stage), End::CannotTell)
            }
        };
        // An expired token is refused before its issuer is asked for anything.
        let is_early = !self.is_routed && place == Some(Stage::Times);
        for check in &mut self.checks {
            if Some(check.stage) == place {
                // Keep the real failure, also after it was supposed away.
                if !matches!(check.end, End::Failed(_)) {
                    check.end = end;
                    check.is_supposed = self.is_supposing;
                }
                return;
            }
            let is_skipped = is_early && check.stage > Stage::Issuer;
            if check.end == End::NotReached && !is_skipped {
                let is_unknown = check.stage == Stage::Keys && !self.has_keys;
                check.end = if is_unknown { End::CannotTell } else { End::Passed };
                check.is_supposed = self.is_supposing;
            }
        }
    }
}

/// What is known besides a reason.
#[derive(Clone, Copy, Debug)]
struct Seen {
    /// The token reached its authenticator.
    is_routed: bool,
    /// The fault is not in `aud`, but in the audiences that the caller asked for.
    is_audience_asked: bool,
    /// `aud` is the malformed claim.
    is_audience_malformed: bool,
    /// The refusing expression is a rule.
    is_rule: bool,
}

/// Where `reason` ends a review; `seen` distinguishes places that share a reason.
const fn place(reason: Reason, seen: Seen) -> Stage {
    match reason {
        Reason::Algorithm if seen.is_routed => Stage::Algorithm,
        Reason::Claims if seen.is_audience_malformed => Stage::Audience,
        Reason::WrongAudience if seen.is_audience_asked => Stage::AskedAudiences,
        Reason::Expression | Reason::ExpressionCost if seen.is_rule => Stage::Rules,
        _ => advice::of(reason).stage,
    }
}

/// What is supposed in order to see what comes next.
struct Supposition<'a> {
    policy: Policy,
    now: UnixTime,
    issuer: IssuerIndex,
    claims: &'a Claims,
    keys: Option<&'a KeySet>,
    /// Reasons that were supposed away, each once, since times may contradict each other.
    gone: Vec<Reason>,
}

impl Supposition<'_> {
    /// Supposes away the cause of `verdict`; false if that is impossible or pointless.
    fn suppose(&mut self, verdict: &Verdict, trail: &Trail) -> bool {
        let Verdict::Refused(reason) = verdict else {
            // Without keys, the steps before the signature can still be examined.
            return matches!(verdict, Verdict::CannotTell(Outage::KeysUnavailable))
                && !trail.is_supposing;
        };
        if self.gone.contains(reason) {
            return false;
        }
        self.gone.push(*reason);
        let moment = |name: &str| self.claims.moment(name);
        match reason {
            Reason::Expired => match moment("exp") {
                Some(end) => self.now = UnixTime::from_seconds(end.as_seconds() - 1),
                None => return false,
            },
            Reason::NotYetValid => match moment("nbf") {
                Some(begin) if begin > self.now => self.now = begin,
                _ => return false,
            },
            Reason::IssuedInFuture => match moment("iat") {
                Some(begin) if begin > self.now => self.now = begin,
                _ => return false,
            },
            Reason::WrongAudience
                if trail.failed_at(Stage::Audience) && !self.claims.audiences().is_empty() =>
            {
                let audiences =
                    self.claims.audiences().into_iter().map(str::to_owned).collect::<Vec<_>>();
                self.policy.suppose(self.issuer, |issuer| issuer.audiences = audiences);
            }
            Reason::Algorithm if trail.failed_at(Stage::Algorithm) => {
                self.policy
                    .suppose(self.issuer, |issuer| issuer.algorithms = Algorithm::ALL.to_vec());
            }
            Reason::AuthorizedParty => {
                self.policy.suppose(self.issuer, |issuer| issuer.authorized_parties.clear());
            }
            Reason::Lifetime => {
                self.policy.suppose(self.issuer, |issuer| issuer.max_token_lifetime = None);
            }
            _ => return false,
        }
        true
    }

    /// The verdict under the supposition; `None` if it takes evidence that is not there.
    fn judged(&self, text: &str, audiences: AudienceRequest<'_>, none: &KeySet) -> Option<Verdict> {
        let token = match plan(&self.policy, text, self.now) {
            Plan::Refuse(reason) => return Some(Verdict::Refused(reason)),
            Plan::Judge(token) => token,
        };
        let evidence = Evidence::of_keys(self.issuer, self.keys.unwrap_or(none));
        match decide(&self.policy, &token, &evidence, audiences, self.now) {
            Decision::Need(Need::FreshKeys(..)) if self.keys.is_none() => {
                Some(Verdict::CannotTell(Outage::KeysUnavailable))
            }
            Decision::Verdict(verdict) => Some(verdict),
            Decision::Need(Need::FreshKeys(_, otherwise)) => Some(Verdict::Refused(otherwise)),
            Decision::Need(_) => None,
        }
    }
}

impl Trail {
    fn failed_at(&self, stage: Stage) -> bool {
        self.checks.iter().any(|check| check.stage == stage && matches!(check.end, End::Failed(_)))
    }
}
