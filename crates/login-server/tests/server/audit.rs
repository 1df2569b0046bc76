//! Audit records of real reviews: one for each decision, joined with the ID that kube-apiserver
//! gets.
//! Never reads the log: the file has the same records.

use std::path::{Path, PathBuf};

use login_server::{telemetry::audit::AuditSettings, tls::ClientCertificate};
use serde_json::{Value, json};

use crate::support::{
    IssuerElsewhere, Pki, TestServer, ask, config, now, pass, plain_client, post, question,
};

const DECISION_ID: &str = "kubectl-login.internal/decision-id";

struct Audited {
    issuer: IssuerElsewhere,
    server: TestServer,
    client: reqwest::Client,
    file: PathBuf,
    folder: tempfile::TempDir,
}

async fn audited(change: impl Fn(&mut AuditSettings)) -> Audited {
    let issuer = IssuerElsewhere::start().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("audit.log");
    let mut config = config(vec![issuer.policy()]);
    config.audit.file = Some(file.clone());
    change(&mut config.audit);
    let server = TestServer::start(config).await;
    Audited { issuer, server, client: plain_client(), file, folder }
}

/// All records, read after the server has ended and so has written them.
async fn records(server: TestServer, file: &Path) -> Vec<Value> {
    server.stop().await;
    let text = std::fs::read_to_string(file).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test]
async fn an_accepted_user_carries_the_id_of_the_one_record_of_the_decision() {
    let Audited { issuer, server, client, file, folder: _folder } = audited(|_| {}).await;
    let body = question("v1beta1", &issuer.token(), &["api"]);
    let mut ids = Vec::new();
    for _ in 0..3 {
        let said = post(&client, &server.url, body.clone()).await;
        ids.push(said.body["status"]["user"]["extra"][DECISION_ID][0].clone());
    }
    let records = records(server, &file).await;
    assert_eq!(records.len(), 1, "{records:#?}");
    let record = &records[0];
    assert!(ids.iter().all(|id| *id == record["decisionID"]), "{ids:?} {record}");
    for (key, expected) in [
        ("outcome", json!("accepted")),
        ("cached", json!(false)),
        ("authenticator", json!("jwt")),
        ("issuer", json!(issuer.url)),
        ("username", json!("ext:bob")),
        ("groups", json!(1)),
        ("credentialID", json!("j1")),
        ("caller", json!("127.0.0.1")),
        ("apiVersion", json!("authentication.k8s.io/v1beta1")),
        ("audiences", json!(["api"])),
    ] {
        assert_eq!(record[key], expected, "{key} {record}");
    }
    for hash in ["subjectHash", "tokenHash"] {
        assert_eq!(record[hash].as_str().map(str::len), Some(16), "{record}");
    }
    assert!(record["keyID"].is_string() && record["latencyMicroseconds"].is_u64(), "{record}");
    assert!(record.get("reason").is_none() && record.get("callerName").is_none(), "{record}");
}

#[tokio::test]
async fn a_caller_is_recorded_by_the_name_in_its_certificate() {
    let issuer = IssuerElsewhere::start().await;
    let pki = Pki::new();
    let (folder, authority) = (tempfile::tempdir().unwrap(), pki.authority_file());
    let file = folder.path().join("audit.log");
    let demand = ClientCertificate::RequiredForReviews;
    let mut config = config(vec![issuer.policy()]);
    config.client_certificate = demand;
    config.tls = Some(pki.server_tls(Some((&authority, demand))));
    config.audit =
        AuditSettings { file: Some(file.clone()), every_nth_repeat: 1, ..AuditSettings::default() };
    let server = TestServer::start(config).await;
    let (certificate, key) = pki.issue();
    let identity = reqwest::Identity::from_pem(format!("{certificate}{key}").as_bytes()).unwrap();
    let client = pki.client().identity(identity).build().unwrap();
    let token = issuer.token();
    for _ in 0..2 {
        assert_eq!(ask(&client, &server.url, &token).await.username(), Some("ext:bob"));
    }
    let records = records(server, &file).await;
    let said: Vec<_> =
        records.iter().map(|record| (&record["cached"], &record["callerName"])).collect();
    // The name that rcgen gives a certificate without one.
    let name = json!("rcgen self signed cert");
    assert_eq!(said, [(&json!(false), &name), (&json!(true), &name)]);
}

#[tokio::test]
async fn a_refusal_has_a_reason_and_no_username() {
    let Audited { issuer, server, client, file, folder: _folder } = audited(|_| {}).await;
    ask(&client, &server.url, &issuer.token_with("aud", json!("vault"))).await;
    ask(&client, &server.url, &issuer.token_with("exp", json!(now() - 1))).await;
    ask(&client, &server.url, "garbage").await;
    issuer.stop().await;
    let stranger = login_protocols::jose::SigningKey::generate().unwrap();
    pass(std::time::Duration::from_millis(350)).await;
    let unknown = stranger.sign("JWT", &issuer.claims()).unwrap();
    assert_eq!(ask(&client, &server.url, &unknown).await.status, 503);
    let records = records(server, &file).await;
    let ends: Vec<_> = records
        .iter()
        .map(|record| (record["outcome"].as_str().unwrap(), record["reason"].as_str().unwrap()))
        .collect();
    assert_eq!(
        ends,
        [
            ("refused", "wrong_audience"),
            ("refused", "expired"),
            ("refused", "unknown_shape"),
            ("cannot_tell", "keys_unavailable"),
        ]
    );
    assert_eq!(records[0]["credentialID"], "j1");
    assert_eq!(records[3]["level"], "WARN");
    for record in &records {
        assert!(record.get("username").is_none() && record.get("groups").is_none(), "{record}");
    }
}

#[tokio::test]
async fn a_rule_that_says_no_is_told_to_the_operator_and_to_nobody_else() {
    let issuer = IssuerElsewhere::start().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("audit.log");
    let mut policy = issuer.policy();
    let expression = login_review::Expression::over_user("user.username != 'ext:bob'").unwrap();
    policy.user_rules = vec![login_review::Rule { expression, message: "bob left".to_owned() }];
    let mut config = config(vec![policy]);
    config.audit.file = Some(file.clone());
    let server = TestServer::start(config).await;
    let said = ask(&plain_client(), &server.url, &issuer.token()).await;
    assert_eq!(said.body["status"]["authenticated"], false);
    assert!(!said.body.to_string().contains("bob"), "{}", said.body);
    let records = records(server, &file).await;
    assert_eq!(records[0]["reason"], "user_rule");
    let expected = "userValidationRules: `user.username != 'ext:bob'`: bob left";
    assert_eq!(records[0]["expression"], expected);
}

#[tokio::test]
async fn repeats_are_recorded_under_the_first_id_when_wanted() {
    let Audited { issuer, server, client, file, folder: _folder } =
        audited(|settings| settings.every_nth_repeat = 2).await;
    let token = issuer.token();
    for _ in 0..5 {
        ask(&client, &server.url, &token).await;
    }
    let records = records(server, &file).await;
    let cached: Vec<_> = records.iter().map(|record| record["cached"] == true).collect();
    assert_eq!(cached, [false, true, true]);
    assert!(records.iter().all(|record| record["decisionID"] == records[0]["decisionID"]));
}

#[tokio::test]
async fn the_id_is_not_told_when_it_shall_not_be() {
    let Audited { issuer, server, client, folder: _folder, .. } =
        audited(|settings| settings.decision_id_in_extra = false).await;
    let said = ask(&client, &server.url, &issuer.token()).await;
    let extra = said.body["status"]["user"]["extra"].as_object().unwrap();
    assert!(!extra.contains_key(DECISION_ID), "{extra:?}");
}
