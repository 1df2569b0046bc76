//! For how long a client certificate is accepted, and on the authority of which CA.
//! Never waits until something expires: the tests use certificates that have expired.

use login_server::{
    system::tracked_files::TrackedFiles,
    tls::{self, ClientCertificate, TlsFiles},
};
use rustls::{
    HandshakeKind,
    version::{TLS12, TLS13},
};
use tokio::io::AsyncReadExt as _;

use crate::{
    crowds::{connect, handshake, review, status, tls_client},
    support::{IssuerElsewhere, Pki, TestServer, config},
};

#[tokio::test]
async fn what_an_expired_authority_signed_counts_no_more() {
    let issuer = IssuerElsewhere::start().await;
    let serving = Pki::new();
    for demand in [ClientCertificate::Required, ClientCertificate::RequiredForReviews] {
        for (until, is_admitted) in [(2020, false), (4096, true)] {
            let clients = Pki::counting_until(until);
            let mut config = config(vec![issuer.policy()]);
            config.client_certificate = demand;
            config.tls = Some(serving.server_tls(Some((&clients.authority_file(), demand))));
            let server = TestServer::start(config).await;
            for version in [&TLS12, &TLS13] {
                let client = tls_client(&serving, Some(clients.issue()), "http/1.1", &[version]);
                // In TLS 1.3 the client finishes its handshake before the server has verified the
                // certificate.
                let said = match connect(&client, server.address).await {
                    Ok(mut stream) if is_admitted => {
                        Some(status(&mut stream, &review(&issuer.token())).await)
                    }
                    Ok(mut stream) => {
                        let heard = stream.read_to_end(&mut Vec::new()).await;
                        let fault = heard.unwrap_err().to_string();
                        assert!(fault.contains("CertificateExpired"), "{fault}");
                        None
                    }
                    Err(fault) => {
                        let fault = fault.to_string();
                        assert!(fault.contains("CertificateExpired"), "{fault}");
                        None
                    }
                };
                assert_eq!(said.as_deref(), is_admitted.then_some("HTTP/1.1 200"), "{version:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_session_with_a_client_certificate_is_never_resumed() {
    let issuer = IssuerElsewhere::start().await;
    let pki = Pki::new();
    let authority = pki.authority_file();
    for demand in
        [None, Some(ClientCertificate::Required), Some(ClientCertificate::RequiredForReviews)]
    {
        let mut config = config(vec![issuer.policy()]);
        config.client_certificate = demand.unwrap_or(ClientCertificate::NotAsked);
        config.tls = Some(pki.server_tls(demand.map(|demand| (&*authority, demand))));
        let server = TestServer::start(config).await;
        for version in [&TLS12, &TLS13] {
            let client = tls_client(&pki, Some(pki.issue()), "http/1.1", &[version]);
            let mut kinds = Vec::new();
            for _ in 0..2 {
                let mut stream = connect(&client, server.address).await.unwrap();
                // In TLS 1.3 the ticket comes with the first answer.
                assert_eq!(status(&mut stream, &review(&issuer.token())).await, "HTTP/1.1 200");
                kinds.push(stream.get_ref().1.handshake_kind());
            }
            let second =
                if demand.is_none() { HandshakeKind::Resumed } else { HandshakeKind::Full };
            assert_eq!(kinds, [Some(HandshakeKind::Full), Some(second)], "{demand:?} {version:?}");
        }
    }
}

#[tokio::test]
async fn an_authority_that_was_taken_away_counts_no_more_on_connections_that_are_open() {
    let issuer = IssuerElsewhere::start().await;
    let (pki, others) = (Pki::new(), Pki::new());
    let demand = ClientCertificate::RequiredForReviews;
    let mut config = config(vec![issuer.policy()]);
    config.client_certificate = demand;
    let serving = pki.server_tls(Some((&pki.authority_file(), demand)));
    config.tls = Some(serving.clone());
    let server = TestServer::start(config).await;
    let mut caller = handshake(&pki, server.address, Some(pki.issue()), "http/1.1").await;
    for (authority, expected) in [
        (pki.authority_file(), "HTTP/1.1 200"),
        (others.authority_file(), "HTTP/1.1 401"),
        (pki.authority_file(), "HTTP/1.1 200"),
    ] {
        let files = TlsFiles {
            certificate: pki.folder.path().join("server.crt"),
            key: pki.folder.path().join("server.key"),
            client_authority: Some((authority, demand)),
        };
        serving.replace(tls::prepare(&files, &TrackedFiles::default()).unwrap());
        assert_eq!(status(&mut caller, &review(&issuer.token())).await, expected);
    }
}
