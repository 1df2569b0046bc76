//! Signs a user in: the secrets of the request, the chosen flow, the code exchange.
//! Never without a bound: the caller sets it, and the user sees the time left.

use std::error::Error as _;

use login_common::Secret;
use login_protocols::{
    oauth2::{error::presentable, token_endpoint::Grant},
    oidc::ProviderMetadata,
};

use super::{
    FlowError, browser,
    choose::{Choice, PersonFlow},
    device,
    failure::PassedOver,
    issued::Issued,
    issuer_client::{Answer, IssuerClient},
    password,
    paste::{self, Tie},
    request::Request,
};

/// Signs a user in with the chosen flow, and with the next one that fits if the issuer does not let
/// this client use it.
pub async fn sign_in(
    issuer_client: &IssuerClient<'_>,
    metadata: &ProviderMetadata,
    choice: Choice,
) -> Result<Issued, FlowError> {
    let terminal = issuer_client.system.terminal;
    terminal.detail(&format!("kubectl-login: chose {}: {}", choice.flow, choice.reason));
    let mut refused = issuer_client.refused_ways();
    let is_refused = |way: PersonFlow, refused: &[PersonFlow]| {
        refused.iter().any(|other| way.shares_grant_with(*other))
    };
    let mut ways: Vec<PersonFlow> = [choice.flow].into_iter().chain(choice.next.clone()).collect();
    if ways.len() > 1 && !ways.iter().all(|way| is_refused(*way, &refused)) {
        ways.retain(|way| !is_refused(*way, &refused));
    } else {
        // The issuer may allow it by now.
        refused.clear();
    }
    if ways.first() != Some(&choice.flow) {
        let way = choice.flow;
        terminal.detail(&format!("kubectl-login: the issuer refused this client {way} before"));
    }
    loop {
        let way = ways.remove(0);
        let outcome =
            sign_in_by(issuer_client, metadata, &Choice { flow: way, ..choice.clone() }).await;
        let error = match outcome {
            Ok(issued) => {
                warn_about_account(issuer_client, &issued);
                return Ok(Issued { refused, ..issued });
            }
            Err(error) => error,
        };
        match error.passes_over() {
            Some(PassedOver::ForGood) => {
                refused.push(way);
                ways.retain(|way| !is_refused(*way, &refused));
            }
            Some(PassedOver::Now) => {}
            None => return Err(error),
        }
        let Some(next) = ways.first() else { return Err(error) };
        let cause = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
        terminal.say(&format!("kubectl-login: {error}{cause}; going on with `{next}`"));
    }
}

/// Signs a user in with one flow, within its bound.
async fn sign_in_by(
    issuer_client: &IssuerClient<'_>,
    metadata: &ProviderMetadata,
    choice: &Choice,
) -> Result<Issued, FlowError> {
    let target = issuer_client.target;
    let bound = match choice.flow {
        // The lifetime of the code bounds it, too.
        PersonFlow::Device => target.authentication_timeout,
        _ => target.page_timeout,
    };
    let signing_in = tokio::time::timeout(bound, unbounded(issuer_client, metadata, choice));
    signing_in.await.unwrap_or_else(|_| {
        Err(FlowError::Timeout { issuer: target.issuer.clone(), seconds: bound.as_secs() })
    })
}

async fn unbounded(
    issuer_client: &IssuerClient<'_>,
    metadata: &ProviderMetadata,
    choice: &Choice,
) -> Result<Issued, FlowError> {
    // recipe: flow
    match choice.flow {
        PersonFlow::Browser => {
            let request = Request::new()?;
            let returned = browser::ask(issuer_client, metadata, &request, choice).await?;
            let (code, redirect_uri) = (&returned.code, &returned.redirect_uri);
            let answer = exchange(issuer_client, metadata, &request, code, redirect_uri).await;
            let outcome =
                answer.and_then(|answer| issuer_client.check(answer, Some(&request.nonce)));
            returned.tell(&outcome).await;
            outcome
        }
        PersonFlow::Paste => {
            let request = Request::new()?;
            let pasted = paste::ask(issuer_client, metadata, &request).await?;
            let answer =
                exchange(issuer_client, metadata, &request, &pasted.code, &pasted.redirect_uri)
                    .await?;
            match pasted.tie {
                Tie::State => issuer_client.check(answer, Some(&request.nonce)),
                Tie::Nonce => issuer_client.check_untied(answer, &request.nonce),
            }
        }
        PersonFlow::Device => {
            let answer = device::ask(issuer_client, metadata, choice).await?;
            issuer_client.check(answer, None)
        }
        PersonFlow::Password => {
            let answer = password::ask(issuer_client, metadata).await?;
            issuer_client.check(answer, None)
        }
    }
}

/// Warns if another account signed in: a browser with a session may not ask which one to use.
fn warn_about_account(issuer_client: &IssuerClient<'_>, issued: &Issued) {
    let target = issuer_client.target;
    let Some(wanted) = &target.account else { return };
    if is_other(wanted, &issued.known_as) {
        let who = issued.name.as_deref().unwrap_or_default();
        issuer_client.system.terminal.say(&format!(
            "warning: `--account {}` was given, and `{}` signed in; where the browser does not \
             ask, `--authorization-parameter prompt=select_account` makes the issuer ask",
            presentable(wanted),
            presentable(who)
        ));
    }
}

/// Whether none of the names is `wanted`; what follows an `@` may be missing.
fn is_other(wanted: &str, known_as: &[String]) -> bool {
    let wanted = wanted.to_lowercase();
    !known_as.is_empty()
        && !known_as.iter().map(|name| name.to_lowercase()).any(|name| {
            name == wanted || name.split_once('@').is_some_and(|(user, _)| user == wanted)
        })
}

/// Exchanges the code for the tokens.
async fn exchange(
    issuer_client: &IssuerClient<'_>,
    metadata: &ProviderMetadata,
    request: &Request,
    code: &Secret,
    redirect_uri: &str,
) -> Result<Answer, FlowError> {
    let verifier = issuer_client.target.callback.proof_key.then_some(&request.verifier);
    let grant = Grant::AuthorizationCode { code, redirect_uri, verifier };
    issuer_client
        .ask(metadata, &grant)
        .await?
        .map_err(|error| FlowError::from_answer(&issuer_client.target.issuer, "the sign-in", error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_account_is_told_from_the_wanted_one() {
        let names =
            |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let bob = names(&["bob", "Bob@corp.example", "b-4711"]);
        for (wanted, is_wrong) in [
            ("bob", false),
            ("BOB", false),
            ("bob@corp.example", false),
            ("b-4711", false),
            ("alice", true),
            ("bob@other.example", true),
            ("bo", true),
        ] {
            assert_eq!(is_other(wanted, &bob), is_wrong, "{wanted}");
        }
        assert!(!is_other("bob", &names(&["bob@corp.example", "1"])));
        // An access token gives no names.
        assert!(!is_other("bob", &[]));
    }
}
