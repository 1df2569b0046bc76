//! An HTTPS server inside the test process, whose answers a case decides.
//! Never replaces a program that exists: it plays an issuer or an extension API server.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result};
use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::certificates::{Authority, Pair};
use crate::scratch::Scratch;
use crate::wait;

const START: Duration = Duration::from_secs(10);

/// What a server answers.
pub type Answer = Response<Full<Bytes>>;

type Handler = Arc<dyn Fn(&Request<Incoming>) -> Answer + Send + Sync>;

/// A server on a free port of loopback, with a certificate of its own authority.
pub struct HttpsServer {
    authority_pem: String,
    address: SocketAddr,
    acceptor: TlsAcceptor,
    handler: Handler,
    runtime: Runtime,
    serving: Mutex<Option<JoinHandle<()>>>,
    scratch: Scratch,
}

impl HttpsServer {
    /// Starts it.
    pub fn start(
        handler: impl Fn(&Request<Incoming>) -> Answer + Send + Sync + 'static,
    ) -> Result<Self> {
        let scratch = Scratch::new()?;
        let authority = Authority::new(&scratch, "https-authority")?;
        let acceptor = acceptor(&authority.server(&scratch, "https-server")?)?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .context("could not start a runtime")?;
        let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))?;
        let server = Self {
            authority_pem: authority.pem()?,
            address: listener.local_addr()?,
            acceptor,
            handler: Arc::new(handler),
            runtime,
            serving: Mutex::new(None),
            scratch,
        };
        server.listen(listener);
        Ok(server)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its certificate authority, in PEM.
    pub fn authority_pem(&self) -> &str {
        &self.authority_pem
    }

    /// A folder that lives as long as it.
    pub fn scratch(&self) -> &Scratch {
        &self.scratch
    }

    /// Stops it: the port refuses connections, and open ones are closed.
    pub fn stop(&self) -> Result<()> {
        let serving = self.serving.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(serving) = serving {
            serving.abort();
            self.runtime.block_on(async { drop(serving.await) });
        }
        wait::until("the port to close", START, || {
            Ok(TcpStream::connect(self.address).is_err().then_some(()))
        })
    }

    /// Serves again, at the same port.
    pub fn resume(&self) -> Result<()> {
        let listener = wait::until("the port to be free", START, || {
            Ok(self.runtime.block_on(TcpListener::bind(self.address)).ok())
        })?;
        self.listen(listener);
        Ok(())
    }

    fn listen(&self, listener: TcpListener) {
        let (acceptor, handler) = (self.acceptor.clone(), Arc::clone(&self.handler));
        let serving = self.runtime.spawn(accept(listener, acceptor, handler));
        *self.serving.lock().unwrap_or_else(PoisonError::into_inner) = Some(serving);
    }
}

fn acceptor(pair: &Pair) -> Result<TlsAcceptor> {
    let chain = CertificateDer::pem_file_iter(&pair.certificate)?
        .collect::<Result<Vec<_>, _>>()
        .context("no certificate")?;
    let key = PrivateKeyDer::from_pem_file(&pair.key).context("no private key")?;
    let mut tls = ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key)?;
    tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(tls)))
}

async fn accept(listener: TcpListener, acceptor: TlsAcceptor, handler: Handler) {
    // Dropped with this task, and all connections with it.
    let mut connections = JoinSet::new();
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        while connections.try_join_next().is_some() {}
        let (acceptor, handler) = (acceptor.clone(), Arc::clone(&handler));
        connections.spawn(async move {
            let Ok(stream) = acceptor.accept(stream).await else { return };
            let answer = service_fn(move |request: Request<Incoming>| {
                let answer = handler(&request);
                async move { Ok::<_, Infallible>(answer) }
            });
            let connection = Builder::new(TokioExecutor::new());
            let _ = connection.serve_connection(TokioIo::new(stream), answer).await;
        });
    }
}
