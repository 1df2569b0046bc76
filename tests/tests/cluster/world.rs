//! What the cases share: one issuer, one cluster, an apiserver for each review version.
//! Never shares a login-server between the two apiservers: their configurations differ.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use login_tests::api_server::{ApiServer, Authentication, Cluster};
use login_tests::components::{Components, NEWEST_KUBECTL};
use login_tests::kubeconfig::User;
use login_tests::kubectl::Kubectl;
use login_tests::login_client::LoginClient;
use login_tests::login_server::{LoginServer, Service, TrustedIssuer};
use login_tests::oidc_provider::{CLIENT_ID, ELLIPTIC_CLIENT_ID, Manners, OidcProvider};
use serde_json::json;

/// A case of this suite.
pub(crate) type Case = (&'static str, fn(&World) -> Result<()>);

/// Two apiservers of one cluster.
///
/// The first sends reviews of the default version (v1beta1) to a login-server that reserves every
/// `system:` name; the second sends v1 to one whose operator allowed the group `system:masters`.
pub(crate) struct World {
    pub(crate) components: Arc<Components>,
    pub(crate) provider: OidcProvider,
    pub(crate) cluster: Cluster,
    pub(crate) strict: LoginServer,
    pub(crate) v1beta1: ApiServer,
    pub(crate) _allowing: LoginServer,
    pub(crate) v1: ApiServer,
    /// Group `developers`, which may see all pods and namespaces; RS256.
    pub(crate) alice: LoginClient,
    /// No group; may see the pods of the namespace `team`; ES256.
    pub(crate) bob: LoginClient,
    /// Claims to be in `system:masters`.
    pub(crate) mallory: LoginClient,
}

impl World {
    pub(crate) fn start(components: &Arc<Components>) -> Result<Self> {
        let provider = OidcProvider::start(components, &manners())?;
        let authentication = trusting(&provider)?;
        let service = |configuration: &str| Service {
            configuration: Some(configuration.to_owned()),
            authentication: Some(authentication.clone()),
            ..Service::default()
        };
        let strict = LoginServer::serve(components, &service(STRICT))?;
        let allowing = LoginServer::serve(components, &service(ALLOWING))?;
        let cluster = Cluster::start(components)?;
        let v1beta1 = cluster.api_server(
            "apiserver-v1beta1",
            &Authentication {
                webhook: Some(strict.printed_webhook_kubeconfig()?),
                ..Authentication::default()
            },
        )?;
        let v1 = cluster.api_server(
            "apiserver-v1",
            &Authentication {
                webhook: Some(allowing.printed_webhook_kubeconfig()?),
                webhook_version: Some("v1"),
                ..Authentication::default()
            },
        )?;
        let world = Self {
            alice: provider.client(components, CLIENT_ID, "alice")?,
            bob: provider.client(components, ELLIPTIC_CLIENT_ID, "bob")?,
            mallory: provider.client(components, CLIENT_ID, "mallory")?,
            components: Arc::clone(components),
            provider,
            cluster,
            strict,
            v1beta1,
            _allowing: allowing,
            v1,
        };
        world.grant_rights()?;
        Ok(world)
    }

    /// Both apiservers with the review version that each sends.
    pub(crate) fn servers(&self) -> [(&'static str, &ApiServer); 2] {
        [("v1beta1", &self.v1beta1), ("v1", &self.v1)]
    }

    /// kubectl as an administrator of the cluster.
    pub(crate) fn administrator(&self) -> Result<Kubectl> {
        let kubeconfig = self.cluster.administrator(&self.v1);
        Kubectl::new(&self.components, NEWEST_KUBECTL, &kubeconfig)
    }

    /// kubectl whose kubeconfig names no user: the case passes `--token`.
    pub(crate) fn kubectl(&self, server: &ApiServer) -> Result<Kubectl> {
        Kubectl::new(&self.components, NEWEST_KUBECTL, &server.kubeconfig(User::Nobody))
    }

    fn grant_rights(&self) -> Result<()> {
        let administrator = self.administrator()?;
        // Not `view`: a controller that does not run here fills that role in.
        let view = json!({
            "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "observer",
        });
        let subject = |kind: &str, name: &str| json!([{ "apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": name }]);
        administrator.create(&json!({
            "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": "team" },
        }))?;
        administrator.create(&json!({
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRole",
            "metadata": { "name": "observer" },
            "rules": [{
                "apiGroups": [""],
                "resources": ["pods", "namespaces"],
                "verbs": ["get", "list", "watch"],
            }],
        }))?;
        administrator.create(&json!({
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRoleBinding",
            "metadata": { "name": "developers-observe" },
            "roleRef": view, "subjects": subject("Group", "developers"),
        }))?;
        administrator.create(&json!({
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "RoleBinding",
            "metadata": { "name": "bob-observes", "namespace": "team" },
            "roleRef": view, "subjects": subject("User", "bob"),
        }))?;
        // A pod that never runs, since there are no nodes; it only has to exist.
        administrator.create(&json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": { "name": "the-pod", "namespace": "team" },
            "spec": {
                "automountServiceAccountToken": false,
                "containers": [{ "name": "main", "image": "example.test/none" }],
            },
        }))?;
        Ok(())
    }
}

/// The configuration that trusts `provider` for both of its clients.
pub(crate) fn trusting(provider: &OidcProvider) -> Result<String> {
    TrustedIssuer {
        url: provider.issuer(),
        authority_pem: provider.authority().pem()?,
        audiences: &[CLIENT_ID, ELLIPTIC_CLIENT_ID],
    }
    .authentication_configuration()
}

fn manners() -> Manners {
    Manners {
        accounts: json!({
            "alice": { "groups": ["developers"], "email": "alice@example.test" },
            "bob": {},
            "erin": { "groups": ["developers"] },
            "mallory": { "groups": ["system:masters"] },
        }),
        token_delay: Duration::ZERO,
        ..Manners::default()
    }
}

const STRICT: &str = "apiVersion: kubectl-login/v1\nkind: LoginServerConfiguration\n";
const ALLOWING: &str = "apiVersion: kubectl-login/v1\nkind: LoginServerConfiguration\n\
                        allowedSystemNames: { users: [], groups: [\"system:masters\"] }\n";
