//! `/metrics`: what it counts, in which formats, and that the reference lists it all.
//! Never asserts a duration.

use std::collections::BTreeSet;

use serde_json::json;

use crate::support::{IssuerElsewhere, TestServer, ask, config, now, plain_client};

async fn scrape(server: &TestServer, accept: &str) -> (String, String) {
    let url = format!("{}/metrics", server.health_url);
    let response = plain_client().get(url).header("accept", accept).send().await.unwrap();
    assert_eq!(response.status().as_u16(), 200);
    let kind = response.headers()["content-type"].to_str().unwrap().to_owned();
    (kind, response.text().await.unwrap())
}

/// The value of the one sample with exactly this name and these labels.
fn sample(metrics: &str, name: &str) -> f64 {
    let line = metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("no `{name}` in\n{metrics}")).parse().unwrap()
}

#[tokio::test]
async fn answers_are_counted_by_outcome_and_reason_and_those_from_the_cache_too() {
    let issuer = IssuerElsewhere::start().await;
    let server = TestServer::start(config(vec![issuer.policy()])).await;
    let client = plain_client();
    let token = issuer.token();
    for _ in 0..3 {
        assert_eq!(ask(&client, &server.url, &token).await.username(), Some("ext:bob"));
    }
    ask(&client, &server.url, &issuer.token_with("exp", json!(now() - 1))).await;
    ask(&client, &server.url, "garbage").await;
    client.get(format!("{}/authenticate", server.url)).send().await.unwrap();
    let (_, metrics) = scrape(&server, "*/*").await;
    for (name, expected) in [
        ("login_server_reviews_total{outcome=\"accepted\",reason=\"\"}", 3.0),
        ("login_server_reviews_total{outcome=\"refused\",reason=\"expired\"}", 1.0),
        ("login_server_reviews_total{outcome=\"refused\",reason=\"signature\"}", 0.0),
        ("login_server_reviews_total{outcome=\"cannot_tell\",reason=\"keys_unavailable\"}", 0.0),
        ("login_server_rejected_requests_total{reason=\"method_not_allowed\"}", 1.0),
        ("login_server_result_cache_requests_total{result=\"hit\"}", 2.0),
        ("login_server_review_duration_seconds_count{outcome=\"accepted\",origin=\"cache\"}", 2.0),
        (
            "login_server_review_duration_seconds_bucket{le=\"+Inf\",outcome=\"accepted\",origin=\"judged\"}",
            1.0,
        ),
        ("login_server_reviews_in_flight", 0.0),
        ("login_server_draining", 0.0),
    ] {
        assert!((sample(&metrics, name) - expected).abs() < 0.5, "{name}\n{metrics}");
    }
    assert!(sample(&metrics, "login_server_connections_total") >= 1.0);
}

#[tokio::test]
async fn both_formats_have_the_same_samples() {
    let issuer = IssuerElsewhere::start().await;
    let server = TestServer::start(config(vec![issuer.policy()])).await;
    let (kind, open_metrics) = scrape(&server, "application/openmetrics-text").await;
    assert_eq!(kind, "application/openmetrics-text; version=1.0.0; charset=utf-8");
    assert!(open_metrics.ends_with("# EOF\n"));
    assert!(open_metrics.contains("# TYPE login_server_reviews counter\n"));
    let (kind, older) = scrape(&server, "text/plain").await;
    assert_eq!(kind, "text/plain; version=0.0.4; charset=utf-8");
    assert!(!older.contains("# EOF"));
    assert!(older.contains("# TYPE login_server_reviews_total counter\n"));
    let samples = |text: &str| {
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        lines.map(|line| line.rsplit_once(' ').unwrap().0.to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(samples(&open_metrics), samples(&older));
}

#[tokio::test]
async fn no_label_says_anything_of_a_token_or_names_an_issuer() {
    let issuer = IssuerElsewhere::start().await;
    let server = TestServer::start(config(vec![issuer.policy()])).await;
    let client = plain_client();
    ask(&client, &server.url, &issuer.token()).await;
    ask(&client, &server.url, &issuer.token_with("iss", json!("https://elsewhere.example"))).await;
    let (_, metrics) = scrape(&server, "*/*").await;
    for text in [
        "bob",
        "testers",
        "j1",
        "elsewhere.example",
        &issuer.url,
        issuer.url.trim_start_matches("https://"),
    ] {
        assert!(!metrics.contains(text), "{text}\n{metrics}");
    }
    assert!(metrics.contains("{jwt_issuer_hash=\"sha256:"), "{metrics}");
}

#[tokio::test]
async fn the_reference_lists_every_metric_and_no_other() {
    let issuer = IssuerElsewhere::start().await;
    let server = TestServer::start(config(vec![issuer.policy()])).await;
    let (_, metrics) = scrape(&server, "*/*").await;
    let told: BTreeSet<(&str, &str)> =
        metrics.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' ')).collect();
    let families: BTreeSet<String> = login_server::telemetry::metrics::families::ALL
        .iter()
        .map(login_server::telemetry::metrics::families::Family::row)
        .collect();
    let page = include_str!("../../../../docs/src/reference/metrics.md");
    let rows: BTreeSet<String> = page
        .lines()
        .filter(|line| line.starts_with("| `login_server_") || line.starts_with("| `process_"))
        .map(str::to_owned)
        .collect();
    let missing: Vec<_> = families.difference(&rows).collect();
    let unknown: Vec<_> = rows.difference(&families).collect();
    assert!(
        missing.is_empty() && unknown.is_empty(),
        "not in the reference: {missing:#?}\nnot a metric: {unknown:#?}"
    );
    assert_eq!(told.len(), families.len());
    for (name, kind) in told {
        let begin = format!("| `{name}` | {kind} |");
        assert!(families.iter().any(|row| row.starts_with(&begin)), "{begin}");
    }
}

#[tokio::test]
async fn key_sets_certificates_and_the_cache_tell_how_they_are() {
    let issuer = IssuerElsewhere::start().await;
    let pki = crate::support::Pki::new();
    let mut config = config(vec![issuer.policy()]);
    config.tls = Some(pki.server_tls(None));
    let server = TestServer::start(config).await;
    let client = pki.client().build().unwrap();
    ask(&client, &server.url, &issuer.token()).await;
    ask(&client, &server.url, &issuer.token_with("aud", json!("vault"))).await;
    // A handshake that fails.
    let mut stranger = tokio::net::TcpStream::connect(server.address).await.unwrap();
    let _ = tokio::io::AsyncWriteExt::write_all(&mut stranger, b"GET / HTTP/1.0\r\n\r\n").await;
    let _ = tokio::io::AsyncReadExt::read(&mut stranger, &mut [0; 64]).await;
    let (_, metrics) = scrape(&server, "*/*").await;
    let hash = login_server::telemetry::metrics::issuer_hash(&issuer.url);
    let of_issuer = |name: &str, more: &str| format!("{name}{{jwt_issuer_hash=\"{hash}\"{more}}}");
    for (name, expected) in [
        (of_issuer("login_server_jwks_available", ""), 1.0),
        (of_issuer("login_server_jwks_keys", ",usable=\"true\""), 1.0),
        (of_issuer("login_server_jwks_fetches_total", ",result=\"changed\""), 1.0),
        (of_issuer("login_server_jwks_circuit_open", ""), 0.0),
        ("login_server_result_cache_answers{outcome=\"accepted\"}".to_owned(), 1.0),
        ("login_server_result_cache_answers{outcome=\"refused\"}".to_owned(), 1.0),
        ("login_server_tls_handshake_failures_total".to_owned(), 1.0),
    ] {
        assert!((sample(&metrics, &name) - expected).abs() < 0.5, "{name}\n{metrics}");
    }
    assert!(sample(&metrics, &of_issuer("login_server_jwks_age_seconds", "")) < 60.0);
    assert!(
        sample(&metrics, &of_issuer("login_server_issuer_clock_skew_seconds", "")).abs() < 60.0
    );
    let end = "login_server_certificate_expiration_timestamp_seconds{use=\"serving\"}";
    assert!(sample(&metrics, end) > 1_700_000_000.0);
    assert!(sample(&metrics, "login_server_result_cache_bytes") > 0.0);
}
