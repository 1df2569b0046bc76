//! TLS, client certificates, slow clients and shutdown.
//! Never waits for a default limit: each test sets its own.

use std::time::Duration;

use login_server::{config::Limits, tls::ClientCertificate};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

use crate::support::{IssuerElsewhere, Pki, TestServer, ask, config, plain_client, until};

fn with_certificate(pki: &Pki) -> reqwest::Client {
    let (certificate, key) = pki.issue();
    let identity = reqwest::Identity::from_pem(format!("{certificate}{key}").as_bytes()).unwrap();
    pki.client().identity(identity).build().unwrap()
}

#[tokio::test]
async fn a_client_certificate_is_demanded_in_the_handshake() {
    let issuer = IssuerElsewhere::start().await;
    let (pki, strangers) = (Pki::new(), Pki::new());
    let mut config = config(vec![issuer.policy()]);
    let authority = pki.authority_file();
    config.client_certificate = ClientCertificate::Required;
    config.tls = Some(pki.server_tls(Some((&authority, ClientCertificate::Required))));
    let server = TestServer::start(config).await;
    let said = ask(&with_certificate(&pki), &server.url, &issuer.token()).await;
    assert_eq!(said.username(), Some("ext:bob"));
    let (foreign, key) = strangers.issue();
    let foreign = reqwest::Identity::from_pem(format!("{foreign}{key}").as_bytes()).unwrap();
    for client in [pki.client().build().unwrap(), pki.client().identity(foreign).build().unwrap()] {
        assert!(client.post(format!("{}/authenticate", server.url)).send().await.is_err());
    }
}

#[tokio::test]
async fn with_an_embedded_issuer_only_reviews_need_the_certificate() {
    let issuer = IssuerElsewhere::start().await;
    let pki = Pki::new();
    let mut config = config(vec![issuer.policy()]);
    let authority = pki.authority_file();
    let demand = ClientCertificate::RequiredForReviews;
    config.client_certificate = demand;
    config.tls = Some(pki.server_tls(Some((&authority, demand))));
    let server = TestServer::start(config).await;
    let bare = pki.client().build().unwrap();
    let said = ask(&bare, &server.url, &issuer.token()).await;
    assert_eq!((said.status, said.body["kind"].as_str()), (401, Some("Status")));
    let elsewhere = bare.get(format!("{}/elsewhere", server.url)).send().await.unwrap();
    assert_eq!(elsewhere.status().as_u16(), 404);
    let said = ask(&with_certificate(&pki), &server.url, &issuer.token()).await;
    assert_eq!(said.username(), Some("ext:bob"));
}

async fn is_cut(stream: &mut TcpStream) -> bool {
    let mut rest = Vec::new();
    // Some clients get a last answer (408, or a TLS alert); then the connection must end.
    timeout(Duration::from_secs(10), stream.read_to_end(&mut rest)).await.is_ok()
}

#[tokio::test]
async fn whoever_says_nothing_or_too_little_is_cut() {
    let issuer = IssuerElsewhere::start().await;
    let short = Limits {
        handshake: Duration::from_millis(200),
        first_request: Duration::from_millis(200),
        idle: Duration::from_millis(400),
        ..Limits::default()
    };
    let mut plain = config(vec![issuer.policy()]);
    plain.limits = short;
    let plain = TestServer::start(plain).await;
    let mut encrypted = config(vec![issuer.policy()]);
    encrypted.limits = short;
    encrypted.tls = Some(Pki::new().server_tls(None));
    let encrypted = TestServer::start(encrypted).await;
    for (server, said) in [
        (&plain, ""),
        (&plain, "POST /auth"),
        (&plain, "POST /authenticate HTTP/1.1\r\nhost: x\r\n"),
        (&plain, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
        (&plain, "GET /x HTTP/1.1\r\nhost: x\r\n\r\n"),
        (&encrypted, ""),
        (&encrypted, "\u{16}\u{3}\u{1}"),
    ] {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        stream.write_all(said.as_bytes()).await.unwrap();
        assert!(is_cut(&mut stream).await, "{said:?}");
    }
    let said = ask(&plain_client(), &plain.url, &issuer.token()).await;
    assert_eq!(said.username(), Some("ext:bob"));
}

#[tokio::test]
async fn a_body_that_does_not_come_ends_the_review() {
    let issuer = IssuerElsewhere::start().await;
    let mut config = config(vec![issuer.policy()]);
    config.limits = Limits { review: Duration::from_millis(200), ..Limits::default() };
    let server = TestServer::start(config).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let head = "POST /authenticate HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\
                content-length: 100\r\n\r\n{";
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = vec![0; 12];
    timeout(Duration::from_secs(10), stream.read_exact(&mut answer)).await.unwrap().unwrap();
    assert_eq!(answer, b"HTTP/1.1 503");
}

#[tokio::test]
async fn a_connection_beyond_the_limit_takes_the_place_of_one_that_was_never_admitted() {
    let issuer = IssuerElsewhere::start().await;
    let mut config = config(vec![issuer.policy()]);
    config.limits = Limits { connections: 1, ..Limits::default() };
    let server = TestServer::start(config).await;
    let mut holder = TcpStream::connect(server.address).await.unwrap();
    let client = plain_client();
    let url = format!("{}/elsewhere", server.url);
    assert_eq!(client.get(&url).send().await.unwrap().status().as_u16(), 404);
    assert!(is_cut(&mut holder).await);
    // A good token keeps the only place for its connection; others wait until it is free.
    let said = ask(&client, &server.url, &issuer.token()).await;
    assert_eq!(said.username(), Some("ext:bob"));
    let mut waiting = TcpStream::connect(server.address).await.unwrap();
    waiting.write_all(b"GET /elsewhere HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    // By the time these later requests are answered, it would have been accepted and counted.
    ask(&client, &server.url, &issuer.token()).await;
    let accepted = "\nlogin_server_connections_total 2\n";
    assert!(server.metrics().await.contains(accepted), "the holder's, and the client's");
    let mut answer = [0; 12];
    assert_eq!(waiting.try_read(&mut answer).unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
    drop(client);
    timeout(Duration::from_secs(10), waiting.read_exact(&mut answer)).await.unwrap().unwrap();
    assert_eq!(&answer, b"HTTP/1.1 404");
}

#[tokio::test]
async fn open_requests_are_answered_after_the_signal_and_new_ones_are_not_taken() {
    let issuer = IssuerElsewhere::start().await;
    issuer.shown.hold();
    let mut server = TestServer::start(config(vec![issuer.policy()])).await;
    // An idle connection does not delay the shutdown.
    let idle = TcpStream::connect(server.address).await.unwrap();
    let open = tokio::spawn({
        let (url, token) = (server.url.clone(), issuer.token());
        async move { ask(&plain_client(), &url, &token).await }
    });
    issuer.shown.is_asked().await;
    server.signal();
    until("no connection is accepted", async || TcpStream::connect(server.address).await.is_err())
        .await;
    assert!(server.is_running());
    let ready = plain_client().get(format!("{}/readyz", server.health_url)).send().await.unwrap();
    assert_eq!(ready.status().as_u16(), 503);
    assert!(ready.text().await.unwrap().contains("[-] serving draining"));
    issuer.shown.release();
    assert_eq!(open.await.unwrap().username(), Some("ext:bob"));
    timeout(Duration::from_secs(8), server.stop()).await.unwrap();
    drop(idle);
}

#[tokio::test]
async fn whoever_does_not_end_is_cut_at_the_deadline() {
    let issuer = IssuerElsewhere::start().await;
    issuer.shown.wait_before_answering(Duration::from_secs(30));
    let mut config = config(vec![issuer.policy()]);
    config.limits = Limits {
        drain: Duration::from_millis(300),
        review: Duration::from_secs(20),
        ..Limits::default()
    };
    let server = TestServer::start(config).await;
    let open = tokio::spawn({
        let (url, token) = (server.url.clone(), issuer.token());
        let question = crate::support::question("v1", &token, &[]);
        async move {
            plain_client()
                .post(format!("{url}/authenticate"))
                .header("content-type", "application/json")
                .body(question)
                .send()
                .await
                .is_err()
        }
    });
    issuer.shown.is_asked().await;
    timeout(Duration::from_secs(5), server.stop()).await.unwrap();
    assert!(open.await.unwrap());
}
