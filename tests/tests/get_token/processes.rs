//! Many processes and one token: one of them renews, the others adopt its token.
//! Never relies on luck: the issuer's answer takes long enough for all of them to start.

use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use anyhow::{Result, anyhow, ensure};
use login_tests::browser::{Decision, visits};
use login_tests::command::run;
use login_tests::components::Components;
use login_tests::login_client::{Credential, LoginClient};
use login_tests::oidc_provider::{CLIENT_ID, Manners, OidcProvider};
use login_tests::wait;
use serde_json::json;

use crate::Case;

pub(crate) const CASES: &[Case] = &[
    ("fifty_processes_with_an_expired_token_refresh_once", one_refresh),
    ("fifty_processes_without_a_token_sign_in_once", one_sign_in),
    ("fifty_processes_that_nobody_answers_open_one_browser", nobody_answers),
    ("a_killed_lock_holder_does_not_hold_up_the_others", killed_holder),
    ("a_terminated_sign_in_ends_at_once_and_leaves_nothing_half_written", terminated),
];

const MANY: usize = 50;

fn thoughtful(components: &Components, id_token: u64, delay: Duration) -> Result<OidcProvider> {
    let lifetimes = json!({ "IdToken": id_token });
    OidcProvider::start(
        components,
        &Manners { lifetimes, token_delay: delay, ..Manners::default() },
    )
}

fn all_at_once(client: &LoginClient) -> Result<Vec<Credential>> {
    at_once(|| client.credential(&[]))
}

fn at_once<T: Send>(run: impl Fn() -> Result<T> + Sync) -> Result<Vec<T>> {
    thread::scope(|scope| {
        let runs: Vec<_> = (0..MANY).map(|_| scope.spawn(&run)).collect();
        runs.into_iter()
            .map(|run| run.join().map_err(|_| anyhow!("a thread of the test died"))?)
            .collect()
    })
}

fn one_refresh(components: &Arc<Components>) -> Result<()> {
    // Long enough that the last process starts while the first one's token is fresh.
    let lifetime = Duration::from_secs(20);
    let provider = thoughtful(components, lifetime.as_secs(), Duration::from_millis(1500))?;
    let client = provider.client(components, CLIENT_ID, "alice")?;
    let old = client.credential(&[])?;
    wait::pass(lifetime);
    let credentials = all_at_once(&client)?;
    ensure!(credentials.iter().all(|credential| credential.token != old.token), "a stale token");
    let first = credentials.first();
    ensure!(credentials.iter().all(|credential| Some(credential) == first), "different tokens");
    let expected = ["authorization_code success", "refresh_token success"];
    ensure!(provider.token_log()? == expected, "{:?}", provider.token_log()?);
    ensure!(provider.ended_sessions()? == 0, "a rotated refresh token was used twice");
    client.credential(&["--force-refresh", "--interactive", "never"])?;
    Ok(())
}

fn one_sign_in(components: &Arc<Components>) -> Result<()> {
    let provider = thoughtful(components, 600, Duration::from_millis(500))?;
    let client = provider.client(components, CLIENT_ID, "alice")?;
    let credentials = all_at_once(&client)?;
    ensure!(credentials.len() == MANY);
    let first = credentials.first();
    ensure!(credentials.iter().all(|credential| Some(credential) == first), "different tokens");
    ensure!(visits(client.scratch())? == 1, "{} sign-ins", visits(client.scratch())?);
    ensure!(provider.token_log()? == ["authorization_code success"], "{:?}", provider.token_log()?);
    Ok(())
}

/// One process opens a browser and reports that the sign-in was not finished; the others report
/// the same and open none.
fn nobody_answers(components: &Arc<Components>) -> Result<()> {
    let provider = OidcProvider::start(components, &Manners::default())?;
    let authority = provider.authority().certificate();
    let client = LoginClient::for_issuer(components, provider.issuer(), CLIENT_ID, authority)?;
    let client = client.with(&["--flow", "browser", "--interactive", "always"]);
    let closing = provider.person("alice", Decision::Close);
    let closing = closing.command_line(components, client.scratch())?;
    let options = ["--browser-command", &closing, "--authentication-timeout-sec", "4"];
    let ends = at_once(|| client.get_token(&options))?;
    for end in ends {
        let end = end.with_code(1)?;
        ensure!(end.stdout.is_empty() && end.stderr.contains("4 seconds"), "{end}");
    }
    ensure!(visits(client.scratch())? == 1, "{} browser windows", visits(client.scratch())?);

    // After a sign-in by another process, every call gets a token again.
    let willing = provider.person("alice", Decision::Approve);
    let willing = willing.command_line(components, client.scratch())?;
    let mut login = client.command("login", &["--browser-command", &willing]);
    run(&mut login, Duration::from_mins(1))?.success()?;
    for end in at_once(|| client.get_token(&options))? {
        Credential::read(&end.success()?)?;
    }
    ensure!(visits(client.scratch())? == 2, "{} browser windows", visits(client.scratch())?);
    Ok(())
}

fn killed_holder(components: &Arc<Components>) -> Result<()> {
    let mut provider = thoughtful(components, 4, Duration::from_secs(2))?;
    let client = provider.client(components, CLIENT_ID, "alice")?;
    client.credential(&[])?;
    wait::pass(Duration::from_secs(4));
    let before = held(&provider)?;
    let mut holder = client.start("holder", &[])?;
    wait::until("the holder's request", Duration::from_secs(10), || {
        Ok((held(&provider)? > before).then_some(()))
    })?;
    let mut waiting = client.start("waiting", &[])?;
    wait::pass(Duration::from_millis(500));
    holder.kill()?;
    let status = waiting.wait(Duration::from_secs(20))?;
    ensure!(status.code() == Some(0), "{status}: {}", waiting.stderr()?);
    ensure!(waiting.stdout()?.starts_with('{'), "{}", waiting.stdout()?);
    let expected = ["authorization_code success", "refresh_token success"];
    ensure!(provider.token_log()? == expected, "{:?}", provider.token_log()?);
    ensure!(provider.process().is_running()?);
    Ok(())
}

/// How many token requests the provider has received and held back.
fn held(provider: &OidcProvider) -> Result<usize> {
    Ok(provider.events()?.iter().filter(|event| event["event"] == "held").count())
}

fn terminated(components: &Arc<Components>) -> Result<()> {
    let provider = OidcProvider::start(components, &Manners::default())?;
    let authority = provider.authority().certificate();
    let client = LoginClient::for_issuer(components, provider.issuer(), CLIENT_ID, authority)?;
    let options = ["--flow", "browser", "--interactive", "always", "--skip-open-browser"];
    let mut child = client.start("abandoned", &options)?;
    child.wait_for_line("Open this page to sign in", Duration::from_secs(10))?;
    let status = child.stop()?; // which is patient for seconds, not for a whole sign-in
    ensure!(status.code() != Some(0), "an abandoned sign-in looks like success");
    ensure!(child.stdout()?.is_empty(), "{}", child.stdout()?);
    let left = client.files()?;
    let half = |path: &Path| {
        let kept = path.strip_prefix(client.home()).unwrap_or(path);
        kept.to_string_lossy().contains("tmp")
    };
    ensure!(!left.iter().any(|(path, _)| half(path)), "{left:?}");
    Ok(())
}
