//! Floods that hold connections and bodies open, and callers that must get in all the same.
//! Never waits for a default limit: each test sets its own.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use login_review::{Expression, Rule};
use login_server::{
    callers::Tokens,
    config::Limits,
    system::{
        files::{Readers, write},
        tracked_files::TrackedFiles,
    },
    tls::ClientCertificate,
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject as _};
use serde_json::json;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpSocket, TcpStream},
    time::timeout,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use crate::{
    limits::{Frames, HEADERS, next_frame},
    support::{IssuerElsewhere, Pki, TestServer, ask, config, plain_client, question},
};

const LONG: Duration = Duration::from_secs(20);

/// TLS for requests that the test writes itself, so that it decides when a connection ends.
pub(crate) fn tls_client(
    pki: &Pki,
    identity: Option<(String, String)>,
    protocol: &str,
    versions: &[&'static rustls::SupportedProtocolVersion],
) -> Arc<rustls::ClientConfig> {
    let mut roots = rustls::RootCertStore::empty();
    let authority = CertificateDer::from_pem_slice(pki.authority_pem.as_bytes()).unwrap();
    roots.add(authority).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .unwrap()
        .with_root_certificates(roots);
    let mut client = match identity {
        Some((certificate, key)) => builder
            .with_client_auth_cert(
                vec![CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()],
                PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap(),
            )
            .unwrap(),
        None => builder.with_no_client_auth(),
    };
    client.alpn_protocols = vec![protocol.as_bytes().to_vec()];
    Arc::new(client)
}

pub(crate) async fn connect(
    client: &Arc<rustls::ClientConfig>,
    address: SocketAddr,
) -> std::io::Result<TlsStream<TcpStream>> {
    let stream = TcpStream::connect(address).await.unwrap();
    let name = ServerName::IpAddress(IpAddr::V4(Ipv4Addr::LOCALHOST).into());
    TlsConnector::from(Arc::clone(client)).connect(name, stream).await
}

pub(crate) async fn handshake(
    pki: &Pki,
    address: SocketAddr,
    identity: Option<(String, String)>,
    protocol: &str,
) -> TlsStream<TcpStream> {
    let client = tls_client(pki, identity, protocol, rustls::ALL_VERSIONS);
    connect(&client, address).await.unwrap()
}

pub(crate) fn review(token: &str) -> String {
    let body = question("v1", token, &[]);
    let length = body.len();
    format!(
        "POST /authenticate HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\
         content-length: {length}\r\n\r\n{body}"
    )
}

/// Sends `sent`, reads the answer to its end, and returns its beginning.
pub(crate) async fn status(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    sent: &str,
) -> String {
    stream.write_all(sent.as_bytes()).await.unwrap();
    stream.flush().await.unwrap();
    let reading = async {
        let mut heard = Vec::new();
        while !heard.ends_with(b"\r\n\r\n") {
            heard.push(stream.read_u8().await.unwrap());
        }
        let head = String::from_utf8(heard).unwrap().to_ascii_lowercase();
        let length = head.split("content-length: ").nth(1).and_then(|rest| rest.lines().next());
        let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
        stream.read_exact(&mut body).await.unwrap();
        head[..12].to_ascii_uppercase()
    };
    timeout(LONG, reading).await.unwrap()
}

async fn is_closed(stream: &mut (impl AsyncRead + Unpin)) -> bool {
    let mut rest = Vec::new();
    // A reset is an end, too.
    timeout(LONG, stream.read_to_end(&mut rest)).await.is_ok()
}

async fn from_source(last: u8, address: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::from((Ipv4Addr::new(127, 0, 0, last), 0))).unwrap();
    socket.connect(address).await.unwrap()
}

#[tokio::test]
async fn a_crowd_that_shows_nothing_never_keeps_a_caller_out_nor_drops_it() {
    let issuer = IssuerElsewhere::start().await;
    let pki = Pki::new();
    let demand = ClientCertificate::RequiredForReviews;
    let authority = pki.authority_file();
    let mut config = config(vec![issuer.policy()]);
    config.client_certificate = demand;
    config.tls = Some(pki.server_tls(Some((&authority, demand))));
    config.limits = Limits {
        connections: 24,
        reserved_connections: 8,
        connections_of_source: 1_000,
        ..Limits::default()
    };
    let server = TestServer::start(config).await;
    let callers = || handshake(&pki, server.address, Some(pki.issue()), "http/1.1");
    let mut early = callers().await;
    assert_eq!(status(&mut early, &review(&issuer.token())).await, "HTTP/1.1 200");
    let (mut silent, mut encrypted) = (Vec::new(), Vec::new());
    for round in 0..6 {
        for _ in 0..50 {
            silent.push(TcpStream::connect(server.address).await.unwrap());
        }
        for _ in 0..10 {
            encrypted.push(handshake(&pki, server.address, None, "h2").await);
        }
        let mut late = callers().await;
        let said = status(&mut late, &review(&issuer.token())).await;
        assert_eq!(said, "HTTP/1.1 200", "round {round}");
        assert_eq!(status(&mut early, &review(&issuer.token())).await, "HTTP/1.1 200");
    }
    // The oldest connection of the flood was dropped, and the newest is still open.
    assert!(is_closed(&mut silent[0]).await);
    let newest = encrypted.last_mut().unwrap();
    newest.write_all(&Frames::new().0).await.unwrap();
    assert!(next_frame(newest).await.is_some());
    let metrics = server.metrics().await;
    let displaced = metrics
        .lines()
        .find_map(|line| line.strip_prefix("login_server_connections_displaced_total "))
        .and_then(|count| count.parse::<u32>().ok());
    assert!(displaced.is_some_and(|count| 300 <= count), "{displaced:?}");
}

#[tokio::test]
async fn a_token_of_a_caller_or_a_good_one_of_a_person_keeps_a_connection() {
    const CALLER: &str = "caller-0123456789abcdefghij";
    let issuer = IssuerElsewhere::start().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tokens");
    write(&path, CALLER.as_bytes(), Readers::OwnerOnly).unwrap();
    let tokens = Tokens::read(&path, &TrackedFiles::default());
    for (tokens, shown, token, is_kept) in [
        (None, "", issuer.token(), true),
        (None, "", "a.b.c".to_owned(), false),
        (Some(tokens.unwrap()), CALLER, "a.b.c".to_owned(), true),
    ] {
        let mut config = config(vec![issuer.policy()]);
        config.caller_tokens = tokens;
        config.limits = Limits { connections: 4, reserved_connections: 2, ..Limits::default() };
        let server = TestServer::start(config).await;
        let mut caller = TcpStream::connect(server.address).await.unwrap();
        let request =
            review(&token).replace("host: x", &format!("host: x\r\nauthorization: Bearer {shown}"));
        assert_eq!(status(&mut caller, &request).await, "HTTP/1.1 200");
        let mut crowd = Vec::new();
        for _ in 0..4 {
            crowd.push(TcpStream::connect(server.address).await.unwrap());
        }
        assert!(is_closed(&mut crowd[0]).await);
        if is_kept {
            assert_eq!(status(&mut caller, &request).await, "HTTP/1.1 200");
        } else {
            assert!(is_closed(&mut caller).await);
        }
    }
}

#[tokio::test]
async fn one_address_displaces_only_its_own_connections() {
    let issuer = IssuerElsewhere::start().await;
    let mut config = config(vec![issuer.policy()]);
    config.limits = Limits { connections_of_source: 4, ..Limits::default() };
    let server = TestServer::start(config).await;
    let mut neighbour = from_source(2, server.address).await;
    let mut crowd = Vec::new();
    for _ in 0..20 {
        crowd.push(from_source(3, server.address).await);
    }
    for displaced in &mut crowd[..16] {
        assert!(is_closed(displaced).await);
    }
    let request = "GET /elsewhere HTTP/1.1\r\nhost: x\r\n\r\n";
    for stream in crowd[16..].iter_mut().chain([&mut neighbour]) {
        assert_eq!(status(stream, request).await, "HTTP/1.1 404");
    }
}

#[tokio::test]
async fn a_probe_gets_in_however_many_hold_the_health_listener() {
    let issuer = IssuerElsewhere::start().await;
    let server = TestServer::start(config(vec![issuer.policy()])).await;
    let health: SocketAddr = server.health_url.trim_start_matches("http://").parse().unwrap();
    let mut crowd = Vec::new();
    for source in 1..=6 {
        for _ in 0..70 {
            crowd.push(from_source(source, health).await);
        }
    }
    let live = plain_client().get(format!("{}/livez", server.health_url)).send();
    assert_eq!(timeout(LONG, live).await.unwrap().unwrap().status().as_u16(), 200);
}

#[tokio::test]
async fn over_http_2_only_a_caller_may_stay_without_asking() {
    let issuer = IssuerElsewhere::start().await;
    let pki = Pki::new();
    let demand = ClientCertificate::RequiredForReviews;
    let authority = pki.authority_file();
    let mut config = config(vec![issuer.policy()]);
    config.client_certificate = demand;
    config.tls = Some(pki.server_tls(Some((&authority, demand))));
    config.limits = Limits { idle: Duration::from_millis(100), ..Limits::default() };
    let server = TestServer::start(config).await;
    let mut caller = handshake(&pki, server.address, Some(pki.issue()), "h2").await;
    let mut stranger = handshake(&pki, server.address, None, "h2").await;
    for stream in [&mut caller, &mut stranger] {
        let mut frames = Frames::new();
        frames.request(1);
        stream.write_all(&frames.0).await.unwrap();
        while next_frame(stream).await.unwrap() != HEADERS {}
    }
    assert!(is_closed(&mut stranger).await);
    let mut frames = Frames(Vec::new());
    frames.request(3);
    caller.write_all(&frames.0).await.unwrap();
    while next_frame(&mut caller).await.unwrap() != HEADERS {}
}

/// A request whose body stops after `sent` bytes.
async fn half_a_body(server: &TestServer, announced: usize, sent: usize) -> TcpStream {
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let head = format!(
        "POST /authenticate HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\
         content-length: {announced}\r\nexpect: 100-continue\r\n\r\n"
    );
    // The server has begun with the request when it asks for the body.
    assert_eq!(status(&mut stream, &head).await, "HTTP/1.1 100");
    stream.write_all(&vec![b' '; sent]).await.unwrap();
    stream
}

#[tokio::test]
async fn bodies_that_never_come_take_no_turn() {
    let issuer = IssuerElsewhere::start().await;
    let mut config = config(vec![issuer.policy()]);
    config.limits = Limits { reviews: 1, waiting_reviews: 0, ..Limits::default() };
    let server = TestServer::start(config).await;
    let mut crowd = Vec::new();
    for _ in 0..50 {
        crowd.push(half_a_body(&server, 100, 1).await);
    }
    let said = ask(&plain_client(), &server.url, &issuer.token()).await;
    assert_eq!(said.username(), Some("ext:bob"));
    drop(crowd);
}

#[tokio::test]
async fn bodies_that_never_come_displace_each_other() {
    let issuer = IssuerElsewhere::start().await;
    let mut config = config(vec![issuer.policy()]);
    config.limits = Limits { arriving_bytes: 128 * 1024, ..Limits::default() };
    let server = TestServer::start(config).await;
    let (mut first, _second) =
        (half_a_body(&server, 60_000, 50_000).await, half_a_body(&server, 60_000, 50_000).await);
    let third = half_a_body(&server, 60_000, 50_000).await;
    let mut answer = [0; 12];
    timeout(LONG, first.read_exact(&mut answer)).await.unwrap().unwrap();
    assert_eq!(&answer, b"HTTP/1.1 429");
    let said = ask(&plain_client(), &server.url, &issuer.token()).await;
    assert_eq!(said.username(), Some("ext:bob"));
    drop(third);
}

/// One issuer's expressions are as slow as allowed; another issuer's reviews, and health, do not
/// wait.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn slow_expressions_of_one_party_keep_nobody_else_waiting() {
    let (slow, quick) = (IssuerElsewhere::start().await, IssuerElsewhere::start().await);
    let source =
        r"lists.range(200).all(i, !claims.long.matches('.*[a-m]\\pL{500}.*[a-m]\\pL{400}!'))";
    let mut policy = slow.policy();
    for _ in 0..4 {
        let expression = Expression::over_claims(source).unwrap();
        policy.claim_rules.push(Rule { expression, message: String::new() });
    }
    let mut config = config(vec![policy, quick.policy()]);
    config.limits = Limits { expressions: Duration::from_secs(3), ..Limits::default() };
    let server = TestServer::start(config).await;
    let client = plain_client();
    // So irregular that nearly every character costs a walk through the whole pattern.
    let long = |seed: u32| {
        let mut state = seed;
        let next = |_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            if state < u32::MAX / 2 { 'a' } else { 'z' }
        };
        json!((0..6_000).map(next).collect::<String>())
    };
    let mut waiting = tokio::task::JoinSet::new();
    for seed in 1..=2 {
        let (client, url) = (client.clone(), server.url.clone());
        let token = slow.token_with("long", long(seed));
        waiting.spawn(async move { ask(&client, &url, &token).await });
    }
    // Meanwhile each slow review takes three seconds, one after the other.
    for _ in 0..5 {
        assert_eq!(ask(&client, &server.url, &quick.token()).await.username(), Some("ext:bob"));
        let live = client.get(format!("{}/livez", server.health_url)).send().await.unwrap();
        assert_eq!(live.status().as_u16(), 200);
    }
    assert!(!waiting.is_empty() && waiting.try_join_next().is_none());
    while let Some(said) = waiting.join_next().await {
        // An outage: the expression was stopped, and says nothing about the token.
        assert_eq!(said.unwrap().status, 503);
    }
}
