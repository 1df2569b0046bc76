//! What the cases share: issuers, one login-server, one kube-apiserver that caches no answers.
//! Never lets two cases change the same file.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, ensure};
use login_tests::api_server::{ApiServer, Authentication, Cluster};
use login_tests::certificates::Authority;
use login_tests::components::Components;
use login_tests::curl::Curl;
use login_tests::issuers::Issuers;
use login_tests::login_server::{LoginServer, Service, printed_webhook_kubeconfig};
use login_tests::scratch::Scratch;
use login_tests::signing::SigningKey;
use serde_json::{Value, json};

/// A case of this suite.
pub(crate) type Case = (&'static str, fn(&World) -> Result<()>);

/// kube-apiserver's own audience.
pub(crate) const API_AUDIENCE: &str = "https://kubernetes.default.svc";
/// A key of `extra`.
pub(crate) const TENANT: &str = "example.com/tenant";
/// The issuer that most cases use.
pub(crate) const STEADY: &str = "steady";
/// The issuer whose keys are rotated.
pub(crate) const ROTATING: &str = "rotating";

const OWN: &str = "apiVersion: kubectl-login/v1\nkind: LoginServerConfiguration\n";

pub(crate) struct World {
    pub(crate) components: Arc<Components>,
    pub(crate) issuers: Issuers,
    pub(crate) key: SigningKey,
    pub(crate) cluster: Cluster,
    pub(crate) authority: Arc<Authority>,
    pub(crate) login_server: LoginServer,
    pub(crate) api_server: ApiServer,
    scratch: Scratch,
}

impl World {
    pub(crate) fn start(components: &Arc<Components>) -> Result<Self> {
        let scratch = Scratch::new()?;
        let key = SigningKey::new("steady-key", "ES256")?;
        let issuers = Issuers::start()?;
        issuers.publish(STEADY, &[&key])?;
        issuers.publish(ROTATING, &[&key])?;
        let authority = Arc::new(Authority::new(&scratch, "login-server-authority")?);
        let cluster = Cluster::start(components)?;
        let revoked = scratch.file("revocations.yaml", "[]")?;
        let service = Service {
            configuration: Some(format!("{OWN}revocations: {{file: {}}}\n", revoked.display())),
            authentication: Some(configuration(&issuers, &[STEADY, ROTATING])?),
            authority: Some(Arc::clone(&authority)),
            more: vec![format!("--api-audiences={API_AUDIENCE}")],
            ..Service::default()
        };
        let login_server = LoginServer::serve(components, &service)?;
        let proxy = Authority::new(&scratch, "front-proxy-authority")?;
        let proxy_pair = proxy.client(&scratch, "front-proxy", "front-proxies")?;
        let authentication = Authentication {
            webhook: Some(login_server.printed_webhook_kubeconfig()?),
            webhook_version: Some("v1"),
            webhook_cache_ttl: Some("0s"),
            more: vec![
                format!("--requestheader-client-ca-file={}", proxy.certificate().display()),
                "--requestheader-allowed-names=front-proxy".to_owned(),
                "--requestheader-username-headers=X-Remote-User".to_owned(),
                "--requestheader-group-headers=X-Remote-Group".to_owned(),
                "--requestheader-extra-headers-prefix=X-Remote-Extra-".to_owned(),
                format!("--proxy-client-cert-file={}", proxy_pair.certificate.display()),
                format!("--proxy-client-key-file={}", proxy_pair.key.display()),
            ],
            ..Authentication::default()
        };
        let api_server = cluster.api_server("kube-apiserver", &authentication)?;
        let components = Arc::clone(components);
        Ok(Self { components, issuers, key, cluster, authority, login_server, api_server, scratch })
    }

    /// A new token of the steady issuer.
    pub(crate) fn token(&self, claims: &Value) -> Result<String> {
        token(&self.issuers, STEADY, &self.key, claims)
    }

    /// Replaces the list of revocations.
    pub(crate) fn revoke(&self, list: &Value) -> Result<()> {
        self.scratch.file("revocations.yaml", list.to_string()).map(drop)
    }

    /// The user that a kube-apiserver finds for a token; `None` when it answers 401.
    pub(crate) fn who(&self, api_server: &ApiServer, token: &str) -> Result<Option<Value>> {
        who(&self.cluster, api_server, token)
    }

    /// curl as an administrator of the cluster.
    pub(crate) fn administrator(&self) -> Result<Curl> {
        self.cluster.administrator_curl()
    }

    /// A kube-apiserver of its own for a case, behind the webhook at `url`.
    pub(crate) fn api_server_for(
        &self,
        name: &str,
        url: &str,
        cache_ttl: Option<&'static str>,
    ) -> Result<ApiServer> {
        let scratch = Scratch::new()?;
        let authority = self.authority.certificate();
        let webhook = printed_webhook_kubeconfig(&self.components, &scratch, url, authority)?;
        let authentication = Authentication {
            webhook: Some(webhook),
            webhook_version: Some("v1"),
            webhook_cache_ttl: cache_ttl,
            ..Authentication::default()
        };
        // kube-apiserver reads the webhook's file once, before it is ready.
        self.cluster.api_server(name, &authentication)
    }
}

/// The user that a kube-apiserver finds for a token; `None` when it answers 401.
pub(crate) fn who(cluster: &Cluster, api_server: &ApiServer, token: &str) -> Result<Option<Value>> {
    let path = "/apis/authentication.k8s.io/v1/selfsubjectreviews";
    let review = json!({ "apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview" });
    // Over HTTP/2 kube-apiserver resets a refused POST before it has read the body, and curl takes
    // that for a failure.
    let curl = cluster.curl()?.with_option("--http1.1").with_bearer(token);
    let reply = curl.post_json(&format!("{}{path}", api_server.url()), &review)?;
    match reply.status {
        201 => Ok(Some(reply.json()?["status"]["userInfo"].clone())),
        401 => Ok(None),
        _ => anyhow::bail!("neither a user nor a refusal: {reply:?}"),
    }
}

/// A new token: no two are the same.
pub(crate) fn token(
    issuers: &Issuers,
    issuer: &str,
    key: &SigningKey,
    claims: &Value,
) -> Result<String> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let mut all = json!({
        "iss": issuers.url(issuer), "aud": "kubectl-login", "sub": "jane",
        "iat": now, "exp": now + 3600,
    });
    for (name, value) in claims.as_object().context("claims are an object")? {
        all[name] = value.clone();
    }
    key.sign(&json!({ "alg": "ES256", "kid": key.name(), "typ": "JWT" }), &all.to_string())
}

/// The configuration that trusts issuers, each with its name as prefix of its users.
pub(crate) fn configuration(issuers: &Issuers, names: &[&str]) -> Result<String> {
    let mut text = String::from(
        "apiVersion: apiserver.config.k8s.io/v1\nkind: AuthenticationConfiguration\njwt:\n",
    );
    for name in names {
        writeln!(
            text,
            "- issuer:\n    url: {}\n    audiences: [kubectl-login]",
            issuers.url(name)
        )?;
        writeln!(text, "    certificateAuthority: |")?;
        for line in issuers.authority_pem().lines() {
            writeln!(text, "      {line}")?;
        }
        writeln!(text, "  claimMappings:")?;
        writeln!(text, "    username: {{claim: sub, prefix: \"{name}:\"}}")?;
        writeln!(text, "    groups: {{claim: groups, prefix: \"\"}}")?;
        writeln!(text, "    extra:")?;
        writeln!(text, "    - key: {TENANT}")?;
        writeln!(text, "      valueExpression: claims.?tenant.orValue(\"\")")?;
    }
    Ok(text)
}

/// Fails unless there is a user with this name.
pub(crate) fn is_user(user: Option<Value>, name: &str) -> Result<Value> {
    let user = user.context("401 for a good token")?;
    ensure!(user["username"] == name, "{user}");
    Ok(user)
}
