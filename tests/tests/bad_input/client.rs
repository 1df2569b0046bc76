//! kubectl-login: exit codes, advice, and secrets that must not be shown.
//! Never checks the wording beyond the words that a user needs.

use std::process::Command;
use std::time::Duration;

use anyhow::{Result, ensure};
use login_tests::browser::Decision;
use login_tests::certificates::Authority;
use login_tests::command::run;
use login_tests::etcd::free_port;
use login_tests::login_client::{LoginClient, asked_by_kubectl};
use login_tests::oidc_provider::CLIENT_ID;
use login_tests::scratch::Scratch;

use crate::{Case, World, told_well};

pub(crate) const CASES: &[Case] = &[
    ("an_unknown_exec_credential_version_is_a_usage_error", unknown_version),
    ("a_broken_kubernetes_exec_info_is_a_usage_error", broken_exec_info),
    ("an_unreachable_issuer_is_exit_code_4", unreachable),
    ("an_untrusted_certificate_authority_is_exit_code_4", untrusted),
    ("an_issuer_that_names_itself_differently_is_refused", other_name),
    ("an_issuer_over_plain_http_is_a_usage_error", plain_http),
    ("a_wrong_client_is_refused_and_its_secret_not_shown", wrong_secret),
    ("an_unknown_client_is_refused", unknown_client),
    ("a_cancelled_sign_in_is_exit_code_1", cancelled),
    ("a_closed_browser_ends_with_the_time_limit", closed),
    ("without_a_terminal_a_needed_sign_in_is_exit_code_3", no_terminal),
    ("an_unknown_option_is_a_usage_error", unknown_option),
    ("a_missing_issuer_is_a_usage_error", missing_issuer),
    ("a_wrong_value_is_reported_with_where_it_came_from", wrong_value),
];

const LIMIT: Duration = Duration::from_secs(40);

fn client(world: &World) -> Result<LoginClient> {
    let authority = world.provider.authority().certificate();
    LoginClient::for_issuer(&world.components, world.provider.issuer(), CLIENT_ID, authority)
}

fn with_exec_info(mut command: Command, value: &str) -> Command {
    command.env("KUBERNETES_EXEC_INFO", value);
    command
}

fn unknown_version(world: &World) -> Result<()> {
    let info = r#"{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1alpha1","spec":{}}"#;
    let client = client(world)?;
    let mut command = with_exec_info(client.command("get-token", &[]), info);
    told_well(run(&mut command, LIMIT)?, 2)?.saying("v1alpha1")?;
    Ok(())
}

fn broken_exec_info(world: &World) -> Result<()> {
    let client = client(world)?;
    for info in ["{", "[]", r#"{"kind":"Status","apiVersion":"v1"}"#] {
        let mut command = with_exec_info(client.command("get-token", &[]), info);
        told_well(run(&mut command, LIMIT)?, 2)?.saying("KUBERNETES_EXEC_INFO")?;
    }
    Ok(())
}

fn unreachable(world: &World) -> Result<()> {
    let issuer = format!("https://127.0.0.1:{}", free_port()?);
    let authority = world.provider.authority().certificate();
    let client = LoginClient::for_issuer(&world.components, &issuer, CLIENT_ID, authority)?;
    told_well(client.get_token(&["--flow", "device", "--interactive", "always"])?, 4)?
        .saying(&issuer)?;
    Ok(())
}

fn untrusted(world: &World) -> Result<()> {
    let scratch = Scratch::new()?;
    let stranger = Authority::new(&scratch, "stranger")?;
    let issuer = world.provider.issuer();
    let client =
        LoginClient::for_issuer(&world.components, issuer, CLIENT_ID, stranger.certificate())?;
    told_well(client.get_token(&["--flow", "device", "--interactive", "always"])?, 4)?
        .saying("certificate-authority")?;
    Ok(())
}

fn other_name(world: &World) -> Result<()> {
    // OpenID Connect Discovery §4.3: byte for byte. A slash at the end is another issuer.
    let issuer = format!("{}/", world.provider.issuer());
    let authority = world.provider.authority().certificate();
    let client = LoginClient::for_issuer(&world.components, &issuer, CLIENT_ID, authority)?;
    let finished = client.get_token(&["--flow", "device", "--interactive", "always"])?;
    told_well(finished, 2)?.saying(&issuer)?;
    Ok(())
}

fn plain_http(world: &World) -> Result<()> {
    let options = ["--issuer-url", "http://id.example.test", "--client-id", CLIENT_ID];
    let client = LoginClient::new(&world.components, &options)?;
    told_well(client.get_token(&[])?, 2)?.saying("issuer-url")?;
    Ok(())
}

fn wrong_secret(world: &World) -> Result<()> {
    let secret = "a-wrong-secret-that-must-not-be-shown";
    let finished = told_well(world.robot(secret)?.get_token(&["-v"])?, 1)?;
    ensure!(!finished.stderr.contains(secret), "{finished}");
    finished.saying("invalid_client")?;
    Ok(())
}

fn unknown_client(world: &World) -> Result<()> {
    let authority = world.provider.authority().certificate();
    let issuer = world.provider.issuer();
    let client = LoginClient::for_issuer(&world.components, issuer, "nobody-knows-me", authority)?;
    told_well(client.get_token(&["--flow", "device", "--interactive", "always"])?, 1)?
        .saying("--client-id")?;
    Ok(())
}

fn person(world: &World, client: &LoginClient, decision: Decision) -> Result<String> {
    world.provider.person("alice", decision).command_line(&world.components, client.scratch())
}

fn cancelled(world: &World) -> Result<()> {
    let client = client(world)?;
    let person = person(world, &client, Decision::Cancel)?;
    let finished = client.get_token(&["--flow", "browser", "--browser-command", &person])?;
    told_well(finished, 1)?.saying("access_denied")?;
    Ok(())
}

fn closed(world: &World) -> Result<()> {
    let client = client(world)?;
    let person = person(world, &client, Decision::Close)?;
    let options =
        ["--flow", "browser", "--browser-command", &person, "--authentication-timeout-sec", "2"];
    // The duration proves nothing: the browser inherits standard error, which is read to its end.
    told_well(client.get_token(&options)?, 1)?.saying("2 seconds")?;
    Ok(())
}

fn no_terminal(world: &World) -> Result<()> {
    let client = client(world)?;
    told_well(client.get_token(&[])?, 3)?.saying("kubectl-login login")?;
    Ok(())
}

fn unknown_option(world: &World) -> Result<()> {
    let finished = client(world)?.get_token(&["--no-such-option"])?;
    told_well(finished, 2)?.saying("--no-such-option")?;
    Ok(())
}

fn missing_issuer(world: &World) -> Result<()> {
    let client = LoginClient::new(&world.components, &["--client-id", CLIENT_ID])?;
    told_well(client.get_token(&[])?, 2)?.saying("--issuer-url")?;
    Ok(())
}

fn wrong_value(world: &World) -> Result<()> {
    let client = client(world)?;
    told_well(client.get_token(&["--flow", "carrier-pigeon"])?, 2)?
        .saying("--flow")?
        .saying("carrier-pigeon")?;
    let mut command = asked_by_kubectl(client.command("get-token", &[]), "v1");
    command.env("KUBECTL_LOGIN_FLOW", "carrier-pigeon");
    told_well(run(&mut command, LIMIT)?, 2)?.saying("KUBECTL_LOGIN_FLOW")?;
    Ok(())
}
