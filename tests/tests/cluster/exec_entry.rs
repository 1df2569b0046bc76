//! A kubeconfig `exec` entry as `login-server print` writes it, under every version of kubectl.
//! Never passes `--token`.

use std::path::PathBuf;

use anyhow::{Result, ensure};
use login_tests::browser::Decision;
use login_tests::components::{KUBECTL_VERSIONS, NEWEST_KUBECTL};
use login_tests::kubeconfig::User;
use login_tests::kubectl::Kubectl;
use login_tests::login_server::print;
use login_tests::oidc_provider::CLIENT_ID;
use login_tests::scratch::Scratch;
use serde_json::json;

use crate::world::{Case, World};

pub(crate) const CASES: &[Case] =
    &[("an_exec_entry_works_with_every_kubectl_and_both_api_versions", matrix)];

/// Signs in only here, so that the shared provider's counts for this user are this case's.
const ERIN: &str = "erin";

/// kubectl has `auth whoami` since 1.26, but requests the version that kube-apiserver still serves
/// (v1) only since 1.28.
const WHOAMI: [&str; 2] = ["1.32", NEWEST_KUBECTL];

fn matrix(world: &World) -> Result<()> {
    let scratch = Scratch::new()?;
    let home = scratch.folder("home")?;
    let person = world.provider.person(ERIN, Decision::Approve);
    let person = person.command_line(&world.components, &scratch)?;
    // The client runs a command of a kubeconfig only where the user allows it.
    let allowed = format!("allowed-commands:\n- {}\n", json!(person));
    scratch.folder("home/.config/kubectl-login")?;
    scratch.file("home/.config/kubectl-login/config.yaml", allowed)?;
    let cluster =
        world.v1.kubeconfig(User::Elsewhere(ERIN.to_owned())).write(&scratch, "cluster")?;
    for api_version in ["v1", "v1beta1"] {
        let entry =
            scratch.file(&format!("entry-{api_version}"), entry(world, &person, api_version)?)?;
        let files = PathBuf::from(format!("{}:{}", cluster.display(), entry.display()));
        for version in KUBECTL_VERSIONS {
            let kubectl =
                Kubectl::with_kubeconfig(&world.components, version, &files)?.at_home(&home);
            kubectl.run(&["get", "pods", "-A"])?.success()?.saying("the-pod")?;
            // The request of `auth whoami`, for the versions that lack it. The manifest comes
            // through a pipe, which the plugin must not read (contract P14).
            let review =
                json!({ "apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview" });
            let made = kubectl.run_with_input(
                &["create", "--validate=false", "-f", "-", "-o", "json"],
                &review,
            )?;
            let who = made.success()?.json()?;
            ensure!(who["status"]["userInfo"]["username"] == ERIN, "{version}: {who}");
            if WHOAMI.contains(&version) {
                let who = kubectl.whoami(&[])?;
                ensure!(who["username"] == ERIN, "{version}, {api_version}: {who}");
            }
        }
    }
    let sign_ins = world.provider.tokens_of(ERIN, "authorization_code")?;
    ensure!(sign_ins == 1, "{sign_ins} sign-ins for one user");
    Ok(())
}

fn entry(world: &World, person: &str, api_version: &str) -> Result<String> {
    let authority = world.provider.authority().certificate().display().to_string();
    let issuer = world.provider.issuer();
    let browser = format!("--browser-command={person}");
    print(
        &world.components,
        &[
            "exec-entry",
            "--issuer-url",
            issuer,
            "--client-id",
            CLIENT_ID,
            "--certificate-authority",
            &authority,
            "--api-version",
            api_version,
            "--user",
            ERIN,
            "--flow",
            "browser",
            "--arg=--scope=groups,profile",
            &format!("--arg={browser}"),
        ],
    )
}
