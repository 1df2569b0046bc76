//! Tokens that are revoked by the operator's list, before and after it changed.
//! Never waits for a fixed time.

#![expect(clippy::disallowed_methods, reason = "tests write their input files")]

use std::fs;

use login_review::{Guard, Policy, config::revocations};
use login_server::config::ServerConfig;
use serde_json::json;

use crate::{
    reload::{accepting, watching_both},
    support::{IssuerElsewhere, TestServer, ask, config, now, plain_client, until},
};

/// A server whose list of revocations is `list`.
fn revoking(issuer: &IssuerElsewhere, list: &str) -> ServerConfig {
    let mut config = config(vec![issuer.policy()]);
    config.bundle.policy = Policy::new(vec![issuer.policy()], Guard::default())
        .with_revocations(revocations::parse(list, "list").unwrap());
    config
}

#[tokio::test]
async fn each_kind_of_entry_ends_its_tokens_and_no_others() {
    let issuer = IssuerElsewhere::start().await;
    let (url, now) = (issuer.url.as_str(), now());
    let time = |offset: i64| login_common::UnixTime::from_seconds(now + offset);
    let (before, after) = (time(-60), time(60));
    let with_session = issuer.token_with("sid", json!("s1"));
    let plain = issuer.token();
    for (entry, revoked, good) in [
        ("jti: j1".to_owned(), &plain, None),
        (format!("jti: j1, issuer: \"{url}\""), &plain, None),
        (format!("session: s1, issuer: \"{url}\""), &with_session, Some(&plain)),
        (format!("issuer: \"{url}\", subject: bob, issuedBefore: \"{after}\""), &plain, None),
        (format!("issuer: \"{url}\", issuedBefore: \"{after}\""), &plain, None),
    ] {
        let server = TestServer::start(revoking(&issuer, &format!("- {{{entry}}}\n"))).await;
        let client = plain_client();
        // The second answer comes from the cache.
        for _ in 0..2 {
            assert!(ask(&client, &server.url, revoked).await.is_refusal(), "{entry}");
        }
        if let Some(good) = good {
            let said = ask(&client, &server.url, good).await;
            assert_eq!(said.username(), Some("ext:bob"), "{entry}");
        }
    }
    for entry in [
        "jti: j2".to_owned(),
        "jti: j1, issuer: \"https://other.example\"".to_owned(),
        format!("jti: j1, expires: \"{before}\""),
        format!("issuer: \"{url}\", subject: bob, issuedBefore: \"{before}\""),
        format!("issuer: \"{url}\", subject: eve, issuedBefore: \"{after}\""),
        "issuer: \"https://other.example\", issuedBefore: \"2999-01-01T00:00:00Z\"".to_owned(),
    ] {
        let server = TestServer::start(revoking(&issuer, &format!("- {{{entry}}}\n"))).await;
        let said = ask(&plain_client(), &server.url, &plain).await;
        assert_eq!(said.username(), Some("ext:bob"), "{entry}");
    }
    let cutoff = format!("- {{issuer: \"{url}\", issuedBefore: \"{before}\"}}\n");
    let server = TestServer::start(revoking(&issuer, &cutoff)).await;
    let mut claims = issuer.claims();
    claims.as_object_mut().unwrap().remove("iat");
    let undated = issuer.key().sign("JWT", &claims).unwrap();
    assert!(ask(&plain_client(), &server.url, &undated).await.is_refusal());
}

#[tokio::test]
async fn a_revocation_ends_an_answer_that_was_given_before() {
    let issuer = IssuerElsewhere::start().await;
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name);
    let list = place("revocations.yaml");
    fs::write(&list, "[]\n").unwrap();
    fs::write(
        place("own.yaml"),
        format!(
            "apiVersion: kubectl-login/v1\nkind: LoginServerConfiguration\n\
             revocations: {{file: \"{}\"}}\n",
            list.display()
        ),
    )
    .unwrap();
    fs::write(place("authentication.yaml"), accepting(&[&issuer])).unwrap();
    let config = watching_both(Some(&place("own.yaml")), &place("authentication.yaml"));
    let server = TestServer::start(config).await;
    let client = plain_client();
    let token = issuer.token();
    for _ in 0..2 {
        assert_eq!(ask(&client, &server.url, &token).await.username(), Some("ext:bob"));
    }
    fs::write(&list, "- {jti: j1, reason: laptop lost}\n").unwrap();
    until("the revocation", async || ask(&client, &server.url, &token).await.is_refusal()).await;
    let other = issuer.token_with("jti", json!("j2"));
    assert_eq!(ask(&client, &server.url, &other).await.username(), Some("ext:bob"));
}
