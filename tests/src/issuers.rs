//! Many OpenID issuers behind one HTTPS port: documents, counted requests, outages.
//! Never signs users in: cases make the tokens with the keys they publish.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Result;
use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use hyper::{Request, Response, StatusCode};
use serde_json::{Value, json};

use crate::https::{Answer, HttpsServer};
use crate::scratch::Scratch;
use crate::signing::SigningKey;

/// One HTTPS server; an issuer is a path of it.
pub struct Issuers {
    base: String,
    site: Arc<Mutex<Site>>,
    server: HttpsServer,
}

#[derive(Default)]
struct Site {
    documents: BTreeMap<String, Document>,
    requests: BTreeMap<String, usize>,
}

#[derive(Clone)]
struct Document {
    body: String,
    bearer: Option<String>,
}

impl Issuers {
    /// Starts the server on a free port, with nothing published.
    pub fn start() -> Result<Self> {
        let site = Arc::<Mutex<Site>>::default();
        let asked = Arc::clone(&site);
        let server = HttpsServer::start(move |request| respond(&asked, request))?;
        Ok(Self { base: format!("https://{}", server.address()), site, server })
    }

    /// Where the paths begin: `https://127.0.0.1:PORT`.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// The URL of the issuer `name`.
    pub fn url(&self, name: &str) -> String {
        format!("{}/{name}", self.base)
    }

    /// The certificate authority of the server, in PEM.
    pub fn authority_pem(&self) -> &str {
        self.server.authority_pem()
    }

    /// A folder that lives as long as the server.
    pub fn scratch(&self) -> &Scratch {
        self.server.scratch()
    }

    /// Publishes an issuer, or changes its keys: the discovery document and the JWK Set.
    pub fn publish(&self, name: &str, keys: &[&SigningKey]) -> Result<()> {
        let url = self.url(name);
        let discovery = json!({
            "issuer": url,
            "jwks_uri": format!("{url}/keys"),
            "authorization_endpoint": format!("{url}/authorize"),
            "token_endpoint": format!("{url}/token"),
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["ES256", "RS256"],
        });
        let keys = keys.iter().map(|key| key.public()).collect::<Result<Vec<Value>>>()?;
        let folder = name.trim_end_matches('/');
        self.document(
            &format!("{folder}/.well-known/openid-configuration"),
            &discovery.to_string(),
        );
        self.document(&format!("{name}/keys"), &json!({ "keys": keys }).to_string());
        Ok(())
    }

    /// Publishes any document at a path, without the first slash.
    pub fn document(&self, path: &str, body: &str) {
        self.put(path, Document { body: body.to_owned(), bearer: None });
    }

    /// Publishes a document that requires a bearer token.
    pub fn guarded_document(&self, path: &str, bearer: &str, body: &str) {
        self.put(path, Document { body: body.to_owned(), bearer: Some(bearer.to_owned()) });
    }

    /// How often a path was asked for.
    pub fn requests(&self, path: &str) -> usize {
        self.site().requests.get(path).copied().unwrap_or_default()
    }

    /// Ends the server: its port refuses connections, and open ones are closed.
    pub fn stop(&self) -> Result<()> {
        self.server.stop()
    }

    /// Serves again, at the same port.
    pub fn resume(&self) -> Result<()> {
        self.server.resume()
    }

    fn put(&self, path: &str, document: Document) {
        self.site().documents.insert(path.to_owned(), document);
    }

    fn site(&self) -> MutexGuard<'_, Site> {
        self.site.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn respond(site: &Mutex<Site>, request: &Request<Incoming>) -> Answer {
    let path = request.uri().path().trim_start_matches('/');
    let mut site = site.lock().unwrap_or_else(PoisonError::into_inner);
    *site.requests.entry(path.to_owned()).or_default() += 1;
    let document = site.documents.get(path).cloned();
    drop(site);
    let shown = request.headers().get(AUTHORIZATION).map(HeaderValue::as_bytes);
    let (status, body) = match document {
        None => (StatusCode::NOT_FOUND, String::new()),
        Some(Document { bearer: Some(bearer), .. })
            if shown != Some(format!("Bearer {bearer}").as_bytes()) =>
        {
            (StatusCode::UNAUTHORIZED, String::new())
        }
        Some(document) => (StatusCode::OK, document.body),
    };
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
