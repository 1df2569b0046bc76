//! A job's identity as the bearer token itself: the cluster trusts its issuer.
//! Never sends a request to the issuer: its name does not resolve.

use anyhow::{Result, ensure};
use login_tests::login_client::LoginClient;

use crate::world::{Case, DEPLOY, HOME, JOB, World};

pub(crate) const CASES: &[Case] = &[
    ("a_service_account_of_another_cluster_is_known_by_kubectl_and_login_server", known),
    ("a_token_for_somebody_else_is_not_shown_to_the_cluster", for_somebody_else),
    ("a_rotated_file_is_read_when_the_kept_token_is_renewed", rotated),
    ("an_identity_is_handed_out_without_a_request_and_kept", kept),
];

fn known(world: &World) -> Result<()> {
    world.ensure_known_as(&world.deployer()?, &format!("home:{JOB}"))?;
    let explicit = world.deployer()?.with(&["--flow", "identity"]);
    world.ensure_known_as(&explicit, &format!("home:{JOB}"))
}

fn for_somebody_else(world: &World) -> Result<()> {
    let options = ["--issuer-url", HOME, "--client-id", DEPLOY, "--identity", "kubernetes"];
    let client = LoginClient::new(&world.components, &options)?;
    let file = world.token_file(client.scratch(), "vault")?.display().to_string();
    let refused = client.with(&["--identity-file", &file]).get_token(&[])?.with_code(2)?;
    ensure!(refused.stdout.is_empty(), "{refused}");
    refused.saying("is for `vault`; wanted is client `deploy`")?;
    Ok(())
}

fn rotated(world: &World) -> Result<()> {
    let client = world.deployer()?;
    let first = client.credential(&[])?;
    world.token_file(client.scratch(), DEPLOY)?;
    ensure!(client.credential(&[])? == first, "the kept token is good");
    let second = client.credential(&["--force-refresh"])?;
    ensure!(second.token != first.token, "the file was not read anew");
    Ok(())
}

fn kept(world: &World) -> Result<()> {
    let client = world.deployer()?;
    let first = client.credential(&[])?;
    ensure!(first.claims()?["sub"] == JOB, "{:?}", first.claims()?);
    ensure!(first.expires.is_some());
    ensure!(client.credential(&[])? == first, "not kept");
    let kept = client.files()?;
    ensure!(kept.iter().all(|(path, _)| path.extension().is_none_or(|kind| kind != "refresh")));
    Ok(())
}
