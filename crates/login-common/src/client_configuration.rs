//! The document that a server publishes so that users need only its address: issuer, client, CA.
//! Never contains a secret: it is served without authentication.

use serde_json::{Map, Value, json};
use thiserror::Error;

use crate::names::{ClientId, IssuerUrl, NameError};

/// Path below the server's address.
pub const PATH: &str = "/.well-known/kubectl-login";

/// Maximum document length in bytes; certificates make up most of it.
pub const MAX_LENGTH: usize = 256 * 1024;

const API_VERSION: &str = "kubectl-login/v1";
const KIND: &str = "ClientConfiguration";

/// How to sign in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientConfiguration {
    /// The issuer that signs the tokens.
    pub issuer: IssuerUrl,
    /// The public client that `kubectl-login` uses.
    pub client_id: ClientId,
    /// Additional scopes to request.
    pub scopes: Vec<String>,
    /// Base64 of PEM: the CA of the issuer, where the system's trust store does not have it.
    pub certificate_authority_data: Option<String>,
}

/// Why a document is not a `ClientConfiguration`.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum ClientConfigurationError {
    /// Another kind of document: a page, or other JSON.
    #[error("it is not a `{KIND}`")]
    OtherKind,
    /// A later version.
    #[error("it is of the version `{0}`, and this program knows `{API_VERSION}` only")]
    OtherVersion(String),
    /// A key is missing or has the wrong type.
    #[error("its `{0}` is missing, or of a wrong type")]
    Key(&'static str),
    /// The issuer or the client cannot be used.
    #[error("its `{key}` cannot be used")]
    Name {
        /// The key.
        key: &'static str,
        /// The reason.
        #[source]
        source: NameError,
    },
}

impl ClientConfiguration {
    /// Renders the document as JSON.
    pub fn render(&self) -> String {
        let mut document = json!({
            "apiVersion": API_VERSION,
            "kind": KIND,
            "issuerURL": self.issuer.as_str(),
            "clientID": self.client_id.as_str(),
            "scopes": self.scopes,
        });
        if let (Some(data), Value::Object(fields)) =
            (&self.certificate_authority_data, &mut document)
        {
            fields.insert("certificateAuthorityData".to_owned(), Value::from(data.as_str()));
        }
        format!("{document}\n")
    }

    /// Parses a document. Unknown keys come from a later server and are ignored.
    pub fn parse(bytes: &[u8]) -> Result<Self, ClientConfigurationError> {
        let fields: Map<String, Value> =
            serde_json::from_slice(bytes).map_err(|_| ClientConfigurationError::OtherKind)?;
        let text = |key: &'static str| match fields.get(key) {
            Some(Value::String(text)) => Ok(text.as_str()),
            _ => Err(ClientConfigurationError::Key(key)),
        };
        if text("kind") != Ok(KIND) {
            return Err(ClientConfigurationError::OtherKind);
        }
        let version = text("apiVersion")?;
        if version != API_VERSION {
            let shown = version.chars().filter(|c| !c.is_control()).take(40).collect();
            return Err(ClientConfigurationError::OtherVersion(shown));
        }
        let named = |key, source| ClientConfigurationError::Name { key, source };
        let key = "scopes";
        let scopes = match fields.get(key) {
            None | Some(Value::Null) => Some(Vec::new()),
            Some(Value::Array(items)) => {
                items.iter().map(|item| item.as_str().map(ToOwned::to_owned)).collect()
            }
            Some(_) => None,
        };
        let data = "certificateAuthorityData";
        Ok(Self {
            issuer: IssuerUrl::parse(text("issuerURL")?)
                .map_err(|fault| named("issuerURL", fault))?,
            client_id: ClientId::parse(text("clientID")?)
                .map_err(|fault| named("clientID", fault))?,
            scopes: scopes.ok_or(ClientConfigurationError::Key(key))?,
            certificate_authority_data: match fields.get(data) {
                None | Some(Value::Null) => None,
                Some(_) => Some(text(data)?.to_owned()),
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> ClientConfiguration {
        ClientConfiguration {
            issuer: IssuerUrl::parse("https://id.example").unwrap(),
            client_id: ClientId::parse("k").unwrap(),
            scopes: vec!["groups".to_owned()],
            certificate_authority_data: Some("QUJD".to_owned()),
        }
    }

    #[test]
    fn what_is_rendered_reads_back() {
        let bare = ClientConfiguration {
            scopes: Vec::new(),
            certificate_authority_data: None,
            ..sample()
        };
        for document in [sample(), bare] {
            assert_eq!(ClientConfiguration::parse(document.render().as_bytes()), Ok(document));
        }
    }

    #[test]
    fn other_documents_are_told_apart() {
        let parse = |text: &str| ClientConfiguration::parse(text.as_bytes()).unwrap_err();
        for text in ["", "<html>", "[]", "{}", r#"{"kind":"Status","apiVersion":"v1"}"#] {
            assert_eq!(parse(text), ClientConfigurationError::OtherKind, "{text}");
        }
        let good = sample().render();
        assert_eq!(
            parse(&good.replace("login/v1", "login/v2")),
            ClientConfigurationError::OtherVersion("kubectl-login/v2".to_owned())
        );
        assert_eq!(parse(&good.replace("\"k\"", "1")), ClientConfigurationError::Key("clientID"));
        assert!(matches!(
            parse(&good.replace("https:", "http:")),
            ClientConfigurationError::Name { key: "issuerURL", .. }
        ));
        // A later server may add keys.
        let more = good.replace("{\"", "{\"later\":1,\"");
        assert_eq!(ClientConfiguration::parse(more.as_bytes()), Ok(sample()));
    }
}
