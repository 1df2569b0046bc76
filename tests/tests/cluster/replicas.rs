//! Two apiservers and two login-servers with one configuration and no shared state.
//! Never lets a client choose: load balancers are in front of both pairs.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use login_tests::api_server::{ApiServer, Authentication};
use login_tests::certificates::Authority;
use login_tests::components::NEWEST_KUBECTL;
use login_tests::forwarder::Forwarder;
use login_tests::kubeconfig::User;
use login_tests::kubectl::Kubectl;
use login_tests::login_server::{LoginServer, Service, printed_webhook_kubeconfig};
use login_tests::oidc_provider::ELLIPTIC_CLIENT_ID;
use login_tests::scratch::Scratch;
use login_tests::wait;

use crate::world::{Case, World, trusting};

pub(crate) const CASES: &[Case] =
    &[("when_one_of_two_login_servers_stops_work_goes_on", one_stops)];

const SOON: Duration = Duration::from_secs(10);

fn one_stops(world: &World) -> Result<()> {
    let scratch = Scratch::new()?;
    let authority = Arc::new(Authority::new(&scratch, "replicas")?);
    let service = Service {
        authentication: Some(trusting(&world.provider)?),
        authority: Some(Arc::clone(&authority)),
        ..Service::default()
    };
    let mut first = LoginServer::serve(&world.components, &service)?;
    let second = LoginServer::serve(&world.components, &service)?;
    let balancer = Forwarder::start(vec![first.address()?, second.address()?])?;
    let url = format!("https://{}/authenticate", balancer.address());
    let webhook =
        printed_webhook_kubeconfig(&world.components, &scratch, &url, authority.certificate())?;
    let authentication = Authentication {
        webhook: Some(webhook),
        webhook_version: Some("v1"),
        ..Authentication::default()
    };
    let servers = [
        world.cluster.api_server("apiserver-one", &authentication)?,
        world.cluster.api_server("apiserver-two", &authentication)?,
    ];
    let addresses = servers.iter().map(address).collect::<Result<Vec<_>>>()?;
    let front = Forwarder::start(addresses)?;

    // Every token is new, so that no apiserver has a cached answer for it. With RS256 two tokens
    // of the same second would be identical.
    let client = world.provider.client(&world.components, ELLIPTIC_CLIENT_ID, "alice")?;
    let kubeconfig = |user: User| {
        let mut kubeconfig = servers[0].kubeconfig(user);
        kubeconfig.server = format!("https://{}", front.address());
        kubeconfig
    };
    let kubectl = Kubectl::new(&world.components, NEWEST_KUBECTL, &kubeconfig(User::Nobody))?;
    let mut used = BTreeSet::new();
    let mut work = || -> Result<()> {
        let token = client.credential(&["--force-refresh"])?.token;
        ensure!(used.insert(token.clone()), "a token was used before");
        kubectl.run(&["get", "pods", "-A", "--token", &token])?.success()?.saying("the-pod")?;
        for server in &servers {
            let who = world.kubectl(server)?.whoami(&["--token", &token])?;
            ensure!(who["username"] == "alice", "{who}");
        }
        Ok(())
    };
    for _ in 0..3 {
        work().context("while both login-servers run")?;
    }
    for server in [&first, &second] {
        has_accepted(server, 1).context("one of the two had nothing to do")?;
    }
    let before = accepted(&second)?;
    let status = first.process().stop()?;
    ensure!(status.code() == Some(0), "after SIGTERM login-server ended with {status}");
    for _ in 0..3 {
        work().context("after one login-server stopped")?;
    }
    has_accepted(&second, before + 3).context("who answered?")
}

/// Waits for the log, which is written shortly after the answers.
fn has_accepted(server: &LoginServer, reviews: usize) -> Result<()> {
    wait::until("lines in the log", SOON, || Ok((accepted(server)? >= reviews).then_some(())))
}

/// How many reviews a login-server accepted, by its log.
fn accepted(server: &LoginServer) -> Result<usize> {
    Ok(server.log()?.lines().filter(|line| line.contains("\"outcome\":\"accepted\"")).count())
}

fn address(server: &ApiServer) -> Result<std::net::SocketAddr> {
    let text = server.url().strip_prefix("https://").context("not https")?;
    text.parse().context("not an address")
}
