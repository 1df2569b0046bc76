//! Which answers come from the cache, over real sockets. Each decision has its own ID, so answers
//! with equal IDs come from one decision.
//! Never asserts how long an answer took.

use std::time::Duration;

use login_protocols::jose::SigningKey;
use serde_json::{Value, json};

use crate::support::{
    IssuerElsewhere, TestServer, ask, config, plain_client, post, question, until,
};

fn decision(body: &Value) -> Option<&str> {
    body["status"]["user"]["extra"]["kubectl-login.internal/decision-id"][0].as_str()
}

/// The answers to 200 concurrent reviews of the same token.
async fn crowd(server: &TestServer, token: &str) -> Vec<(u16, Value)> {
    let client = plain_client();
    let ask = |_| {
        let (client, url, token) = (client.clone(), server.url.clone(), token.to_owned());
        tokio::spawn(async move {
            let said = ask(&client, &url, &token).await;
            (said.status, said.body)
        })
    };
    let mut answers = Vec::new();
    for asking in (0..200).map(ask).collect::<Vec<_>>() {
        answers.push(asking.await.unwrap());
    }
    answers
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_crowd_that_asks_the_same_is_answered_by_one_decision_and_one_fetch() {
    let issuer = IssuerElsewhere::start().await;
    issuer.shown.wait_before_answering(Duration::from_millis(300));
    let server = TestServer::start(config(vec![issuer.policy()])).await;
    let answers = crowd(&server, &issuer.token()).await;
    let (status, first) = &answers[0];
    assert_eq!((*status, decision(first).is_some()), (200, true));
    assert!(answers.iter().all(|(other, body)| (other, body) == (status, first)));
    assert_eq!(issuer.shown.requests(), 1);
    // The same with cached keys, where a verdict takes no longer than the check of a signature.
    let another = issuer.token_with("sub", json!("carol"));
    let answers = crowd(&server, &another).await;
    let first = decision(&answers[0].1).unwrap().to_owned();
    assert!(answers.iter().all(|(_, body)| decision(body) == Some(&first)));
}

#[tokio::test]
async fn the_same_token_for_another_audience_or_version_is_another_question() {
    let issuer = IssuerElsewhere::start().await;
    let mut config = config(vec![issuer.policy()]);
    config.api_audiences = Some(vec!["a".to_owned(), "b".to_owned()]);
    let (server, client) = (TestServer::start(config).await, plain_client());
    let token = issuer.token();
    let ask = async |version: &str, audience: &str| {
        let said = post(&client, &server.url, question(version, &token, &[audience])).await;
        decision(&said.body).unwrap().to_owned()
    };
    let first = ask("v1", "a").await;
    assert_eq!(ask("v1", "a").await, first);
    for other in [ask("v1", "b").await, ask("v1beta1", "a").await] {
        assert_ne!(other, first);
    }
}

#[tokio::test]
async fn an_outage_is_not_said_again_and_an_acceptance_ends_with_its_time() {
    let issuer = IssuerElsewhere::start().await;
    issuer.shown.show(http::StatusCode::INTERNAL_SERVER_ERROR, "");
    let mut config = config(vec![issuer.policy()]);
    config.result_cache.ttl = Duration::from_secs(1);
    let (server, client) = (TestServer::start(config).await, plain_client());
    let token = issuer.token();
    assert_eq!(ask(&client, &server.url, &token).await.status, 503);
    issuer.shown.show_keys(&[issuer.key()]);
    until("the issuer is back", async || ask(&client, &server.url, &token).await.status == 200)
        .await;
    let first = ask(&client, &server.url, &token).await;
    until("it is judged anew", async || {
        decision(&ask(&client, &server.url, &token).await.body) != decision(&first.body)
    })
    .await;
}

#[tokio::test]
async fn a_refusal_for_an_unknown_key_is_not_said_again() {
    let issuer = IssuerElsewhere::start().await;
    let (server, client) = (TestServer::start(config(vec![issuer.policy()])).await, plain_client());
    assert_eq!(ask(&client, &server.url, &issuer.token()).await.username(), Some("ext:bob"));
    let next = SigningKey::generate().unwrap();
    let early = next.sign("JWT", &issuer.claims()).unwrap();
    assert!(ask(&client, &server.url, &early).await.is_refusal());
    issuer.shown.show_keys(&[issuer.key(), &next]);
    // Another new token makes the server fetch the key set.
    until("the new key is known", async || {
        let other = SigningKey::generate().unwrap().sign("JWT", &issuer.claims()).unwrap();
        assert_eq!(ask(&client, &server.url, &other).await.username(), None);
        ask(&client, &server.url, &early).await.username() == Some("ext:bob")
    })
    .await;
}
