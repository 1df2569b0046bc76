//! Tests the listener over real loopback sockets.
//! Never uses another address.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::*;

fn plain_uri(port: u16) -> String {
    format!("http://127.0.0.1:{port}/callback")
}

async fn listening() -> (Loopback, u16) {
    let listener = Loopback::bind(&[("127.0.0.1".to_owned(), 0)], plain_uri, None).await.unwrap();
    let port = listener.desk.place.port;
    (listener, port)
}

/// Sends a GET request; returns the whole response.
async fn get(port: u16, target: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let request = format!("GET {target} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

async fn comes_through(listener: &mut Loopback, port: u16) {
    let browser = tokio::spawn(async move { get(port, "/callback?code=c").await });
    let Some(Visitor::Browser(visit)) = listener.visitor().await else { panic!("nobody came") };
    assert_eq!(visit.answer, "code=c");
    let page = Page { status: StatusCode::OK, html: "welcome".to_owned(), location: None };
    visit.reply.show(page).await;
    assert!(browser.await.unwrap().ends_with("welcome"));
}

#[tokio::test]
async fn idle_connections_do_not_keep_a_browser_out() {
    let (mut listener, port) = listening().await;
    let mut idle = Vec::new();
    for _ in 0..400 {
        idle.push(TcpStream::connect(("127.0.0.1", port)).await.unwrap());
    }
    comes_through(&mut listener, port).await;
    drop(idle);
}

#[tokio::test]
async fn the_way_to_the_issuer_is_not_in_the_address_that_is_opened() {
    let (mut listener, port) = listening().await;
    let page = Url::parse("https://id.example/authorize?state=secret&nonce=secret").unwrap();
    let opened = listener.way_to(&page, [7; 32]).unwrap();
    assert!(!opened.as_str().contains("secret"), "{opened}");
    assert_eq!((opened.host_str(), opened.port()), (Some("127.0.0.1"), Some(port)));
    let answer = get(port, opened.path()).await;
    assert!(answer.starts_with("HTTP/1.1 303 "), "{answer}");
    assert!(answer.contains(&format!("location: {page}\r\n")), "{answer}");
    for other in ["/", "/other", "/callback/"] {
        assert!(get(port, other).await.starts_with("HTTP/1.1 404 "), "{other}");
    }
    comes_through(&mut listener, port).await;
}

#[test]
fn a_way_is_open_to_our_user_to_one_unknown_and_to_no_other() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (listener, _) = listening().await;
        let page = Url::parse("https://id.example/").unwrap();
        let opened = listener.way_to(&page, [1; 32]).unwrap();
        let may_go = |peer| listener.desk.way_from(opened.path(), peer).is_some();
        assert!(!may_go(Peer::Foreign));
        assert!(may_go(Peer::Unknown) && !may_go(Peer::Unknown));
        assert!(may_go(Peer::Ours) && may_go(Peer::Ours));
    });
}

#[tokio::test]
async fn a_browser_that_comes_by_another_host_is_given_the_whole_address() {
    let elsewhere = |_| "https://jump.example/back".to_owned();
    let listener = Loopback::bind(&[("127.0.0.1".to_owned(), 0)], elsewhere, None).await.unwrap();
    assert!(listener.way_to(&Url::parse("https://id.example").unwrap(), [0; 32]).is_none());
}

#[tokio::test]
async fn localhost_is_both_its_addresses_or_the_port_is_taken() {
    let by_name = |port: u16| format!("http://localhost:{port}");
    let Ok(foreign) = TcpListener::bind(("::1", 0)).await else { return };
    let taken = foreign.local_addr().unwrap().port();
    let here = |port: u16| ("127.0.0.1".to_owned(), port);
    let refused = Loopback::bind(&[here(taken)], by_name, None).await;
    assert_eq!(refused.err().map(|error| error.kind()), Some(io::ErrorKind::AddrInUse));
    // Then the next address is used.
    let listener = Loopback::bind(&[here(taken), here(0)], by_name, None).await.unwrap();
    let port = listener.desk.place.port;
    assert_ne!(port, taken);
    for family in ["127.0.0.1", "::1"] {
        assert!(TcpStream::connect((family, port)).await.is_ok(), "{family}");
    }
    // A redirect URI with one address needs one listener only.
    let one = Loopback::bind(&[here(taken)], plain_uri, None).await;
    assert!(one.is_ok(), "{:?}", one.err());
}
