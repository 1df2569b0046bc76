//! Key sets against an issuer that rotates, breaks, lies and goes away.
//! Never waits for more than an interval of the test's own pace.

use std::time::Duration;

use http::StatusCode;
use login_protocols::jose::SigningKey;
use serde_json::json;

use crate::support::{IssuerElsewhere, TestServer, ask, config, plain_client};

const INTERVAL: Duration = Duration::from_millis(350);

async fn with_keys() -> (IssuerElsewhere, TestServer, reqwest::Client) {
    let issuer = IssuerElsewhere::start().await;
    let server = TestServer::start(config(vec![issuer.policy()])).await;
    let client = plain_client();
    assert_eq!(ask(&client, &server.url, &issuer.token()).await.username(), Some("ext:bob"));
    assert_eq!(issuer.shown.requests(), 1);
    (issuer, server, client)
}

#[tokio::test]
async fn a_new_key_is_accepted_after_one_fetch() {
    let (issuer, server, client) = with_keys().await;
    let next = SigningKey::generate().unwrap();
    issuer.shown.show_keys(&[issuer.key(), &next]);
    tokio::time::sleep(INTERVAL).await;
    let token = next.sign("JWT", &issuer.claims()).unwrap();
    assert_eq!(ask(&client, &server.url, &token).await.username(), Some("ext:bob"));
    assert_eq!(ask(&client, &server.url, &issuer.token()).await.username(), Some("ext:bob"));
    assert_eq!(issuer.shown.requests(), 2);
}

#[tokio::test]
async fn unknown_keys_cost_one_fetch_per_interval_and_bad_signatures_none() {
    let (issuer, server, client) = with_keys().await;
    let good = issuer.token();
    let (head, _) = good.rsplit_once('.').unwrap();
    let other = issuer.token_with("sub", json!("eve"));
    let (_, foreign_signature) = other.rsplit_once('.').unwrap();
    tokio::time::sleep(INTERVAL).await;
    for _ in 0..5 {
        let forged = format!("{head}.{foreign_signature}");
        assert!(ask(&client, &server.url, &forged).await.is_refusal());
    }
    assert_eq!(issuer.shown.requests(), 1);
    let strangers: Vec<SigningKey> = (0..20).map(|_| SigningKey::generate().unwrap()).collect();
    let questions = strangers.iter().map(|key| {
        let token = key.sign("JWT", &issuer.claims()).unwrap();
        let (client, url) = (client.clone(), server.url.clone());
        tokio::spawn(async move { ask(&client, &url, &token).await.is_refusal() })
    });
    for question in questions.collect::<Vec<_>>() {
        assert!(question.await.unwrap());
    }
    // Slow machines may need more than one interval for all of them, but never one fetch each.
    assert!((2..=4).contains(&issuer.shown.requests()), "{}", issuer.shown.requests());
}

#[tokio::test]
async fn keys_once_good_are_used_while_the_issuer_is_down() {
    let (issuer, server, client) = with_keys().await;
    issuer.stop().await;
    tokio::time::sleep(INTERVAL).await;
    let another = issuer.token_with("sub", json!("carol"));
    assert_eq!(ask(&client, &server.url, &another).await.username(), Some("ext:carol"));
    // A key that might be new cannot be judged now; a refusal would be cached.
    let stranger = SigningKey::generate().unwrap().sign("JWT", &issuer.claims()).unwrap();
    assert_eq!(ask(&client, &server.url, &stranger).await.status, 503);
    assert_eq!(ask(&client, &server.url, &stranger).await.status, 503);
    assert_eq!(ask(&client, &server.url, &another).await.username(), Some("ext:carol"));
}

#[tokio::test]
async fn a_restart_does_not_need_the_issuer() {
    let issuer = IssuerElsewhere::start().await;
    let folder = tempfile::tempdir().unwrap();
    let client = plain_client();
    let start = async || {
        let mut config = config(vec![issuer.policy()]);
        config.state_dir = Some(folder.path().to_owned());
        TestServer::start(config).await
    };
    let server = start().await;
    assert_eq!(ask(&client, &server.url, &issuer.token()).await.username(), Some("ext:bob"));
    // The disk is not waited for by anybody else.
    let is_stored = || {
        let files = std::fs::read_dir(folder.path().join("key-sets")).into_iter().flatten();
        files.flatten().any(|file| file.path().extension().is_some_and(|kind| kind == "json"))
    };
    let storing = async {
        while !is_stored() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), storing).await.unwrap();
    server.stop().await;
    issuer.stop().await;
    let server = start().await;
    let ready = client.get(format!("{}/readyz", server.health_url)).send().await.unwrap();
    assert_eq!(ready.status().as_u16(), 200);
    assert_eq!(ask(&client, &server.url, &issuer.token()).await.username(), Some("ext:bob"));
}

#[tokio::test]
async fn what_is_no_key_set_never_replaces_a_good_one() {
    let (issuer, server, client) = with_keys().await;
    let oversized = format!("{{\"keys\":[],\"x\":\"{}\"}}", "x".repeat(1024 * 1024));
    for (status, document) in [
        (StatusCode::OK, "garbage".to_owned()),
        (StatusCode::OK, "{\"keys\":[]}".to_owned()),
        (StatusCode::OK, oversized),
        (StatusCode::INTERNAL_SERVER_ERROR, "{}".to_owned()),
        (StatusCode::FOUND, String::new()),
    ] {
        issuer.shown.show(status, document);
        tokio::time::sleep(INTERVAL).await;
        let before = issuer.shown.requests();
        let stranger = SigningKey::generate().unwrap().sign("JWT", &issuer.claims()).unwrap();
        assert_eq!(ask(&client, &server.url, &stranger).await.status, 503);
        assert!(issuer.shown.requests() > before);
        assert_eq!(ask(&client, &server.url, &issuer.token()).await.username(), Some("ext:bob"));
    }
}

#[tokio::test]
async fn a_discovery_document_of_another_issuer_is_not_believed() {
    let issuer = IssuerElsewhere::start().await;
    issuer.shown.show_discovery(json!({
        "issuer": "https://elsewhere.example",
        "jwks_uri": format!("{}/keys", issuer.url),
    }));
    let server = TestServer::start(config(vec![issuer.policy()])).await;
    assert_eq!(ask(&plain_client(), &server.url, &issuer.token()).await.status, 503);
    assert_eq!(issuer.shown.requests(), 0);
}

#[tokio::test]
async fn an_issuer_behind_an_unknown_authority_is_not_believed() {
    let issuer = IssuerElsewhere::start().await;
    let mut policy = issuer.policy();
    policy.certificate_authority_pem = Some(crate::support::Pki::new().authority_pem);
    let server = TestServer::start(config(vec![policy])).await;
    assert_eq!(ask(&plain_client(), &server.url, &issuer.token()).await.status, 503);
}
