//! From an expired token to the next: by refresh, or by a sign-in only when the refresh is refused.
//! Never accepts an outage that looks like a refusal.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, ensure};
use login_tests::browser::{Decision, visits};
use login_tests::components::Components;
use login_tests::login_client::{Credential, LoginClient};
use login_tests::oidc_provider::{CLIENT_ID, Manners, OidcProvider};
use login_tests::wait;
use serde_json::json;

use crate::Case;

pub(crate) const CASES: &[Case] = &[
    ("an_expired_token_is_refreshed_and_each_refresh_token_is_used_once", rotation),
    ("the_reported_expiry_is_earlier_than_the_real_one", early_expiry),
    ("only_a_refused_refresh_leads_to_a_new_sign_in", refused_refresh),
    ("an_issuer_that_is_down_opens_no_browser", issuer_down),
    ("an_issuer_that_hangs_is_given_up_in_time", issuer_hangs),
    ("a_valid_token_is_served_while_the_issuer_is_down", valid_token_survives),
    ("a_failed_sign_in_is_not_repeated_by_the_next_kubectl", back_off),
];

/// A provider whose ID tokens live for `seconds`.
fn short_lived(components: &Components, seconds: u64) -> Result<OidcProvider> {
    let lifetimes = json!({ "IdToken": seconds });
    OidcProvider::start(components, &Manners { lifetimes, ..Manners::default() })
}

fn rotation(components: &Arc<Components>) -> Result<()> {
    let provider = short_lived(components, 2)?;
    let client = provider.client(components, CLIENT_ID, "alice")?;
    let mut last = client.credential(&[])?;
    for _ in 0..3 {
        wait::pass(Duration::from_secs(2));
        let next = client.credential(&["--interactive", "never"])?;
        ensure!(next.token != last.token, "an expired token was printed");
        last = next;
    }
    let expected = [
        "authorization_code success",
        "refresh_token success",
        "refresh_token success",
        "refresh_token success",
    ];
    ensure!(provider.token_log()? == expected, "{:?}", provider.token_log()?);
    Ok(())
}

fn early_expiry(components: &Arc<Components>) -> Result<()> {
    for (lifetime, margin) in [(1200_i64, 60_i64), (100, 10)] {
        let provider = short_lived(components, u64::try_from(lifetime)?)?;
        let client = provider.client(components, CLIENT_ID, "alice")?;
        let credential = client.credential(&[])?;
        let real = credential.claims()?["exp"].as_i64().unwrap_or_default();
        let reported: jiff::Timestamp = credential.expires.unwrap_or_default().parse()?;
        ensure!(reported.as_second() == real - margin, "reported {reported}, real {real}");
    }
    Ok(())
}

fn refused_refresh(components: &Arc<Components>) -> Result<()> {
    let lifetimes = json!({ "IdToken": 2, "RefreshToken": 1, "Session": 1 });
    let provider = OidcProvider::start(components, &Manners { lifetimes, ..Manners::default() })?;
    let client = provider.client(components, CLIENT_ID, "alice")?;
    let first = client.credential(&[])?;
    wait::pass(Duration::from_secs(3));
    let finished = client.get_token(&["--interactive", "never"])?.with_code(3)?;
    ensure!(finished.stdout.is_empty() && finished.stderr.contains("hint: "), "{finished}");
    ensure!(visits(client.scratch())? == 1, "a person was asked although that was not allowed");
    let second = client.credential(&[])?;
    ensure!(second.token != first.token && visits(client.scratch())? == 2);
    ensure!(provider.token_requests("authorization_code", "success")? == 2);
    Ok(())
}

fn issuer_down(components: &Arc<Components>) -> Result<()> {
    let mut provider = short_lived(components, 2)?;
    let client = provider.client(components, CLIENT_ID, "alice")?;
    client.credential(&[])?;
    provider.process().kill()?;
    wait::pass(Duration::from_secs(2));
    let finished = client.get_token(&[])?.with_code(4)?;
    ensure!(finished.stdout.is_empty(), "{finished}");
    ensure!(
        finished.stderr.starts_with("error: ") && finished.stderr.contains("\nhint: "),
        "{finished}"
    );
    ensure!(finished.stderr.contains(provider.issuer()), "which issuer? {finished}");
    ensure!(visits(client.scratch())? == 1, "a browser was opened");
    Ok(())
}

fn issuer_hangs(components: &Arc<Components>) -> Result<()> {
    let mut provider = short_lived(components, 2)?;
    let client = provider.client(components, CLIENT_ID, "alice")?;
    client.credential(&[])?;
    wait::pass(Duration::from_secs(2));
    provider.process().suspend()?;
    let finished = client.get_token(&[])?.with_code(4)?;
    ensure!(finished.stdout.is_empty(), "{finished}");
    finished.saying(provider.issuer())?.saying("within 10 seconds")?;
    ensure!(visits(client.scratch())? == 1, "a browser was opened");
    provider.process().resume()?;
    Ok(())
}

fn valid_token_survives(components: &Arc<Components>) -> Result<()> {
    let mut provider = OidcProvider::start(components, &Manners::default())?;
    let client = provider.client(components, CLIENT_ID, "alice")?;
    let first = client.credential(&[])?;
    provider.process().kill()?;
    ensure!(client.credential(&[])? == first);
    Ok(())
}

/// Contract P22: kubectl asks about five times in a row.
fn back_off(components: &Arc<Components>) -> Result<()> {
    let provider = OidcProvider::start(components, &Manners::default())?;
    let authority = provider.authority().certificate();
    let client = LoginClient::for_issuer(components, provider.issuer(), CLIENT_ID, authority)?;
    let cancelling = provider.person("alice", Decision::Cancel);
    let cancelling = cancelling.command_line(components, client.scratch())?;
    let options = |browser: &'static str| ["--flow", "browser", "--interactive", "always", browser];
    let flow = options("--browser-command");
    for _ in 0..5 {
        let mut more = flow.to_vec();
        more.push(&cancelling);
        let finished = client.get_token(&more)?.with_code(1)?;
        ensure!(finished.stdout.is_empty() && finished.stderr.contains("hint: "), "{finished}");
    }
    ensure!(visits(client.scratch())? == 1, "{} browser windows", visits(client.scratch())?);

    let willing = provider.person("alice", Decision::Approve);
    let willing = willing.command_line(components, client.scratch())?;
    let mut more = flow.to_vec();
    more.push(&willing);
    let mut login = client.command("login", &more);
    login_tests::command::run(&mut login, Duration::from_secs(30))?.success()?;
    Credential::read(&client.get_token(&more)?.success()?)?;
    ensure!(visits(client.scratch())? == 2, "`login` did not clear the window");
    Ok(())
}
