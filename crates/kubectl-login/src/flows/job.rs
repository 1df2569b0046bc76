//! Flows without a user: which one it is, and its token.
//! Never asks a user at a terminal, and never touches a browser or a keyring.

use std::{error::Error as _, time::Duration};

use login_protocols::{
    oauth2::token_endpoint::{JWT_BEARER_GRANT, TOKEN_EXCHANGE_GRANT},
    oidc::ProviderMetadata,
};

use super::{
    FlowError, client_credentials, identity,
    issued::Issued,
    issuer_client::{Age, IssuerClient},
    jwt_bearer, token_exchange,
};
use crate::{
    options::target::{Flow, IdentityOptions},
    workload_identity::{self, IdentityToken},
};

/// The bound on a job's whole sign-in, retries included; the source of its identity and the issuer
/// get half of it each.
pub const TIMEOUT: Duration = Duration::from_mins(2);

/// Gets a token for the job.
pub async fn obtain(issuer_client: &IssuerClient<'_>) -> Result<Issued, FlowError> {
    let issued = match &issuer_client.target.identity {
        Some(options) => by_identity(issuer_client, options).await?,
        None => {
            by_metadata(issuer_client, async |metadata| {
                client_credentials::obtain(issuer_client, metadata).await
            })
            .await?
        }
    };
    // A job can authenticate again at any time, and a token that is not stored cannot be stolen.
    Ok(Issued { refresh_token: None, ..issued })
}

/// How an identity is sent to an issuer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Use {
    Exchange,
    Grant,
    ClientAssertion,
}

async fn by_identity(
    issuer_client: &IssuerClient<'_>,
    options: &IdentityOptions,
) -> Result<Issued, FlowError> {
    // Before any request to the issuer, so that a missing identity is reported at once.
    let identity = find(issuer_client, options).await?;
    let say = |text: &str| issuer_client.system.terminal.detail(&format!("kubectl-login: {text}"));
    say(&identity.description());
    let reason = match issuer_client.target.flow {
        Flow::Identity => Some("`--flow identity`"),
        Flow::Auto if identity.is_from(&issuer_client.target.issuer) => {
            Some("`--issuer-url` signed it")
        }
        _ => None,
    };
    if let Some(reason) = reason {
        say(&format!("handing it out as it is: {reason}"));
        return identity::hand_out(issuer_client, &identity);
    }
    workload_identity::kubernetes::may_be_shown(&identity, options, &issuer_client.target.issuer)?;
    by_metadata(issuer_client, async |metadata| {
        // Never empty: every identity can be sent as an assertion.
        let mut uses = choose(issuer_client.target.flow, metadata);
        loop {
            let (chosen, reason) = uses.remove(0);
            let outcome = match chosen {
                Use::Exchange => {
                    say(&format!("exchanging it: {reason}"));
                    token_exchange::obtain(issuer_client, metadata, &identity).await
                }
                Use::Grant => {
                    say(&format!("showing it as a grant: {reason}"));
                    jwt_bearer::obtain(issuer_client, metadata, &identity).await
                }
                Use::ClientAssertion => {
                    say(&format!("showing it as the client's assertion: {reason}"));
                    client_credentials::by_assertion(issuer_client, metadata, &identity).await
                }
            };
            match outcome {
                Err(error) if error.passes_over().is_some() && !uses.is_empty() => {
                    let cause = error.source().map(ToString::to_string).unwrap_or_default();
                    say(&format!("{error}: {cause}"));
                }
                outcome => return outcome,
            }
        }
    })
    .await
}

/// The identity, for the right audience where its source allows a choice: for the cluster if the
/// cluster will see it, else for the issuer (RFC 7523 §3: the audience is the token's recipient).
async fn find(
    issuer_client: &IssuerClient<'_>,
    options: &IdentityOptions,
) -> Result<IdentityToken, FlowError> {
    let target = issuer_client.target;
    let (for_cluster, for_issuer) = (target.client_id.as_str(), target.issuer.as_str());
    let first = match (&options.audience, target.flow) {
        (Some(audience), _) => audience,
        (None, Flow::Identity | Flow::Auto) => for_cluster,
        (None, _) => for_issuer,
    };
    let identity = workload_identity::obtain(issuer_client.system, options, first).await?;
    // Only the token shows which issuer signs here, so `auto` may have guessed wrong.
    let guessed_wrong = target.flow == Flow::Auto
        && options.audience.is_none()
        && identity.is_made_to_order()
        && !identity.is_from(&target.issuer);
    if guessed_wrong {
        return Ok(workload_identity::obtain(issuer_client.system, options, for_issuer).await?);
    }
    Ok(identity)
}

// recipe: flow
/// How to send an identity, and why, by the requested flow and the issuer's metadata. With
/// `--flow auto` there may be a second way, for a client that may not use the first.
fn choose(flow: Flow, metadata: &ProviderMetadata) -> Vec<(Use, &'static str)> {
    match flow {
        Flow::TokenExchange => return vec![(Use::Exchange, "`--flow token-exchange`")],
        Flow::JwtBearer => return vec![(Use::Grant, "`--flow jwt-bearer`")],
        Flow::ClientCredentials => {
            return vec![(Use::ClientAssertion, "`--flow client-credentials`")];
        }
        _ => {}
    }
    let mut uses = Vec::new();
    if metadata.knows_grant(TOKEN_EXCHANGE_GRANT) {
        uses.push((
            Use::Exchange,
            "another issuer signed it, and `--issuer-url` offers token exchange",
        ));
    }
    if metadata.knows_grant(JWT_BEARER_GRANT) {
        uses.push((
            Use::Grant,
            "another issuer signed it, and `--issuer-url` offers the JWT bearer grant",
        ));
    }
    let reason = if uses.is_empty() {
        "another issuer signed it, and `--issuer-url` offers no grant for it"
    } else {
        "this client may not use the grants that `--issuer-url` offers for it"
    };
    uses.push((Use::ClientAssertion, reason));
    uses
}

/// Does `work` with the cached discovery document, and again with a fetched one if the cached one
/// may have caused the failure.
async fn by_metadata(
    issuer_client: &IssuerClient<'_>,
    work: impl AsyncFn(&ProviderMetadata) -> Result<Issued, FlowError>,
) -> Result<Issued, FlowError> {
    let bound = TIMEOUT / 2;
    let working = tokio::time::timeout(bound, async {
        let (metadata, age) = issuer_client.metadata().await?;
        match work(&metadata).await {
            Err(error) if age == Age::Kept && error.may_be_stale_metadata() => {
                let fetched = issuer_client.fetch_metadata().await?;
                if fetched == metadata { Err(error) } else { work(&fetched).await }
            }
            outcome => outcome,
        }
    });
    working.await.unwrap_or_else(|_| Err(FlowError::late(&issuer_client.target.issuer, bound)))
}

#[cfg(test)]
mod tests {
    use login_common::names::IssuerUrl;

    use super::*;

    fn metadata(grants: &str) -> ProviderMetadata {
        let issuer = IssuerUrl::parse("https://id.example").unwrap();
        let json = format!(r#"{{"issuer":"https://id.example"{grants}}}"#);
        ProviderMetadata::parse(json.as_bytes(), &issuer).unwrap()
    }

    #[test]
    fn the_flow_decides_and_else_what_the_issuer_offers_with_a_next_choice() {
        let both = r#","grant_types_supported":["client_credentials","urn:ietf:params:oauth:grant-type:jwt-bearer","urn:ietf:params:oauth:grant-type:token-exchange"]"#;
        let one = r#","grant_types_supported":["urn:ietf:params:oauth:grant-type:jwt-bearer"]"#;
        for (flow, grants, expected) in [
            (Flow::Auto, both, &[Use::Exchange, Use::Grant, Use::ClientAssertion][..]),
            (Flow::Auto, one, &[Use::Grant, Use::ClientAssertion]),
            (Flow::Auto, r#","grant_types_supported":[]"#, &[Use::ClientAssertion]),
            (Flow::Auto, "", &[Use::ClientAssertion]),
            (Flow::TokenExchange, "", &[Use::Exchange]),
            (Flow::JwtBearer, both, &[Use::Grant]),
            (Flow::ClientCredentials, both, &[Use::ClientAssertion]),
            (Flow::ClientCredentials, "", &[Use::ClientAssertion]),
        ] {
            let uses: Vec<Use> =
                choose(flow, &metadata(grants)).iter().map(|(usage, _)| *usage).collect();
            assert_eq!(uses, expected, "{flow:?} {grants}");
        }
    }
}
