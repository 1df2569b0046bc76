//! From a token answer to what is kept and handed out: which token, for whom, until when.
//! Never longer than the token lives, on this machine's clock.

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
use crate::cache::freshness::Lifetime;

/// An access token of which nobody says how long it lives is used that long. It may live longer:
/// then it is renewed too early. It may live shorter: then kubectl is refused for some minutes.
pub const UNKNOWN_LIFETIME: Duration = Duration::from_mins(5);

/// Whatever an issuer says, a token is renewed at least once a day.
const LONGEST_LIFETIME: Duration = Duration::from_hours(24);

/// What a flow ends with.
#[derive(Debug)]
pub struct Issued {
    /// For the API server.
    pub token: Secret,
    /// Until when.
    pub lifetime: Lifetime,
    /// For the next renewal.
    pub refresh_token: Option<Secret>,
    /// `sub` of the ID token.
    pub subject: Option<String>,
    /// Who signed in, for people.
    pub name: Option<String>,
    /// Every name that the ID token has for who signed in.
    pub known_as: Vec<String>,
    /// Ways to sign in that the issuer does not let this client use.
    pub refused: Vec<PersonFlow>,
}

impl Issued {
    /// A token that is handed out as it came, until `expires_at` as whoever signed it means it.
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

/// What is wanted of an answer.
pub struct Wanted<'a> {
    /// Who was asked.
    pub issuer: &'a IssuerUrl,
    /// Who asked.
    pub client_id: &'a ClientId,
    /// Of the authorization request, if there was one.
    pub nonce: Option<&'a str>,
    /// Of the first sign-in, if this is a renewal.
    pub subject: Option<&'a str>,
    /// The access token instead of the ID token.
    pub access_token: bool,
    /// Without an ID token the access token will do (client credentials).
    pub id_token_optional: bool,
    /// Only the nonce of an ID token shows that the answer belongs to this sign-in.
    pub id_token_ties: bool,
}

/// Takes the wanted token out of an answer.
pub fn take(
    response: TokenResponse,
    wanted: &Wanted<'_>,
    moments: Moments,
) -> Result<Issued, TokenProblem> {
    // Checked even when the access token is wanted: it says who that is for.
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

/// RFC 6749 §5.1 `expires_in`, and `exp` where the token happens to be a JWT; the earlier counts.
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
