//! The loop that judges a review: plan, then decide, fetching what `decide` asks for.
//! Never judges itself, never fetches what `decide` did not ask for, and nothing twice.

use std::sync::Arc;

use login_common::{Secret, UnixTime, token_review::ReviewRequest};
use login_protocols::oidc::Statement;
use login_review::{
    AudienceRequest, Decision, EndedSessions, Evidence, IssuerIndex, Need, Outage, ParsedToken,
    Patience, Plan, Reason, Verdict, decide, plan,
};

use crate::{
    config::Limits,
    effort::Efforts,
    evidence::{
        EndedSessionsInForce,
        distributed_groups::NoGroups,
        key_sets::{Renewal, Snapshot},
    },
    in_force::InForce,
    system::coarse_timeout::CoarseTimeout,
    telemetry::log_throttle::{LogThrottle, STRANGERS},
};

/// A verdict and what it rests on.
#[derive(Debug)]
pub struct Judgement<'t> {
    /// The verdict.
    pub verdict: Verdict,
    /// The issuer that the token names, if it is a configured one.
    pub issuer: Option<IssuerIndex>,
    /// The generation of the key set that the verdict rests on; none if the verdict rests on more
    /// than one key set, or on other evidence, or on no keys.
    pub generation: Option<u64>,
    /// The parsed token, if parsing succeeded; for the audit record, not for another verdict.
    pub token: Option<ParsedToken<'t>>,
}

/// Judges tokens.
pub struct Judge {
    api_audiences: Option<Vec<String>>,
    /// The embedded issuer's sessions that ended early.
    pub ended_sessions: Arc<EndedSessionsInForce>,
    /// Turns of reviews with slow expressions.
    efforts: Efforts,
    /// Deadlines of reviews; [`crate::run`] drives them.
    pub timeout: CoarseTimeout,
    /// Log limit for tokens that the list of revocations names.
    revoked: LogThrottle,
}

impl Judge {
    /// `api_audiences` are kube-apiserver's own, if the operator named them.
    pub fn new(
        api_audiences: Option<Vec<String>>,
        ended_sessions: Arc<EndedSessionsInForce>,
        limits: &Limits,
    ) -> Self {
        Self {
            api_audiences,
            ended_sessions,
            efforts: Efforts::new(limits),
            timeout: CoarseTimeout::default(),
            revoked: LogThrottle::with(STRANGERS),
        }
    }

    /// The audiences that a token for `request` may have.
    pub fn audiences<'r>(&'r self, request: &'r ReviewRequest) -> AudienceRequest<'r> {
        let api_audiences = self.api_audiences.as_deref();
        AudienceRequest { requested: &request.audiences, api_audiences }
    }

    /// Judges the token of `request` under one configuration.
    pub async fn judge<'t>(
        &self,
        in_force: &InForce,
        request: &'t ReviewRequest,
        now: UnixTime,
    ) -> Judgement<'t> {
        let token = match plan(&in_force.policy, request.token.expose(), now) {
            Plan::Refuse(reason) => {
                let verdict = Verdict::Refused(reason);
                return Judgement { verdict, issuer: None, generation: None, token: None };
            }
            Plan::Judge(token) => token,
        };
        let audiences = self.audiences(request);
        let mut gathered = Gathered::of(request.token.expose());
        // Read after the epoch, so that it contains every session that ended before.
        let ended_sessions = self.ended_sessions.known();
        let verdict = loop {
            let evidence = gathered.evidence(&ended_sessions);
            let decide = |patience: &Patience| {
                let evidence = Evidence { patience: Some(patience), ..evidence };
                decide(&in_force.policy, &token, &evidence, audiences, now)
            };
            let decision = self.efforts.decide(&self.timeout, party(&token), decide).await;
            let need = match decision {
                Decision::Verdict(verdict) => break verdict,
                Decision::Need(need) => need,
            };
            if let Err(end) = gathered.gather(in_force, need, &token, now).await {
                break end;
            }
        };
        if verdict == Verdict::Refused(Reason::Revoked) {
            gathered.tell_reason(&self.revoked, in_force, &token, now);
        }
        if let (Verdict::Accepted { .. }, Some((index, text))) = (&verdict, token.remote()) {
            in_force.remotes.was_accepted(index, text);
        }
        let issuer = token.issuer();
        let generation = gathered.generation(issuer);
        Judgement { verdict, issuer, generation, token: Some(token) }
    }
}

/// The party whose turns slow expressions take: the token's issuer.
fn party(token: &ParsedToken<'_>) -> usize {
    token.issuer().map_or(usize::MAX, IssuerIndex::as_usize)
}

/// What was fetched for one token.
struct Gathered<'t> {
    text: &'t str,
    /// The keys of the token's issuer, and of the issuer of its groups.
    keys: [Option<Keys>; 2],
    statement: Option<Arc<Statement>>,
    groups: Option<Arc<Secret>>,
}

struct Keys {
    issuer: IssuerIndex,
    snapshot: Arc<Snapshot>,
    /// The texts for which the issuer has already been asked for newer keys.
    asked_for: Presented,
    /// Whether an answer may be cached for as long as these are the keys.
    settled: bool,
}

/// The texts that may be signed with a newer key than those in use.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Presented {
    Nothing,
    Token,
    TokenAndGroups,
}

impl<'t> Gathered<'t> {
    const fn of(text: &'t str) -> Self {
        Self { text, keys: [None, None], statement: None, groups: None }
    }

    fn evidence<'e>(&'e self, ended_sessions: &'e EndedSessions) -> Evidence<'e> {
        let keys = self
            .keys
            .each_ref()
            .map(|keys| Some((keys.as_ref()?.issuer, &keys.as_ref()?.snapshot.keys)));
        let statement = self.statement.as_deref();
        let groups = self.groups.as_ref().map(|jwt| jwt.expose());
        let ended_sessions = Some(ended_sessions);
        Evidence { keys, statement, groups, ended_sessions, patience: None }
    }

    /// Logs the reason that the operator's list gives for a token that was refused as revoked.
    fn tell_reason(
        &self,
        log_limit: &LogThrottle,
        in_force: &InForce,
        token: &ParsedToken<'_>,
        now: UnixTime,
    ) {
        let policy = &in_force.policy;
        let Some(claims) = token.unverified_claims().or(match self.statement.as_deref() {
            Some(Statement::Valid(claims)) => Some(claims),
            Some(Statement::Invalid) | None => None,
        }) else {
            return;
        };
        let issuer = token.issuer().and_then(|index| policy.issuer(index));
        let remote = token.remote().and_then(|(index, _)| policy.remote(index));
        let names = [
            issuer.map(|issuer| issuer.issuer.as_str()),
            claims.issuer().filter(|_| issuer.is_none()),
            remote.map(|remote| remote.name.as_str()),
        ];
        let mut reasons = names.into_iter().flatten().filter_map(|issuer| {
            Some((issuer, policy.revocations().find(issuer, claims, now)?.reason.as_deref()?))
        });
        if let Some((issuer, reason)) = reasons.next()
            && let Some(times) = log_limit.turn()
        {
            tracing::info!(issuer, reason, times, "the revocation list names this token");
        }
    }

    /// Fetches what is needed, or returns the verdict that follows without it.
    async fn gather(
        &mut self,
        in_force: &InForce,
        need: Need,
        token: &ParsedToken<'_>,
        now: UnixTime,
    ) -> Result<(), Verdict> {
        match need {
            Need::Keys(issuer) => self.gather_keys(in_force, issuer).await,
            Need::FreshKeys(issuer, otherwise) => {
                self.renew_keys(in_force, issuer, otherwise).await
            }
            Need::Statement(index) => {
                let authenticator = in_force.policy.remote(index).zip(token.remote());
                let (authenticator, (_, text)) =
                    authenticator.ok_or(Verdict::CannotTell(Outage::Internal))?;
                let unavailable = Verdict::CannotTell(authenticator.rules.kind().outage());
                let statement = in_force.remotes.ask(index, text, now).await;
                self.statement = Some(statement.ok_or(unavailable)?);
                Ok(())
            }
            Need::Groups(source) => {
                let known = in_force.groups.fetch(&source, now).await;
                self.groups = Some(known.map_err(|fault| match fault {
                    NoGroups::Refused => Verdict::Refused(Reason::GroupsElsewhere),
                    NoGroups::Unavailable => Verdict::CannotTell(Outage::GroupsUnavailable),
                })?);
                Ok(())
            }
        }
    }

    async fn gather_keys(
        &mut self,
        in_force: &InForce,
        issuer: IssuerIndex,
    ) -> Result<(), Verdict> {
        let unavailable = Verdict::CannotTell(Outage::KeysUnavailable);
        let Some(place) = self.keys.iter_mut().find(|place| place.is_none()) else {
            return Err(Verdict::CannotTell(Outage::Internal));
        };
        let snapshot = in_force.keys.current_or_fetched(issuer).await.ok_or(unavailable)?;
        *place = Some(Keys { issuer, snapshot, asked_for: Presented::Nothing, settled: true });
        Ok(())
    }

    async fn renew_keys(
        &mut self,
        in_force: &InForce,
        issuer: IssuerIndex,
        otherwise: Reason,
    ) -> Result<(), Verdict> {
        let groups = self.groups.as_ref().map(|jwt| jwt.expose());
        let mut known = self.keys.iter_mut().flatten();
        let Some(keys) = known.find(|keys| keys.issuer == issuer) else {
            return Err(Verdict::CannotTell(Outage::Internal));
        };
        let presented = match groups {
            None => Presented::Token,
            Some(_) => Presented::TokenAndGroups,
        };
        if presented <= keys.asked_for {
            let unconfirmed = Verdict::CannotTell(Outage::KeyUnconfirmed);
            return Err(if keys.settled { Verdict::Refused(otherwise) } else { unconfirmed });
        }
        keys.asked_for = presented;
        let parts = [self.text, groups.unwrap_or_default()];
        match in_force.keys.confirm(issuer, &parts, otherwise).await {
            Renewal::Confirmed(snapshot) => {
                keys.snapshot = snapshot;
                keys.settled = true;
            }
            // The issuer may have a new key that this server could not fetch. A refusal would be
            // cached.
            Renewal::Unconfirmed(snapshot) => {
                keys.snapshot = snapshot;
                keys.settled = false;
            }
            Renewal::Unavailable => return Err(Verdict::CannotTell(Outage::KeysUnavailable)),
        }
        Ok(())
    }

    /// The generation of keys under which an answer may be cached.
    fn generation(&self, issuer: Option<IssuerIndex>) -> Option<u64> {
        match &self.keys {
            [Some(keys), None]
                if keys.settled && self.groups.is_none() && Some(keys.issuer) == issuer =>
            {
                Some(keys.snapshot.generation)
            }
            _ => None,
        }
    }
}
