//! Tokens that live for seconds: renewed while kubectl works, unnoticed by the user.
//! Never accepts a second sign-in.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use login_tests::api_server::Authentication;
use login_tests::browser::{Decision, Person};
use login_tests::child::Child;
use login_tests::components::NEWEST_KUBECTL;
use login_tests::etcd::free_port;
use login_tests::kubeconfig::User;
use login_tests::kubectl::Kubectl;
use login_tests::login_client::LoginClient;
use login_tests::login_server::{LoginServer, Service, operate};
use login_tests::scratch::Scratch;
use login_tests::wait;
use serde_json::{Value, json};

use crate::world::{Case, World};

pub(crate) const CASES: &[Case] =
    &[("a_token_that_expires_while_kubectl_runs_is_renewed_unseen", renewal)];

const LIFETIME: u64 = 10;

/// One `kubectl proxy` outlives its token: client-go runs the plugin again.
fn renewal(world: &World) -> Result<()> {
    let scratch = Scratch::new()?;
    let password = scratch.file("password", "correct horse battery staple")?;
    let server = embedded_issuer(world, &scratch, &password)?;
    let api_server = world.cluster.api_server(
        "apiserver-short",
        &Authentication {
            webhook: Some(server.printed_webhook_kubeconfig()?),
            webhook_version: Some("v1"),
            webhook_cache_ttl: Some("1s"),
            ..Authentication::default()
        },
    )?;

    let client = LoginClient::for_issuer(
        &world.components,
        server.url(),
        "kubectl-login",
        server.authority(),
    )?;
    let person = Person {
        authority: server.authority(),
        login: "carol".to_owned(),
        password: "correct horse battery staple".to_owned(),
        decision: Decision::Approve,
    };
    let person = person.command_line(&world.components, client.scratch())?;
    client.credential(&[
        "--flow",
        "browser",
        "--interactive",
        "always",
        "--browser-command",
        &person,
    ])?;

    // From here on no user is present.
    let mut entry = client.exec_entry("v1");
    entry["args"].as_array_mut().context("no arguments")?.push(json!("--interactive=never"));
    let kubeconfig = api_server.kubeconfig(User::Exec(entry));
    let kubectl =
        Kubectl::new(&world.components, NEWEST_KUBECTL, &kubeconfig)?.at_home(&client.home());
    let port = free_port()?;
    let mut proxy = Child::start(
        "kubectl-proxy",
        &mut kubectl.command(&["proxy", &format!("--port={port}")]),
        scratch.path(),
    )?;
    proxy.wait_for_line("Starting to serve", Duration::from_secs(20))?;

    let first = who(world, port)?;
    wait::pass(Duration::from_secs(LIFETIME + 2));
    let second = who(world, port)?;
    for seen in [&first, &second] {
        ensure!(seen["username"] == "carol", "{seen}");
        ensure!(seen["groups"] == json!(["developers", "system:authenticated"]), "{seen}");
    }
    let credential =
        |seen: &Value| seen["extra"]["authentication.kubernetes.io/credential-id"].clone();
    ensure!(credential(&first).is_array(), "{first}");
    ensure!(credential(&first) != credential(&second), "the same token was used: {second}");
    ensure!(first["uid"] == second["uid"], "{first} {second}");
    Ok(())
}

fn embedded_issuer(
    world: &World,
    scratch: &Scratch,
    password: &std::path::Path,
) -> Result<LoginServer> {
    let port = free_port()?;
    let state = scratch.folder("state")?;
    operate(
        &world.components,
        &[
            "user",
            "add",
            "carol",
            "--group",
            "developers",
            "--password-file",
            &password.display().to_string(),
            "--state-dir",
            &state.display().to_string(),
        ],
    )?
    .success()?;
    let configuration = format!(
        "apiVersion: kubectl-login/v1\nkind: LoginServerConfiguration\n\
         issuer:\n  url: https://127.0.0.1:{port}\n  clusterAudience: kubernetes\n  idTokenLifetime: {LIFETIME}s\n"
    );
    LoginServer::serve(
        &world.components,
        &Service {
            configuration: Some(configuration),
            port: Some(port),
            state: Some(state),
            ..Service::default()
        },
    )
}

/// A SelfSubjectReview through the proxy.
fn who(world: &World, port: u16) -> Result<Value> {
    let url = format!("http://127.0.0.1:{port}/apis/authentication.k8s.io/v1/selfsubjectreviews");
    let body = json!({ "apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview" });
    let reply = world.cluster.curl()?.post_json(&url, &body)?;
    ensure!(reply.status == 201, "{reply:?}");
    Ok(reply.json()?["status"]["userInfo"].clone())
}
