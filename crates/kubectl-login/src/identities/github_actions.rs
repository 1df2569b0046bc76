//! GitHub Actions: the job asks the runner's token service for a JWT about itself.
//! Never sends the job's bearer token anywhere but to the address that came with it.

use url::Url;

use super::{
    IdentityError, IdentityToken,
    token_service::{self, Ask},
    variable,
};
use crate::{options::target::SourceKind, system::System};

/// Where to ask; set for jobs with `permissions: id-token: write`.
pub const URL: &str = "ACTIONS_ID_TOKEN_REQUEST_URL";

/// The right to ask; another one in each job.
pub const TOKEN: &str = "ACTIONS_ID_TOKEN_REQUEST_TOKEN";

/// Asks for a token for `audience`.
pub(super) async fn obtain(
    system: &System<'_>,
    audience: &str,
) -> Result<IdentityToken, IdentityError> {
    let kind = SourceKind::GithubActions;
    let address = variable::text(system.environment, kind, URL)?;
    let token = variable::text(system.environment, kind, TOKEN)?;
    let url =
        url(address.expose(), audience).ok_or(IdentityError::Address { kind, variable: URL })?;
    token_service::ask(system, &Ask { kind, url: &url, token: &token, json: None, member: "value" })
        .await
}

/// The address has a query already (`api-version`); the audience joins it.
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
