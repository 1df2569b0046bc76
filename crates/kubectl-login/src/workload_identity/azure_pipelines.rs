//! Azure Pipelines: the job requests a JWT about itself from its organization's token service.
//! Never chooses the audience: the service signs only for `api://AzureADTokenExchange`.

use url::Url;

use super::{
    IdentityError, IdentityToken, names,
    token_service::{self, Ask},
    variable,
};
use crate::{
    options::target::SourceKind,
    system::{System, environment::Environment},
};

/// Requests a token.
pub(super) async fn obtain(system: &System<'_>) -> Result<IdentityToken, IdentityError> {
    let kind = SourceKind::AzurePipelines;
    let address = variable::text(system.environment, kind, names::AZURE_PIPELINES_URL)?;
    let token = variable::text(system.environment, kind, names::AZURE_PIPELINES_TOKEN)?;
    let url = url(address.expose(), system.environment)
        .ok_or(IdentityError::Address { kind, variable: names::AZURE_PIPELINES_URL })?;
    // The body may carry more claims; none are sent.
    let ask = Ask { kind, url: &url, token: &token, json: Some("{}"), member: "oidcToken" };
    token_service::ask(system, &ask).await
}

fn url(address: &str, environment: &dyn Environment) -> Option<Url> {
    let mut url = Url::parse(address).ok()?;
    url.query_pairs_mut().append_pair("api-version", "7.1");
    if let Some(connection) = environment
        .variable(names::AZURE_PIPELINES_CONNECTION)
        .and_then(|id| id.into_string().ok())
        .filter(|id| !id.is_empty())
    {
        url.query_pairs_mut().append_pair("serviceConnectionId", &connection);
    }
    Some(url)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::environment::{NoEnvironment, Overlay};

    #[test]
    fn a_service_connection_is_named_where_there_is_one() {
        let address = "https://dev.azure.example/o/p/_apis/oidctoken";
        let expected = format!("{address}?api-version=7.1");
        assert_eq!(url(address, &NoEnvironment).unwrap().as_str(), expected);
        let variables = [(names::AZURE_PIPELINES_CONNECTION.to_owned(), "c d".to_owned())];
        let environment = Overlay { variables: &variables, below: &NoEnvironment };
        let expected = format!("{expected}&serviceConnectionId=c+d");
        assert_eq!(url(address, &environment).unwrap().as_str(), expected);
    }
}
