//! CI jobs: each way a machine client authenticates, and the token it gets.
//! Never with a terminal, a browser or a keyring.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use login_tests::command::{Finished, run};
use login_tests::components::Components;
use login_tests::login_client::{Credential, LoginClient, asked_by_kubectl};
use login_tests::oidc_provider::{
    CERTIFIED_ID, CLIENT_ID, FORM_ROBOT_ID, Manners, OidcProvider, RESOURCE, ROBOT_ID, SIGNER_ID,
};

use crate::Case;

pub(crate) const CASES: &[Case] = &[
    ("a_machine_proves_itself_by_secret_key_or_certificate", proofs),
    ("a_machine_with_a_wrong_key_or_certificate_is_refused", wrong_proofs),
    ("an_identity_that_the_issuer_signed_is_the_token", direct),
    ("a_job_without_an_identity_knows_at_once_what_is_missing", nothing),
];

const LIMIT: Duration = Duration::from_mins(1);

fn client(components: &Arc<Components>, provider: &OidcProvider, id: &str) -> Result<LoginClient> {
    let authority = provider.authority().certificate();
    LoginClient::for_issuer(components, provider.issuer(), id, authority)
}

/// Runs as a CI job does: without a user, as the environment states.
fn job(client: &LoginClient, more: &[&str], variables: &[(&str, &str)]) -> Result<Finished> {
    let mut command = asked_by_kubectl(client.command("get-token", more), "v1");
    command.env("CI", "true").envs(variables.iter().copied());
    run(&mut command, LIMIT)
}

const CLIENT_CREDENTIALS: [&str; 4] = ["--flow", "client-credentials", "--audience", RESOURCE];

fn proofs(components: &Arc<Components>) -> Result<()> {
    let manners = Manners::default();
    let provider = OidcProvider::start(components, &manners)?;
    let robot = client(components, &provider, ROBOT_ID)?;
    let secret = robot.scratch().file("secret", manners.robot_secret)?.display().to_string();
    let key = provider.signing_key().display().to_string();
    let pair = provider.client_certificate();
    let (certificate, key_of) =
        (pair.certificate.display().to_string(), pair.key.display().to_string());
    let ways: [(&str, &[&str]); 4] = [
        (ROBOT_ID, &["--client-secret-file", &secret]),
        (FORM_ROBOT_ID, &["--client-secret-file", &secret]),
        (SIGNER_ID, &["--client-assertion-key", &key]),
        (CERTIFIED_ID, &["--client-certificate", &certificate, "--client-key", &key_of]),
    ];
    for (id, options) in ways {
        let client = client(components, &provider, id)?.with(&CLIENT_CREDENTIALS).with(options);
        let finished = job(&client, &[], &[])?
            .success()
            .with_context(|| format!("{id}: {:?}", provider.events()))?;
        let credential = Credential::read(&finished)?;
        ensure!(credential.claims()?["sub"] == id, "{id}: {:?}", credential.claims()?);
        ensure!(!finished.stderr.contains(manners.robot_secret), "{finished}");
    }
    ensure!(provider.token_requests("client_credentials", "success")? == ways.len());
    Ok(())
}

fn wrong_proofs(components: &Arc<Components>) -> Result<()> {
    let provider = OidcProvider::start(components, &Manners::default())?;
    // Another provider of the same kind, whose keys this provider does not know.
    let other = OidcProvider::start(components, &Manners::default())?;
    let key = other.signing_key().display().to_string();
    let pair = other.client_certificate();
    let (certificate, key_of) =
        (pair.certificate.display().to_string(), pair.key.display().to_string());
    let ways: [(&str, &[&str]); 2] = [
        (SIGNER_ID, &["--client-assertion-key", &key]),
        (CERTIFIED_ID, &["--client-certificate", &certificate, "--client-key", &key_of]),
    ];
    for (id, options) in ways {
        let client = client(components, &provider, id)?.with(&CLIENT_CREDENTIALS).with(options);
        let finished = job(&client, &[], &[])?.with_code(1).with_context(|| id.to_owned())?;
        ensure!(finished.stdout.is_empty(), "{finished}");
        finished.saying("invalid_client")?.saying("hint: ")?;
    }
    Ok(())
}

/// P08: files end in a line end; a token does not.
fn direct(components: &Arc<Components>) -> Result<()> {
    let home = OidcProvider::start(components, &Manners::default())?;
    let token = home.client(components, CLIENT_ID, "alice")?.credential(&[])?.token;
    let before = home.requests()?.len();
    let client = client(components, &home, CLIENT_ID)?;
    let file = client.scratch().file("identity", format!("  {token}\r\n"))?.display().to_string();
    let client = client.with(&["--flow", "identity", "--identity", "file"]);
    let finished = job(&client, &["--identity-file", &file], &[])?.success()?;
    ensure!(Credential::read(&finished)?.token == token, "{finished}");
    ensure!(home.requests()?.len() == before, "the issuer was asked");
    Ok(())
}

fn nothing(components: &Arc<Components>) -> Result<()> {
    let provider = OidcProvider::start(components, &Manners::default())?;
    let client = client(components, &provider, CLIENT_ID)?;
    let before = provider.requests()?.len();
    let finished = job(&client, &[], &[])?.with_code(3)?;
    ensure!(finished.stdout.is_empty() && finished.stderr.contains("hint: "), "{finished}");
    ensure!(provider.requests()?.len() == before, "the issuer was asked first");
    let finished = job(&client, &["--identity", "github-actions"], &[])?;
    ensure!(finished.code != Some(0) && finished.stdout.is_empty(), "{finished}");
    finished.saying("ACTIONS_ID_TOKEN_REQUEST_URL")?.saying("id-token")?;
    Ok(())
}
