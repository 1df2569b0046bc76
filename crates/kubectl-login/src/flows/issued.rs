//! From a token response to what is cached and handed out: which token, for whom, until when.
//! Never longer than the token is valid, by this host's clock.

use std::time::Duration;

use login_common::{
    Secret, UnixTime,
    names::{ClientId, IssuerUrl},
};
use login_protocols::{
    jose::CompactJws,
    oauth2::token_endpoint::TokenResponse,
    oidc::{IdTokenFacts, check_from_token_endpoint},
};

use super::{choose::PersonFlow, failure::TokenProblem, moments::Moments};
use login_cache::freshness::Lifetime;

/// How long an access token without a known expiry is used. If it lives longer, it is renewed too
/// early; if it lives shorter, kubectl is refused for some minutes.
pub const UNKNOWN_LIFETIME: Duration = Duration::from_mins(5);

/// A token is renewed at least once a day, whatever expiry an issuer gives it.
const LONGEST_LIFETIME: Duration = Duration::from_hours(24);

/// The result of a flow.
#[derive(Debug)]
pub struct Issued {
    /// The token for the API server.
    pub token: Secret,
    /// How long it is used.
    pub lifetime: Lifetime,
    /// The refresh token for the next renewal, if any.
    pub refresh_token: Option<Secret>,
    /// `sub` of the ID token.
    pub subject: Option<String>,
    /// The signed-in user's name, for display.
    pub name: Option<String>,
    /// Every name that the ID token has for the subject.
    pub known_as: Vec<String>,
    /// Flows that the issuer does not let this client use.
    pub refused: Vec<PersonFlow>,
}

impl Issued {
    /// A token that is handed out as received, until `expires_at` by its issuer's clock.
    pub fn as_it_is(
        token: Secret,
        subject: Option<String>,
        expires_at: Option<UnixTime>,
        moments: Moments,
    ) -> Self {
        let now = moments.requested_at;
        let valid_until = expires_at
            .map_or_else(|| now.plus(UNKNOWN_LIFETIME), |moment| moments.on_our_clock(moment))
            .min(now.plus(LONGEST_LIFETIME));
        let lifetime = Lifetime::new(now, valid_until);
        Self {
            token,
            lifetime,
            refresh_token: None,
            name: subject.clone(),
            known_as: subject.iter().cloned().collect(),
            subject,
            refused: Vec::new(),
        }
    }
}

/// What a token response must satisfy.
pub struct Expected<'a> {
    /// The issuer that was asked.
    pub issuer: &'a IssuerUrl,
    /// The client that asked.
    pub client_id: &'a ClientId,
    /// The nonce of the authorization request, if there was one.
    pub nonce: Option<&'a str>,
    /// The subject of the first sign-in, if this is a renewal.
    pub subject: Option<&'a str>,
    /// Take the access token instead of the ID token.
    pub access_token: bool,
    /// Without an ID token the access token is accepted (client credentials).
    pub id_token_optional: bool,
    /// Only the nonce of an ID token ties the answer to this sign-in.
    pub id_token_ties: bool,
}

/// Takes the requested token out of a response.
pub fn take(
    response: TokenResponse,
    wanted: &Expected<'_>,
    moments: Moments,
) -> Result<Issued, TokenProblem> {
    // Checked even if the access token is requested: it says whom that token is for.
    let facts = response
        .id_token
        .as_ref()
        .map(|token| {
            check_from_token_endpoint(
                token.expose(),
                wanted.issuer,
                wanted.client_id,
                wanted.nonce,
                moments.issuer_now(),
            )
        })
        .transpose()?;
    if wanted.id_token_ties && (facts.is_none() || wanted.nonce.is_none()) {
        return Err(TokenProblem::Untied);
    }
    let subject = facts.as_ref().map(|facts| facts.subject.clone());
    if let (Some(first), Some(now)) = (wanted.subject, &subject)
        && first != now
    {
        return Err(TokenProblem::OtherSubject);
    }
    let name = facts.as_ref().map(|facts: &IdTokenFacts| {
        let named = facts.preferred_username.as_ref().or(facts.email.as_ref());
        named.unwrap_or(&facts.subject).clone()
    });
    let known_as = facts.iter().flat_map(|facts| {
        let named = [facts.preferred_username.as_ref(), facts.email.as_ref()];
        named.into_iter().flatten().chain([&facts.subject]).cloned().collect::<Vec<_>>()
    });
    let known_as = known_as.collect();
    let id_token = response.id_token.zip(facts).map(|(token, facts)| (token, facts.expires_at));
    let (token, valid_until) = match id_token {
        Some((token, expires_at)) if !wanted.access_token => {
            (token, moments.on_our_clock(expires_at))
        }
        None if !wanted.access_token && !wanted.id_token_optional => {
            return Err(TokenProblem::Missing("id_token"));
        }
        _ => {
            let token = response.access_token.ok_or(TokenProblem::Missing("access_token"))?;
            let end = access_token_end(&token, response.expires_in, moments);
            (token, end)
        }
    };
    let valid_until = valid_until.min(moments.requested_at.plus(LONGEST_LIFETIME));
    if valid_until <= moments.requested_at {
        return Err(TokenProblem::Expired);
    }
    Ok(Issued {
        token,
        lifetime: Lifetime::new(moments.requested_at, valid_until),
        refresh_token: response.refresh_token,
        subject,
        name,
        known_as,
        refused: Vec::new(),
    })
}

/// RFC 6749 §5.1 `expires_in`, and `exp` if the token is a JWT; the earlier one counts.
fn access_token_end(token: &Secret, expires_in: Option<Duration>, moments: Moments) -> UnixTime {
    let said = expires_in.map(|life| moments.requested_at.plus(life));
    let written = CompactJws::parse(token.expose())
        .ok()
        .and_then(|jwt| jwt.unverified_claims().expires_at())
        .map(|moment| moments.on_our_clock(moment));
    [said, written]
        .into_iter()
        .flatten()
        .min()
        .unwrap_or_else(|| moments.requested_at.plus(UNKNOWN_LIFETIME))
}

#[cfg(test)]
mod tests;
