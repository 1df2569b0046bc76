//! Azure Pipelines: the job requests a JWT about itself from its organization's token service.
//! Never chooses the audience: the service signs only for `api://AzureADTokenExchange`.

use url::Url;

use super::{
    IdentityError, IdentityToken,
    source::{Offer, Read, Source, Whole},
    token_service::{self, Ask},
    variable,
};
use crate::{
    options::target::SourceKind,
    system::{System, environment::Environment},
};

/// The service's address; set in every job.
const ADDRESS: &str = "SYSTEM_OIDCREQUESTURI";

/// The request token; a step has it only where the pipeline maps it.
const REQUEST_TOKEN: &str = "SYSTEM_ACCESSTOKEN";

/// The service connection that the token is about; set by tasks that use one. Without it the token
/// is about the pipeline.
const CONNECTION: &str = "AZURESUBSCRIPTION_SERVICE_CONNECTION_ID";

pub(super) static SOURCE: Source = Source {
    kind: SourceKind::AzurePipelines,
    offer: Some(Offer { job: None, mark: ADDRESS, whole: Whole::Variable(REQUEST_TOKEN) }),
    read: Read::Service {
        right: &[ADDRESS, REQUEST_TOKEN, CONNECTION],
        ask: |system, _| Box::pin(obtain(system)),
    },
    hint,
};

fn hint(error: &IdentityError, origin: &str) -> Option<String> {
    match error {
        IdentityError::NotSet { variable, .. } if variable == REQUEST_TOKEN => Some(
            "map it into the step: `env: { SYSTEM_ACCESSTOKEN: $(System.AccessToken) }`".to_owned(),
        ),
        IdentityError::NotSet { .. } => {
            Some(format!("this is no job of Azure Pipelines; check `--identity`{origin}"))
        }
        _ => None,
    }
}

/// Requests a token.
async fn obtain(system: &System<'_>) -> Result<IdentityToken, IdentityError> {
    let kind = SourceKind::AzurePipelines;
    let address = variable::text(system.environment, kind, ADDRESS)?;
    let token = variable::text(system.environment, kind, REQUEST_TOKEN)?;
    let url = url(address.expose(), system.environment)
        .ok_or(IdentityError::Address { kind, variable: ADDRESS })?;
    // The body may carry more claims; none are sent.
    let ask = Ask { kind, url: &url, token: &token, json: Some("{}"), member: "oidcToken" };
    token_service::ask(system, &ask).await
}

fn url(address: &str, environment: &dyn Environment) -> Option<Url> {
    let mut url = Url::parse(address).ok()?;
    url.query_pairs_mut().append_pair("api-version", "7.1");
    if let Some(connection) = environment
        .variable(CONNECTION)
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
        let variables = [(CONNECTION.to_owned(), "c d".to_owned())];
        let environment = Overlay { variables: &variables, below: &NoEnvironment };
        let expected = format!("{expected}&serviceConnectionId=c+d");
        assert_eq!(url(address, &environment).unwrap().as_str(), expected);
    }
}
