//! A user who has used int128/kubelogin: `convert` takes over its entry and its tokens.
//! Never accepts a browser after the conversion.

use anyhow::{Context as _, Result, ensure};
use login_tests::components::NEWEST_KUBECTL;
use login_tests::kubectl::Kubectl;
use login_tests::oidc_provider::CLIENT_ID;
use login_tests::scratch::{Scratch, read};
use serde_json::{Value, json};

use crate::world::{Case, World};

pub(crate) const CASES: &[Case] =
    &[("an_entry_of_kubelogin_and_its_session_go_on_without_a_sign_in", kubelogin)];

/// Signs in only here, so that the shared provider's counts for this user are this case's.
const BOB: &str = "bob";

fn kubelogin(world: &World) -> Result<()> {
    // A session as kubelogin stores it: tokens of a real sign-in in its file format.
    let client = world.provider.client(&world.components, CLIENT_ID, BOB)?;
    let token = client.credential(&["--token-cache-storage=file"])?.token;
    let files = client.files()?;
    let kept = files.iter().find(|(path, _)| path.extension().is_some_and(|e| e == "refresh"));
    let kept = read(&kept.context("no refresh token was issued")?.0)?;
    let refresh_token = kept.lines().nth(1).context("no refresh token is kept")?;

    let scratch = Scratch::new()?;
    let home = scratch.folder("home")?;
    scratch.folder("home/.kube/cache/oidc-login")?;
    scratch.file(
        &format!("home/.kube/cache/oidc-login/{}", "0a".repeat(32)),
        json!({ "id_token": token, "refresh_token": refresh_token }).to_string(),
    )?;
    let authority = world.provider.authority().certificate().display().to_string();
    let file = scratch.file(
        "config",
        format!(
            "# mine\nkind: Config\nusers:\n- name: oidc  # as its setup wrote it\n  user:\n    \
             exec:\n      apiVersion: client.authentication.k8s.io/v1\n      command: kubectl\n      \
             args:\n      - oidc-login\n      - get-token\n      \
             - --oidc-issuer-url={}\n      - --oidc-client-id={CLIENT_ID}\n      \
             - --oidc-extra-scope=groups,profile\n      - --certificate-authority={authority}\n      \
             interactiveMode: Never\n",
            world.provider.issuer()
        ),
    )?;
    world
        .login(&home, &file, &["convert"])?
        .success()?
        .saying("its session goes on without a new sign-in")?
        .saying("Converted `oidc`.")?;
    let text = read(&file)?;
    ensure!(text.starts_with("# mine\n") && text.contains("oidc  # as its setup"), "{text}");
    let kubectl = Kubectl::with_kubeconfig(&world.components, NEWEST_KUBECTL, &file)?;
    let entry = kubectl.run(&["config", "view", "--raw", "-o", "json"])?.success()?.json()?;
    let exec = &entry["users"][0]["user"]["exec"];
    ensure!(exec["command"] == "kubectl-login", "{entry}");
    let given = exec["args"].as_array().context("no arguments")?;
    let arguments: Vec<&str> =
        given.iter().filter_map(Value::as_str).chain(["--interactive=never"]).collect();
    let answer: Value = world.login(&home, &file, &arguments)?.success()?.json()?;
    ensure!(answer["status"]["token"].is_string(), "{text}");
    let sign_ins = world.provider.tokens_of(BOB, "authorization_code")?;
    ensure!(sign_ins == 1, "signed in {sign_ins} times");
    ensure!(world.provider.tokens_of(BOB, "refresh_token")? >= 1, "nothing was renewed");
    // A second conversion changes nothing.
    world.login(&home, &file, &["convert"])?.success()?.saying("Nothing to convert")?;
    Ok(())
}
