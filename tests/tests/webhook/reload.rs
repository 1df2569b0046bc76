//! Files that change under load: a change affects only the tokens that it is about.
//! Never restarts anything, except where the restart is the rule.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, ensure};
use login_tests::etcd::free_port;
use login_tests::forwarder::Forwarder;
use login_tests::login_server::{LoginServer, Service};
use login_tests::wait;
use serde_json::json;

use crate::load::under_load;
use crate::world::{Case, ROTATING, STEADY, World, configuration, is_user, token};

pub(crate) const CASES: &[Case] = &[
    ("configuration_and_certificates_change_under_load_without_a_failed_request", files),
    ("a_revoked_token_is_refused_within_seconds_and_the_others_go_on", revocation),
    ("two_replicas_are_restarted_under_load_without_a_failed_request", replicas),
];

const SOON: Duration = Duration::from_secs(20);

fn files(world: &World) -> Result<()> {
    let request = || {
        let token = world.token(&json!({}))?;
        let direct = world.login_server.review("v1", &token)?;
        ensure!(direct.json()?["status"]["authenticated"] == true, "{direct:?}");
        is_user(world.who(&world.api_server, &token)?, "steady:jane").map(drop)
    };
    under_load(request, |progress| {
        progress.more(2)?;
        let files = world.login_server.scratch();
        world.issuers.publish("late", &[&world.key])?;
        let late = token(&world.issuers, "late", &world.key, &json!({}))?;
        ensure!(world.who(&world.api_server, &late)?.is_none(), "the issuer is not trusted yet");
        let text = configuration(&world.issuers, &[STEADY, ROTATING, "late"])?;
        files.file("authentication.yaml", &text)?;
        wait::until("the new issuer's tokens", SOON, || {
            let late = token(&world.issuers, "late", &world.key, &json!({}))?;
            let user = world.who(&world.api_server, &late)?;
            Ok(user.map(|user| is_user(Some(user), "late:jane")))
        })??;
        progress.more(2)?;

        // A file that cannot be parsed does not replace what is in force.
        files.file("authentication.yaml", "jwt: [\n")?;
        wait::until("the fault in the log", SOON, || {
            // Another case changes the list of revocations meanwhile.
            let log = world.login_server.log()?;
            let mut lines = log.lines().filter(|line| line.contains("not usable"));
            Ok(lines.any(|line| line.contains("\"configuration\"")).then_some(()))
        })?;
        progress.more(2)?;
        files.file("authentication.yaml", &text)?;

        world.authority.server(files, "login-server")?;
        wait::until("the new certificate", SOON, || {
            let log = world.login_server.log()?;
            let mut lines = log.lines().filter(|line| line.contains("new files are in force"));
            Ok(lines.any(|line| line.contains("\"tls\"")).then_some(()))
        })?;
        progress.more(3)
    })
}

/// W22: within a second or two here, and at most ten seconds later in kube-apiserver, which
/// caches accepted tokens for that time whatever the TTL of the webhook's cache.
fn revocation(world: &World) -> Result<()> {
    let (lost, kept) = (json!({ "jti": "lost", "sid": "a" }), json!({ "jti": "kept", "sid": "b" }));
    let (lost, kept) = (world.token(&lost)?, world.token(&kept)?);
    let accepted = |token: &str| -> Result<(bool, bool)> {
        let direct = world.login_server.review("v1", token)?;
        ensure!(direct.status == 200, "{direct:?}");
        let direct = direct.json()?["status"]["authenticated"] == true;
        Ok((direct, world.who(&world.api_server, token)?.is_some()))
    };
    let becomes = |what: &str, token: &str, expected: bool| {
        wait::until(what, SOON, || Ok((accepted(token)? == (expected, expected)).then_some(())))
    };
    becomes("a good token", &lost, true)?;
    becomes("another good token", &kept, true)?;
    world.revoke(&json!([{ "jti": "lost" }]))?;
    becomes("the revocation of a token", &lost, false)?;
    ensure!(accepted(&kept)? == (true, true));
    world.revoke(&json!([{ "session": "b" }]))?;
    becomes("the revocation of a session", &kept, false)?;
    ensure!(accepted(&lost)? == (true, true), "the list counts as it is now");
    Ok(())
}

/// W30
fn replicas(world: &World) -> Result<()> {
    let service = |port: u16| Service {
        authentication: Some(configuration(&world.issuers, &[STEADY]).unwrap_or_default()),
        authority: Some(Arc::clone(&world.authority)),
        port: Some(port),
        ..Service::default()
    };
    let services = [service(free_port()?), service(free_port()?)];
    let start = |service: &Service| LoginServer::serve(&world.components, service);
    let mut servers = services.iter().map(start).collect::<Result<Vec<_>>>()?;
    let addresses = servers.iter().map(LoginServer::address).collect::<Result<_>>()?;
    let balancer = Forwarder::start(addresses)?;
    let url = format!("https://{}/authenticate", balancer.address());
    let api_server = world.api_server_for("apiserver-replicas", &url, Some("0s"))?;
    let request = || {
        let token = world.token(&json!({}))?;
        is_user(world.who(&api_server, &token)?, "steady:jane").map(drop)
    };
    under_load(request, |progress| {
        for (server, service) in servers.iter_mut().zip(&services) {
            progress.more(3)?;
            let status = server.process().stop()?;
            ensure!(status.success(), "{status}");
            progress.more(3)?;
            *server = start(service)?;
        }
        progress.more(3)
    })
}
