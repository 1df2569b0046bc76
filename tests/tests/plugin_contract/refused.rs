//! A valid token that the cluster refuses: kubectl runs the plugin again after a 401.
//! Never accepts that a browser opens: a user who was refused has signed in already.

use anyhow::{Result, ensure};
use login_tests::browser::visits;
use login_tests::clock;
use login_tests::kubectl::Kubectl;
use login_tests::login_client::LoginClient;

use crate::world::{Case, World, accounts};

pub(crate) const CASES: &[Case] = &[
    ("a_token_that_the_cluster_refuses_is_renewed_once_and_silently", refused_token),
    ("a_user_whom_the_cluster_always_refuses_costs_one_renewal", refused_user),
];

/// kubectl of a user who signed in and left the keyboard, some time later: the client does not
/// suspect that a new token was refused.
fn unattended(world: &World, client: &LoginClient) -> Result<Kubectl> {
    let kubectl = world.kubectl(client)?.with_variable("KUBECTL_LOGIN_INTERACTIVE", "never");
    let later = clock::variables("+45")?;
    Ok(later.into_iter().fold(kubectl, |kubectl, (name, value)| kubectl.with_variable(name, value)))
}

const REFRESH: &str = "refresh_token";

/// P21. client-go hands the 401 to kubectl and uses the next token from the next request on
/// (contract A5), so the first command may still fail.
fn refused_token(world: &World) -> Result<()> {
    let client = world.client("carol")?;
    client.credential(&[])?;
    let kubectl = unattended(world, &client)?;
    world.provider.change_accounts(&accounts("high"))?;
    let first = kubectl.run(&["get", "namespaces"])?;
    ensure!(world.provider.tokens_of("carol", REFRESH)? == 1, "not one renewal: {first}");
    kubectl.run(&["get", "namespaces"])?.success()?.saying("kube-system")?;
    kubectl.run(&["get", "namespaces"])?.success()?;
    ensure!(world.provider.tokens_of("carol", REFRESH)? == 1, "renewed again");
    ensure!(visits(client.scratch())? == 1, "a browser was opened");
    Ok(())
}

/// P21: a refusal that a new token does not change must not cost a renewal for each request.
fn refused_user(world: &World) -> Result<()> {
    let client = world.client("dave")?;
    client.credential(&[])?;
    let kubectl = unattended(world, &client)?;
    for _ in 0..3 {
        kubectl.run(&["get", "namespaces"])?.with_code(1)?.saying("must be logged in")?;
    }
    let renewals = world.provider.tokens_of("dave", REFRESH)?;
    ensure!(renewals == 1, "{renewals} renewals");
    ensure!(visits(client.scratch())? == 1, "a browser was opened");
    Ok(())
}
