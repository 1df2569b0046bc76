//! What the cases share: two issuers, and a cluster that trusts one of them through its webhook.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use login_tests::api_server::{ApiServer, Authentication, Cluster};
use login_tests::browser::{Decision, Person};
use login_tests::command::{Finished, clean, run};
use login_tests::components::Components;
use login_tests::development::Development;
use login_tests::login_client::LoginClient;
use login_tests::login_server::{LoginServer, Service, TrustedIssuer};
use login_tests::oidc_provider::{CLIENT_ID, Manners, OidcProvider};

/// A case of this suite.
pub(crate) type Case = (&'static str, fn(&World) -> Result<()>);

const LIMIT: Duration = Duration::from_mins(1);

pub(crate) struct World {
    pub(crate) components: Arc<Components>,
    /// `login-server dev`.
    pub(crate) embedded: Development,
    /// npm's oidc-provider.
    pub(crate) provider: OidcProvider,
    pub(crate) cluster: Cluster,
    pub(crate) _webhook: LoginServer,
    pub(crate) server: ApiServer,
}

impl World {
    pub(crate) fn start(components: &Arc<Components>) -> Result<Self> {
        let provider = OidcProvider::start(components, &Manners::default())?;
        let webhook = LoginServer::serve(
            components,
            &Service { authentication: Some(trusting(&provider)?), ..Service::default() },
        )?;
        let cluster = Cluster::start(components)?;
        let server = cluster.api_server(
            "apiserver",
            &Authentication {
                webhook: Some(webhook.printed_webhook_kubeconfig()?),
                webhook_version: Some("v1"),
                webhook_cache_ttl: Some("1s"),
                ..Authentication::default()
            },
        )?;
        Ok(Self {
            components: Arc::clone(components),
            embedded: Development::start(components)?,
            provider,
            cluster,
            _webhook: webhook,
            server,
        })
    }

    /// A client of the provider with a fresh home and no user to sign in.
    pub(crate) fn client(&self) -> Result<LoginClient> {
        let authority = self.provider.authority().certificate();
        LoginClient::for_issuer(&self.components, self.provider.issuer(), CLIENT_ID, authority)
            .map(|client| client.with(&["--scope", "groups,profile"]))
    }

    /// The options with which `login` signs in at the provider.
    pub(crate) fn as_person(&self, client: &LoginClient, login: &str) -> Result<[String; 4]> {
        let person = self.provider.person(login, Decision::Approve);
        Ok(by_browser(&person.command_line(&self.components, client.scratch())?))
    }

    /// A client of the embedded issuer with a fresh home.
    pub(crate) fn embedded_client(&self) -> Result<LoginClient> {
        let authority = self.embedded.file("/certificateAuthorityFile")?;
        let issuer = self.embedded.fact("/issuerUrl")?;
        LoginClient::for_issuer(&self.components, issuer, CLIENT_ID, &authority)
    }

    /// The options with which `login` signs in there.
    pub(crate) fn as_embedded_person(&self, client: &LoginClient) -> Result<[String; 4]> {
        let authority = self.embedded.file("/certificateAuthorityFile")?;
        let person = Person {
            authority: &authority,
            login: self.embedded.fact("/user/name")?.to_owned(),
            password: self.embedded.secret("/user/passwordFile")?,
            decision: Decision::Approve,
        };
        Ok(by_browser(&person.command_line(&self.components, client.scratch())?))
    }

    /// kubectl-login without the client's options, with a home and a kubeconfig.
    pub(crate) fn bare(&self, home: &Path, kubeconfig: &Path) -> Result<Command> {
        let program = self.components.kubectl_login()?;
        let folder: Vec<_> = program.parent().map(Path::to_path_buf).into_iter().collect();
        let mut command = clean(&program, home, &folder);
        command.env("KUBECONFIG", kubeconfig);
        Ok(command)
    }
}

/// The AuthenticationConfiguration that trusts `provider`.
pub(crate) fn trusting(provider: &OidcProvider) -> Result<String> {
    TrustedIssuer {
        url: provider.issuer(),
        authority_pem: provider.authority().pem()?,
        audiences: &[CLIENT_ID],
    }
    .authentication_configuration()
}

fn by_browser(line: &str) -> [String; 4] {
    ["--flow", "browser", "--browser-command", line].map(ToOwned::to_owned)
}

/// Runs a command of `client`.
pub(crate) fn said(client: &LoginClient, command: &str, more: &[&str]) -> Result<Finished> {
    run(&mut client.command(command, more), LIMIT)
}

/// Runs `command` with `arguments`.
pub(crate) fn finished(mut command: Command, arguments: &[&str]) -> Result<Finished> {
    run(command.args(arguments), LIMIT)
}

/// `options` and `more` as one list.
pub(crate) fn with<'a>(options: &'a [String], more: &[&'a str]) -> Vec<&'a str> {
    options.iter().map(String::as_str).chain(more.iter().copied()).collect()
}
