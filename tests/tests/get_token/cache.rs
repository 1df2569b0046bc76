//! What is cached between runs, and how a run with a valid token behaves.
//! Never looks inside the cache: its format is the client's own.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use login_tests::command::{clean, run};
use login_tests::components::Components;
use login_tests::login_client::{Credential, LoginClient, asked_by_kubectl};
use login_tests::oidc_provider::{CLIENT_ID, Manners, OidcProvider, RESOURCE, ROBOT_ID};
use login_tests::scratch::read;

use crate::Case;

pub(crate) const CASES: &[Case] = &[
    ("a_valid_token_is_answered_again_without_a_request", answered_again),
    ("the_cached_path_opens_no_socket_starts_no_thread_takes_no_lock", system_calls),
    ("the_answer_has_the_api_version_that_was_asked_for", api_version),
    ("what_is_kept_is_closed_to_others", modes),
    ("a_corrupt_cache_entry_is_a_miss", corrupt_entry),
    ("a_token_that_cannot_be_kept_is_still_printed", unusable_cache),
    ("a_machine_client_signs_in_without_a_person", machine),
];

fn answered_again(components: &Arc<Components>) -> Result<()> {
    let provider = OidcProvider::start(components, &Manners::default())?;
    let client = provider.client(components, CLIENT_ID, "alice")?;
    let first = client.credential(&[])?;
    let second = client.credential(&[])?;
    ensure!(first == second, "{first:?} {second:?}");
    ensure!(provider.token_log()? == ["authorization_code success"], "{:?}", provider.token_log()?);
    ensure!(first.claims()?["groups"] == serde_json::json!(["developers", "operators"]));
    Ok(())
}

fn system_calls(components: &Arc<Components>) -> Result<()> {
    let strace = components.system_program("strace")?;
    let provider = OidcProvider::start(components, &Manners::default())?;
    let client = provider.client(components, CLIENT_ID, "alice")?;
    let expected = client.credential(&[])?;

    let plain = client.command("get-token", &[]);
    let trace = client.scratch().path().join("trace");
    let mut traced: Command = clean(strace, &client.home(), &[]);
    traced.arg("-f").arg("-o").arg(&trace).arg(plain.get_program()).args(plain.get_args());
    traced.current_dir(client.scratch().path());
    let finished = run(&mut asked_by_kubectl(traced, "v1"), Duration::from_secs(30))?.success()?;
    ensure!(Credential::read(&finished)? == expected, "{finished}");

    let trace = read(&trace)?;
    ensure!(trace.contains("execve("), "strace saw nothing: {trace}");
    let forbidden = ["socket(", "connect(", "clone(", "clone3(", "fork(", "vfork(", "flock("];
    let seen: Vec<&str> = trace
        .lines()
        .filter(|line| forbidden.iter().any(|call| line.contains(&format!(" {call}"))))
        .collect();
    ensure!(seen.is_empty(), "{seen:#?}");
    ensure!(!trace.contains("F_SETLK"), "a lock by fcntl");
    Ok(())
}

fn api_version(components: &Arc<Components>) -> Result<()> {
    let provider = OidcProvider::start(components, &Manners::default())?;
    let client = provider.client(components, CLIENT_ID, "alice")?;
    // The first answer comes from a sign-in, the others from the cache.
    for version in ["v1beta1", "v1", "v1beta1"] {
        let mut command = asked_by_kubectl(client.command("get-token", &[]), version);
        let object = run(&mut command, Duration::from_secs(30))?.success()?.json()?;
        let expected = format!("client.authentication.k8s.io/{version}");
        ensure!(object["apiVersion"] == expected, "{object}");
    }
    Ok(())
}

fn modes(components: &Arc<Components>) -> Result<()> {
    let provider = OidcProvider::start(components, &Manners::default())?;
    let client = provider.client(components, CLIENT_ID, "alice")?;
    client.credential(&[])?;
    let cache = client.home().join(".cache").join("kubectl-login");
    let files = client.files()?;
    ensure!(files.iter().any(|(path, _)| path.starts_with(&cache) && path.is_file()), "{files:?}");
    for (path, mode) in files.iter().filter(|(path, _)| path.starts_with(&cache)) {
        let expected = if path.is_dir() { 0o700 } else { 0o600 };
        ensure!(*mode == expected, "`{}` has mode {mode:o}", path.display());
    }
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "a half-written file is the point")]
fn corrupt_entry(components: &Arc<Components>) -> Result<()> {
    let provider = OidcProvider::start(components, &Manners::default())?;
    let client = provider.client(components, CLIENT_ID, "alice")?;
    client.credential(&[])?;
    let kept = [".cache", ".local"].map(|folder| client.home().join(folder));
    let is_kept = |path: &PathBuf| path.is_file() && kept.iter().any(|at| path.starts_with(at));
    for (path, _) in client.files()?.into_iter().filter(|(path, _)| is_kept(path)) {
        fs::write(&path, b"\x00{\"half\": an entry").context("could not damage the cache")?;
    }
    let finished = client.get_token(&[])?.success()?;
    Credential::read(&finished)?;
    ensure!(client.credential(&[])? == Credential::read(&finished)?, "the entry was not mended");
    Ok(())
}

fn unusable_cache(components: &Arc<Components>) -> Result<()> {
    let provider = OidcProvider::start(components, &Manners::default())?;
    let client = provider.client(components, CLIENT_ID, "alice")?;
    // A file where the folder should be: permissions would not stop root.
    let place = client.scratch().file("not-a-folder", "")?.display().to_string();
    let finished = client.get_token(&["--token-cache-dir", &place])?.success()?;
    Credential::read(&finished)?;
    ensure!(finished.stderr.contains("not-a-folder"), "no warning: {finished}");
    Ok(())
}

fn machine(components: &Arc<Components>) -> Result<()> {
    let manners = Manners::default();
    let provider = OidcProvider::start(components, &manners)?;
    let authority = provider.authority().certificate();
    let client = LoginClient::for_issuer(components, provider.issuer(), ROBOT_ID, authority)?;
    let secret = client.scratch().file("secret", format!("{}\n", manners.robot_secret))?;
    let secret = secret.display().to_string();
    let options =
        ["--flow", "client-credentials", "--client-secret-file", &secret, "--audience", RESOURCE];
    let client = client.with(&options);
    let first = client.get_token(&[])?.success()?;
    ensure!(!first.stderr.contains(manners.robot_secret), "{first}");
    let first = Credential::read(&first)?;
    ensure!(first.claims()?["sub"] == ROBOT_ID, "{:?}", first.claims()?);
    ensure!(first == client.credential(&[])?, "not kept");
    ensure!(provider.token_log()? == ["client_credentials success"], "{:?}", provider.token_log()?);
    Ok(())
}
