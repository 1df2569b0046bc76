//! Spans of reviews, as a collector receives them.
//! Never decodes them with a library: the tests search the bytes that were sent.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use login_common::names::IssuerUrl;
use login_server::{
    callers::Tokens,
    config::{Limits, ServerConfig},
    serve::{Answering, Arriving, Caller, Phase, serve},
    system::{
        files::{Readers, write},
        tracked_files::TrackedFiles,
    },
    telemetry::{metrics::issuer_hash, traces::TraceSettings},
};
use tokio::{net::TcpListener, sync::watch};

use crate::support::{
    CLOCK, IssuerElsewhere, Said, TestServer, config, plain_client, question, until,
};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const PARENT: &str = "b7ad6b7169203331";

/// A collector and what it received.
struct Collector {
    url: String,
    taken: Arc<Taken>,
    _phase: watch::Sender<Phase>,
}

#[derive(Default)]
struct Taken(Mutex<Vec<(String, Bytes)>>);

impl Answering for Taken {
    async fn answer(
        self: Arc<Self>,
        _: Caller,
        request: Request<Arriving>,
    ) -> Response<Full<Bytes>> {
        let (head, body) = request.into_parts();
        let media_type = head.headers["content-type"].to_str().unwrap();
        let asked = format!("{} {} {media_type}", head.method, head.uri.path());
        let body = body.collect().await.unwrap().to_bytes();
        self.0.lock().unwrap().push((asked, body));
        Response::new(Full::default())
    }
}

impl Collector {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/v1/traces", listener.local_addr().unwrap());
        let taken = Arc::new(Taken::default());
        let (phase, watching) = watch::channel(Phase::Serving);
        tokio::spawn(serve(listener, None, CLOCK, Limits::default(), Arc::clone(&taken), watching));
        Self { url, taken, _phase: phase }
    }

    fn requests(&self) -> Vec<(String, Bytes)> {
        self.taken.0.lock().unwrap().clone()
    }
}

fn traced(issuer: &IssuerElsewhere, collector: &str) -> ServerConfig {
    let mut config = config(vec![issuer.policy()]);
    let endpoint = IssuerUrl::parse(collector).unwrap();
    config.traces = Some(TraceSettings { endpoint, sampling: 1.0 });
    config
}

async fn ask_within_a_trace(server: &TestServer, token: &str, flags: &str) -> Said {
    let response = plain_client()
        .post(format!("{}/authenticate", server.url))
        .header("content-type", "application/json")
        .header("traceparent", format!("00-{TRACE}-{PARENT}-{flags}"))
        .body(question("v1", token, &[]))
        .send()
        .await
        .unwrap();
    Said::by(response).await
}

fn holds(body: &[u8], wanted: &[u8]) -> bool {
    body.windows(wanted.len()).any(|window| window == wanted)
}

fn bytes_of(hexadecimal: &str) -> Vec<u8> {
    let pairs = (0..hexadecimal.len()).step_by(2);
    pairs.map(|at| u8::from_str_radix(&hexadecimal[at..at + 2], 16).unwrap()).collect()
}

#[tokio::test]
async fn the_span_of_a_review_belongs_to_the_trace_of_its_caller_and_says_nothing_of_the_token() {
    let (issuer, collector) = (IssuerElsewhere::start().await, Collector::start().await);
    let server = TestServer::start(traced(&issuer, &collector.url)).await;
    let token = issuer.token();
    let said = ask_within_a_trace(&server, &token, "01").await;
    assert_eq!(said.username(), Some("ext:bob"));
    let extra = &said.body["status"]["user"]["extra"];
    let decision = extra["kubectl-login.internal/decision-id"][0].as_str().unwrap();
    server.stop().await;
    let requests = collector.requests();
    let [(asked, body)] = requests.as_slice() else { panic!("{requests:?}") };
    assert_eq!(asked, "POST /v1/traces application/x-protobuf");
    let hash = issuer_hash(&issuer.url);
    for told in ["login-server", "TokenReview", "accepted", decision, &hash] {
        assert!(holds(body, told.as_bytes()), "{told} in {body:?}");
    }
    assert!(holds(body, &bytes_of(TRACE)) && holds(body, &bytes_of(PARENT)), "{body:?}");
    let parts: Vec<&str> = token.split('.').collect();
    for untold in [parts[0], parts[1], parts[2], "bob", "j1", issuer.url.as_str()] {
        assert!(!holds(body, untold.as_bytes()), "{untold} in {body:?}");
    }
}

#[tokio::test]
async fn a_trace_that_its_caller_does_not_record_is_left_alone() {
    let (issuer, collector) = (IssuerElsewhere::start().await, Collector::start().await);
    let server = TestServer::start(traced(&issuer, &collector.url)).await;
    assert_eq!(ask_within_a_trace(&server, &issuer.token(), "00").await.status, 200);
    server.stop().await;
    assert!(collector.requests().is_empty());
}

#[tokio::test]
async fn whoever_may_not_ask_begins_no_span() {
    let (issuer, collector) = (IssuerElsewhere::start().await, Collector::start().await);
    let mut config = traced(&issuer, &collector.url);
    let file = issuer.pki.folder.path().join("callers");
    write(&file, "A".repeat(32).as_bytes(), Readers::OwnerOnly).unwrap();
    config.caller_tokens = Some(Tokens::read(&file, &TrackedFiles::default()).unwrap());
    let server = TestServer::start(config).await;
    let said = ask_within_a_trace(&server, &issuer.token(), "01").await;
    assert!((400..500).contains(&said.status), "{}", said.status);
    server.stop().await;
    assert!(collector.requests().is_empty());
}

#[tokio::test]
async fn a_collector_that_is_down_changes_no_answer_and_what_it_misses_is_counted() {
    let issuer = IssuerElsewhere::start().await;
    // No server listens at this address any more.
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v1/traces", gone.local_addr().unwrap());
    drop(gone);
    let server = TestServer::start(traced(&issuer, &url)).await;
    let token = issuer.token();
    for _ in 0..3 {
        let said = ask_within_a_trace(&server, &token, "01").await;
        assert_eq!(said.username(), Some("ext:bob"));
    }
    until("the lost spans are counted", async || {
        server.metrics().await.contains("login_server_trace_spans_dropped_total 3\n")
    })
    .await;
    server.stop().await;
}
