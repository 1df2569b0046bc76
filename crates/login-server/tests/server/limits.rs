//! Clients that send too much, too slowly or malformed requests, over raw sockets; and shutdown.
//! Never waits for a default limit: each test sets its own.

use std::{net::SocketAddr, time::Duration};

use login_issuer::store::SqliteStore;
use login_server::{
    config::Limits,
    system::signals::Signal,
    tls::{ClientCertificate, ServingTls},
};
use serde_json::json;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

use crate::support::{
    EmbeddedServer, IssuerElsewhere, Pki, TestServer, ask, config, plain_client, post, question,
    until,
};

const LONG: Duration = Duration::from_secs(20);

async fn with_limits(limits: &Limits) -> (IssuerElsewhere, TestServer) {
    let issuer = IssuerElsewhere::start().await;
    let mut config = config(vec![issuer.policy()]);
    config.limits = *limits;
    (issuer, TestServer::start(config).await)
}

/// Everything that the server answers to `sent` until it closes the connection.
async fn answers(address: SocketAddr, sent: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    // The server may have closed the connection before it read everything.
    let _ = stream.write_all(sent).await;
    let mut said = Vec::new();
    let reading = stream.read_to_end(&mut said);
    // A reset after the answer is a close, too.
    let has_ended = timeout(LONG, reading).await.is_ok();
    assert!(has_ended, "the connection stays open");
    String::from_utf8_lossy(&said).into_owned()
}

#[tokio::test]
async fn a_header_longer_than_16_kib_is_431() {
    let (_issuer, server) = with_limits(&Limits::default()).await;
    let long = format!("GET / HTTP/1.1\r\nhost: x\r\nx: {}\r\n\r\n", "x".repeat(17 * 1024));
    assert!(answers(server.address, long.as_bytes()).await.starts_with("HTTP/1.1 431 "));
    let good = format!("GET / HTTP/1.0\r\nhost: x\r\nx: {}\r\n\r\n", "x".repeat(8 * 1024));
    assert!(answers(server.address, good.as_bytes()).await.starts_with("HTTP/1.0 404 "));
}

#[tokio::test]
async fn what_a_proxy_may_count_otherwise_is_never_a_second_request() {
    let (_issuer, server) = with_limits(&Limits::default()).await;
    let head = "POST /authenticate HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n";
    let second = "GET /elsewhere HTTP/1.1\r\nhost: x\r\n\r\n";
    for (what, framing, status) in [
        ("length, then chunks", "content-length: 41\r\ntransfer-encoding: chunked\r\n", "400"),
        ("chunks, then length", "transfer-encoding: chunked\r\ncontent-length: 41\r\n", "400"),
        ("two lengths", "content-length: 5\r\ncontent-length: 41\r\n", "400"),
        ("an unknown coding", "transfer-encoding: chunked, gzip\r\n", "400"),
        ("a signed length", "content-length: +5\r\n", "400"),
    ] {
        let sent = format!("{head}{framing}\r\n0\r\n\r\n{second}");
        let said = answers(server.address, sent.as_bytes()).await;
        assert!(said.starts_with(&format!("HTTP/1.1 {status} ")), "{what}: {said}");
        assert_eq!(said.matches("HTTP/1.1").count(), 1, "{what}: {said}");
    }
}

#[tokio::test]
async fn a_token_that_is_too_long_is_refused_and_a_body_that_is_too_long_is_413() {
    let (_issuer, server) = with_limits(&Limits::default()).await;
    let client = plain_client();
    let token = |length| format!("a.{}.c", "b".repeat(length));
    assert!(ask(&client, &server.url, &token(60 * 1024)).await.is_refusal());
    assert!(ask(&client, &server.url, &token(80 * 1024)).await.is_refusal());
    let said = post(&client, &server.url, question("v1", &token(97 * 1024), &[])).await;
    assert_eq!((said.status, said.body["kind"].as_str()), (413, Some("Status")));
}

#[tokio::test]
async fn the_token_of_somebody_in_hundreds_of_groups_is_accepted_up_to_the_configured_length() {
    let issuer = IssuerElsewhere::start().await;
    let groups = |count: usize| -> Vec<String> {
        (0..count).map(|n| format!("GRP-APP-Department-{n:04}-Production-RW")).collect()
    };
    let token = |count| issuer.token_with("groups", json!(groups(count)));
    let (large, larger) = (token(1000), token(1300));
    assert!(large.len() > 50_000 && large.len() < 65_536, "{}", large.len());
    assert!(larger.len() > 65_536 && larger.len() < 80_000, "{}", larger.len());
    let client = plain_client();
    let server = TestServer::start(config(vec![issuer.policy()])).await;
    assert_eq!(ask(&client, &server.url, &large).await.username(), Some("ext:bob"));
    assert!(ask(&client, &server.url, &larger).await.is_refusal());
    server.stop().await;
    let mut configured = config(vec![issuer.policy()]);
    configured.bundle.policy = configured.bundle.policy.with_max_token_length(80_000);
    let server = TestServer::start(configured).await;
    assert_eq!(ask(&client, &server.url, &larger).await.username(), Some("ext:bob"));
}

#[tokio::test]
async fn whoever_does_not_read_is_cut() {
    let limits = Limits { idle: Duration::from_millis(300), ..Limits::default() };
    let (_issuer, server) = with_limits(&limits).await;
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let mut stream = socket.connect(server.address).await.unwrap();
    let requests = "GET /elsewhere HTTP/1.1\r\nhost: x\r\n\r\n".repeat(1000);
    // The answers fill every buffer on the way; since the client reads none, the connection ends.
    let writing = async { while stream.write_all(requests.as_bytes()).await.is_ok() {} };
    assert!(timeout(LONG, writing).await.is_ok());
}

/// Frames of HTTP/2 (RFC 9113 §4.1).
pub(crate) struct Frames(pub(crate) Vec<u8>);

impl Frames {
    /// The beginning of a client's connection: the preface and empty settings.
    pub(crate) fn new() -> Self {
        let mut frames = Self(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec());
        frames.add(4, 0, 0, &[]);
        frames
    }

    fn add(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
        let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
        self.0.extend(&length[1..]);
        self.0.extend([kind, flags]);
        self.0.extend(stream.to_be_bytes());
        self.0.extend(payload);
    }

    /// A complete request: GET http://x/ (RFC 7541, appendix A).
    pub(crate) fn request(&mut self, stream: u32) {
        self.add(1, 5, stream, &[0x82, 0x86, 0x84, 0x41, 1, b'x']);
    }
}

/// The type of the next frame; none at the end of the connection.
pub(crate) async fn next_frame(stream: &mut (impl AsyncRead + Unpin)) -> Option<u8> {
    let reading = async {
        let mut head = [0; 9];
        stream.read_exact(&mut head).await.ok()?;
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let mut payload = vec![0; usize::try_from(length).unwrap()];
        stream.read_exact(&mut payload).await.ok()?;
        Some(head[3])
    };
    timeout(LONG, reading).await.unwrap()
}

const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
const GOAWAY: u8 = 7;

#[tokio::test]
async fn an_answer_that_nobody_takes_is_given_up_also_over_http_2() {
    let limits = Limits {
        idle: Duration::from_millis(200),
        review: Duration::from_millis(100),
        form: Duration::from_millis(100),
        ..Limits::default()
    };
    let (_issuer, server) = with_limits(&limits).await;
    let mut frames = Frames(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec());
    // SETTINGS_INITIAL_WINDOW_SIZE (4) is 0: the server may send headers, and no body.
    frames.add(4, 0, 0, &[0, 4, 0, 0, 0, 0]);
    frames.request(1);
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(&frames.0).await.unwrap();
    let mut kinds = Vec::new();
    while let Some(kind) = next_frame(&mut stream).await {
        kinds.push(kind);
    }
    assert!(kinds.contains(&HEADERS) && !kinds.contains(&DATA), "{kinds:?}");
}

#[tokio::test]
async fn streams_that_are_reset_at_once_end_the_connection() {
    let (issuer, server) = with_limits(&Limits::default()).await;
    let mut frames = Frames::new();
    for number in 0..5_000 {
        let stream = 2 * number + 1;
        frames.request(stream);
        frames.add(3, 0, stream, &8_u32.to_be_bytes());
    }
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let (mut reading, mut writing) = stream.split();
    let mut said = Vec::new();
    let ((), read) = tokio::join!(
        async {
            let _ = writing.write_all(&frames.0).await;
        },
        timeout(LONG, reading.read_to_end(&mut said))
    );
    assert!(read.is_ok(), "the connection stays open");
    // GOAWAY (7) with ENHANCE_YOUR_CALM (11) is among the last bytes, if they arrived.
    let is_calmed = said.windows(4).any(|window| window == [0, 0, 0, 11]);
    assert!(said.is_empty() || is_calmed, "{} bytes", said.len());
    assert_eq!(
        ask(&plain_client(), &server.url, &issuer.token()).await.username(),
        Some("ext:bob")
    );
}

#[tokio::test]
async fn a_peer_that_ignores_that_it_was_told_to_go_does_not_hold_up_the_end() {
    let limits = Limits {
        drain: Duration::from_mins(5),
        drain_idle: Duration::from_millis(200),
        ..Limits::default()
    };
    let (_issuer, server) = with_limits(&limits).await;
    let mut frames = Frames::new();
    frames.request(1);
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(&frames.0).await.unwrap();
    // The client never acknowledges settings and never answers pings, but the answer has come.
    while next_frame(&mut stream).await.unwrap() != HEADERS {}
    timeout(LONG, server.stop()).await.unwrap();
    let mut kinds = Vec::new();
    while let Some(kind) = next_frame(&mut stream).await {
        kinds.push(kind);
    }
    assert!(kinds.contains(&GOAWAY), "{kinds:?}");
}

#[tokio::test]
async fn after_the_signal_requests_are_still_taken_for_a_while_and_a_second_one_ends_that() {
    let limits = Limits {
        shutdown_delay: Duration::from_mins(5),
        drain: Duration::from_mins(5),
        ..Limits::default()
    };
    let (issuer, server) = with_limits(&limits).await;
    let is_ready = async || {
        let url = format!("{}/readyz", server.health_url);
        plain_client().get(url).send().await.unwrap().status().as_u16()
    };
    assert_eq!(
        ask(&plain_client(), &server.url, &issuer.token()).await.username(),
        Some("ext:bob")
    );
    assert_eq!(is_ready().await, 200);
    server.send(Signal::Stop).await;
    until("it is not ready", async || is_ready().await != 200).await;
    let live = plain_client().get(format!("{}/livez", server.health_url)).send().await.unwrap();
    assert_eq!(live.status().as_u16(), 200);
    assert_eq!(
        ask(&plain_client(), &server.url, &issuer.token()).await.username(),
        Some("ext:bob")
    );
    server.send(Signal::Reload).await;
    server.send(Signal::Stop).await;
    timeout(LONG, server.ended()).await.unwrap();
}

#[tokio::test]
async fn a_second_signal_cuts_what_is_open() {
    let limits = Limits {
        drain: Duration::from_mins(5),
        review: Duration::from_mins(4),
        ..Limits::default()
    };
    let issuer = IssuerElsewhere::start().await;
    issuer.shown.wait_before_answering(Duration::from_mins(4));
    let mut config = config(vec![issuer.policy()]);
    config.limits = limits;
    config.key_set_intervals.timeout = Duration::from_mins(4);
    let server = TestServer::start(config).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let body = question("v1", &issuer.token(), &[]);
    let length = body.len();
    let request = format!(
        "POST /authenticate HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\
         content-length: {length}\r\nexpect: 100-continue\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    // The server has begun with the request when it asks for the body.
    let mut go_on = [0; 12];
    timeout(LONG, stream.read_exact(&mut go_on)).await.unwrap().unwrap();
    assert_eq!(&go_on, b"HTTP/1.1 100");
    stream.write_all(body.as_bytes()).await.unwrap();
    server.send(Signal::Stop).await;
    server.send(Signal::Stop).await;
    timeout(LONG, server.ended()).await.unwrap();
}

#[tokio::test]
async fn a_crowd_on_the_main_listener_does_not_reach_the_health_checks() {
    let (_issuer, server) =
        with_limits(&Limits { connections: 32, reviews: 1, ..Limits::default() }).await;
    let mut crowd = Vec::new();
    for _ in 0..100 {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        stream.write_all(b"POST /authenticate HTTP/1.1\r\n").await.unwrap();
        crowd.push(stream);
    }
    let client = plain_client();
    for _ in 0..20 {
        let live = client.get(format!("{}/livez", server.health_url)).send();
        assert_eq!(timeout(LONG, live).await.unwrap().unwrap().status().as_u16(), 200);
    }
    drop(crowd);
}

#[tokio::test]
async fn of_verified_certificates_only_allowed_common_names_count() {
    let issuer = IssuerElsewhere::start().await;
    let pki = Pki::new();
    let demand = ClientCertificate::Required;
    let authority = pki.authority_file();
    let status = async |server: &TestServer| {
        let (certificate, key) = pki.issue_to("kube-apiserver");
        let identity =
            reqwest::Identity::from_pem(format!("{certificate}{key}").as_bytes()).unwrap();
        let client = pki.client().identity(identity).build().unwrap();
        ask(&client, &server.url, &issuer.token()).await.status
    };
    for (names, expected) in [
        (&[][..], 200),
        (&["kube-apiserver"], 200),
        (&["front-proxy", "kube-apiserver"], 200),
        (&["front-proxy"], 401),
        (&["kube"], 401),
        // The certificate contains it, as an alternative name.
        (&["127.0.0.1"], 401),
    ] {
        let mut config = config(vec![issuer.policy()]);
        config.client_certificate = demand;
        let tls: ServingTls = pki.server_tls(Some((&authority, demand)));
        config.tls = Some(tls.allowing(names.iter().copied().map(str::to_owned).collect()));
        let server = TestServer::start(config).await;
        assert_eq!(status(&server).await, expected, "{names:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crowd_at_the_embedded_issuer_holds_up_neither_health_nor_the_look_at_sessions() {
    let embedded = EmbeddedServer::start_changed(SqliteStore::in_memory().unwrap(), |config, _| {
        // As if other requests occupied every place permanently.
        let form = Duration::from_millis(200);
        config.limits = Limits { issuer_operations: 0, form, ..Limits::default() };
    })
    .await;
    let status =
        async |request: reqwest::RequestBuilder| request.send().await.unwrap().status().as_u16();
    let code = [("client_id", "kubectl-login")];
    let ask = embedded.client.post(embedded.url("/device_authorization")).form(&code);
    assert_eq!(status(ask).await, 503);
    let ready = format!("{}/readyz?verbose", embedded.server.health_url);
    assert_eq!(status(reqwest::Client::new().get(ready)).await, 200);
    embedded.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crowd_that_signs_in_holds_up_no_other_request_of_the_embedded_issuer() {
    let embedded = EmbeddedServer::start_changed(SqliteStore::in_memory().unwrap(), |config, _| {
        // As if a password check never ended.
        let form = Duration::from_mins(5);
        config.limits = Limits { password_checks: 0, form, ..Limits::default() };
    })
    .await;
    let client = embedded.pki.client().http1_only().timeout(Duration::from_mins(5)).build();
    let (client, url) = (client.unwrap(), embedded.url("/authorize"));
    let mut crowd = tokio::task::JoinSet::new();
    for _ in 0..300 {
        let form = [("ticket", "a"), ("username", "alice"), ("password", "b")];
        let request = client.post(&url).form(&form);
        crowd.spawn(async move { request.send().await.unwrap().status().as_u16() });
    }
    // The first request that is answered found the queue full.
    assert_eq!(timeout(LONG, crowd.join_next()).await.unwrap().unwrap().unwrap(), 503);
    let code = [("client_id", "kubectl-login")];
    let ask = embedded.client.post(embedded.url("/device_authorization")).form(&code);
    assert_eq!(ask.send().await.unwrap().status().as_u16(), 200);
}
