//! The floor of the webhook: a hyper server that reads a request and replies with fixed bytes.
//! Never parses the request: what login-server does with it is what may cost more.
//!
//! usage: `bare_hyper REPLY-FILE [CERTIFICATE-FILE KEY-FILE]`; prints its URL, then serves.

#![expect(clippy::print_stdout, reason = "the URL is what the benchmark waits for")]

use anyhow::{Context as _, Result};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::{Request, Response, body::Incoming, header, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto::Builder,
};
use std::{convert::Infallible, fs, sync::Arc};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpListener,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    },
};

// One worker, as on the one core that the benchmark gives each server.
#[tokio::main(flavor = "multi_thread", worker_threads = 1)]
async fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (reply, acceptor) = match arguments.as_slice() {
        [reply] => (reply, None),
        [reply, certificate, key] => (reply, Some(acceptor(certificate, key)?)),
        _ => anyhow::bail!("usage: bare_hyper REPLY-FILE [CERTIFICATE-FILE KEY-FILE]"),
    };
    let reply = Bytes::from(fs::read(reply)?);
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let scheme = if acceptor.is_some() { "https" } else { "http" };
    println!("{scheme}://{}/authenticate", listener.local_addr()?);
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let (reply, acceptor) = (reply.clone(), acceptor.clone());
        tokio::spawn(async move {
            match acceptor {
                None => serve(stream, reply).await,
                // A load generator that closes the connection is not a failure of this program.
                Some(acceptor) => {
                    if let Ok(stream) = acceptor.accept(stream).await {
                        serve(stream, reply).await;
                    }
                }
            }
        });
    }
}

async fn serve(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, reply: Bytes) {
    let answer = service_fn(move |request: Request<Incoming>| {
        let reply = reply.clone();
        async move {
            let _ = request.into_body().collect().await;
            let mut response = Response::new(Full::new(reply));
            response
                .headers_mut()
                .insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
            Ok::<_, Infallible>(response)
        }
    });
    let connection = Builder::new(TokioExecutor::new());
    let _ = connection.serve_connection(TokioIo::new(stream), answer).await;
}

fn acceptor(certificate: &str, key: &str) -> Result<TlsAcceptor> {
    let chain = CertificateDer::pem_file_iter(certificate)?.collect::<Result<Vec<_>, _>>()?;
    let key = PrivateKeyDer::from_pem_file(key).context("no private key")?;
    let mut config = ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}
