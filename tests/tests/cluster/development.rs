//! The files of `login-server dev` are enough for a cluster, a user and a machine client.
//! Never changes one of its files.

use std::path::PathBuf;

use anyhow::{Result, ensure};
use login_tests::api_server::Authentication;
use login_tests::browser::{Decision, Person};
use login_tests::components::NEWEST_KUBECTL;
use login_tests::development::Development;
use login_tests::kubeconfig::User;
use login_tests::kubectl::Kubectl;
use login_tests::login_client::LoginClient;
use login_tests::scratch::Scratch;
use serde_json::json;

use crate::world::{Case, World};

pub(crate) const CASES: &[Case] =
    &[("the_files_of_dev_wire_a_cluster_a_person_and_a_machine", everything)];

fn everything(world: &World) -> Result<()> {
    let dev = Development::start(&world.components)?;
    let server = world.cluster.api_server(
        "apiserver-dev",
        &Authentication {
            webhook: Some(dev.file("/webhookKubeconfig")?),
            webhook_version: Some("v1"),
            configuration: Some(dev.file("/authenticationConfig")?),
            ..Authentication::default()
        },
    )?;
    let authority = dev.file("/certificateAuthorityFile")?;

    let scratch = Scratch::new()?;
    let person = Person {
        authority: &authority,
        login: dev.fact("/user/name")?.to_owned(),
        password: dev.secret("/user/passwordFile")?,
        decision: Decision::Approve,
    };
    let user = User::Elsewhere(dev.fact("/clientId")?.to_owned());
    let cluster = server.kubeconfig(user).write(&scratch, "cluster")?;
    let files = PathBuf::from(format!("{}:{}", cluster.display(), dev.fact("/execEntry")?));
    let kubectl = Kubectl::with_kubeconfig(&world.components, NEWEST_KUBECTL, files)?
        .with_variable("KUBECTL_LOGIN_FLOW", "browser")
        .with_variable(
            "KUBECTL_LOGIN_BROWSER_COMMAND",
            person.command_line(&world.components, &scratch)?,
        );
    kubectl.run(&["get", "pods", "-A"])?.success()?.saying("the-pod")?;
    let who = kubectl.whoami(&[])?;
    ensure!(who["username"] == "alice", "{who}");
    ensure!(who["groups"] == json!(["developers", "system:authenticated"]), "{who}");

    let machine = dev.fact("/client/id")?;
    let client =
        LoginClient::for_issuer(&world.components, dev.fact("/issuerUrl")?, machine, &authority)?;
    let secret = dev.fact("/client/secretFile")?;
    let client = client.with(&["--flow", "client-credentials", "--client-secret-file", secret]);
    let kubeconfig = server.kubeconfig(User::Exec(client.exec_entry("v1")));
    let kubectl = Kubectl::new(&world.components, NEWEST_KUBECTL, &kubeconfig)?;
    let who = kubectl.whoami(&[])?;
    ensure!(who["username"] == format!("client:{machine}"), "{who}");
    ensure!(who["groups"] == json!(["deployers", "system:authenticated"]), "{who}");
    kubectl.run(&["get", "pods", "-A"])?.with_code(1)?.saying("(Forbidden)")?;
    Ok(())
}
