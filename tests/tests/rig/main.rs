//! The rig by itself: every real part starts and works with the others.
//! Never uses the two programs: a failure here is not theirs.
#![expect(clippy::indexing_slicing, reason = "a key that a JSON value lacks reads as null")]

mod providers;
mod surroundings;

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use login_tests::api_server::{ApiServer, Authentication, Cluster};
use login_tests::browser::{Browser, Step};
use login_tests::components::{Components, KUBECTL_VERSIONS};
use login_tests::kubectl::Kubectl;
use login_tests::oidc_provider::{CLIENT_ID, Manners, OidcProvider, RESOURCE, ROBOT_ID};
use login_tests::scratch::Scratch;
use login_tests::suite::Suite;

type Case = (&'static str, fn(&Parts) -> Result<()>);

fn main() -> ExitCode {
    Suite::new(Parts::start)
        .cases(surroundings::CASES)
        .cases(providers::CASES)
        .case("an_administrator_works_with_every_version_of_kubectl", administrator)
        .case("without_credentials_the_user_is_system_anonymous", anonymous)
        .case("health_paths_answer_without_credentials", health)
        .case("a_webhook_that_nothing_answers_refuses_every_token", dead_webhook)
        .case("the_openid_provider_serves_discovery_over_tls", discovery)
        .case("a_browser_signs_in_at_the_openid_provider", code_flow)
        .run()
}

/// One apiserver whose webhook points to a port where nothing listens.
struct Parts {
    components: Arc<Components>,
    cluster: Cluster,
    server: ApiServer,
    _scratch: Scratch,
}

impl Parts {
    fn start(components: &Arc<Components>) -> Result<Self> {
        let scratch = Scratch::new()?;
        let cluster = Cluster::start(components)?;
        let webhook = scratch.file(
            "webhook.yaml",
            "apiVersion: v1\nkind: Config\nclusters:\n- name: nobody\n  cluster: {server: 'https://127.0.0.1:1/authenticate'}\n\
             contexts:\n- name: nobody\n  context: {cluster: nobody, user: nobody}\ncurrent-context: nobody\n\
             users:\n- name: nobody\n  user: {}\n",
        )?;
        let authentication = Authentication { webhook: Some(webhook), ..Authentication::default() };
        let server = cluster.api_server("kube-apiserver", &authentication)?;
        Ok(Self { components: Arc::clone(components), cluster, server, _scratch: scratch })
    }
}

fn administrator(parts: &Parts) -> Result<()> {
    let kubeconfig = parts.cluster.administrator(&parts.server);
    for version in KUBECTL_VERSIONS {
        let kubectl = Kubectl::new(&parts.components, version, &kubeconfig)?;
        kubectl.run(&["get", "namespaces"])?.success()?.saying("kube-system")?;
    }
    Ok(())
}

fn anonymous(parts: &Parts) -> Result<()> {
    // Not with kubectl: without a user it asks for a name and a password on standard input.
    let reply = parts.cluster.curl()?.get(&format!("{}/api/v1/pods", parts.server.url()))?;
    ensure!(reply.status == 403, "{reply:?}");
    ensure!(reply.body.contains("User \\\"system:anonymous\\\" cannot list"), "{reply:?}");
    Ok(())
}

fn health(parts: &Parts) -> Result<()> {
    let reply = parts.cluster.curl()?.get(&format!("{}/livez", parts.server.url()))?;
    ensure!((reply.status, reply.body.as_str()) == (200, "ok"), "{reply:?}");
    Ok(())
}

fn dead_webhook(parts: &Parts) -> Result<()> {
    let curl = parts.cluster.curl()?.with_bearer("some-token");
    let reply = curl.get(&format!("{}/api/v1/namespaces", parts.server.url()))?;
    ensure!(reply.status == 401, "{reply:?}");
    ensure!(parts.server.log()?.contains("127.0.0.1:1"), "the webhook was not asked");
    Ok(())
}

fn discovery(parts: &Parts) -> Result<()> {
    let provider = OidcProvider::start(&parts.components, &Manners::default())?;
    let issuer = provider.issuer();
    let reply = provider.curl().get(&format!("{issuer}/.well-known/openid-configuration"))?;
    ensure!(reply.status == 200 && reply.json()?["issuer"] == issuer, "{reply:?}");
    let form = format!(
        "grant_type=client_credentials&client_id={ROBOT_ID}&client_secret={}&resource={RESOURCE}",
        Manners::default().robot_secret
    );
    let reply = provider.curl().post_form(&format!("{issuer}/token"), &form)?;
    ensure!(reply.status == 200, "{reply:?}");
    ensure!(provider.token_log()? == ["client_credentials success"], "{:?}", provider.token_log()?);
    Ok(())
}

fn code_flow(parts: &Parts) -> Result<()> {
    let provider = OidcProvider::start(&parts.components, &Manners::default())?;
    let scratch = Scratch::new()?;
    // The redirect goes to a port where nothing listens: the code is in the address.
    let url = format!(
        "{}/auth?client_id={CLIENT_ID}&response_type=code&redirect_uri=http://127.0.0.1:1/callback\
         &scope=openid&state=s&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256",
        provider.issuer()
    );
    let steps = [
        Step::Fill("input[name=login]", "alice"),
        Step::Fill("input[name=password]", "x"),
        Step::Shot("sign-in"),
        Step::Press("button[type=submit]"),
        Step::See("Authorize"),
        Step::Shot("consent"),
    ];
    let browser = Browser::new(&parts.components, &scratch, "rig", &steps)?;
    browser.open(&url)?.success()?;
    let shots = std::fs::read_dir(browser.screenshots())?.count();
    ensure!(shots >= 2, "{shots} screenshots");
    let log = provider.token_log()?;
    log.is_empty().then_some(()).context("nobody asked for a token")?;
    Ok(())
}
