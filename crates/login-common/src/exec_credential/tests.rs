//! Pins the wire shapes, as client-go writes and reads them.

use super::*;

fn info(text: &str) -> ExecInfo {
    ExecInfo::parse(text).unwrap()
}

#[test]
fn the_shortest_request_of_client_go_is_read_in_both_versions() {
    // client-go exec_test.go `TestRefreshCreds`; the encoder adds a newline.
    let v1 = "{\"kind\":\"ExecCredential\",\"apiVersion\":\"client.authentication.k8s.io/v1\",\"spec\":{\"interactive\":false}}\n";
    assert_eq!(
        info(v1),
        ExecInfo { api_version: ExecApiVersion::V1, interactive: false, cluster: None }
    );
    let v1beta1 = v1.replace("/v1", "/v1beta1").replace("false", "true");
    assert_eq!(
        info(&v1beta1),
        ExecInfo { api_version: ExecApiVersion::V1Beta1, interactive: true, cluster: None }
    );
}

#[test]
fn cluster_information_is_read_and_a_null_config_is_none() {
    let text = r#"{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","spec":{"cluster":{"server":"https://c.example:6443/x","tls-server-name":"c","insecure-skip-tls-verify":true,"certificate-authority-data":"UEVN","proxy-url":"http://p:3128","disable-compression":true,"config":null},"interactive":true},"new":1}"#;
    assert_eq!(
        info(text).cluster,
        Some(ClusterInfo {
            server: "https://c.example:6443/x".into(),
            tls_server_name: Some("c".into()),
            insecure_skip_tls_verify: true,
            certificate_authority_data: Some(b"PEM".to_vec()),
            proxy_url: Some("http://p:3128".into()),
            config: None,
        })
    );
    let with_config = text.replace("\"config\":null", "\"config\":{\"issuer-url\":\"https://i\"}");
    assert_eq!(
        info(&with_config).cluster.unwrap().config,
        Some(serde_json::json!({"issuer-url": "https://i"}))
    );
}

#[test]
fn what_is_not_a_request_is_refused_with_its_reason() {
    let message = |text: &str| ExecInfo::parse(text).unwrap_err().to_string();
    assert!(message("").contains("not the JSON"));
    assert!(message("{").contains("not the JSON"));
    assert!(message(r#"{"kind":"Status","apiVersion":"v1"}"#).contains("kind `Status`"));
    let alpha = r#"{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1alpha1"}"#;
    assert!(message(alpha).contains("v1alpha1"));
    let bad_authority = r#"{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","spec":{"interactive":false,"cluster":{"server":"s","certificate-authority-data":"*"}}}"#;
    assert!(message(bad_authority).contains("base64"));
}

#[test]
fn the_answer_is_one_line_in_the_version_asked_for() {
    let credential = ExecCredential {
        token: Secret::new("a.b-c"),
        expires_at: Some(UnixTime::from_seconds(1_769_860_800)),
    };
    assert_eq!(
        credential.render(ExecApiVersion::V1).as_str(),
        "{\"kind\":\"ExecCredential\",\"apiVersion\":\"client.authentication.k8s.io/v1\",\"spec\":{\"interactive\":false},\"status\":{\"expirationTimestamp\":\"2026-01-31T12:00:00Z\",\"token\":\"a.b-c\"}}\n"
    );
    let endless = ExecCredential { token: Secret::new("t\"\\\n"), expires_at: None };
    assert_eq!(
        endless.render(ExecApiVersion::V1Beta1).as_str(),
        "{\"kind\":\"ExecCredential\",\"apiVersion\":\"client.authentication.k8s.io/v1beta1\",\"spec\":{\"interactive\":false},\"status\":{\"token\":\"t\\\"\\\\\\u000a\"}}\n"
    );
}
