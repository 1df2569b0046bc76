//! A CI system's token service: called with the job's request token, for one identity token.
//! Never uses the connection options of the issuer (authorities, headers, certificates): the
//! service is another party, and the request token is worth more than one identity token.

use login_common::{Secret, strict_json};
use login_protocols::oauth2::token_endpoint::is_outage_status;
use serde::Deserialize;
use serde_json::Value;
use tokio::time::Instant;
use url::Url;

use super::{IdentityError, IdentityToken, Place};
use crate::{
    flows::{
        moments::Moments,
        repeat::{Attempts, Repeat, Setback},
    },
    options::target::SourceKind,
    scrub,
    system::{
        System,
        http::{self, HttpClient, HttpError, HttpOptions},
        random,
    },
};

/// Longest answer that is read.
const MAX_ANSWER: usize = 160 * 1024;

/// A request to a token service.
pub(super) struct Ask<'a> {
    /// The CI system that runs the service.
    pub kind: SourceKind,
    /// Its address.
    pub url: &'a Url,
    /// The job's request token.
    pub token: &'a Secret,
    /// A body; makes the request a POST.
    pub json: Option<&'a str>,
    /// The member of the answer that holds the token.
    pub member: &'static str,
}

pub(super) async fn ask(
    system: &System<'_>,
    ask: &Ask<'_>,
) -> Result<IdentityToken, IdentityError> {
    let kind = ask.kind;
    let failed = |source| match source {
        HttpError::TooLong(_) => IdentityError::Answer { kind, member: ask.member },
        HttpError::NotConfidential(url) => IdentityError::Exposed { kind, url },
        source => IdentityError::Unreachable { kind, source },
    };
    let proxies = http::proxies(system.environment);
    let http = HttpClient::new(HttpOptions::default(), proxies).map_err(failed)?;
    scrub::never_show(ask.token);
    let (began, mut attempts) = (Instant::now(), Attempts::new(Repeat::Freely));
    loop {
        let requested_at = system.clock.now();
        let answer = http.authorized(ask.url, ask.token, ask.json, MAX_ANSWER).await;
        let setback = match &answer {
            Ok(answer) => Setback::of_status(answer.status, answer.retry_after),
            Err(error) => Setback::of_failure(error),
        };
        if let Some(setback) = setback
            && let Ok([random, ..]) = random::bytes()
            && let Some(pause) = attempts.next(setback, began.elapsed(), random)
        {
            let (name, seconds) = (kind.as_str(), pause.as_secs_f32());
            system.terminal.detail(&format!(
                "kubectl-login: the token service of `{name}` did not answer; again in \
                 {seconds:.1} s"
            ));
            tokio::time::sleep(pause).await;
            continue;
        }
        let answer = answer.map_err(failed)?;
        let token = judge(kind, ask.member, answer.status, &answer.body)?;
        let moments = Moments { requested_at, issuer_date: answer.date };
        return IdentityToken::read(token.expose(), Place::Service(kind), moments);
    }
}

/// The members in which services return a token.
#[derive(Deserialize)]
struct Tokens {
    value: Option<Value>,
    #[serde(rename = "oidcToken")]
    oidc_token: Option<Value>,
}

fn judge(
    kind: SourceKind,
    member: &'static str,
    status: u16,
    body: &[u8],
) -> Result<Secret, IdentityError> {
    match status {
        200 | 201 => {}
        status if is_outage_status(status) => {
            return Err(IdentityError::OutOfOrder { kind, status });
        }
        _ => return Err(IdentityError::Refused { kind, status }),
    }
    let unusable = IdentityError::Answer { kind, member };
    let Ok(answer) = strict_json::members_in_use::<Tokens>(body) else { return Err(unusable) };
    let token = match member {
        "value" => answer.value,
        _ => answer.oidc_token,
    };
    token.as_ref().and_then(Value::as_str).map(Secret::new).ok_or(unusable)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Fault;

    #[test]
    fn an_answer_is_sorted_by_whose_fault_it_is() {
        let judged = |status, body: &str| {
            judge(SourceKind::GithubActions, "value", status, body.as_bytes())
                .map(|token| token.expose().to_owned())
                .map_err(|error| error.fault())
        };
        assert_eq!(judged(200, r#"{"count":1,"value":"a.b.c"}"#), Ok("a.b.c".to_owned()));
        for (status, body, fault) in [
            (200, "", Fault::Refused),
            (200, r#"{"value":7}"#, Fault::Refused),
            (200, r#"{"value":"a.b.c","value":"d.e.f"}"#, Fault::Refused),
            (200, r#"{"oidcToken":"a.b.c"}"#, Fault::Refused),
            (302, "", Fault::Refused),
            (401, r#"{"value":"a.b.c"}"#, Fault::Refused),
            (429, "", Fault::Unreachable),
            (503, "", Fault::Unreachable),
        ] {
            assert_eq!(judged(status, body), Err(fault), "{status} {body}");
        }
    }
}
