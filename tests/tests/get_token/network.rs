//! Real-world networks: a proxy, slow, cut or silent connections.
//! Never accepts a network failure that opens a browser.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, ensure};
use login_tests::browser::visits;
use login_tests::command::{Finished, run};
use login_tests::components::Components;
use login_tests::etcd::free_port;
use login_tests::forwarder::{Forwarder, Weather};
use login_tests::login_client::{Credential, LoginClient, asked_by_kubectl};
use login_tests::oidc_provider::{CLIENT_ID, Manners, OidcProvider};
use login_tests::proxy::Proxy;

use crate::Case;

pub(crate) const CASES: &[Case] = &[
    ("a_proxy_of_the_environment_carries_what_leaves_this_machine_and_nothing_else", proxy),
    ("a_host_of_no_proxy_is_asked_directly", no_proxy),
    ("a_refresh_is_one_request", one_request),
    ("a_slow_network_delays_a_refresh_and_no_more", slow),
    ("a_cut_connection_opens_no_browser_and_ends_no_session", cut),
    ("a_silent_network_is_given_up_and_the_token_served_while_it_lives", silent),
];

const LIMIT: Duration = Duration::from_mins(1);

fn through(client: &LoginClient, variables: &[(&str, &str)]) -> Result<Finished> {
    let mut command = asked_by_kubectl(client.command("get-token", &["--force-refresh"]), "v1");
    run(command.envs(variables.iter().copied()), LIMIT)?.success()
}

fn proxy(components: &Arc<Components>) -> Result<()> {
    let provider = OidcProvider::start(components, &Manners::default())?;
    let client = provider.client(components, CLIENT_ID, "alice")?;
    for variable in ["HTTPS_PROXY", "https_proxy"] {
        let proxy = Proxy::start()?;
        through(&client, &[(variable, &proxy.url())])?;
        ensure!(proxy.tunnels()?.is_empty(), "{:?}", proxy.tunnels()?);
        // This name does not resolve, which the proxy has to find out.
        let authority = provider.authority().certificate();
        let away =
            LoginClient::for_issuer(components, "https://id.invalid:1", CLIENT_ID, authority)?;
        let mut command = asked_by_kubectl(
            away.command("get-token", &["--flow", "device", "--interactive", "always"]),
            "v1",
        );
        let refused = run(command.env(variable, proxy.url()), LIMIT)?.with_code(4)?;
        refused.saying("the proxy")?.saying(variable)?;
        let tunnels = proxy.tunnels()?;
        let is_asked = !tunnels.is_empty() && tunnels.iter().all(|to| to == "id.invalid:1");
        ensure!(is_asked, "{tunnels:?}");
    }
    Ok(())
}

fn no_proxy(components: &Arc<Components>) -> Result<()> {
    let provider = OidcProvider::start(components, &Manners::default())?;
    let client = provider.client(components, CLIENT_ID, "alice")?;
    let proxy = Proxy::start()?;
    for variable in ["NO_PROXY", "no_proxy"] {
        through(&client, &[("HTTPS_PROXY", &proxy.url()), (variable, "example.test,127.0.0.1")])?;
    }
    ensure!(proxy.tunnels()?.is_empty(), "{:?}", proxy.tunnels()?);
    Ok(())
}

/// No request for discovery or keys: both are known, and the token came over TLS from the issuer.
fn one_request(components: &Arc<Components>) -> Result<()> {
    let provider = OidcProvider::start(components, &Manners::default())?;
    let client = provider.client(components, CLIENT_ID, "alice")?;
    client.credential(&[])?;
    let before = provider.requests()?.len();
    client.credential(&["--force-refresh", "--interactive", "never"])?;
    let requests = provider.requests()?;
    let new = requests.get(before..).unwrap_or_default();
    ensure!(new == ["POST /token"], "{new:?}");
    Ok(())
}

/// A signed-in client whose issuer stands behind a network.
struct Behind {
    network: Forwarder,
    provider: OidcProvider,
    client: LoginClient,
    first: Credential,
}

impl Behind {
    fn start(components: &Arc<Components>) -> Result<Self> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()?));
        let network = Forwarder::start(vec![address])?;
        let behind = Some((address, format!("https://{}", network.address())));
        let provider = OidcProvider::start(components, &Manners { behind, ..Manners::default() })?;
        let client = provider.client(components, CLIENT_ID, "alice")?;
        let first = client.credential(&[])?;
        Ok(Self { network, provider, client, first })
    }

    fn refresh(&self) -> Result<Finished> {
        self.client.get_token(&["--force-refresh"])
    }

    fn visits(&self) -> Result<usize> {
        visits(self.client.scratch())
    }
}

fn slow(components: &Arc<Components>) -> Result<()> {
    let behind = Behind::start(components)?;
    behind.network.turn(Weather::Slow(Duration::from_millis(700)));
    Credential::read(&behind.refresh()?.success()?)?;
    ensure!(behind.provider.token_requests("refresh_token", "success")? == 1);
    ensure!(behind.visits()? == 1, "a browser was opened");
    Ok(())
}

fn cut(components: &Arc<Components>) -> Result<()> {
    let behind = Behind::start(components)?;
    // At once, and in the middle of the handshake: the issuer has not seen a request.
    for bytes in [0, 1, 500] {
        behind.network.turn(Weather::CutAfter(bytes));
        let finished = behind.refresh()?;
        // The cached token is still valid, and the issuer is only unreachable.
        let served = Credential::read(&finished.success()?)?;
        ensure!(served.token == behind.first.token, "another token");
    }
    behind.network.turn(Weather::Fair);
    ensure!(behind.provider.token_requests("refresh_token", "success")? == 0);
    Credential::read(&behind.refresh()?.success()?)?;
    ensure!(behind.provider.token_requests("refresh_token", "success")? == 1, "not renewed");
    ensure!(behind.visits()? == 1, "a browser was opened");
    ensure!(behind.provider.ended_sessions()? == 0, "the session was ended");
    Ok(())
}

fn silent(components: &Arc<Components>) -> Result<()> {
    let behind = Behind::start(components)?;
    behind.network.turn(Weather::Silent);
    let finished = behind.refresh()?.success()?;
    ensure!(Credential::read(&finished)?.token == behind.first.token, "another token");
    ensure!(behind.visits()? == 1, "a browser was opened");
    Ok(())
}
