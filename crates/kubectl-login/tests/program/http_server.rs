//! An HTTP server on a loopback port for tests; unit tests have it, too.
//! Never repeats a request or a response on a connection: each has its own.

use std::{collections::HashMap, net::TcpListener, sync::Arc, thread};

use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::{Request, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use url::{Url, form_urlencoded};

pub(crate) type Response = hyper::Response<String>;

/// A response without further headers.
pub(crate) fn response(status: u16, text: impl Into<String>) -> Response {
    hyper::Response::builder().status(status).body(text.into()).unwrap()
}

/// The parameters of a form.
pub(crate) fn form(body: &[u8]) -> HashMap<String, String> {
    form_urlencoded::parse(body).into_owned().collect()
}

/// Serves on a free port until the process ends; returns the URL without a path. `answer` may
/// block; if it returns `None`, the connection is closed without a response.
pub(crate) fn serve(
    answer: impl Fn(&Url, Request<Bytes>) -> Option<Response> + Send + Sync + 'static,
) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let (url, answer) = (Url::parse(&base).unwrap(), Arc::new(answer));
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (url, answer) = (url.clone(), Arc::clone(&answer));
            thread::spawn(move || {
                let answer = |request: Request<Bytes>| {
                    answer(&url.join(&request.uri().to_string()).unwrap(), request)
                };
                converse(stream, answer);
            });
        }
    });
    base
}

fn converse(stream: std::net::TcpStream, answer: impl Fn(Request<Bytes>) -> Option<Response>) {
    let service = service_fn(async |request: Request<Incoming>| {
        let (head, body) = request.into_parts();
        let body = body.collect().await.map_err(|fault| fault.to_string())?.to_bytes();
        answer(Request::from_parts(head, body)).ok_or_else(|| "no response".to_owned())
    });
    stream.set_nonblocking(true).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap();
    runtime.block_on(async {
        let stream = TokioIo::new(tokio::net::TcpStream::from_std(stream).unwrap());
        // A client that goes away is no fault of the server.
        let _ = http1::Builder::new()
            .keep_alive(false)
            .auto_date_header(false)
            .serve_connection(stream, service)
            .await;
    });
}
