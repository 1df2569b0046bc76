//! What the cases share: an issuer, a webhook that requires a claim, a kube-apiserver.
//! Never a client: each case has a home of its own.

use std::sync::Arc;

use anyhow::Result;
use login_tests::api_server::{ApiServer, Authentication, Cluster};
use login_tests::components::{Components, NEWEST_KUBECTL};
use login_tests::kubeconfig::{Kubeconfig, User};
use login_tests::kubectl::Kubectl;
use login_tests::login_client::LoginClient;
use login_tests::login_server::{LoginServer, Service, TrustedIssuer};
use login_tests::oidc_provider::{CLIENT_ID, Manners, OidcProvider};
use serde_json::{Value, json};

/// A case of this suite.
pub(crate) type Case = (&'static str, fn(&World) -> Result<()>);

/// One apiserver that caches the verdicts of its webhook for a second.
pub(crate) struct World {
    pub(crate) components: Arc<Components>,
    pub(crate) provider: OidcProvider,
    pub(crate) cluster: Cluster,
    pub(crate) _server: LoginServer,
    pub(crate) api_server: ApiServer,
}

/// The accounts of the issuer. The webhook accepts a token only with `clearance: high`.
pub(crate) fn accounts(of_carol: &str) -> Value {
    let operator = |clearance| json!({ "groups": ["operators"], "clearance": clearance });
    json!({ "alice": operator("high"), "carol": operator(of_carol), "dave": operator("low") })
}

impl World {
    pub(crate) fn start(components: &Arc<Components>) -> Result<Self> {
        let manners = Manners { accounts: accounts("low"), ..Manners::default() };
        let provider = OidcProvider::start(components, &manners)?;
        let trusted = TrustedIssuer {
            url: provider.issuer(),
            authority_pem: provider.authority().pem()?,
            audiences: &[CLIENT_ID],
        };
        let rule = "  claimValidationRules:\n  - { claim: clearance, requiredValue: high }\n";
        let authentication = trusted.authentication_configuration()? + rule;
        let service = Service { authentication: Some(authentication), ..Service::default() };
        let server = LoginServer::serve(components, &service)?;
        let cluster = Cluster::start(components)?;
        let api_server = cluster.api_server(
            "kube-apiserver",
            &Authentication {
                webhook: Some(server.printed_webhook_kubeconfig()?),
                webhook_version: Some("v1"),
                webhook_cache_ttl: Some("1s"),
                ..Authentication::default()
            },
        )?;
        let world = Self {
            components: Arc::clone(components),
            provider,
            cluster,
            _server: server,
            api_server,
        };
        world.grant_rights()?;
        Ok(world)
    }

    /// A client whose user is `login`, a person without a browser.
    pub(crate) fn client(&self, login: &str) -> Result<LoginClient> {
        self.provider.client(&self.components, CLIENT_ID, login)
    }

    /// The same without a user who could open a page.
    pub(crate) fn lonely_client(&self) -> Result<LoginClient> {
        let authority = self.provider.authority().certificate();
        LoginClient::for_issuer(&self.components, self.provider.issuer(), CLIENT_ID, authority)
    }

    /// A kubeconfig with an `exec` entry.
    pub(crate) fn kubeconfig(&self, entry: Value) -> Kubeconfig {
        self.api_server.kubeconfig(User::Exec(entry))
    }

    /// The newest kubectl whose plugin is `client`, in the same home.
    pub(crate) fn kubectl(&self, client: &LoginClient) -> Result<Kubectl> {
        self.kubectl_with(&self.kubeconfig(client.exec_entry("v1")), client)
    }

    /// The newest kubectl with a kubeconfig, in the home of `client`.
    pub(crate) fn kubectl_with(
        &self,
        kubeconfig: &Kubeconfig,
        client: &LoginClient,
    ) -> Result<Kubectl> {
        Ok(Kubectl::new(&self.components, NEWEST_KUBECTL, kubeconfig)?.at_home(&client.home()))
    }

    fn grant_rights(&self) -> Result<()> {
        let kubeconfig = self.cluster.administrator(&self.api_server);
        let administrator = Kubectl::new(&self.components, NEWEST_KUBECTL, &kubeconfig)?;
        administrator.create(&json!({
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRole",
            "metadata": { "name": "operator" },
            "rules": [{
                "apiGroups": [""],
                "resources": ["configmaps", "namespaces"],
                "verbs": ["get", "list", "create", "patch", "update", "delete"],
            }],
        }))?;
        administrator.create(&json!({
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRoleBinding",
            "metadata": { "name": "operators" },
            "roleRef": {
                "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "operator",
            },
            "subjects": [{
                "apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": "operators",
            }],
        }))?;
        Ok(())
    }
}
