//! What the cases share: `login-server dev`, an apiserver that asks it, another issuer.
//! Never a kubeconfig: each case has its own.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use login_tests::api_server::{ApiServer, Authentication, Cluster};
use login_tests::browser::{Decision, Person};
use login_tests::command::{Finished, clean, run};
use login_tests::components::Components;
use login_tests::development::Development;
use login_tests::oidc_provider::{Manners, OidcProvider};
use login_tests::scratch::Scratch;

/// A case of this suite.
pub(crate) type Case = (&'static str, fn(&World) -> Result<()>);

const LIMIT: Duration = Duration::from_mins(1);

pub(crate) struct World {
    pub(crate) components: Arc<Components>,
    pub(crate) dev: Development,
    pub(crate) provider: OidcProvider,
    pub(crate) server: ApiServer,
    pub(crate) cluster: Cluster,
}

impl World {
    pub(crate) fn start(components: &Arc<Components>) -> Result<Self> {
        let dev = Development::start(components)?;
        let cluster = Cluster::start(components)?;
        let authentication = Authentication {
            webhook: Some(dev.file("/webhookKubeconfig")?),
            webhook_version: Some("v1"),
            ..Authentication::default()
        };
        let server = cluster.api_server("apiserver-kubeconfig", &authentication)?;
        let provider = OidcProvider::start(components, &Manners::default())?;
        Ok(Self { components: Arc::clone(components), dev, provider, server, cluster })
    }

    /// Runs `kubectl-login ARGUMENTS` at `home` with this kubeconfig.
    pub(crate) fn login(
        &self,
        home: &Path,
        kubeconfig: &Path,
        arguments: &[&str],
    ) -> Result<Finished> {
        let mut command = clean(self.components.kubectl_login()?, home, &[]);
        command.env("KUBECONFIG", kubeconfig).args(arguments);
        run(&mut command, LIMIT)
    }

    /// The browser of the user that `login-server dev` creates.
    pub(crate) fn browser(&self, scratch: &Scratch) -> Result<String> {
        let authority: PathBuf = self.dev.file("/certificateAuthorityFile")?;
        let person = Person {
            authority: &authority,
            login: self.dev.fact("/user/name")?.to_owned(),
            password: self.dev.secret("/user/passwordFile")?,
            decision: Decision::Approve,
        };
        person.command_line(&self.components, scratch)
    }
}
