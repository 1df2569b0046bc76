//! How kube-apiserver authenticates to login-server: by certificate, or by bearer token.
//! Never configures a caller except through the webhook's kubeconfig.

use std::sync::Arc;

use anyhow::{Result, ensure};
use login_tests::api_server::{ApiServer, Authentication};
use login_tests::certificates::Authority;
use login_tests::login_server::{LoginServer, Service, print};
use login_tests::scratch::Scratch;
use serde_json::json;

use crate::world::{Case, STEADY, World, configuration, is_user};

pub(crate) const CASES: &[Case] = &[
    ("kube_apiserver_shows_its_certificate_and_nobody_else_is_answered", by_certificate),
    ("kube_apiserver_shows_its_bearer_token_and_nobody_else_is_answered", by_token),
];

fn server(world: &World, more: Vec<String>) -> Result<LoginServer> {
    let service = Service {
        authentication: Some(configuration(&world.issuers, &[STEADY])?),
        authority: Some(Arc::clone(&world.authority)),
        more,
        ..Service::default()
    };
    LoginServer::serve(&world.components, &service)
}

fn api_server(
    world: &World,
    scratch: &Scratch,
    name: &str,
    kubeconfig: String,
) -> Result<ApiServer> {
    let authentication = Authentication {
        webhook: Some(scratch.file(&format!("{name}.kubeconfig"), kubeconfig)?),
        webhook_version: Some("v1"),
        ..Authentication::default()
    };
    world.cluster.api_server(name, &authentication)
}

/// b4
fn by_certificate(world: &World) -> Result<()> {
    let scratch = Scratch::new()?;
    let callers = Authority::new(&scratch, "callers")?;
    let known = callers.client(&scratch, "kube-apiserver", "control-plane")?;
    let other = callers.client(&scratch, "somebody", "else")?;
    let server = server(
        world,
        vec![
            format!("--client-ca-file={}", callers.certificate().display()),
            "--client-allowed-names=kube-apiserver".to_owned(),
        ],
    )?;
    let token = world.token(&json!({}))?;
    let url = server.webhook_url();
    for (name, pair, is_known) in
        [("apiserver-known", &known, true), ("apiserver-other", &other, false)]
    {
        let [authority, certificate, key] =
            [world.authority.certificate(), &pair.certificate, &pair.key]
                .map(|file| file.display().to_string());
        let printed = print(
            &world.components,
            &[
                "webhook-kubeconfig",
                "--server",
                &url,
                "--certificate-authority",
                &authority,
                "--client-certificate",
                &certificate,
                "--client-key",
                &key,
            ],
        )?;
        let api_server = api_server(world, &scratch, name, printed)?;
        let user = world.who(&api_server, &token)?;
        ensure!(user.is_some() == is_known, "{name}: {user:?}");
    }
    ensure!(server.review("v1", &token).is_err(), "an answer without a certificate");
    Ok(())
}

/// b4
fn by_token(world: &World) -> Result<()> {
    const SECRET: &str = "correct-horse-battery-staple-0123456789abcdef";
    let scratch = Scratch::new()?;
    let file = scratch.file("callers", format!("{SECRET}\n"))?;
    let server = server(world, vec![format!("--caller-token-file={}", file.display())])?;
    let kubeconfig = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "webhook",
        "clusters": [{ "name": "login-server", "cluster": {
            "server": server.webhook_url(),
            "certificate-authority": world.authority.certificate(),
        } }],
        "users": [{ "name": "kube-apiserver", "user": { "token": SECRET } }],
        "contexts": [{ "name": "webhook", "context": {
            "cluster": "login-server", "user": "kube-apiserver",
        } }],
    });
    let api_server = api_server(world, &scratch, "apiserver-token", kubeconfig.to_string())?;
    let token = world.token(&json!({}))?;
    is_user(world.who(&api_server, &token)?, "steady:jane")?;
    let nobody = server.review("v1", &token)?;
    ensure!(nobody.status == 401, "{nobody:?}");
    let wrong = server
        .curl()
        .clone()
        .with_bearer("correct-horse")
        .post_json(&server.webhook_url(), &login_tests::login_server::review("v1", &token))?;
    ensure!(wrong.status == 401, "{wrong:?}");
    ensure!(!server.log()?.contains(SECRET), "the log shows the caller's token");
    Ok(())
}
