//! `/authenticate`: the HTTP status of every kind of bad request and bad token.
//! Never accepts a guess: what is not a TokenReview is refused as such.

use anyhow::{Result, ensure};
use login_tests::certificates::Authority;
use login_tests::curl::{Curl, Reply};
use login_tests::login_server::{LoginServer, Service, TrustedIssuer, review};
use login_tests::oidc_provider::{CLIENT_ID, Manners, OidcProvider};
use login_tests::scratch::Scratch;
use serde_json::{Value, json};

use crate::{Case, World};

pub(crate) const CASES: &[Case] = &[
    ("what_is_not_a_token_review_is_a_bad_request", malformed),
    ("an_oversized_review_is_refused_by_its_size", oversized),
    ("other_methods_media_types_and_paths_are_told_apart", other_requests),
    ("a_bad_token_is_a_definitive_no_and_not_an_error", bad_tokens),
    ("an_unreachable_issuer_is_an_outage_and_not_a_refusal", outage),
    ("both_http_versions_and_both_review_versions_are_answered_alike", versions),
    ("a_server_that_asks_for_client_certificates_reviews_for_nobody_else", client_certificate),
    ("a_caller_that_trusts_another_authority_gets_no_answer", wrong_authority),
    ("health_needs_no_credentials_and_no_tls", health),
];

fn post(world: &World, body: &[u8]) -> Result<Reply> {
    let curl = world.server.curl().clone().with_header("Content-Type: application/json");
    curl.send("POST", &world.server.webhook_url(), Some(body))
}

fn is_status(reply: &Reply, status: u16) -> Result<()> {
    ensure!(reply.status == status, "expected {status}: {reply:?}");
    let body = reply.json()?;
    ensure!(body["kind"] == "Status" && body["status"] == "Failure", "{body}");
    ensure!(body["code"] == status, "{body}");
    ensure!(!reply.headers.to_lowercase().contains("retry-after"), "{reply:?}");
    Ok(())
}

fn malformed(world: &World) -> Result<()> {
    let with = |key: &str, value: Value| {
        let mut body = review("v1", "t");
        body[key] = value;
        body.to_string()
    };
    let bodies = [
        String::new(),
        "{".to_owned(),
        "[]".to_owned(),
        "null".to_owned(),
        format!("{} trailing", review("v1", "t")),
        with("apiVersion", json!("authentication.k8s.io/v2")),
        with("apiVersion", Value::Null),
        with("kind", json!("SubjectAccessReview")),
        with("spec", json!({ "token": 7 })),
        r#"{"apiVersion":"authentication.k8s.io/v1","kind":"TokenReview","spec":{"token":"a","token":"b"}}"#.to_owned(),
    ];
    for body in bodies {
        is_status(&post(world, body.as_bytes())?, 400)?;
    }
    is_status(&post(world, b"\xff\xfe\x00")?, 400)
}

fn oversized(world: &World) -> Result<()> {
    let huge = review("v1", &"x".repeat(3 << 20)).to_string();
    let curl = early(world).with_header("Content-Type: application/json");
    is_status(&curl.send("POST", &world.server.webhook_url(), Some(huge.as_bytes()))?, 413)
}

/// curl for requests that the server answers before it has read their body. Over HTTP/2 RST_STREAM
/// with NO_ERROR follows the answer (RFC 9113 §8.1), which curl before 8 takes for a failure.
fn early(world: &World) -> Curl {
    world.server.curl().clone().with_option("--http1.1")
}

fn other_requests(world: &World) -> Result<()> {
    let curl = early(world);
    let url = world.server.webhook_url();
    let body = review("v1", "t").to_string();
    is_status(&curl.send("GET", &url, None)?, 405)?;
    is_status(&curl.send("PUT", &url, Some(body.as_bytes()))?, 405)?;
    let text = curl.clone().with_header("Content-Type: text/plain");
    is_status(&text.send("POST", &url, Some(body.as_bytes()))?, 415)?;
    let elsewhere = curl.get(&format!("{}/authenticate/me", world.server.url()))?;
    ensure!(elsewhere.status == 404, "{elsewhere:?}");
    Ok(())
}

fn bad_tokens(world: &World) -> Result<()> {
    let person = world.provider.client(&world.components, CLIENT_ID, "alice")?;
    let good = person.credential(&[])?.token;
    let mut parts = good.split('.');
    let (header, claims) = (parts.next().unwrap_or(""), parts.next().unwrap_or(""));
    // {"alg":"none"}
    let unsigned = format!("eyJhbGciOiJub25lIn0.{claims}.");
    let tampered = format!("{header}.{claims}.{}", "A".repeat(342));
    let long = format!("{header}.{}.x", "A".repeat(40_000));
    let bad = ["", " ", "abcdef.0123456789abcdef", "a.b.c", &unsigned, &tampered, &long];
    for token in bad {
        let reply = world.server.review("v1", token)?;
        ensure!(reply.status == 200, "{reply:?}");
        let status = reply.json()?["status"].clone();
        ensure!(status["authenticated"] == false, "{status}");
        // An error text would keep kube-apiserver from caching the refusal (contract B6).
        ensure!(status["error"].as_str().unwrap_or_default().is_empty(), "{status}");
        ensure!(status["user"].as_object().is_none_or(serde_json::Map::is_empty), "{status}");
    }
    ensure!(world.server.review("v1", &good)?.json()?["status"]["authenticated"] == true);
    let log = world.server.log()?;
    ensure!(!log.contains(&good) && !log.contains(&tampered), "a token in the log");
    Ok(())
}

fn outage(world: &World) -> Result<()> {
    let mut provider = OidcProvider::start(&world.components, &Manners::default())?;
    let token = provider.client(&world.components, CLIENT_ID, "alice")?.credential(&[])?.token;
    let authentication = TrustedIssuer {
        url: provider.issuer(),
        authority_pem: provider.authority().pem()?,
        audiences: &[CLIENT_ID],
    }
    .authentication_configuration()?;
    provider.process().kill()?;
    // Started when its issuer was already down: there is no cached key set to use.
    let service = Service { authentication: Some(authentication), ..Service::default() };
    let server = LoginServer::serve(&world.components, &service)?;
    is_status(&server.review("v1", &token)?, 503)?;
    // A token that needs no key is still refused.
    let foreign = server.review("v1", "not-a-token")?;
    ensure!(foreign.status == 200 && foreign.json()?["status"]["authenticated"] == false);
    Ok(())
}

fn versions(world: &World) -> Result<()> {
    let person = world.provider.client(&world.components, CLIENT_ID, "bob")?;
    let token = person.credential(&[])?.token;
    let mut users = Vec::new();
    for version in ["v1", "v1beta1"] {
        for http in ["--http1.1", "--http2"] {
            let curl: Curl = world.server.curl().clone().with_option(http);
            let reply = curl.post_json(&world.server.webhook_url(), &review(version, &token))?;
            ensure!(reply.status == 200, "{reply:?}");
            let expected = if http == "--http2" { "HTTP/2 " } else { "HTTP/1.1 " };
            ensure!(reply.headers.starts_with(expected), "{reply:?}");
            let mut body = reply.json()?;
            ensure!(body["apiVersion"] == format!("authentication.k8s.io/{version}"), "{body}");
            ensure!(body["kind"] == "TokenReview", "{body}");
            ensure!(body["spec"]["token"].is_null(), "the token comes back: {body}");
            // Two reviews, two decision ids.
            let extra = body["status"]["user"]["extra"].as_object_mut();
            let decision =
                extra.and_then(|extra| extra.remove("kubectl-login.internal/decision-id"));
            ensure!(decision.is_some(), "{body}");
            users.push(body["status"].clone());
        }
    }
    ensure!(users.iter().all(|user| Some(user) == users.first()), "{users:?}");
    Ok(())
}

fn client_certificate(world: &World) -> Result<()> {
    let scratch = Scratch::new()?;
    let callers = Authority::new(&scratch, "callers")?;
    let service = Service {
        authentication: Some(world.authentication()?),
        more: vec!["--client-ca-file".to_owned(), callers.certificate().display().to_string()],
        ..Service::default()
    };
    let server = LoginServer::serve(&world.components, &service)?;
    let stranger = server.review("v1", "t");
    // Refused with HTTP status 401, or already in the handshake.
    ensure!(stranger.is_err() || stranger.is_ok_and(|reply| reply.status == 401));
    let apiserver = callers.client(&scratch, "kube-apiserver", "webhook-callers")?;
    let known = server.curl().clone().with_client_certificate(&apiserver);
    let reply = known.post_json(&server.webhook_url(), &review("v1", "t"))?;
    ensure!(reply.status == 200, "{reply:?}");
    Ok(())
}

fn wrong_authority(world: &World) -> Result<()> {
    let scratch = Scratch::new()?;
    let stranger = Authority::new(&scratch, "stranger")?;
    let curl = Curl::new(&world.components, stranger.certificate())?;
    ensure!(curl.try_status(world.server.url())?.is_none());
    Ok(())
}

fn health(world: &World) -> Result<()> {
    for path in ["/livez", "/readyz"] {
        let reply = world.server.curl().get(&format!("{}{path}", world.server.health_url()))?;
        ensure!(reply.status == 200, "{reply:?}");
    }
    Ok(())
}
