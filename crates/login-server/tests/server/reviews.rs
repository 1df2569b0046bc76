//! The contract table of the webhook, by every way in.
//! Never reads the server's internal state: what matters is what kube-apiserver would see.

use std::time::Duration;

use http::StatusCode;
use login_review::Guard;
use login_server::config::Limits;
use serde_json::json;

use crate::support::{
    IssuerElsewhere, Pki, Said, TestServer, ask, config, now, pass, plain_client, post, question,
    until,
};

async fn issuer_and_server() -> (IssuerElsewhere, TestServer, reqwest::Client) {
    let issuer = IssuerElsewhere::start().await;
    let server = TestServer::start(config(vec![issuer.policy()])).await;
    (issuer, server, plain_client())
}

#[tokio::test]
async fn a_good_token_is_answered_in_the_version_of_the_question() {
    let (issuer, server, client) = issuer_and_server().await;
    for version in ["v1", "v1beta1"] {
        let body = question(version, &issuer.token(), &["https://kubernetes.default.svc"]);
        let mut said = post(&client, &server.url, body).await;
        assert_eq!(said.status, 200);
        assert_eq!(said.headers["content-type"], "application/json");
        let extra = said.body["status"]["user"]["extra"].as_object_mut().unwrap();
        let decision = extra.remove("kubectl-login.internal/decision-id").unwrap();
        assert_eq!(decision[0].as_str().map(str::len), Some(32), "{decision}");
        assert_eq!(
            said.body,
            json!({
                "kind": "TokenReview",
                "apiVersion": format!("authentication.k8s.io/{version}"),
                "status": {"authenticated": true, "user": {
                    "username": "ext:bob",
                    "uid": format!("{}#bob", issuer.url),
                    "groups": ["testers"],
                    "extra": {"authentication.kubernetes.io/credential-id": ["JTI=j1"]},
                }},
            })
        );
    }
}

#[tokio::test]
async fn a_refusal_is_200_without_user_and_without_error() {
    let (issuer, server, client) = issuer_and_server().await;
    let good = issuer.token();
    let (head, signature) = good.rsplit_once('.').unwrap();
    let flipped = if signature.starts_with('A') { 'B' } else { 'A' };
    let tampered = format!("{head}.{flipped}{}", &signature[1..]);
    for (what, token) in [
        ("empty", String::new()),
        ("no JWT", "abcdef.0123456789abcdef".to_owned()),
        ("too long", "x".repeat(20_000)),
        ("tampered", tampered),
        ("expired", issuer.token_with("exp", json!(now() - 1))),
        ("without expiry", issuer.token_with("exp", json!(null))),
        ("not yet valid", issuer.token_with("nbf", json!(now() + 3600))),
        ("foreign issuer", issuer.token_with("iss", json!("https://elsewhere.example"))),
        ("for somebody else", issuer.token_with("aud", json!("vault"))),
        ("reserved group", issuer.token_with("groups", json!(["system:masters"]))),
        ("blank name", issuer.token_with("sub", json!(""))),
    ] {
        // Twice: the second answer may come from the cache, and must be the same.
        for _ in 0..2 {
            let said = ask(&client, &server.url, &token).await;
            assert!(said.is_refusal(), "{what}: {said:?}");
        }
    }
    assert_eq!(ask(&client, &server.url, &good).await.username(), Some("ext:bob"));
}

#[tokio::test]
async fn a_reserved_name_works_when_exactly_it_is_allowed() {
    let issuer = IssuerElsewhere::start().await;
    let mut config = config(vec![issuer.policy()]);
    config.bundle.policy = login_review::Policy::new(
        vec![issuer.policy()],
        Guard::new([], ["system:masters".to_owned()]),
    );
    let server = TestServer::start(config).await;
    let client = plain_client();
    let token = |group: &str| issuer.token_with("groups", json!([group]));
    let said = ask(&client, &server.url, &token("system:masters")).await;
    assert_eq!(said.body["status"]["user"]["groups"], json!(["system:masters"]));
    assert!(ask(&client, &server.url, &token("system:nodes")).await.is_refusal());
}

#[tokio::test]
async fn a_request_that_is_no_question_has_its_own_status() {
    let (issuer, server, client) = issuer_and_server().await;
    let good = question("v1", &issuer.token(), &[]);
    let json_type = "application/json";
    for (status, method, content_type, body) in [
        (405, "GET", json_type, String::new()),
        (405, "PUT", json_type, good.clone()),
        (415, "POST", "text/plain", good.clone()),
        (415, "POST", "", good.clone()),
        (400, "POST", json_type, String::new()),
        (400, "POST", json_type, "not json".to_owned()),
        (400, "POST", json_type, format!("{good}x")),
        (400, "POST", json_type, good.replacen("\"kind\"", "\"kind\":\"TokenReview\",\"kind\"", 1)),
        (400, "POST", json_type, good.replace("\"TokenReview\"", "\"SubjectAccessReview\"")),
        (400, "POST", json_type, good.replace("k8s.io/v1", "k8s.io/v2")),
        (400, "POST", json_type, "{}".to_owned()),
        (413, "POST", json_type, format!("{good}{}", " ".repeat(96 * 1024))),
        (200, "POST", "application/json; charset=utf-8", good.clone()),
        (200, "POST", "Application/JSON", good.clone()),
    ] {
        let mut request =
            client.request(method.parse().unwrap(), format!("{}/authenticate", server.url));
        if !content_type.is_empty() {
            request = request.header("content-type", content_type);
        }
        let shown = body.chars().take(60).collect::<String>();
        let said = Said::by(request.body(body).send().await.unwrap()).await;
        assert_eq!(said.status, status, "{method} {content_type} {shown}");
        assert!(!said.headers.contains_key("retry-after"));
        if status == 405 {
            assert_eq!(said.headers["allow"], "POST");
        }
        if status != 200 {
            assert_eq!(said.body["kind"], "Status", "{method} {content_type} {shown}");
            assert_eq!(said.body["code"], status);
        }
    }
    let elsewhere = client.get(format!("{}/elsewhere", server.url)).send().await.unwrap();
    assert_eq!(elsewhere.status().as_u16(), 404);
}

#[tokio::test]
async fn a_long_body_is_refused_also_when_its_length_was_not_announced() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let (_issuer, server, _) = issuer_and_server().await;
    let mut stream = tokio::net::TcpStream::connect(server.address).await.unwrap();
    stream
        .write_all(
            b"POST /authenticate HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\
              transfer-encoding: chunked\r\n\r\n",
        )
        .await
        .unwrap();
    let chunk = format!("2000\r\n{}\r\n", " ".repeat(0x2000));
    // The server stops reading somewhere in between, so a write may fail.
    for _ in 0..16 {
        if stream.write_all(chunk.as_bytes()).await.is_err() {
            break;
        }
    }
    let mut answer = vec![0; 64];
    let read = stream.read(&mut answer).await.unwrap();
    assert!(answer[..read].starts_with(b"HTTP/1.1 413 "), "{:?}", &answer[..read]);
}

#[tokio::test]
async fn both_http_versions_work_over_tls() {
    let issuer = IssuerElsewhere::start().await;
    let pki = Pki::new();
    let mut config = config(vec![issuer.policy()]);
    config.tls = Some(pki.server_tls(None));
    let server = TestServer::start(config).await;
    for (client, version) in [
        (pki.client().build().unwrap(), http::Version::HTTP_2),
        (pki.client().http1_only().build().unwrap(), http::Version::HTTP_11),
    ] {
        let said = ask(&client, &server.url, &issuer.token()).await;
        assert_eq!((said.version, said.username()), (version, Some("ext:bob")));
    }
}

#[tokio::test]
async fn audiences_are_intersected_with_those_of_the_api_server() {
    let issuer = IssuerElsewhere::start().await;
    let mut config = config(vec![issuer.policy()]);
    config.api_audiences = Some(vec!["api".to_owned(), "api2".to_owned()]);
    let server = TestServer::start(config).await;
    let client = plain_client();
    let ask = async |audiences: &[&str]| {
        post(&client, &server.url, question("v1", &issuer.token(), audiences)).await
    };
    assert_eq!(ask(&["api", "vault"]).await.body["status"]["audiences"], json!(["api"]));
    assert!(ask(&["vault"]).await.is_refusal());
    assert!(ask(&[]).await.body["status"].get("audiences").is_none());
}

#[tokio::test]
async fn an_issuer_that_is_down_from_the_start_is_503_and_the_others_work() {
    let (up, down) = (IssuerElsewhere::start().await, IssuerElsewhere::start().await);
    down.stop().await;
    let server = TestServer::start(config(vec![up.policy(), down.policy()])).await;
    let client = plain_client();
    let said = ask(&client, &server.url, &down.token()).await;
    assert_eq!(said.status, 503);
    assert_eq!(said.body["reason"], "ServiceUnavailable");
    assert!(!said.headers.contains_key("retry-after"));
    assert_eq!(ask(&client, &server.url, &up.token()).await.username(), Some("ext:bob"));
    // One issuer that is down does not take the server out of rotation.
    let ready = client.get(format!("{}/readyz?verbose", server.health_url)).send().await.unwrap();
    assert_eq!(ready.status().as_u16(), 200);
    let lines = ready.text().await.unwrap();
    assert!(lines.contains(&format!("[+] issuer {} ok", up.url)), "{lines}");
    assert!(lines.contains(&format!("[!] issuer {} has no keys yet", down.url)), "{lines}");
}

#[tokio::test]
async fn more_reviews_than_allowed_are_429_without_retry_after() {
    let issuer = IssuerElsewhere::start().await;
    issuer.shown.wait_before_answering(Duration::from_secs(2));
    let mut config = config(vec![issuer.policy()]);
    config.limits = Limits { reviews: 1, waiting_reviews: 0, ..Limits::default() };
    let server = TestServer::start(config).await;
    let client = plain_client();
    let token = issuer.token();
    let (first, second) =
        tokio::join!(ask(&client, &server.url, &token), ask(&client, &server.url, &token),);
    let mut statuses = [first.status, second.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 429]);
    for said in [first, second] {
        assert!(!said.headers.contains_key("retry-after"));
    }
}

#[tokio::test]
async fn a_review_that_takes_too_long_is_503() {
    let issuer = IssuerElsewhere::start().await;
    issuer.shown.wait_before_answering(Duration::from_secs(30));
    let mut config = config(vec![issuer.policy()]);
    config.limits = Limits { review: Duration::from_millis(200), ..Limits::default() };
    let server = TestServer::start(config).await;
    let said = ask(&plain_client(), &server.url, &issuer.token()).await;
    assert_eq!((said.status, said.body["code"].as_u64()), (503, Some(503)));
}

#[tokio::test]
async fn a_key_that_the_issuer_withdrew_ends_the_answers_kept_for_it() {
    let (issuer, server, client) = issuer_and_server().await;
    let token = issuer.token();
    assert_eq!(ask(&client, &server.url, &token).await.username(), Some("ext:bob"));
    assert_eq!(ask(&client, &server.url, &token).await.username(), Some("ext:bob"));
    let next = login_protocols::jose::SigningKey::generate().unwrap();
    issuer.shown.show(StatusCode::OK, login_protocols::jose::public_key_set(&[&next]).to_string());
    pass(Duration::from_millis(350)).await;
    // A token with the new key makes the server fetch the key set, and it then drops the old
    // answer.
    let fresh = next.sign("JWT", &issuer.claims()).unwrap();
    assert_eq!(ask(&client, &server.url, &fresh).await.username(), Some("ext:bob"));
    // Until the issuer may be asked again no verdict is possible; then it is a refusal.
    until("the withdrawn key is refused", async || {
        let said = ask(&client, &server.url, &token).await;
        assert!(said.is_refusal() || said.status == 503, "{said:?}");
        said.is_refusal()
    })
    .await;
}
