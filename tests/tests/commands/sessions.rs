//! Sessions: listed, distinguished by account, ended locally and at their issuer.
//! Never takes a session for ended because its files are gone: cases try its refresh token.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Result, ensure};
use login_tests::command::{clean, run};
use login_tests::login_client::LoginClient;
use login_tests::oidc_provider::{CLIENT_ID, Manners, OidcProvider};
use serde_json::Value;

use crate::world::{Case, World, finished, said, with};

pub(crate) const CASES: &[Case] = &[
    ("a_session_is_listed_until_logout_ends_it_at_the_issuer", ends_at_the_issuer),
    ("logout_ends_a_session_of_the_embedded_issuer", ends_at_the_embedded_issuer),
    ("accounts_of_one_issuer_are_kept_and_ended_apart", accounts),
    ("logout_all_ends_every_session_on_record", every_session),
    ("logout_forgets_the_session_of_an_issuer_that_is_down_and_says_so", issuer_is_down),
    ("status_check_says_by_its_exit_code_whether_a_sign_in_is_needed", check),
];

fn sign_in(world: &World, client: &LoginClient, login: &str, more: &[&str]) -> Result<()> {
    let options = world.as_person(client, login)?;
    said(client, "login", &with(&options, more))?.success()?.saying("Signed in to")?;
    Ok(())
}

fn listed(client: &LoginClient, more: &[&str]) -> Result<Vec<Value>> {
    let mut arguments = vec!["status", "-o", "json"];
    arguments.extend(more);
    let command = clean(client.components().kubectl_login()?, &client.home(), &[]);
    let document = finished(command, &arguments)?.success()?.json()?;
    ensure!(document["kind"] == "SessionList", "{document}");
    ensure!(document["apiVersion"] == "kubectl-login/v1", "{document}");
    Ok(document["items"].as_array().cloned().unwrap_or_default())
}

const LIMIT: Duration = Duration::from_secs(20);

/// The shared provider's counts may include other cases.
fn with_a_provider_of_its_own(world: &World) -> Result<(OidcProvider, LoginClient)> {
    let provider = OidcProvider::start(&world.components, &Manners::default())?;
    let client = provider.client(&world.components, CLIENT_ID, "alice")?;
    Ok((provider, client))
}

/// Returns a copy of the client's home as it is now.
fn copy_of_home(client: &LoginClient) -> Result<PathBuf> {
    let copy = client.scratch().path().join("copy");
    run(clean("cp", client.scratch().path(), &[]).arg("-a").arg(client.home()).arg(&copy), LIMIT)?
        .success()?;
    Ok(copy)
}

/// Fails if the refresh token in `copy` still gives tokens. It is sealed for its original path, so
/// it is put back there.
fn refuses(client: &LoginClient, copy: &Path) -> Result<()> {
    std::fs::rename(client.home(), client.scratch().path().join("after"))?;
    std::fs::rename(copy, client.home())?;
    let refused = client.get_token(&["--force-refresh", "--interactive", "never"])?.with_code(3)?;
    refused.saying("a sign-in to")?;
    Ok(())
}

fn ends_at_the_issuer(world: &World) -> Result<()> {
    let (provider, client) = with_a_provider_of_its_own(world)?;
    said(&client, "login", &[])?.success()?.saying("Signed in to")?;
    let sessions = listed(&client, &[])?;
    ensure!(sessions.len() == 1, "{sessions:?}");
    let session = &sessions[0];
    ensure!(session["name"] == "alice" && session["token"] == "fresh", "{session}");
    ensure!(session["renewable"] == true && session["signInNeeded"] == false, "{session}");
    let table = said(&client, "status", &[])?.success()?;
    ensure!(table.stdout.starts_with("CURRENT   NAME"), "{table}");
    ensure!(table.stdout.contains("\n*         alice   "), "{table}");
    let yaml = said(&client, "status", &["-o", "yaml"])?.success()?;
    ensure!(yaml.stdout.starts_with("apiVersion: kubectl-login/v1\nkind: SessionList\n"), "{yaml}");

    let copy = copy_of_home(&client)?;
    let logout = said(&client, "logout", &[])?.success()?;
    ensure!(logout.stderr.contains("as `alice`: the session has ended"), "{logout}");
    ensure!(logout.stdout.is_empty(), "{logout}");
    ensure!(listed(&client, &[])?.is_empty());
    ensure!(provider.ended_sessions()? == 1);
    said(&client, "logout", &[])?.success()?.saying("No session of")?;
    refuses(&client, &copy)?;
    ensure!(provider.token_requests("refresh_token", "invalid_grant")? == 1);
    Ok(())
}

fn ends_at_the_embedded_issuer(world: &World) -> Result<()> {
    let client = world.embedded_client()?;
    let options = world.as_embedded_person(&client)?;
    said(&client, "login", &with(&options, &[]))?.success()?;
    let copy = copy_of_home(&client)?;
    let logout = said(&client, "logout", &[])?.success()?;
    ensure!(logout.stderr.contains("the session has ended"), "{logout}");
    refuses(&client, &copy)
}

fn accounts(world: &World) -> Result<()> {
    let client = world.client()?;
    sign_in(world, &client, "alice", &["--account", "work"])?;
    sign_in(world, &client, "bob", &["--account", "home"])?;
    let sessions = listed(&client, &[])?;
    let mut names: Vec<_> = sessions
        .iter()
        .map(|session| (session["account"].as_str(), session["name"].as_str()))
        .collect();
    names.sort_unstable();
    ensure!(names == [(Some("home"), Some("bob")), (Some("work"), Some("alice"))], "{names:?}");
    for (account, login) in [("work", "alice"), ("home", "bob")] {
        let credential = client.credential(&["--account", account, "--interactive", "never"])?;
        ensure!(credential.claims()?["sub"] == login, "{account}");
    }
    let chosen = said(&client, "status", &["--account", "home"])?.success()?;
    ensure!(chosen.stdout.contains("bob") && !chosen.stdout.contains("alice"), "{chosen}");
    said(&client, "logout", &["--account", "home"])?.success()?.saying("as `bob`")?;
    let left = listed(&client, &[])?;
    ensure!(left.len() == 1 && left[0]["name"] == "alice", "{left:?}");
    Ok(())
}

fn every_session(world: &World) -> Result<()> {
    let (provider, client) = with_a_provider_of_its_own(world)?;
    for account in ["one", "two", "three"] {
        said(&client, "login", &["--account", account])?.success()?.saying("Signed in to")?;
    }
    let command = clean(world.components.kubectl_login()?, &client.home(), &[]);
    finished(command, &["logout", "--all"])?.success()?;
    ensure!(provider.ended_sessions()? == 3);
    ensure!(listed(&client, &[])?.is_empty());
    Ok(())
}

fn issuer_is_down(world: &World) -> Result<()> {
    let mut provider = OidcProvider::start(&world.components, &Manners::default())?;
    let client = provider.client(&world.components, CLIENT_ID, "alice")?;
    client.credential(&[])?;
    provider.process().kill()?;
    let logout = said(&client, "logout", &[])?.with_code(4)?;
    ensure!(logout.stderr.contains("may live on at the issuer"), "{logout}");
    ensure!(listed(&client, &[])?.is_empty());
    Ok(())
}

fn check(world: &World) -> Result<()> {
    let client = world.client()?;
    said(&client, "status", &["--check"])?.with_code(3)?.saying("a sign-in to")?;
    sign_in(world, &client, "alice", &[])?;
    let usable = said(&client, "status", &["--check"])?.success()?;
    ensure!(usable.stdout.is_empty() && usable.stderr.is_empty(), "{usable}");
    let robot = ["--client-id", "robot", "--flow", "client-credentials", "--check"];
    let options = ["--issuer-url", world.provider.issuer()];
    let program = world.components.kubectl_login()?;
    let mut command = clean(program, &client.home(), &[]);
    command.arg("status").args(options);
    finished(command, &robot)?.success()?;
    Ok(())
}
