//! Callers and audiences: third parties, several audiences, aggregated servers, both HTTP versions.
//! Never sends a review that kube-apiserver or a server behind it would not send.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{Response, StatusCode};
use login_tests::etcd::free_port;
use login_tests::https::{Answer, HttpsServer};
use login_tests::wait;
use serde_json::{Map, Value, json};

use crate::world::{API_AUDIENCE, Case, TENANT, World, is_user};

pub(crate) const CASES: &[Case] = &[
    ("a_third_party_learns_of_a_token_only_for_the_audiences_of_the_cluster", third_party),
    ("whoami_shows_name_uid_groups_and_extra_as_they_were_mapped", whoami),
    ("an_aggregated_server_is_told_the_same_user_as_kube_apiserver", aggregated),
    ("an_administrator_with_a_certificate_needs_no_webhook", without_webhook),
    ("the_same_answer_comes_over_both_http_versions", http_versions),
];

const GROUP: &str = "echo.example.com";
const SOON: Duration = Duration::from_mins(1);

/// W13, W14, W15, W16, W42
fn third_party(world: &World) -> Result<()> {
    let token = world.token(&json!({}))?;
    let review = |audiences: Value| -> Result<Value> {
        let body = json!({
            "apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview",
            "spec": { "token": token, "audiences": audiences },
        });
        let url = format!("{}/apis/authentication.k8s.io/v1/tokenreviews", world.api_server.url());
        let reply = world.administrator()?.post_json(&url, &body)?;
        ensure!(reply.status == 201, "{reply:?}");
        Ok(reply.json()?["status"].clone())
    };
    for own in [json!(null), json!([API_AUDIENCE]), json!(["vault", API_AUDIENCE])] {
        let status = review(own.clone())?;
        ensure!(status["authenticated"] == true, "{own}: {status}");
        ensure!(status["user"]["username"] == "steady:jane", "{own}: {status}");
        ensure!(status["audiences"] == json!([API_AUDIENCE]), "{own}: {status}");
    }
    // The token's own audience is a client's, not one of the cluster's.
    for foreign in [json!(["vault"]), json!(["kubectl-login"]), json!([""])] {
        let status = review(foreign.clone())?;
        ensure!(status["authenticated"] != true, "{foreign}: {status}");
        ensure!(status["user"]["username"].is_null(), "{foreign}: {status}");
    }
    Ok(())
}

/// W20, W40, W41, J12
fn whoami(world: &World) -> Result<()> {
    let token =
        world.token(&json!({ "jti": "4f", "groups": ["dev", "dev", "ops"], "tenant": "acme" }))?;
    let user = is_user(world.who(&world.api_server, &token)?, "steady:jane")?;
    ensure!(user["groups"] == json!(["dev", "ops", "system:authenticated"]), "{user}");
    ensure!(user["uid"] == format!("{}#jane", world.issuers.url("steady")), "{user}");
    let extra = &user["extra"];
    ensure!(extra["authentication.kubernetes.io/credential-id"] == json!(["JTI=4f"]), "{user}");
    ensure!(extra[TENANT] == json!(["acme"]), "{user}");
    let without = is_user(world.who(&world.api_server, &world.token(&json!({}))?)?, "steady:jane")?;
    ensure!(without["extra"][TENANT].is_null(), "{without}");
    Ok(())
}

/// W19, W42: kube-apiserver passes the user on in headers, whose names it escapes and lower-cases.
fn aggregated(world: &World) -> Result<()> {
    let extension = HttpsServer::start(echo)?;
    let administrator = world.administrator()?;
    let create = |path: &str, body: &Value| -> Result<()> {
        let reply = administrator.post_json(&format!("{}{path}", world.api_server.url()), body)?;
        ensure!(reply.status == 201, "{reply:?}");
        Ok(())
    };
    create(
        "/api/v1/namespaces/default/services",
        &json!({
            "apiVersion": "v1", "kind": "Service", "metadata": { "name": "echo" },
            "spec": { "type": "ExternalName", "externalName": "localhost" },
        }),
    )?;
    create(
        "/apis/apiregistration.k8s.io/v1/apiservices",
        &json!({
            "apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService",
            "metadata": { "name": format!("v1.{GROUP}") },
            "spec": {
                "group": GROUP, "version": "v1", "groupPriorityMinimum": 1000, "versionPriority": 10,
                "insecureSkipTLSVerify": true,
                "service": {
                    "name": "echo", "namespace": "default", "port": extension.address().port(),
                },
            },
        }),
    )?;
    create(
        "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
        &json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding",
            "metadata": { "name": "jane-may-all" },
            "roleRef": {
                "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole",
                "name": "cluster-admin",
            },
            "subjects": [{
                "apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "steady:jane",
            }],
        }),
    )?;
    let token = world.token(&json!({ "jti": "agg", "groups": ["dev"], "tenant": "acme" }))?;
    let curl = world.cluster.curl()?.with_bearer(&token);
    let url = format!("{}/apis/{GROUP}/v1/whoami", world.api_server.url());
    let mut last = String::new();
    let told = wait::until("the aggregated server", SOON, || {
        let reply = curl.get(&url)?;
        last = format!("{reply:?}");
        Ok((reply.status == 200).then(|| reply.json()))
    })
    .with_context(|| last.clone())??;
    ensure!(told["x-remote-user"] == json!(["steady:jane"]), "{told}");
    ensure!(told["x-remote-group"] == json!(["dev", "system:authenticated"]), "{told}");
    let credential = "x-remote-extra-authentication.kubernetes.io%2fcredential-id";
    ensure!(told[credential] == json!(["JTI=agg"]), "{told}");
    ensure!(told["x-remote-extra-example.com%2ftenant"] == json!(["acme"]), "{told}");
    ensure!(told["authorization"].is_null(), "the token was passed on: {told}");

    // The review that such a server sends itself, for its users' tokens.
    let body = json!({
        "apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview",
        "spec": { "token": token },
    });
    let reviews = format!("{}/apis/authentication.k8s.io/v1/tokenreviews", world.api_server.url());
    let delegated = administrator.post_json(&reviews, &body)?.json()?;
    let user = &delegated["status"]["user"];
    ensure!(user["username"] == "steady:jane", "{delegated}");
    ensure!(
        user["extra"]["authentication.kubernetes.io/credential-id"] == json!(["JTI=agg"]),
        "{delegated}"
    );
    Ok(())
}

/// Answers with the request's headers; answers discovery requests, so that it counts as available.
fn echo(request: &hyper::Request<hyper::body::Incoming>) -> Answer {
    let mut told = Map::new();
    for name in request.headers().keys() {
        let values = request.headers().get_all(name).iter();
        let values: Vec<&str> = values.filter_map(|value| value.to_str().ok()).collect();
        told.insert(name.as_str().to_owned(), json!(values));
    }
    let body = if request.uri().path().ends_with("/whoami") {
        Value::Object(told)
    } else {
        json!({
            "kind": "APIResourceList", "apiVersion": "v1", "groupVersion": format!("{GROUP}/v1"),
            "resources": [],
        })
    };
    let mut response = Response::new(Full::new(Bytes::from(body.to_string())));
    *response.status_mut() = StatusCode::OK;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// W43
fn without_webhook(world: &World) -> Result<()> {
    let nobody = format!("https://127.0.0.1:{}/authenticate", free_port()?);
    let api_server = world.api_server_for("apiserver-without-webhook", &nobody, None)?;
    let namespaces = format!("{}/api/v1/namespaces", api_server.url());
    let reply = world.administrator()?.get(&namespaces)?;
    ensure!(reply.status == 200, "{reply:?}");
    ensure!(world.who(&api_server, &world.token(&json!({}))?)?.is_none());
    Ok(())
}

/// W07, W08, W09, W36, W37
fn http_versions(world: &World) -> Result<()> {
    let token = world.token(&json!({}))?;
    let url = format!("{}?timeout=30s", world.login_server.webhook_url());
    let body = login_tests::login_server::review("v1", &token);
    let mut answers = Vec::new();
    for version in ["--http1.1", "--http2"] {
        let curl = world.login_server.curl().clone().with_option(version);
        let reply = curl.post_json(&url, &body)?;
        let expected = if version == "--http2" { "HTTP/2 200" } else { "HTTP/1.1 200" };
        ensure!(reply.headers.starts_with(expected), "{version}: {reply:?}");
        ensure!(reply.json()?["status"]["authenticated"] == true, "{version}: {reply:?}");
        answers.push(reply.body);
    }
    ensure!(answers.first() == answers.last(), "{answers:?}");
    // kube-apiserver strips the slash at the end; a caller that does not gets 404, no redirect.
    let elsewhere = format!("{}/", world.login_server.webhook_url());
    let curl = world.login_server.curl().clone().with_option("--http1.1");
    let reply = curl.post_json(&elsewhere, &body)?;
    ensure!(reply.status == 404, "{reply:?}");
    Ok(())
}
