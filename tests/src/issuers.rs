//! Many OpenID issuers behind one HTTPS port: documents, counted requests, outages.
//! Never signs anybody in: cases make the tokens with the keys they publish.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result};
use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::certificates::Authority;
use crate::scratch::Scratch;
use crate::signing::SigningKey;
use crate::wait;

const START: Duration = Duration::from_secs(10);

/// One HTTPS server; an issuer is a path of it.
pub struct Issuers {
    base: String,
    authority_pem: String,
    acceptor: TlsAcceptor,
    address: SocketAddr,
    site: Arc<Mutex<Site>>,
    runtime: Runtime,
    serving: Mutex<Option<JoinHandle<()>>>,
    scratch: Scratch,
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
        let scratch = Scratch::new()?;
        let authority = Authority::new(&scratch, "issuers")?;
        let pair = authority.server(&scratch, "issuers-server")?;
        let chain = CertificateDer::pem_file_iter(&pair.certificate)?
            .collect::<Result<Vec<_>, _>>()
            .context("no certificate")?;
        let key = PrivateKeyDer::from_pem_file(&pair.key).context("no private key")?;
        let mut tls = ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key)?;
        tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .context("could not start a runtime")?;
        let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))?;
        let address = listener.local_addr()?;
        let issuers = Self {
            base: format!("https://{address}"),
            authority_pem: authority.pem()?,
            acceptor: TlsAcceptor::from(Arc::new(tls)),
            address,
            site: Arc::default(),
            runtime,
            serving: Mutex::new(None),
            scratch,
        };
        issuers.listen(listener);
        Ok(issuers)
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
        &self.authority_pem
    }

    /// A folder that lives as long as the server.
    pub fn scratch(&self) -> &Scratch {
        &self.scratch
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

    /// Publishes a document for those who show a bearer token.
    pub fn guarded_document(&self, path: &str, bearer: &str, body: &str) {
        self.put(path, Document { body: body.to_owned(), bearer: Some(bearer.to_owned()) });
    }

    /// How often a path was asked for.
    pub fn requests(&self, path: &str) -> usize {
        self.site().requests.get(path).copied().unwrap_or_default()
    }

    /// Ends the server: its port refuses connections, and open ones are closed.
    pub fn stop(&self) -> Result<()> {
        let serving = self.serving.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(serving) = serving {
            serving.abort();
            self.runtime.block_on(async { drop(serving.await) });
        }
        wait::until("the port of the issuers to close", START, || {
            Ok(std::net::TcpStream::connect(self.address).is_err().then_some(()))
        })
    }

    /// Serves again, at the same port.
    pub fn resume(&self) -> Result<()> {
        let listener = wait::until("the port of the issuers", START, || {
            Ok(self.runtime.block_on(TcpListener::bind(self.address)).ok())
        })?;
        self.listen(listener);
        Ok(())
    }

    fn put(&self, path: &str, document: Document) {
        self.site().documents.insert(path.to_owned(), document);
    }

    fn site(&self) -> MutexGuard<'_, Site> {
        self.site.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn listen(&self, listener: TcpListener) {
        let (acceptor, site) = (self.acceptor.clone(), Arc::clone(&self.site));
        let serving = self.runtime.spawn(accept(listener, acceptor, site));
        *self.serving.lock().unwrap_or_else(PoisonError::into_inner) = Some(serving);
    }
}

async fn accept(listener: TcpListener, acceptor: TlsAcceptor, site: Arc<Mutex<Site>>) {
    // Dropped with this task, and all connections with it.
    let mut connections = JoinSet::new();
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        while connections.try_join_next().is_some() {}
        let (acceptor, site) = (acceptor.clone(), Arc::clone(&site));
        connections.spawn(async move {
            let Ok(stream) = acceptor.accept(stream).await else { return };
            let answer = service_fn(move |request: Request<Incoming>| {
                let response = respond(&site, &request);
                async move { Ok::<_, Infallible>(response) }
            });
            let connection = Builder::new(TokioExecutor::new());
            let _ = connection.serve_connection(TokioIo::new(stream), answer).await;
        });
    }
}

fn respond(site: &Mutex<Site>, request: &Request<Incoming>) -> Response<Full<Bytes>> {
    let path = request.uri().path().trim_start_matches('/');
    let mut site = site.lock().unwrap_or_else(PoisonError::into_inner);
    *site.requests.entry(path.to_owned()).or_default() += 1;
    let document = site.documents.get(path).cloned();
    drop(site);
    let (status, body) = match document {
        None => (StatusCode::NOT_FOUND, String::new()),
        Some(Document { bearer: Some(bearer), .. })
            if request
                .headers()
                .get(AUTHORIZATION)
                .is_none_or(|shown| shown.as_bytes() != format!("Bearer {bearer}").as_bytes()) =>
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
