//! GitHub Actions: the job requests a JWT about itself from the runner's token service.
//! Never sends the job's bearer token to any address but the one that came with it.

use url::Url;

use super::{
    IdentityError, IdentityToken, names,
    token_service::{self, Ask},
    variable,
};
use crate::{options::target::SourceKind, system::System};

/// Requests a token for `audience`.
pub(super) async fn obtain(
    system: &System<'_>,
    audience: &str,
) -> Result<IdentityToken, IdentityError> {
    let kind = SourceKind::GithubActions;
    let address = variable::text(system.environment, kind, names::GITHUB_ACTIONS_URL)?;
    let token = variable::text(system.environment, kind, names::GITHUB_ACTIONS_TOKEN)?;
    let url = url(address.expose(), audience)
        .ok_or(IdentityError::Address { kind, variable: names::GITHUB_ACTIONS_URL })?;
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
