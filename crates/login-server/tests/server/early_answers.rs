//! Answers that are sent before a request has arrived completely, to a client that is still
//! writing.
//! Never uses a client that stops writing when it is answered: those are easy.

use std::time::Duration;

use login_server::{config::Limits, tls::ClientCertificate};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

use crate::{
    crowds::handshake,
    support::{IssuerElsewhere, Pki, TestServer, config},
};

const LONG: Duration = Duration::from_secs(20);

/// Writes all of `sent` before it reads, as `http.client` of Python does.
async fn answer(mut stream: impl AsyncRead + AsyncWrite + Unpin, sent: &[u8]) -> String {
    let talking = async {
        stream.write_all(sent).await?;
        stream.flush().await?;
        let mut said = Vec::new();
        stream.read_to_end(&mut said).await?;
        Ok::<_, std::io::Error>(String::from_utf8_lossy(&said).into_owned())
    };
    timeout(LONG, talking).await.unwrap().unwrap()
}

fn request(line: &str, media_type: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!(
        "{line} HTTP/1.1\r\nhost: x\r\ncontent-type: {media_type}\r\ncontent-length: {length}\r\n\r\n"
    );
    [head.as_bytes(), body].concat()
}

fn requests() -> Vec<(&'static str, &'static str, Vec<u8>)> {
    let (json, form) = ("application/json", "application/x-www-form-urlencoded");
    let mut requests = Vec::new();
    for length in [100, 400, 4 * 1024, 12 * 1024] {
        let long = vec![b'x'; length * 1024];
        requests.push(("413", "long", request("POST /authenticate", json, &long)));
        requests.push(("415", "a form", request("POST /authenticate", form, &long)));
        requests.push(("405", "PUT", request("PUT /authenticate", json, &long)));
        requests.push(("404", "elsewhere", request("POST /elsewhere", json, &long)));
    }
    let deep = [vec![b'['; 400 * 1024], vec![b']'; 400 * 1024]].concat();
    requests.push(("413", "deep", request("POST /authenticate", json, &deep)));
    let chunks = [&b"10000\r\n"[..], &vec![b'x'; 0x10000], b"\r\n"].concat();
    let head = "POST /authenticate HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\
                transfer-encoding: chunked\r\n\r\n";
    requests.push(("413", "chunks", [head.as_bytes(), &chunks.repeat(64), b"0\r\n\r\n"].concat()));
    let many = "x: y\r\n".repeat(200_000);
    requests.push(("431", "many headers", format!("GET / HTTP/1.1\r\n{many}\r\n").into_bytes()));
    let long = "x".repeat(1024 * 1024);
    requests.push(("431", "a header", format!("GET / HTTP/1.1\r\nx: {long}\r\n\r\n").into_bytes()));
    requests.push(("431", "a path", format!("GET /{long} HTTP/1.1\r\n\r\n").into_bytes()));
    requests.push(("400", "nonsense", [b"\0 nonsense\r\n", long.as_bytes()].concat()));
    requests
}

#[tokio::test]
async fn whoever_writes_to_the_end_first_reads_the_answer() {
    let issuer = IssuerElsewhere::start().await;
    let pki = Pki::new();
    let mut encrypted = config(vec![issuer.policy()]);
    encrypted.tls = Some(pki.server_tls(None));
    let encrypted = TestServer::start(encrypted).await;
    let plain = TestServer::start(config(vec![issuer.policy()])).await;
    for (status, what, sent) in requests() {
        let expected = format!("HTTP/1.1 {status} ");
        let stream = handshake(&pki, encrypted.address, None, "http/1.1").await;
        let said = answer(stream, &sent).await;
        assert!(said.starts_with(&expected), "{what}, {} bytes: {said}", sent.len());
        let said = answer(TcpStream::connect(plain.address).await.unwrap(), &sent).await;
        assert!(said.starts_with(&expected), "{what}, {} bytes, plain: {said}", sent.len());
    }
}

#[tokio::test]
async fn a_connection_is_not_read_for_ever() {
    let issuer = IssuerElsewhere::start().await;
    let mut config = config(vec![issuer.policy()]);
    config.limits = Limits { linger_bytes: 1024 * 1024, ..Limits::default() };
    let server = TestServer::start(config).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let head = "POST /authenticate HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\
                content-length: 1000000000\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let writing = async { while stream.write_all(&[b'x'; 4 * 1024]).await.is_ok() {} };
    assert!(timeout(LONG, writing).await.is_ok());
}

#[tokio::test]
async fn over_http_2_the_answer_comes_before_any_reset() {
    let issuer = IssuerElsewhere::start().await;
    let pki = Pki::new();
    let demand = ClientCertificate::RequiredForReviews;
    let authority = pki.authority_file();
    let mut closed = config(vec![issuer.policy()]);
    closed.client_certificate = demand;
    closed.tls = Some(pki.server_tls(Some((&authority, demand))));
    let closed = TestServer::start(closed).await;
    let mut open = config(vec![issuer.policy()]);
    open.tls = Some(pki.server_tls(None));
    let open = TestServer::start(open).await;
    let client = pki.client().build().unwrap();
    for length in [100, 400, 4 * 1024, 12 * 1024] {
        for (server, path, media_type, expected) in [
            (&open, "/authenticate", "application/json", 413),
            (&open, "/authenticate", "text/plain", 415),
            (&open, "/elsewhere", "application/json", 404),
            (&closed, "/authenticate", "application/json", 401),
        ] {
            let request = client
                .post(format!("{}{path}", server.url))
                .header("content-type", media_type)
                .body(vec![b'x'; length * 1024]);
            let response = request.send().await.unwrap();
            assert_eq!(response.version(), http::Version::HTTP_2);
            assert_eq!(response.status().as_u16(), expected, "{path}, {length} KiB");
        }
    }
}
