//! What the cases share: a cluster whose service accounts are the jobs, a provider that accepts
//! their tokens, and a cluster that trusts both through login-server.
//! Never signs a job's token itself: TokenRequest does.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use login_tests::api_server::{ApiServer, Authentication, Cluster};
use login_tests::components::{Components, NEWEST_KUBECTL};
use login_tests::kubeconfig::User;
use login_tests::kubectl::Kubectl;
use login_tests::login_client::LoginClient;
use login_tests::login_server::{LoginServer, Service};
use login_tests::oidc_provider::{EXCHANGER_ID, Manners, OidcProvider, RESOURCE, Trusted};
use login_tests::scratch::Scratch;
use serde_json::{Value, json};

/// A case of this suite.
pub(crate) type Case = (&'static str, fn(&World) -> Result<()>);

/// The issuer of the jobs' tokens.
pub(crate) const HOME: &str = "https://home.example";
/// The job's name in its own cluster.
pub(crate) const JOB: &str = "system:serviceaccount:ci:deployer";
/// The audience of tokens for the other cluster.
pub(crate) const DEPLOY: &str = "deploy";
/// The audience of tokens for the provider.
const EXCHANGE: &str = "exchange";

/// Two apiservers: that of the jobs, and the one to which they deploy.
pub(crate) struct World {
    pub(crate) components: Arc<Components>,
    pub(crate) provider: OidcProvider,
    _login_server: LoginServer,
    cluster: Cluster,
    home: ApiServer,
    pub(crate) there: ApiServer,
}

impl World {
    pub(crate) fn start(components: &Arc<Components>) -> Result<Self> {
        let cluster = Cluster::start(components)?;
        let authentication =
            Authentication { service_account_issuer: Some(HOME), ..Authentication::default() };
        let home = cluster.api_server("home", &authentication)?;
        let administrator =
            Kubectl::new(components, NEWEST_KUBECTL, &cluster.administrator(&home))?;
        let named = |kind: &str, name: &str| {
            json!({
                "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding",
                "metadata": { "name": "anybody-reads-the-keys" },
                "roleRef": {
                    "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name,
                },
                "subjects": [{
                    "apiGroup": "rbac.authorization.k8s.io", "kind": kind,
                    "name": "system:unauthenticated",
                }],
            })
        };
        for manifest in [
            named("Group", "system:service-account-issuer-discovery"),
            json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": "ci" } }),
            json!({
                "apiVersion": "v1", "kind": "ServiceAccount",
                "metadata": { "name": "deployer", "namespace": "ci" },
            }),
        ] {
            administrator.create(&manifest)?;
        }
        let key_set = cluster.curl()?.get(&format!("{}/openid/v1/jwks", home.url()))?.json()?;
        let trusted =
            vec![Trusted { issuer: HOME.to_owned(), audience: EXCHANGE.to_owned(), key_set }];
        let provider = OidcProvider::start(components, &Manners { trusted, ..Manners::default() })?;
        let service = Service {
            authentication: Some(authentication_configuration(&cluster, &home, &provider)?),
            ..Service::default()
        };
        let login_server = LoginServer::serve(components, &service)?;
        let authentication = Authentication {
            webhook: Some(login_server.printed_webhook_kubeconfig()?),
            ..Authentication::default()
        };
        Ok(Self {
            components: Arc::clone(components),
            provider,
            _login_server: login_server,
            there: cluster.api_server("there", &authentication)?,
            cluster,
            home,
        })
    }

    /// A token that TokenRequest gives the job, in a file as kubelet writes it.
    pub(crate) fn token_file(&self, scratch: &Scratch, audience: &str) -> Result<PathBuf> {
        let kubeconfig = self.cluster.administrator(&self.home);
        let kubectl = Kubectl::new(&self.components, NEWEST_KUBECTL, &kubeconfig)?;
        let words = [
            "create",
            "token",
            "deployer",
            "-n",
            "ci",
            "--duration",
            "10m",
            "--audience",
            audience,
        ];
        let token = kubectl.run(&words)?.success()?.stdout;
        scratch.file("projected-token", token.trim())
    }

    /// The job at the cluster, without an issuer in between.
    pub(crate) fn deployer(&self) -> Result<LoginClient> {
        let options = ["--issuer-url", HOME, "--client-id", DEPLOY, "--identity", "kubernetes"];
        let client = LoginClient::new(&self.components, &options)?;
        let file = self.token_file(client.scratch(), DEPLOY)?.display().to_string();
        Ok(client.with(&["--identity-file", &file]))
    }

    /// The job as `client_id` at the provider.
    pub(crate) fn exchanger(&self, client_id: &str) -> Result<LoginClient> {
        let authority = self.provider.authority().certificate();
        let client = LoginClient::for_issuer(
            &self.components,
            self.provider.issuer(),
            client_id,
            authority,
        )?;
        let file = self.token_file(client.scratch(), EXCHANGE)?.display().to_string();
        Ok(client.with(&["--identity", "kubernetes", "--identity-file", &file]))
    }

    /// Who `client` is at the cluster, by kubectl's exec plugin.
    pub(crate) fn whoami(&self, client: &LoginClient) -> Result<Value> {
        let kubeconfig = self.there.kubeconfig(User::Exec(client.exec_entry("v1")));
        let kubectl = Kubectl::new(&self.components, NEWEST_KUBECTL, &kubeconfig)?;
        kubectl.at_home(&client.home()).whoami(&[])
    }

    /// `client` is `name` at the cluster.
    pub(crate) fn ensure_known_as(&self, client: &LoginClient, name: &str) -> Result<()> {
        let who = self.whoami(client)?;
        ensure!(who["username"] == name, "expected {name}: {who}");
        Ok(())
    }
}

fn authentication_configuration(
    cluster: &Cluster,
    home: &ApiServer,
    provider: &OidcProvider,
) -> Result<String> {
    let discovery = format!("{}/.well-known/openid-configuration", home.url());
    let mapped = |prefix: &str| json!({ "username": { "claim": "sub", "prefix": prefix } });
    let configuration = json!({
        "apiVersion": "apiserver.config.k8s.io/v1",
        "kind": "AuthenticationConfiguration",
        "jwt": [
            {
                "issuer": {
                    "url": HOME,
                    "discoveryURL": discovery,
                    "certificateAuthority": cluster.authority().pem()?,
                    "audiences": [DEPLOY],
                },
                "claimMappings": mapped("home:"),
            },
            {
                "issuer": {
                    "url": provider.issuer(),
                    "certificateAuthority": provider.authority().pem()?,
                    "audiences": [EXCHANGER_ID, RESOURCE],
                    "audienceMatchPolicy": "MatchAny",
                },
                "claimMappings": mapped("exchanged:"),
            },
        ],
    });
    serde_json::to_string(&configuration).context("not JSON")
}
