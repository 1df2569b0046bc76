//! The client's clock ten minutes ahead and behind: tokens are still handed out, and still renewed.
//! Never changes any clock other than the client's.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use login_tests::browser::visits;
use login_tests::clock;
use login_tests::command::{Finished, run};
use login_tests::components::Components;
use login_tests::login_client::{Credential, LoginClient, asked_by_kubectl};
use login_tests::oidc_provider::{CLIENT_ID, Manners, OidcProvider};
use serde_json::json;

use crate::Case;

pub(crate) const CASES: &[Case] = &[
    ("a_clock_ten_minutes_ahead_still_gets_a_token_and_a_warning", ahead),
    ("a_clock_ten_minutes_behind_still_gets_a_token_and_a_warning", behind),
    ("a_clock_ahead_by_the_whole_life_of_a_token_asks_no_one_again", ahead_of_life),
];

const LIMIT: Duration = Duration::from_mins(1);

fn at(client: &LoginClient, shift: &str, more: &[&str]) -> Result<Finished> {
    let mut command = asked_by_kubectl(client.command("get-token", more), "v1");
    clock::shift(&mut command, shift)?;
    run(&mut command, LIMIT)
}

fn world(components: &Arc<Components>, lifetime: u32) -> Result<(OidcProvider, LoginClient)> {
    // The user's browser has the same clock: the provider's own cookies must outlive the error.
    let lifetimes = json!({ "IdToken": lifetime, "Interaction": 7200, "Session": 7200 });
    let provider = OidcProvider::start(components, &Manners { lifetimes, ..Manners::default() })?;
    let client = provider.client(components, CLIENT_ID, "alice")?;
    Ok((provider, client))
}

/// A sign-in, a cached answer, a renewal; the warning comes with each new token.
fn three_answers(components: &Arc<Components>, shift: &str) -> Result<()> {
    let (provider, client) = world(components, 3600)?;
    let first = at(&client, shift, &[])?.success()?;
    ensure!(first.stderr.contains("clock"), "no warning: {first}");
    let first = Credential::read(&first)?;
    let real = first.claims()?["exp"].as_i64().context("no exp")?;
    let reported: jiff::Timestamp = first.expires.clone().unwrap_or_default().parse()?;
    // kubectl compares it with the same clock, a minute before the real expiry.
    let ahead: i64 = shift.parse()?;
    let margin = real + ahead - reported.as_second();
    ensure!((58..=62).contains(&margin), "{margin} seconds before the end");
    let second = Credential::read(&at(&client, shift, &[])?.success()?)?;
    ensure!(second == first, "the cache did not answer");
    at(&client, shift, &["--force-refresh", "--interactive", "never"])?.success()?;
    let expected = ["authorization_code success", "refresh_token success"];
    ensure!(provider.token_log()? == expected, "{:?}", provider.token_log()?);
    Ok(())
}

fn ahead(components: &Arc<Components>) -> Result<()> {
    three_answers(components, "+600")
}

fn behind(components: &Arc<Components>) -> Result<()> {
    three_answers(components, "-600")
}

/// Each token looks expired when it arrives. The client hands it out all the same, since the
/// cluster's clock decides, and each call costs at most one renewal, never a browser.
fn ahead_of_life(components: &Arc<Components>) -> Result<()> {
    let (_provider, client) = world(components, 300)?;
    for _ in 0..3 {
        let finished = at(&client, "+600", &[])?.success()?;
        Credential::read(&finished)?;
    }
    ensure!(visits(client.scratch())? == 1, "{} browser windows", visits(client.scratch())?);
    Ok(())
}
