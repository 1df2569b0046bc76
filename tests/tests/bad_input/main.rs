//! Both programs with bad input: the right exit code, one clear error, nothing else.
//! Never accepts an error without advice, or one that shows a secret.
#![expect(clippy::indexing_slicing, reason = "a key that a JSON value lacks reads as null")]

mod client;
mod configuration;
mod review;

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Result, ensure};
use login_tests::command::Finished;
use login_tests::components::Components;
use login_tests::login_client::LoginClient;
use login_tests::login_server::{LoginServer, Service, TrustedIssuer};
use login_tests::oidc_provider::{CLIENT_ID, Manners, OidcProvider, ROBOT_ID};
use login_tests::suite::Suite;

fn main() -> ExitCode {
    Suite::new(World::start)
        .cases(client::CASES)
        .cases(review::CASES)
        .cases(configuration::CASES)
        .run()
}

type Case = (&'static str, fn(&World) -> Result<()>);

struct World {
    components: Arc<Components>,
    provider: OidcProvider,
    server: LoginServer,
}

impl World {
    fn start(components: &Arc<Components>) -> Result<Self> {
        let provider = OidcProvider::start(components, &Manners::default())?;
        let authentication = Some(trusting(&provider)?);
        let service = Service { authentication, ..Service::default() };
        let server = LoginServer::serve(components, &service)?;
        Ok(Self { components: Arc::clone(components), provider, server })
    }

    /// The configuration that trusts the provider.
    fn authentication(&self) -> Result<String> {
        trusting(&self.provider)
    }

    /// The machine client with the given secret, right or wrong.
    fn robot(&self, secret: &str) -> Result<LoginClient> {
        let authority = self.provider.authority().certificate();
        let issuer = self.provider.issuer();
        let client = LoginClient::for_issuer(&self.components, issuer, ROBOT_ID, authority)?;
        let file = client.scratch().file("secret", secret)?.display().to_string();
        Ok(client.with(&["--flow", "client-credentials", "--client-secret-file", &file]))
    }
}

fn trusting(provider: &OidcProvider) -> Result<String> {
    TrustedIssuer {
        url: provider.issuer(),
        authority_pem: provider.authority().pem()?,
        audiences: &[CLIENT_ID],
    }
    .authentication_configuration()
}

/// One clear error with advice, and nothing on standard output.
fn told_well(finished: Finished, code: i32) -> Result<Finished> {
    let finished = finished.with_code(code)?;
    let lines =
        |start: &str| finished.stderr.lines().filter(|line| line.starts_with(start)).count();
    ensure!(finished.stdout.is_empty(), "something on stdout: {finished}");
    ensure!(lines("error: ") == 1, "not one error: {finished}");
    ensure!(lines("hint: ") == 1, "not one hint: {finished}");
    for sign in ["panicked", "Error {", "Some(", "RUST_BACKTRACE"] {
        ensure!(!finished.stderr.contains(sign), "not for people: {finished}");
    }
    Ok(finished)
}
