//! A user, a device and a client sign in through the pages and endpoints; the webhook then accepts
//! their tokens.
//! Never stores a cookie: the issuer sets none.

use std::{sync::Arc, time::Duration};

use login_common::names::IssuerUrl;
use login_issuer::{Issuer, store::SqliteStore};
use login_server::{
    config::{
        document::IssuerSection,
        load::{embedded_policy, load},
        running::Running,
    },
    reload::{ConfigurationFiles, PollInterval, Watched},
    system::{
        files::{Readers, write},
        tracked_files::TrackedFiles,
    },
};
use serde_json::{Value, json};
use url::Url;

use crate::support::{
    CLOCK, EmbeddedServer, PASSWORD, Said, TestServer, ask, config, pass, plain_client, question,
    until,
};

pub(crate) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub(crate) const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
pub(crate) const REDIRECT: &str = "http://127.0.0.1:4242/callback";

fn authorize_url(site: &EmbeddedServer) -> Url {
    let parameters = [
        ("response_type", "code"),
        ("client_id", "kubectl-login"),
        ("redirect_uri", REDIRECT),
        ("scope", "openid offline_access"),
        ("state", "s1"),
        ("nonce", "n1"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    Url::parse_with_params(&site.url("/authorize"), parameters).unwrap()
}

/// The value of a hidden or visible field of a page.
pub(crate) fn field(page: &str, name: &str) -> String {
    let (_, rest) = page.split_once(&format!("name=\"{name}\" value=\"")).unwrap();
    rest.split('"').next().unwrap().to_owned()
}

async fn login_page(site: &EmbeddedServer) -> String {
    let page = site.client.get(authorize_url(site)).send().await.unwrap();
    assert_eq!(page.status().as_u16(), 200);
    page.text().await.unwrap()
}

async fn submit(
    site: &EmbeddedServer,
    path: &str,
    fields: &[(&str, &str)],
) -> (u16, String, String) {
    let reply = site.client.post(site.url(path)).form(fields).send().await.unwrap();
    let location = reply.headers().get("location").map(|text| text.to_str().unwrap().to_owned());
    (reply.status().as_u16(), location.unwrap_or_default(), reply.text().await.unwrap())
}

async fn token(site: &EmbeddedServer, fields: &[(&str, &str)]) -> Said {
    let reply = site.client.post(site.url("/token")).form(fields).send().await.unwrap();
    Said::by(reply).await
}

async fn says_alice(site: &EmbeddedServer, token: &Value) {
    let said = ask(&site.client, &site.server.url, token.as_str().unwrap()).await;
    let user = &said.body["status"]["user"];
    assert_eq!((said.username(), &user["groups"]), (Some("alice"), &json!(["developers"])));
    assert!(user["extra"]["kubectl-login.internal/session-id"][0].is_string(), "{user}");
    assert!(user["extra"]["authentication.kubernetes.io/credential-id"][0].is_string());
}

#[tokio::test]
async fn the_public_client_is_published_for_who_knows_the_address_only() {
    let server = EmbeddedServer::start().await;
    let url = server.url(login_common::client_configuration::PATH);
    let answer = server.client.get(&url).send().await.unwrap();
    assert_eq!(answer.headers()["cache-control"], "public, max-age=60");
    let body = answer.bytes().await.unwrap();
    let read = login_common::client_configuration::ClientConfiguration::parse(&body).unwrap();
    assert_eq!(read.issuer.as_str(), server.server.url);
    assert_eq!(read.client_id.as_str(), "kubectl-login");
    assert_eq!(server.client.post(&url).send().await.unwrap().status(), 405);
}

#[tokio::test]
async fn a_person_signs_in_with_the_browser_and_refreshes() {
    let site = EmbeddedServer::start().await;
    let ticket = field(&login_page(&site).await, "ticket");

    let wrong =
        [("ticket", ticket.as_str()), ("username", "alice"), ("password", "wrong-password")];
    let (status, _, page) = submit(&site, "/authorize", &wrong).await;
    assert_eq!(status, 403);
    assert!(page.contains("That username or password is not right.") && page.contains("alice"));
    assert!(!page.contains("wrong-password"));

    let ticket = field(&page, "ticket");
    let right = [("ticket", ticket.as_str()), ("username", "alice"), ("password", PASSWORD)];
    let (status, location, _) = submit(&site, "/authorize", &right).await;
    assert_eq!(status, 303);
    let location = Url::parse(&location).unwrap();
    assert!(location.as_str().starts_with(REDIRECT));
    let answer: std::collections::BTreeMap<_, _> = location.query_pairs().into_owned().collect();
    assert_eq!((answer["state"].as_str(), answer["iss"].as_str()), ("s1", &*site.server.url));

    let exchange = [
        ("grant_type", "authorization_code"),
        ("client_id", "kubectl-login"),
        ("code", answer["code"].as_str()),
        ("redirect_uri", REDIRECT),
        ("code_verifier", VERIFIER),
    ];
    let first = token(&site, &exchange).await;
    assert_eq!((first.status, first.headers["cache-control"].as_bytes()), (200, &b"no-store"[..]));
    says_alice(&site, &first.body["id_token"]).await;
    says_alice(&site, &first.body["access_token"]).await;

    let refresh = [
        ("grant_type", "refresh_token"),
        ("client_id", "kubectl-login"),
        ("refresh_token", first.body["refresh_token"].as_str().unwrap()),
    ];
    let second = token(&site, &refresh).await;
    assert_eq!(second.status, 200);
    assert_ne!(second.body["refresh_token"], first.body["refresh_token"]);
    says_alice(&site, &second.body["id_token"]).await;

    let current = second.body["refresh_token"].as_str().unwrap();
    let sign_out = [("client_id", "kubectl-login"), ("token", current)];
    assert_eq!(submit(&site, "/revoke", &sign_out).await.0, 200);
    // The tokens of the session ended with it, also those that were accepted a moment ago.
    for earlier in [&first.body["id_token"], &second.body["id_token"]] {
        let said = ask(&site.client, &site.server.url, earlier.as_str().unwrap()).await;
        assert!(said.is_refusal(), "{said:?}");
    }
    let fields = [
        ("grant_type", "refresh_token"),
        ("client_id", "kubectl-login"),
        ("refresh_token", current),
    ];
    let after = token(&site, &fields).await;
    assert_eq!((after.status, &after.body["error"]), (400, &json!("invalid_grant")));

    let replayed = token(&site, &exchange).await;
    assert_eq!((replayed.status, &replayed.body["error"]), (400, &json!("invalid_grant")));
}

/// Signs alice in; returns the answer of the token endpoint.
async fn signed_in(site: &EmbeddedServer) -> Value {
    let ticket = field(&login_page(site).await, "ticket");
    let form = [("ticket", ticket.as_str()), ("username", "alice"), ("password", PASSWORD)];
    let (_, location, _) = submit(site, "/authorize", &form).await;
    let location = Url::parse(&location).unwrap();
    let answer: std::collections::BTreeMap<_, _> = location.query_pairs().into_owned().collect();
    let exchange = [
        ("grant_type", "authorization_code"),
        ("client_id", "kubectl-login"),
        ("code", answer["code"].as_str()),
        ("redirect_uri", REDIRECT),
        ("code_verifier", VERIFIER),
    ];
    token(site, &exchange).await.body
}

#[tokio::test]
async fn a_session_that_ends_in_one_process_ends_in_every_other() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("issuer.db");
    let site = EmbeddedServer::start_with(SqliteStore::open(&database).unwrap()).await;
    // Another process would use the same database; here another server in this process does.
    let section = IssuerSection::new(IssuerUrl::parse(&site.server.url).unwrap());
    let store = Box::new(SqliteStore::open(&database).unwrap());
    let issuer = Issuer::open(section.settings.clone(), store, CLOCK.now()).unwrap();
    let mut replica = config(vec![embedded_policy(&section)]);
    replica.issuer = Some(Arc::new(issuer));
    let replica = TestServer::start(replica).await;
    let client = plain_client();
    let tokens = [signed_in(&site).await, signed_in(&site).await];
    let id_token = |index: usize| tokens[index]["id_token"].as_str().unwrap();
    for token in [id_token(0), id_token(1)] {
        assert_eq!(ask(&client, &replica.url, token).await.username(), Some("alice"));
    }
    let refresh_token = tokens[0]["refresh_token"].as_str().unwrap();
    let sign_out = [("client_id", "kubectl-login"), ("token", refresh_token)];
    assert_eq!(submit(&site, "/revoke", &sign_out).await.0, 200);
    until("the session has ended here, too", async || {
        ask(&client, &replica.url, id_token(0)).await.is_refusal()
    })
    .await;
    assert_eq!(ask(&client, &replica.url, id_token(1)).await.username(), Some("alice"));
}

#[tokio::test]
async fn access_tokens_cannot_be_revoked_and_unknown_tokens_are_no_fault() {
    let site = EmbeddedServer::start().await;
    let found = site.client.get(site.url("/.well-known/openid-configuration")).send().await;
    let found: Value = found.unwrap().json().await.unwrap();
    assert_eq!(found["revocation_endpoint"], json!(site.url("/revoke")));
    for (token, status, answer) in
        [("klr_unknown", 200, "{}"), ("a.b.c", 400, "unsupported_token_type")]
    {
        let fields = [("client_id", "kubectl-login"), ("token", token)];
        let (found, _, body) = submit(&site, "/revoke", &fields).await;
        assert_eq!(found, status);
        assert!(body.contains(answer), "{body}");
    }
    let by_get = site.client.get(site.url("/revoke")).send().await.unwrap();
    assert_eq!(by_get.status().as_u16(), 405);
}

#[tokio::test]
async fn a_person_who_cancels_goes_back_to_the_client() {
    let site = EmbeddedServer::start().await;
    let ticket = field(&login_page(&site).await, "ticket");
    let fields = [("ticket", ticket.as_str()), ("decision", "cancel")];
    let (status, location, _) = submit(&site, "/authorize", &fields).await;
    assert_eq!(status, 303);
    assert!(location.contains("error=access_denied") && location.contains("state=s1"));
}

#[tokio::test]
async fn a_form_that_is_not_ours_or_comes_from_elsewhere_is_refused() {
    let site = EmbeddedServer::start().await;
    let ticket = field(&login_page(&site).await, "ticket");
    let forged = [("ticket", "forged"), ("username", "alice"), ("password", PASSWORD)];
    assert_eq!(submit(&site, "/authorize", &forged).await.0, 400);
    let empty = [("ticket", ticket.as_str()), ("username", "alice"), ("password", "")];
    assert_eq!(submit(&site, "/authorize", &empty).await.0, 400);
    for path in ["/authorize", "/device"] {
        let fields = [("ticket", ticket.as_str()), ("user_code", "X"), ("password", PASSWORD)];
        let request = site.client.post(site.url(path)).form(&fields);
        let reply = request.header("sec-fetch-site", "cross-site").send().await.unwrap();
        assert_eq!(reply.status().as_u16(), 403, "{path}");
    }
    for (body, content_type, status) in [
        ("{}", "application/json", 415),
        ("a=1&a=2", "application/x-www-form-urlencoded", 400),
        (&*"a".repeat(70_000), "application/x-www-form-urlencoded", 413),
    ] {
        for path in ["/authorize", "/device", "/token", "/revoke", "/device_authorization"] {
            let request = site.client.post(site.url(path)).header("content-type", content_type);
            let reply = request.body(body.to_owned()).send().await.unwrap();
            assert_eq!(reply.status().as_u16(), status, "{path} {content_type}");
        }
    }
}

#[tokio::test]
async fn a_request_whose_client_is_in_doubt_is_not_redirected() {
    let site = EmbeddedServer::start().await;
    for query in
        ["", "client_id=nobody", "client_id=kubectl-login&redirect_uri=https://evil.example"]
    {
        let reply = site.client.get(site.url(&format!("/authorize?{query}"))).send().await.unwrap();
        assert_eq!(reply.status().as_u16(), 400, "{query}");
        assert!(!reply.headers().contains_key("location"));
        assert!(reply.text().await.unwrap().contains("This sign-in cannot go on"));
    }
    let mut url = authorize_url(&site);
    let without: Vec<(String, String)> = url
        .query_pairs()
        .filter(|(name, _)| !name.starts_with("code_challenge"))
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect();
    url.query_pairs_mut().clear().extend_pairs(without);
    let reply = site.client.get(url).send().await.unwrap();
    assert_eq!(reply.status().as_u16(), 303);
    let location = reply.headers()["location"].to_str().unwrap();
    assert!(location.starts_with(REDIRECT) && location.contains("error=invalid_request"));
}

async fn device(site: &EmbeddedServer) -> Value {
    let fields = [("client_id", "kubectl-login"), ("scope", "openid offline_access")];
    let reply = site.client.post(site.url("/device_authorization")).form(&fields);
    let said = Said::by(reply.send().await.unwrap()).await;
    assert_eq!(said.status, 200);
    said.body
}

async fn poll(site: &EmbeddedServer, device: &Value) -> Said {
    let fields = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
        ("client_id", "kubectl-login"),
        ("device_code", device["device_code"].as_str().unwrap()),
    ];
    token(site, &fields).await
}

#[tokio::test]
async fn a_device_is_approved_after_the_person_saw_its_code() {
    let site = EmbeddedServer::start().await;
    let device = device(&site).await;
    let code = device["user_code"].as_str().unwrap();
    assert_eq!(poll(&site, &device).await.body["error"], "authorization_pending");

    let page = site.client.get(site.url("/device")).send().await.unwrap().text().await.unwrap();
    assert!(page.contains("Enter the code"));
    let (status, _, page) = submit(&site, "/device", &[("user_code", "XXXX-XXXX")]).await;
    assert_eq!(status, 400);
    assert!(page.contains("That code is not known"));
    let (status, _, page) = submit(&site, "/device", &[("user_code", &code.to_lowercase())]).await;
    assert_eq!(status, 200);
    assert!(page.contains("Approve this sign-in?") && page.contains(code));
    let complete = device["verification_uri_complete"].as_str().unwrap();
    let page = site.client.get(complete).send().await.unwrap().text().await.unwrap();
    assert_eq!(field(&page, "user_code"), code);

    let fields = |password| {
        [
            ("user_code", code),
            ("username", "alice"),
            ("password", password),
            ("decision", "approve"),
        ]
    };
    let (status, _, page) = submit(&site, "/device", &fields("wrong-password")).await;
    assert_eq!(status, 403);
    assert!(page.contains("That username or password is not right."));
    let (status, _, page) = submit(&site, "/device", &fields(PASSWORD)).await;
    assert_eq!(status, 200);
    assert!(page.contains("You are signed in"));

    // RFC 8628 §3.5: the device keeps to its polling interval.
    pass(Duration::from_secs(1)).await;
    let said = poll(&site, &device).await;
    assert_eq!(said.status, 200, "{said:?}");
    says_alice(&site, &said.body["id_token"]).await;
}

#[tokio::test]
async fn a_device_can_be_denied_without_a_password() {
    let site = EmbeddedServer::start().await;
    let device = device(&site).await;
    let code = device["user_code"].as_str().unwrap();
    let (status, _, page) =
        submit(&site, "/device", &[("user_code", code), ("decision", "deny")]).await;
    assert_eq!(status, 200);
    assert!(page.contains("Sign-in denied"));
    assert_eq!(poll(&site, &device).await.body["error"], "access_denied");
}

#[tokio::test]
async fn a_machine_gets_a_token_for_the_cluster() {
    let site = EmbeddedServer::start().await;
    let request = || {
        let form = [("grant_type", "client_credentials")];
        site.client.post(site.url("/token")).form(&form)
    };
    let good = request().basic_auth("ci", Some(site.machine_secret.expose()));
    let said = Said::by(good.send().await.unwrap()).await;
    assert_eq!(said.status, 200);
    assert!(said.body.get("refresh_token").is_none());
    let token = said.body["access_token"].as_str().unwrap();
    for version in ["v1", "v1beta1"] {
        let question = question(version, token, &[]);
        let said = crate::support::post(&site.client, &site.server.url, question).await;
        assert_eq!(said.username(), Some("client:ci"));
        assert_eq!(said.body["status"]["user"]["groups"], json!(["deployers"]));
    }
    let bad = Said::by(request().basic_auth("ci", Some("wrong")).send().await.unwrap()).await;
    assert_eq!((bad.status, &bad.body["error"]), (401, &json!("invalid_client")));
    assert!(bad.headers.contains_key("www-authenticate"));
}

#[tokio::test]
async fn documents_pages_and_methods_are_as_they_should_be() {
    let site = EmbeddedServer::start().await;
    let get = async |path: &str| site.client.get(site.url(path)).send().await.unwrap();
    let metadata = Said::by(get("/.well-known/openid-configuration").await).await;
    assert_eq!(metadata.body["issuer"], site.server.url);
    let keys = Said::by(get("/jwks").await).await;
    assert_eq!(keys.body["keys"][0]["alg"], "ES256");
    for (path, allowed) in [
        ("/token", "POST"),
        ("/device_authorization", "POST"),
        ("/jwks", "GET, HEAD"),
        ("/authorize", "GET, HEAD, POST"),
        ("/device", "GET, HEAD, POST"),
    ] {
        let reply = site.client.delete(site.url(path)).send().await.unwrap();
        assert_eq!(reply.status().as_u16(), 405, "{path}");
        assert_eq!(reply.headers()["allow"], allowed);
    }
    assert_eq!(get("/elsewhere").await.status().as_u16(), 404);
    let page = get("/device").await;
    let policy = page.headers()["content-security-policy"].to_str().unwrap();
    assert!(policy.starts_with("default-src 'none'") && policy.contains("frame-ancestors 'none'"));
    assert_eq!(page.headers()["cache-control"], "no-store");
    let ready = get_plain(&format!("{}/readyz", site.server.health_url)).await;
    assert_eq!(ready, 200);
    assert_eq!(get_plain(&format!("{}/livez", site.server.health_url)).await, 200);
    assert_eq!(get_plain(&format!("{}/authenticate", site.server.health_url)).await, 404);
}

async fn get_plain(url: &str) -> u16 {
    plain_client().get(url).send().await.unwrap().status().as_u16()
}

#[tokio::test]
async fn an_untrusted_client_does_not_reach_the_pages() {
    let site = EmbeddedServer::start().await;
    let stranger = crate::support::Pki::new().client().build().unwrap();
    assert!(stranger.get(site.url("/device")).send().await.is_err());
    let trusted = site.pki.client().build().unwrap();
    assert!(trusted.get(site.url("/device")).send().await.is_ok());
}

async fn refreshed(site: &EmbeddedServer, tokens: &Value) -> Said {
    let fields = [
        ("grant_type", "refresh_token"),
        ("client_id", "kubectl-login"),
        ("refresh_token", tokens["refresh_token"].as_str().unwrap()),
    ];
    token(site, &fields).await
}

fn claim(tokens: &Value, name: &str) -> String {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    let payload = tokens["id_token"].as_str().unwrap().split('.').nth(1).unwrap();
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap();
    claims[name].as_str().unwrap().to_owned()
}

/// The server reads `own.yaml` in `folder`, which names the issuer and `list.yaml`.
async fn revoking(folder: &std::path::Path) -> EmbeddedServer {
    let own = folder.join("own.yaml");
    write_text(&folder.join("list.yaml"), "[]\n");
    EmbeddedServer::start_changed(SqliteStore::in_memory().unwrap(), |config, section| {
        let text = format!(
            "apiVersion: kubectl-login/v1\nkind: LoginServerConfiguration\n\
             issuer: {{url: \"{}\", devicePollInterval: 1s}}\nrevocations: {{file: list.yaml}}\n",
            section.settings.issuer
        );
        write_text(&own, &text);
        let files = TrackedFiles::default();
        let loaded = load(&files, Some(&own), None).unwrap();
        assert_eq!(loaded.issuer.as_ref(), Some(section));
        config.watched = Watched {
            configuration: Some(ConfigurationFiles {
                configuration: Some(own.clone()),
                authentication: None,
                revocations: loaded.revocations_file,
                running: Running {
                    issuer: loaded.issuer,
                    result_cache: loaded.result_cache,
                    audit: loaded.audit,
                    traces: None,
                },
                seen: files.into_seen(),
            }),
            interval: PollInterval {
                glance: Duration::from_millis(20),
                read: Duration::from_millis(500),
            },
            ..Watched::default()
        };
    })
    .await
}

fn write_text(path: &std::path::Path, text: &str) {
    write(path, text.as_bytes(), Readers::OwnerOnly).unwrap();
}

#[tokio::test]
async fn what_the_list_revokes_is_not_refreshed_any_more_and_stays_ended() {
    let folder = tempfile::tempdir().unwrap();
    let site = revoking(folder.path()).await;
    let list = folder.path().join("list.yaml");
    let issuer = site.server.url.clone();
    let other = signed_in(&site).await;
    for kind in ["session", "jti", "subject", "issuer"] {
        let mut revoked = signed_in(&site).await;
        // The current refresh token is a later one of the same session.
        let again = refreshed(&site, &revoked).await;
        assert_eq!(again.status, 200, "{kind}");
        revoked["refresh_token"] = again.body["refresh_token"].clone();
        // A little later, so that this sign-in is before it.
        let before = login_common::UnixTime::from_seconds(crate::support::now() + 1);
        let entry = match kind {
            "session" => format!("{{session: \"{}\"}}", claim(&revoked, "sid")),
            "jti" => format!("{{issuer: \"{issuer}\", jti: \"{}\"}}", claim(&revoked, "jti")),
            "subject" => {
                let subject = claim(&revoked, "sub");
                format!(
                    "{{issuer: \"{issuer}\", subject: \"{subject}\", issuedBefore: \"{before}\"}}"
                )
            }
            _ => format!("{{issuer: \"{issuer}\", issuedBefore: \"{before}\"}}"),
        };
        if kind == "subject" {
            // The entries so far revoked only their own sessions.
            assert_eq!(refreshed(&site, &other).await.status, 200);
        }
        write_text(&list, &format!("- {entry}\n"));
        let id_token = revoked["id_token"].as_str().unwrap();
        until("the entry", async || ask(&site.client, &issuer, id_token).await.is_refusal()).await;
        let refused = refreshed(&site, &revoked).await;
        assert_eq!(
            (refused.status, &refused.body["error"]),
            (400, &json!("invalid_grant")),
            "{kind}"
        );
        // The entry is removed; the session stays ended.
        write_text(&list, "[]\n");
        until("its end", async || {
            let new = signed_in(&site).await;
            new["refresh_token"].is_string() && refreshed(&site, &new).await.status == 200
        })
        .await;
        assert_eq!(
            refreshed(&site, &revoked).await.body["error"],
            json!("invalid_grant"),
            "{kind}"
        );
    }
}

#[tokio::test]
async fn an_embedded_issuer_that_is_removed_is_not_trusted_any_more() {
    let folder = tempfile::tempdir().unwrap();
    let site = revoking(folder.path()).await;
    let tokens = signed_in(&site).await;
    says_alice(&site, &tokens["id_token"]).await;
    let head = "apiVersion: kubectl-login/v1\nkind: LoginServerConfiguration\n";
    write_text(&folder.path().join("own.yaml"), head);
    let id_token = tokens["id_token"].as_str().unwrap();
    until("the removal", async || ask(&site.client, &site.server.url, id_token).await.is_refusal())
        .await;
}
