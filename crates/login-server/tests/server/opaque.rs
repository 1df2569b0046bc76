//! Opaque tokens, introspected and static ones, from a configuration file to the answer that
//! kube-apiserver sees.
//! Never reads the server's internal state.

#![expect(clippy::disallowed_methods, reason = "tests write their input files")]

use std::{fs, time::Duration};

use login_server::{
    config::{
        ServerConfig,
        load::{Loaded, load},
    },
    system::tracked_files::TrackedFiles,
};
use serde_json::{Value, json};

use crate::{
    elsewhere::Elsewhere,
    support::{IssuerElsewhere, Pki, Said, TestServer, ask, config, now, plain_client, until},
};

const HEAD: &str = "apiVersion: kubectl-login/v1\nkind: LoginServerConfiguration\n";

/// Loads the configuration `text` with the files beside it.
pub(crate) fn loaded(text: &str, beside: &[(&str, &str)]) -> Loaded {
    let folder = tempfile::tempdir().unwrap();
    let mut text = format!("{HEAD}{text}");
    for (name, content) in beside {
        let path = folder.path().join(name);
        fs::write(&path, content).unwrap();
        text = text.replace(&format!("<{name}>"), path.to_str().unwrap());
    }
    let path = folder.path().join("own.yaml");
    fs::write(&path, text).unwrap();
    load(&TrackedFiles::default(), Some(&path), None).unwrap_or_else(|faults| {
        panic!("{:?}", faults.iter().map(ToString::to_string).collect::<Vec<_>>())
    })
}

pub(crate) fn running(loaded: Loaded) -> ServerConfig {
    ServerConfig { bundle: loaded.bundle, ..config(Vec::new()) }
}

/// A server that introspects opaque tokens at `elsewhere`; `more` are further keys of the entry.
fn asking(elsewhere: &Elsewhere, more: &str) -> ServerConfig {
    let text = format!(
        "introspection:\n- url: {}/introspect\n  clientID: kube\n  clientSecretFile: <secret>\n  \
         certificateAuthorityFile: <ca>\n  audiences: [cluster]\n  claimMappings:\n    \
         username: {{claim: username, prefix: \"as:\"}}\n    groups: {{claim: groups, prefix: \"\"}}\n{more}",
        elsewhere.url
    );
    let beside = [("secret", "s3cret/1\n"), ("ca", elsewhere.pki.authority_pem.as_str())];
    let mut loaded = loaded(&text, &beside);
    loaded.bundle.remotes[0].timeout = Duration::from_millis(500);
    running(loaded)
}

fn active() -> Value {
    json!({"active": true, "sub": "42", "username": "jane", "aud": ["cluster", "x"],
           "groups": ["dev"], "exp": now() + 600, "jti": "j7", "token_type": "Bearer"})
}

async fn scene(more: &str) -> (Elsewhere, TestServer, reqwest::Client) {
    let elsewhere = Elsewhere::start().await;
    elsewhere.script.say_json(&active());
    let server = TestServer::start(asking(&elsewhere, more)).await;
    (elsewhere, server, plain_client())
}

fn is_outage(said: &Said) -> bool {
    said.status == 503
        && said.body["reason"] == "ServiceUnavailable"
        && !said.headers.contains_key("retry-after")
}

#[tokio::test]
async fn an_opaque_token_is_who_its_server_says() {
    let (elsewhere, server, client) = scene("").await;
    let said = ask(&client, &server.url, "opaque/1").await;
    let user = &said.body["status"]["user"];
    assert_eq!(user["username"], "as:jane");
    assert_eq!(user["groups"], json!(["dev"]));
    assert_eq!(user["uid"], format!("{}/introspect#42", elsewhere.url));
    let (headers, body) = elsewhere.script.latest();
    assert_eq!(body, "token=opaque%2F1&token_type_hint=access_token");
    // RFC 6749 §2.3.1: `kube` and `s3cret/1`, form-encoded, then base64.
    assert_eq!(headers["authorization"], "Basic a3ViZTpzM2NyZXQlMkYx");
    assert_eq!(headers["accept"], "application/json");
    // The answer is cached for a while, and equal reviews share one request.
    let more = (0..20).map(|_| {
        let (client, url) = (client.clone(), server.url.clone());
        tokio::spawn(async move { ask(&client, &url, "opaque/1").await.status })
    });
    for said in more.collect::<Vec<_>>() {
        assert_eq!(said.await.unwrap(), 200);
    }
    assert_eq!(elsewhere.script.requests(), 1);
}

#[tokio::test]
async fn what_the_server_does_not_vouch_for_is_refused() {
    let (elsewhere, server, client) =
        scene("  issuer: https://as.example\n  requiredScopes: [kube]\n").await;
    let good = |name: &str, value: Value| {
        let mut answer = active();
        answer["scope"] = json!("kube");
        answer[name] = value;
        answer
    };
    for (number, (answer, accepted)) in [
        (good("scope", json!("openid kube")), true),
        (good("iss", json!("https://as.example")), true),
        (json!({"active": false}), false),
        (good("aud", json!("other")), false),
        (good("aud", Value::Null), false),
        (good("iss", json!("https://other.example")), false),
        (good("scope", json!("openid")), false),
        (good("exp", json!(now() - 1)), false),
        (good("nbf", json!(now() + 3600)), false),
        (good("username", json!("")), false),
        (good("groups", json!(["system:masters"])), false),
        (good("token_type", json!("DPoP")), false),
    ]
    .into_iter()
    .enumerate()
    {
        elsewhere.script.say_json(&answer);
        let said = ask(&client, &server.url, &format!("opaque-{number}")).await;
        assert_eq!(said.username().is_some(), accepted, "{answer}: {said:?}");
        assert!(accepted || said.is_refusal(), "{answer}: {said:?}");
    }
}

#[tokio::test]
async fn what_is_no_answer_is_an_outage_and_never_a_refusal() {
    for (status, media_type, body) in [
        (401, "application/json", r#"{"error":"invalid_client"}"#.to_owned()),
        (403, "application/json", r#"{"active":false}"#.to_owned()),
        (500, "application/json", r#"{"active":false}"#.to_owned()),
        (429, "application/json", String::new()),
        (302, "application/json", String::new()),
        (200, "text/html", r#"{"active":true}"#.to_owned()),
        (200, "application/json", "garbage".to_owned()),
        (200, "application/json", r#"{"active":"true"}"#.to_owned()),
        (200, "application/json", r#"{"active":false,"active":true}"#.to_owned()),
        (200, "application/json", format!(r#"{{"active":true,"x":"{}"}}"#, "x".repeat(70_000))),
    ] {
        let (elsewhere, server, client) = scene("").await;
        elsewhere.script.say(status, media_type, body.clone());
        let said = ask(&client, &server.url, "opaque").await;
        assert!(is_outage(&said), "{status} {body:.40}: {said:?}");
        assert_eq!(elsewhere.script.requests(), 1, "no redirect is followed");
        // None of these answers is cached.
        elsewhere.script.say_json(&active());
        assert_eq!(ask(&client, &server.url, "opaque").await.username(), Some("as:jane"));
    }
}

#[tokio::test]
async fn a_server_that_is_its_own_authority_is_believed_where_its_certificate_is_named() {
    let (pki, tls) = Pki::of_itself();
    let elsewhere = Elsewhere::start_with(pki, Some(tls)).await;
    elsewhere.script.say_json(&active());
    let server = TestServer::start(asking(&elsewhere, "")).await;
    let client = plain_client();
    assert_eq!(ask(&client, &server.url, "opaque").await.username(), Some("as:jane"));
    let (pki, tls) = Pki::of_itself();
    let mut impostor = Elsewhere::start_with(pki, Some(tls)).await;
    impostor.script.say_json(&active());
    impostor.pki = Pki::of_itself().0;
    let server = TestServer::start(asking(&impostor, "")).await;
    assert!(is_outage(&ask(&client, &server.url, "opaque").await));
    assert_eq!(impostor.script.requests(), 0, "nothing is shown to it");
}

#[tokio::test]
async fn a_server_that_is_silent_or_gone_is_an_outage() {
    let (elsewhere, server, client) = scene("").await;
    elsewhere.script.wait_before_answering(Duration::from_mins(1));
    assert!(is_outage(&ask(&client, &server.url, "opaque").await));
    elsewhere.script.wait_before_answering(Duration::ZERO);
    assert_eq!(ask(&client, &server.url, "opaque").await.username(), Some("as:jane"));
}

const ANEW: &str = "  cacheTTL: 0s\n  negativeCacheTTL: 0s\n";

#[tokio::test]
async fn a_server_that_fails_for_tokens_that_were_good_is_left_alone() {
    let (elsewhere, server, client) = scene(ANEW).await;
    let good = |number: usize| format!("good-{number}");
    for number in 0..6 {
        let said = ask(&client, &server.url, &good(number)).await;
        assert_eq!(said.username(), Some("as:jane"));
    }
    elsewhere.script.say(500, "application/json", "");
    // Failures for one token alone, however many, do not prove that the endpoint is down.
    for _ in 0..9 {
        assert!(is_outage(&ask(&client, &server.url, &good(0)).await));
    }
    assert_eq!(elsewhere.script.requests(), 15);
    for number in (1..6).chain(0..6) {
        assert!(is_outage(&ask(&client, &server.url, &good(number)).await));
    }
    assert_eq!(elsewhere.script.requests(), 19, "the rest is answered at once");
    assert!(is_outage(&ask(&client, &server.url, "stranger").await));
    assert_eq!(elsewhere.script.requests(), 19);
}

#[tokio::test]
async fn odd_tokens_do_not_cut_off_the_others() {
    for statuses in
        [&[200, 302, 404, 406, 422, 429, 500, 502, 503, 504][..], &[400, 401, 403, 413, 414]]
    {
        let (elsewhere, server, client) = scene(ANEW).await;
        assert_eq!(ask(&client, &server.url, "good").await.username(), Some("as:jane"));
        for (number, status) in statuses.iter().cycle().take(12).enumerate() {
            elsewhere.script.say(*status, "text/html", "<h1>no</h1>");
            assert!(is_outage(&ask(&client, &server.url, &format!("odd-{number}")).await));
        }
        elsewhere.script.say_json(&active());
        for token in ["good", "new"] {
            assert_eq!(ask(&client, &server.url, token).await.username(), Some("as:jane"));
        }
        // However many odd tokens fail, a token that was good before is still introspected.
        elsewhere.script.say(500, "text/html", "<h1>no</h1>");
        for number in 0..60 {
            assert!(is_outage(&ask(&client, &server.url, &format!("more-{number}")).await));
        }
        elsewhere.script.say_json(&active());
        assert_eq!(ask(&client, &server.url, "good").await.username(), Some("as:jane"));
    }
}

#[tokio::test]
async fn a_crowd_of_made_up_tokens_at_a_slow_server_delays_nobody_else() {
    let (issuer, elsewhere) = (IssuerElsewhere::start().await, Elsewhere::start().await);
    elsewhere.script.say_json(&active());
    let mut config = asking(&elsewhere, ANEW);
    config.bundle.remotes[0].timeout = Duration::from_secs(4);
    let remotes = config.bundle.policy.remotes().to_vec();
    config.bundle.policy =
        login_review::Policy::new(vec![issuer.policy()], login_review::Guard::default())
            .with_remotes(remotes);
    config.limits.reviews = 200;
    config.limits.waiting_reviews = 8;
    let server = TestServer::start(config).await;
    let client = plain_client();
    let known = issuer.token();
    assert_eq!(ask(&client, &server.url, &known).await.username(), Some("ext:bob"));
    assert_eq!(ask(&client, &server.url, "good").await.username(), Some("as:jane"));
    elsewhere.script.wait_before_answering(Duration::from_secs(3));
    let crowd: Vec<_> = (0..400)
        .map(|number| {
            let (client, url) = (client.clone(), server.url.clone());
            tokio::spawn(async move { ask(&client, &url, &format!("made-up-{number}")).await })
        })
        .collect();
    until("strangers have all their turns", async || elsewhere.script.requests() == 17).await;
    let others = async {
        for number in 0..20 {
            assert_eq!(ask(&client, &server.url, &known).await.username(), Some("ext:bob"));
            let new = issuer.token_with("jti", json!(format!("new-{number}")));
            assert_eq!(ask(&client, &server.url, &new).await.username(), Some("ext:bob"));
        }
        elsewhere.script.wait_before_answering(Duration::ZERO);
        assert_eq!(ask(&client, &server.url, "good").await.username(), Some("as:jane"));
    };
    let crowd = async {
        let mut statuses = std::collections::BTreeMap::new();
        for said in crowd {
            *statuses.entry(said.await.unwrap().status).or_insert(0) += 1;
        }
        statuses
    };
    let ((), statuses) = tokio::join!(others, crowd);
    // Some had a place; the others were refused at once, as an outage.
    assert!(statuses.keys().all(|status| [200, 503].contains(status)), "{statuses:?}");
    assert!(statuses[&503] >= 300, "{statuses:?}");
}

#[tokio::test]
async fn a_refusal_is_forgotten_when_it_may_not_be_kept() {
    let (elsewhere, server, client) = scene("  cacheTTL: 0s\n  negativeCacheTTL: 0s\n").await;
    elsewhere.script.say_json(&json!({"active": false}));
    assert!(ask(&client, &server.url, "opaque").await.is_refusal());
    elsewhere.script.say_json(&active());
    assert_eq!(ask(&client, &server.url, "opaque").await.username(), Some("as:jane"));
    elsewhere.script.say_json(&json!({"active": false}));
    assert!(ask(&client, &server.url, "opaque").await.is_refusal());
    assert_eq!(elsewhere.script.requests(), 3);
}

#[tokio::test]
async fn no_token_is_shown_to_anybody_it_is_not_for() {
    let issuer = IssuerElsewhere::start().await;
    let elsewhere = Elsewhere::start().await;
    elsewhere.script.say_json(&active());
    let mut config = asking(&elsewhere, "  tokenPrefix: ory_\n");
    let remotes = config.bundle.policy.remotes().to_vec();
    config.bundle.policy =
        login_review::Policy::new(vec![issuer.policy()], login_review::Guard::default())
            .with_remotes(remotes);
    let server = TestServer::start(config).await;
    let client = plain_client();
    assert_eq!(ask(&client, &server.url, &issuer.token()).await.username(), Some("ext:bob"));
    let good = issuer.token();
    for token in [
        &issuer.token_with("exp", json!(now() - 5)),
        &issuer.token_with("iss", json!("https://foreign.example")),
        &format!("{good}x"),
        &format!("{good}."),
        "eyJhbGciOiJub25lIn0",
        "opaque",
        "Ory_x",
        "k8s-aws-v1.ory_",
        "gAAAAABory_",
        "abcdef.0123456789abcdef",
        "ory_ x",
    ] {
        assert!(ask(&client, &server.url, token).await.is_refusal(), "{token}");
    }
    assert_eq!(elsewhere.script.requests(), 0);
    assert_eq!(ask(&client, &server.url, "ory_x.y.z").await.username(), Some("as:jane"));
}

#[tokio::test]
async fn static_tokens_are_looked_up_and_nobody_is_asked() {
    let end = login_common::UnixTime::from_seconds(now() + 3600);
    let past = login_common::UnixTime::from_seconds(now() - 1);
    let digest = |token: &str| login_review::TokenDigest::of(token).to_text();
    let hashed = format!(
        "- {{token: \"{}\", user: glass, groups: [admins], notAfter: \"{end}\"}}\n\
         - {{token: \"{}\", user: glass, notAfter: \"{past}\"}}\n",
        digest("break-glass"),
        digest("broken-glass"),
    );
    let plain = "plain-Zq3xK9mT7vB2nL5wR8yD1cF6,robot,r1,\"ops,dev\"\n";
    let text = "staticTokens: {file: <plain>, hashedFile: <hashed>}\n";
    let loaded = loaded(text, &[("plain", plain), ("hashed", hashed.as_str())]);
    assert!(loaded.warnings.is_empty());
    let server = TestServer::start(running(loaded)).await;
    let client = plain_client();
    let said = ask(&client, &server.url, "plain-Zq3xK9mT7vB2nL5wR8yD1cF6").await;
    let mut user = said.body["status"]["user"].clone();
    user.as_object_mut().unwrap().remove("extra");
    assert_eq!(user, json!({"username": "robot", "uid": "r1", "groups": ["ops", "dev"]}));
    assert_eq!(ask(&client, &server.url, "break-glass").await.username(), Some("glass"));
    for token in ["broken-glass", "break-glas", "break-glass ", &digest("break-glass"), ""] {
        assert!(ask(&client, &server.url, token).await.is_refusal(), "{token}");
    }
}

#[tokio::test]
async fn two_entries_for_one_endpoint_are_one_series() {
    let elsewhere = Elsewhere::start().await;
    elsewhere.script.say_json(&active());
    let second = format!(
        "  tokenPrefix: a_\n- url: {}/introspect\n  clientID: kube\n  clientSecretFile: <secret>\n  \
         certificateAuthorityFile: <ca>\n  audiences: [cluster]\n  tokenPrefix: b_\n  \
         claimMappings: {{username: {{claim: username, prefix: \"as:\"}}}}\n",
        elsewhere.url
    );
    let server = TestServer::start(asking(&elsewhere, &second)).await;
    let client = plain_client();
    for token in ["a_1", "b_2"] {
        assert_eq!(ask(&client, &server.url, token).await.username(), Some("as:jane"));
    }
    let metrics = server.metrics().await;
    let samples = metrics.lines().filter(|line| {
        line.starts_with("login_server_introspection_requests_total{")
            && line.contains("result=\"active\"")
    });
    let values: Vec<&str> =
        samples.filter_map(|line| line.rsplit_once(' ')).map(|pair| pair.1).collect();
    assert_eq!(values, ["2"]);
}
