//! GitHub Actions: the job requests a JWT about itself from the runner's token service.
//! Never sends the job's bearer token to any address but the one that came with it.

use url::Url;

use super::{
    IdentityError, IdentityToken,
    source::{Offer, Read, Source, Whole},
    token_service::{self, Ask},
    variable,
};
use crate::{options::target::SourceKind, system::System};

/// The service's address; set for jobs with `permissions: id-token: write`.
const ADDRESS: &str = "ACTIONS_ID_TOKEN_REQUEST_URL";

/// The request token; different in each job.
const REQUEST_TOKEN: &str = "ACTIONS_ID_TOKEN_REQUEST_TOKEN";

pub(super) static SOURCE: Source = Source {
    kind: SourceKind::GithubActions,
    offer: Some(Offer {
        job: Some("GITHUB_ACTIONS"),
        mark: ADDRESS,
        whole: Whole::Variable(REQUEST_TOKEN),
    }),
    read: Read::Service {
        right: &[ADDRESS, REQUEST_TOKEN],
        ask: |system, audience| Box::pin(obtain(system, audience)),
    },
    hint,
};

fn hint(error: &IdentityError, _: &str) -> Option<String> {
    let text = match error {
        IdentityError::Nowhere { .. }
        | IdentityError::NotSet { .. }
        | IdentityError::Refused { .. } => "give the job `permissions: { id-token: write }`",
        IdentityError::OtherAudience { .. } => {
            "leave `--identity-audience` out, or give the same as `--client-id`"
        }
        _ => return None,
    };
    Some(text.to_owned())
}

/// Requests a token for `audience`.
async fn obtain(system: &System<'_>, audience: &str) -> Result<IdentityToken, IdentityError> {
    let kind = SourceKind::GithubActions;
    let address = variable::text(system.environment, kind, ADDRESS)?;
    let token = variable::text(system.environment, kind, REQUEST_TOKEN)?;
    let url = url(address.expose(), audience)
        .ok_or(IdentityError::Address { kind, variable: ADDRESS })?;
    token_service::ask(system, &Ask { kind, url: &url, token: &token, json: None, member: "value" })
        .await
}

/// Adds the audience to the address, which already has a query (`api-version`).
fn url(address: &str, audience: &str) -> Option<Url> {
    let mut url = Url::parse(address).ok()?;
    url.query_pairs_mut().append_pair("audience", audience);
    Some(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_audience_joins_the_query_that_is_there() {
        for (address, expected) in [
            (
                "https://run.example/_apis/idtoken?api-version=2.0",
                "https://run.example/_apis/idtoken?api-version=2.0&audience=https%3A%2F%2Fid.example%2Fa%26b",
            ),
            (
                "https://run.example/t",
                "https://run.example/t?audience=https%3A%2F%2Fid.example%2Fa%26b",
            ),
        ] {
            assert_eq!(url(address, "https://id.example/a&b").unwrap().as_str(), expected);
        }
        assert!(url("run.example", "a").is_none());
    }
}
