//! Keys that change and issuers that stop: an outage is never answered as a refusal.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use login_tests::etcd::free_port;
use login_tests::issuers::Issuers;
use login_tests::login_server::{LoginServer, Service};
use login_tests::scratch::Scratch;
use login_tests::signing::SigningKey;
use login_tests::wait;
use serde_json::json;

use crate::load::under_load;
use crate::world::{Case, ROTATING, World, configuration, is_user, token};

pub(crate) const CASES: &[Case] = &[
    ("keys_are_rotated_under_load_and_no_good_token_is_refused", rotation),
    ("known_keys_work_while_the_issuer_is_down_and_after_a_restart", known_keys),
    ("without_keys_an_outage_is_no_refusal_and_the_same_token_works_afterwards", no_keys),
];

/// login-server asks an issuer for an unknown key at most once in this time.
const INTERVAL: Duration = Duration::from_secs(11);
/// Far less than the two minutes for which kube-apiserver caches a refusal.
const AT_ONCE: Duration = Duration::from_secs(45);

/// W28
fn rotation(world: &World) -> Result<()> {
    let new = SigningKey::new("new-key", "ES256")?;
    let is_new = AtomicBool::new(false);
    let request = || {
        let key = if is_new.load(Ordering::SeqCst) { &new } else { &world.key };
        let token = token(&world.issuers, ROTATING, key, &json!({}))?;
        let direct = world.login_server.review("v1", &token)?;
        ensure!(direct.json()?["status"]["authenticated"] == true, "{direct:?}");
        is_user(world.who(&world.api_server, &token)?, "rotating:jane").map(drop)
    };
    under_load(request, |progress| {
        progress.more(3)?;
        wait::pass(INTERVAL);
        world.issuers.publish(ROTATING, &[&world.key, &new])?;
        is_new.store(true, Ordering::SeqCst);
        progress.more(5)?;
        world.issuers.publish(ROTATING, &[&new])?;
        progress.more(5)
    })
}

/// An issuer, a login-server and a kube-apiserver for one case, which stops the issuer.
struct Mortal {
    issuers: Issuers,
    key: SigningKey,
    service: Service,
    _state: Scratch,
}

impl Mortal {
    fn new(world: &World) -> Result<Self> {
        let issuers = Issuers::start()?;
        let key = SigningKey::new("first", "ES256")?;
        issuers.publish("mortal", &[&key])?;
        let state = Scratch::new()?;
        let service = Service {
            authentication: Some(configuration(&issuers, &["mortal"])?),
            authority: Some(std::sync::Arc::clone(&world.authority)),
            port: Some(free_port()?),
            state: Some(state.folder("state")?),
            ..Service::default()
        };
        Ok(Self { issuers, key, service, _state: state })
    }

    fn token(&self, key: &SigningKey) -> Result<String> {
        token(&self.issuers, "mortal", key, &json!({}))
    }
}

/// W06, W28: while the server runs, and at a start with stored keys.
fn known_keys(world: &World) -> Result<()> {
    let mortal = Mortal::new(world)?;
    let mut server = LoginServer::serve(&world.components, &mortal.service)?;
    let url = server.webhook_url();
    let api_server = world.api_server_for("apiserver-known-keys", &url, None)?;
    let works = |when: &'static str| -> Result<()> {
        let token = mortal.token(&mortal.key)?;
        is_user(world.who(&api_server, &token)?, "mortal:jane").map(drop).context(when)
    };
    works("while the issuer lives")?;
    mortal.issuers.stop()?;
    works("after the issuer died")?;

    // Keys that were just fetched need no confirmation; later login-server has to ask the issuer.
    wait::pass(INTERVAL);
    let next = SigningKey::new("second", "ES256")?;
    let unknown = mortal.token(&next)?;
    let reply = server.review("v1", &unknown)?;
    ensure!(reply.status == 503, "an unknown key of a dead issuer: {reply:?}");
    ensure!(world.who(&api_server, &unknown)?.is_none());

    server.process().stop()?;
    let server = LoginServer::serve(&world.components, &mortal.service)?;
    works("after a restart without the issuer")?;

    mortal.issuers.publish("mortal", &[&mortal.key, &next])?;
    mortal.issuers.resume()?;
    wait::until("the token whose key was unknown", AT_ONCE, || {
        let user = world.who(&api_server, &unknown)?;
        Ok(user.map(|user| is_user(Some(user), "mortal:jane")))
    })??;
    drop(server);
    Ok(())
}

/// W05, W06: the issuer is down at the start, and nothing is stored.
fn no_keys(world: &World) -> Result<()> {
    let mortal = Mortal::new(world)?;
    mortal.issuers.stop()?;
    let server = LoginServer::serve(&world.components, &mortal.service)?;
    let api_server = world.api_server_for("apiserver-no-keys", &server.webhook_url(), None)?;
    let token = mortal.token(&mortal.key)?;
    for _ in 0..3 {
        let reply = server.review("v1", &token)?;
        ensure!(reply.status == 503, "an outage: {reply:?}");
        ensure!(!reply.headers.to_lowercase().contains("retry-after"), "{reply:?}");
        ensure!(world.who(&api_server, &token)?.is_none());
    }
    mortal.issuers.resume()?;
    wait::until("the token that could not be judged", AT_ONCE, || {
        let user = world.who(&api_server, &token)?;
        Ok(user.map(|user| is_user(Some(user), "mortal:jane")))
    })??;
    Ok(())
}
