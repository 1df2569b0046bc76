//! A fake of another party, scripted by the test: an authorization server, or a source of groups.
//! Never judges requests: it only stores them.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use login_server::{
    config::Limits,
    serve::{Answering, Arriving, Caller, Phase, serve},
    tls::ServingTls,
};
use tokio::{net::TcpListener, sync::watch};

use crate::support::{CLOCK, Pki};

/// The fake party; it stops when dropped.
pub(crate) struct Elsewhere {
    pub(crate) url: String,
    pub(crate) pki: Pki,
    pub(crate) script: Arc<Script>,
    _phase: watch::Sender<Phase>,
}

/// Its answers, and the requests that it received.
#[derive(Default)]
pub(crate) struct Script {
    answer: Mutex<(u16, &'static str, String)>,
    delay: Mutex<Duration>,
    requests: AtomicUsize,
    latest: Mutex<Option<(HeaderMap, String)>>,
}

impl Script {
    pub(crate) fn say(&self, status: u16, media_type: &'static str, body: impl Into<String>) {
        *self.answer.lock().unwrap() = (status, media_type, body.into());
    }

    pub(crate) fn say_json(&self, body: &serde_json::Value) {
        self.say(200, "application/json", body.to_string());
    }

    pub(crate) fn wait_before_answering(&self, delay: Duration) {
        *self.delay.lock().unwrap() = delay;
    }

    pub(crate) fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }

    /// Headers and body of the latest request.
    pub(crate) fn latest(&self) -> (HeaderMap, String) {
        self.latest.lock().unwrap().clone().unwrap()
    }
}

impl Answering for Script {
    async fn answer(
        self: Arc<Self>,
        _: Caller,
        request: Request<Arriving>,
    ) -> Response<Full<Bytes>> {
        self.requests.fetch_add(1, Ordering::SeqCst);
        let (parts, body) = request.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let text = String::from_utf8_lossy(&body).into_owned();
        *self.latest.lock().unwrap() = Some((parts.headers, text));
        let delay = *self.delay.lock().unwrap();
        tokio::time::sleep(delay).await;
        let (status, media_type, body) = self.answer.lock().unwrap().clone();
        let mut response = Response::new(Full::new(Bytes::from(body)));
        *response.status_mut() = StatusCode::from_u16(status).unwrap();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
        if status == 302 {
            headers.insert(header::LOCATION, HeaderValue::from_static("/elsewhere"));
        }
        response
    }
}

impl Elsewhere {
    pub(crate) async fn start() -> Self {
        let pki = Pki::new();
        let tls = pki.server_tls(None);
        Self::start_with(pki, Some(tls)).await
    }

    /// Over plain HTTP.
    pub(crate) async fn in_the_clear() -> Self {
        Self::start_with(Pki::new(), None).await
    }

    pub(crate) async fn start_with(pki: Pki, tls: Option<ServingTls>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let scheme = if tls.is_some() { "https" } else { "http" };
        let url = format!("{scheme}://{}", listener.local_addr().unwrap());
        let script = Arc::<Script>::default();
        let (phase, watching) = watch::channel(Phase::Serving);
        tokio::spawn(serve(listener, tls, CLOCK, Limits::default(), Arc::clone(&script), watching));
        Self { url, pki, script, _phase: phase }
    }
}
