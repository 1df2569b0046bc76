//! Key sets of an issuer that rotates, breaks, lies and goes away.
//! Never waits for a fixed time: intervals pass at once.

use std::{path::Path, sync::atomic::Ordering, time::Duration};

use http::StatusCode;
use login_common::UnixTime;
use login_protocols::jose::{KeySet, SigningKey, public_key_set};
use login_review::{Guard, IssuerIndex, IssuerPolicy, KeySource, Plan, Policy, Reason, plan};
use login_server::evidence::{
    KeySets,
    key_sets::{Circuit, FetchCounts, IssuerReport, KeySetIntervals, KeySources, Origin},
};
use serde_json::json;

use crate::support::{
    CLOCK, IssuerElsewhere, TestServer, ask, config, key_set_is_stored, now, pass, plain_client,
    until,
};

const INTERVAL: Duration = Duration::from_millis(350);

async fn with_keys() -> (IssuerElsewhere, TestServer, reqwest::Client) {
    let issuer = IssuerElsewhere::start().await;
    let server = TestServer::start(config(vec![issuer.policy()])).await;
    let client = plain_client();
    assert_eq!(ask(&client, &server.url, &issuer.token()).await.username(), Some("ext:bob"));
    assert_eq!(issuer.shown.requests(), 1);
    (issuer, server, client)
}

#[tokio::test]
async fn a_new_key_is_accepted_after_one_fetch() {
    let (issuer, server, client) = with_keys().await;
    let next = SigningKey::generate().unwrap();
    issuer.shown.show_keys(&[issuer.key(), &next]);
    pass(INTERVAL).await;
    let token = next.sign("JWT", &issuer.claims()).unwrap();
    assert_eq!(ask(&client, &server.url, &token).await.username(), Some("ext:bob"));
    assert_eq!(ask(&client, &server.url, &issuer.token()).await.username(), Some("ext:bob"));
    assert_eq!(issuer.shown.requests(), 2);
}

/// A token with the ID of a known key, and the signature of another token.
fn forged(issuer: &IssuerElsewhere, subject: &str) -> String {
    let (good, other) = (issuer.token_with("sub", json!(subject)), issuer.token());
    let ((head, _), (_, signature)) =
        (good.rsplit_once('.').unwrap(), other.rsplit_once('.').unwrap());
    format!("{head}.{signature}")
}

#[tokio::test]
async fn tokens_that_no_key_verifies_cost_one_fetch_per_interval_and_each_its_own_refusal() {
    let issuer = IssuerElsewhere::start().await;
    let mut config = config(vec![issuer.policy()]);
    // Longer than the test takes, so there is one fetch beside that of the first review.
    config.key_set_intervals.interval = Duration::from_mins(10);
    let (server, client) = (TestServer::start(config).await, plain_client());
    assert_eq!(ask(&client, &server.url, &issuer.token()).await.username(), Some("ext:bob"));
    let first = forged(&issuer, "first");
    for _ in 0..3 {
        assert!(ask(&client, &server.url, &first).await.is_refusal());
    }
    assert_eq!(issuer.shown.requests(), 2);
    // The issuer was asked before these tokens came: their key may be newer.
    let stranger = SigningKey::generate().unwrap().sign("JWT", &issuer.claims()).unwrap();
    for token in [&stranger, &forged(&issuer, "second"), &forged(&issuer, "third")] {
        assert_eq!(ask(&client, &server.url, token).await.status, 503);
    }
    assert!(ask(&client, &server.url, &first).await.is_refusal());
    assert_eq!(ask(&client, &server.url, &issuer.token()).await.username(), Some("ext:bob"));
    assert_eq!(issuer.shown.requests(), 2);
}

#[tokio::test]
async fn what_a_stranger_says_of_a_key_does_not_refuse_the_tokens_of_that_key() {
    let (issuer, server, client) = with_keys().await;
    let next = SigningKey::generate().unwrap();
    let good = next.sign("JWT", &issuer.claims()).unwrap();
    let (head, _) = good.rsplit_once('.').unwrap();
    let known = issuer.token();
    let (_, signature) = known.rsplit_once('.').unwrap();
    // A client that knows the ID of the next key, and cannot sign with it.
    assert!(ask(&client, &server.url, &format!("{head}.{signature}")).await.is_refusal());
    issuer.shown.show_keys(&[issuer.key(), &next]);
    until("the new key is known", async || {
        let said = ask(&client, &server.url, &good).await;
        assert!(!said.is_refusal(), "a good token is refused");
        said.username() == Some("ext:bob")
    })
    .await;
}

#[tokio::test]
async fn a_key_in_the_place_of_another_of_its_name_is_found() {
    let issuer = IssuerElsewhere::start().await;
    let next = SigningKey::generate().unwrap();
    let under_the_name_of_next = |key: &SigningKey| {
        let mut public = key.public_jwk();
        public["kid"] = next.public_jwk()["kid"].clone();
        json!({ "keys": [public] }).to_string()
    };
    issuer.shown.show(StatusCode::OK, under_the_name_of_next(issuer.key()));
    let (server, client) = (TestServer::start(config(vec![issuer.policy()])).await, plain_client());
    let early = next.sign("JWT", &issuer.claims()).unwrap();
    assert!(ask(&client, &server.url, &early).await.is_refusal(), "it is not published yet");
    issuer.shown.show(StatusCode::OK, under_the_name_of_next(&next));
    let good = next.sign("JWT", &with_subject(&issuer, "carol")).unwrap();
    until("the next key is known", async || {
        let said = ask(&client, &server.url, &good).await;
        assert!(!said.is_refusal(), "a good token is refused");
        said.username() == Some("ext:carol")
    })
    .await;
}

fn with_subject(issuer: &IssuerElsewhere, subject: &str) -> serde_json::Value {
    let mut claims = issuer.claims();
    claims["sub"] = json!(subject);
    claims
}

#[tokio::test]
async fn keys_once_good_are_used_while_the_issuer_is_down() {
    let (issuer, server, client) = with_keys().await;
    issuer.stop().await;
    pass(INTERVAL).await;
    let another = issuer.token_with("sub", json!("carol"));
    assert_eq!(ask(&client, &server.url, &another).await.username(), Some("ext:carol"));
    // The key may be new, so no verdict is possible now; a refusal would be cached.
    let stranger = SigningKey::generate().unwrap().sign("JWT", &issuer.claims()).unwrap();
    assert_eq!(ask(&client, &server.url, &stranger).await.status, 503);
    assert_eq!(ask(&client, &server.url, &stranger).await.status, 503);
    assert_eq!(ask(&client, &server.url, &another).await.username(), Some("ext:carol"));
}

/// Runs a server with the state directory `folder` until it has stored the key set of `issuer`.
async fn with_stored_keys(issuer: &IssuerElsewhere, folder: &Path) {
    let mut config = config(vec![issuer.policy()]);
    config.state_dir = Some(folder.to_owned());
    let server = TestServer::start(config).await;
    let said = ask(&plain_client(), &server.url, &issuer.token()).await;
    assert_eq!(said.username(), Some("ext:bob"));
    key_set_is_stored(folder).await;
    server.stop().await;
}

#[tokio::test]
async fn a_restart_does_not_need_the_issuer() {
    let issuer = IssuerElsewhere::start().await;
    let (folder, client) = (tempfile::tempdir().unwrap(), plain_client());
    with_stored_keys(&issuer, folder.path()).await;
    issuer.stop().await;
    let mut config = config(vec![issuer.policy()]);
    config.state_dir = Some(folder.path().to_owned());
    let server = TestServer::start(config).await;
    let ready = client.get(format!("{}/readyz", server.health_url)).send().await.unwrap();
    assert_eq!(ready.status().as_u16(), 200);
    assert_eq!(ask(&client, &server.url, &issuer.token()).await.username(), Some("ext:bob"));
}

#[tokio::test]
async fn a_restart_makes_no_key_set_younger() {
    let issuer = IssuerElsewhere::start().await;
    let (folder, client) = (tempfile::tempdir().unwrap(), plain_client());
    with_stored_keys(&issuer, folder.path()).await;
    issuer.stop().await;
    let mut policy = issuer.policy();
    policy.key_set_max_age = Duration::from_secs(2);
    // However often the server starts, the keys expire when they would have expired.
    until("the stored key set is too old", async || {
        let mut config = config(vec![policy.clone()]);
        config.state_dir = Some(folder.path().to_owned());
        let server = TestServer::start(config).await;
        let said = ask(&client, &server.url, &issuer.token()).await;
        server.stop().await;
        said.status == 503
    })
    .await;
}

#[tokio::test]
async fn keys_that_nobody_confirms_end_with_the_configured_age() {
    let issuer = IssuerElsewhere::start().await;
    let mut policy = issuer.policy();
    policy.key_set_max_age = Duration::from_secs(2);
    let (server, client) = (TestServer::start(config(vec![policy])).await, plain_client());
    let token = issuer.token();
    assert_eq!(ask(&client, &server.url, &token).await.username(), Some("ext:bob"));
    issuer.stop().await;
    // The same request each time: its cached answer expires, too.
    until("the key set is too old", async || ask(&client, &server.url, &token).await.status == 503)
        .await;
    let ready = client.get(format!("{}/readyz", server.health_url)).send().await.unwrap();
    assert_eq!(ready.status().as_u16(), 503);
}

#[tokio::test]
async fn what_is_no_key_set_never_replaces_a_good_one() {
    let (issuer, server, client) = with_keys().await;
    let oversized = format!("{{\"keys\":[],\"x\":\"{}\"}}", "x".repeat(1024 * 1024));
    for (status, document) in [
        (StatusCode::OK, "garbage".to_owned()),
        (StatusCode::OK, "{\"keys\":[]}".to_owned()),
        (StatusCode::OK, oversized),
        (StatusCode::INTERNAL_SERVER_ERROR, "{}".to_owned()),
        (StatusCode::NOT_MODIFIED, String::new()),
        (StatusCode::FOUND, String::new()),
    ] {
        issuer.shown.show(status, document);
        let before = issuer.shown.requests();
        until("the issuer was asked", async || {
            let stranger = SigningKey::generate().unwrap().sign("JWT", &issuer.claims()).unwrap();
            let said = ask(&client, &server.url, &stranger).await;
            assert!(said.status == 503 || said.is_refusal(), "{said:?}");
            // One more, since a fetch may have been under way.
            before + 1 < issuer.shown.requests()
        })
        .await;
        let stranger = SigningKey::generate().unwrap().sign("JWT", &issuer.claims()).unwrap();
        assert_eq!(ask(&client, &server.url, &stranger).await.status, 503);
        assert_eq!(ask(&client, &server.url, &issuer.token()).await.username(), Some("ext:bob"));
    }
}

#[tokio::test]
async fn keys_are_asked_for_before_the_issuer_says_they_end() {
    let issuer = IssuerElsewhere::start().await;
    issuer.shown.show_headers(&[("cache-control", "max-age=1"), ("etag", "\"one\"")]);
    let mut config = config(vec![issuer.policy()]);
    config.key_set_intervals.shortest_refresh = Duration::from_millis(10);
    let (server, client) = (TestServer::start(config).await, plain_client());
    assert_eq!(ask(&client, &server.url, &issuer.token()).await.username(), Some("ext:bob"));
    until("the issuer was asked again", async || issuer.shown.requests() >= 3).await;
    let unchanged = issuer.shown.unchanged_answers.load(Ordering::SeqCst);
    assert!(unchanged >= 2, "all but the first are answered 304: {unchanged}");
    let another = issuer.token_with("sub", json!("carol"));
    assert_eq!(ask(&client, &server.url, &another).await.username(), Some("ext:carol"));
    // No review needs the new key, and it comes into force all the same; the old one goes.
    let next = SigningKey::generate().unwrap();
    issuer.shown.show_keys(&[&next]);
    issuer.shown.show_headers(&[("cache-control", "max-age=1"), ("etag", "\"two\"")]);
    until("the withdrawn key is refused", async || {
        ask(&client, &server.url, &another).await.is_refusal()
    })
    .await;
    let fresh = next.sign("JWT", &issuer.claims()).unwrap();
    assert_eq!(ask(&client, &server.url, &fresh).await.username(), Some("ext:bob"));
}

#[tokio::test]
async fn whoever_came_too_late_for_a_fetch_is_refused_after_the_next_which_nobody_asks_for() {
    let (issuer, server, client) = with_keys().await;
    let stranger = SigningKey::generate().unwrap();
    let tokens: Vec<String> = (0..10)
        .map(|number| {
            let claims = with_subject(&issuer, &number.to_string());
            stranger.sign("JWT", &claims).unwrap()
        })
        .collect();
    for token in &tokens {
        let said = ask(&client, &server.url, token).await;
        assert!(said.is_refusal() || said.status == 503, "{said:?}");
    }
    let before = issuer.shown.requests();
    until("the background asked", async || before < issuer.shown.requests()).await;
    for token in &tokens {
        until("it is refused", async || ask(&client, &server.url, token).await.is_refusal()).await;
    }
}

#[tokio::test]
async fn reviews_do_not_wait_for_an_issuer_that_hangs() {
    let issuer = IssuerElsewhere::start().await;
    issuer.shown.wait_before_answering(Duration::from_mins(1));
    let mut config = config(vec![issuer.policy()]);
    config.key_set_intervals.timeout = Duration::from_millis(200);
    config.key_set_intervals.first_back_off = Duration::from_mins(10);
    config.key_set_intervals.longest_back_off = Duration::from_mins(10);
    // A review that waited for its deadline would outlast the test's timeout.
    config.limits.review = Duration::from_mins(10);
    let (server, client) = (TestServer::start(config).await, plain_client());
    for number in 0..50 {
        let token = issuer.token_with("sub", json!(number.to_string()));
        assert_eq!(ask(&client, &server.url, &token).await.status, 503);
    }
    let ready = client.get(format!("{}/readyz", server.health_url)).send().await.unwrap();
    let told = ready.text().await.unwrap();
    assert!(told.contains("1 fetches failed: it cannot be reached; see the log"), "{told}");
}

#[tokio::test]
async fn a_private_key_that_is_published_is_not_used() {
    let issuer = IssuerElsewhere::start().await;
    let leaked = SigningKey::generate().unwrap();
    let mut private = leaked.public_jwk();
    private["d"] = json!("AQAB");
    let set = json!({ "keys": [issuer.key().public_jwk(), private] });
    issuer.shown.show(StatusCode::OK, set.to_string());
    let (server, client) = (TestServer::start(config(vec![issuer.policy()])).await, plain_client());
    assert_eq!(ask(&client, &server.url, &issuer.token()).await.username(), Some("ext:bob"));
    let token = leaked.sign("JWT", &issuer.claims()).unwrap();
    assert!(ask(&client, &server.url, &token).await.is_refusal());
}

#[tokio::test]
async fn an_issuer_with_given_keys_is_never_asked() {
    let issuer = IssuerElsewhere::start().await;
    let set = public_key_set(&[issuer.key()]).to_string();
    let mut policy = issuer.policy();
    policy.key_source = KeySource::Inline(KeySet::parse(set.as_bytes()).unwrap());
    policy.key_set_max_age = Duration::from_secs(0);
    let (server, client) = (TestServer::start(config(vec![policy])).await, plain_client());
    assert_eq!(ask(&client, &server.url, &issuer.token()).await.username(), Some("ext:bob"));
    let stranger = SigningKey::generate().unwrap().sign("JWT", &issuer.claims()).unwrap();
    assert!(ask(&client, &server.url, &stranger).await.is_refusal());
    assert_eq!(issuer.shown.requests(), 0);
}

/// Key sets without a server, and the index of the first issuer in them.
fn key_sets(policies: &[IssuerPolicy], before: Option<&KeySets>) -> KeySets {
    let policy = Policy::new(policies.to_vec(), Guard::default());
    let sources = KeySources::new(None, None, config(Vec::new()).key_set_intervals, CLOCK);
    match before {
        None => KeySets::new(&policy, &sources),
        Some(before) => before.succeed(&policy, &sources),
    }
}

fn index(policies: &[IssuerPolicy], token: &str) -> IssuerIndex {
    let policy = Policy::new(policies.to_vec(), Guard::default());
    match plan(&policy, token, UnixTime::from_seconds(now())) {
        Plan::Judge(token) => token.issuer().unwrap(),
        Plan::Refuse(reason) => panic!("{reason}"),
    }
}

#[tokio::test]
async fn a_reload_keeps_the_keys_of_issuers_that_stay() {
    let (stays, goes) = (IssuerElsewhere::start().await, IssuerElsewhere::start().await);
    let policies = [goes.policy(), stays.policy()];
    let before = key_sets(&policies, None);
    for issuer in [&stays, &goes] {
        let index = index(&policies, &issuer.token());
        assert!(before.current_or_fetched(index).await.is_some());
    }
    stays.stop().await;
    // Audience, position in the list and age have changed: the keys are the same.
    let mut changed = stays.policy();
    changed.audiences = vec!["other".to_owned()];
    changed.key_set_max_age = Duration::from_secs(0);
    let after = key_sets(&[changed.clone()], Some(&before));
    drop(before);
    let report = |sets: &KeySets| {
        let of = |report: IssuerReport<'_>| (report.keys, report.fetches.changed);
        sets.report().map(of).collect::<Vec<_>>()
    };
    assert_eq!(report(&after), [(None, 1)], "too old now");
    changed.key_set_max_age = Duration::from_hours(1);
    let after = key_sets(&[changed.clone()], Some(&after));
    assert_eq!(report(&after), [(Some(1), 1)]);
    // Another certificate authority may mean other keys.
    changed.certificate_authority_pem = Some(goes.pki.authority_pem.clone());
    let after = key_sets(&[changed], Some(&after));
    assert_eq!(report(&after), [(None, 0)]);
}

#[tokio::test]
async fn nobody_asks_an_issuer_that_is_not_configured_any_more() {
    let issuer = IssuerElsewhere::start().await;
    issuer.shown.show_headers(&[("cache-control", "no-cache")]);
    let policy = Policy::new(vec![issuer.policy()], Guard::default());
    let shortest_refresh = Duration::from_millis(20);
    let interval = KeySetIntervals { shortest_refresh, ..config(Vec::new()).key_set_intervals };
    let tasks = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
    let before = tasks();
    let sets = KeySets::new(&policy, &KeySources::new(None, None, interval, CLOCK));
    sets.keep_fresh();
    // The second call has no effect: there is one task for each issuer.
    sets.keep_fresh();
    until("the issuer is asked again and again", async || issuer.shown.requests() >= 5).await;
    drop(sets);
    // Neither the task that asks is left, nor a connection to the issuer.
    until("the asking ends", async || tasks() == before).await;
    let asked = issuer.shown.requests();
    pass(100 * shortest_refresh).await;
    assert_eq!(issuer.shown.requests(), asked);
}

#[tokio::test]
async fn the_report_tells_the_state_of_every_issuer() {
    let (up, down) = (IssuerElsewhere::start().await, IssuerElsewhere::start().await);
    // RFC 9110 §5.6.7: a date long ago.
    up.shown.show_headers(&[("date", "Sun, 06 Nov 1994 08:49:37 GMT")]);
    down.stop().await;
    let policies = [up.policy(), down.policy()];
    let sets = key_sets(&policies, None);
    let of_up = index(&policies, &up.token());
    assert!(sets.current_or_fetched(of_up).await.is_some());
    assert!(sets.current_or_fetched(index(&policies, &down.token())).await.is_none());
    drop(sets.confirm(of_up, &["a token"], Reason::UnknownKey).await);
    let reports: Vec<_> = sets.report().collect();
    let [up_report, down_report] = &reports[..] else { panic!("two issuers") };
    assert_eq!((up_report.issuer, up_report.origin), (up.url.as_str(), Origin::Fetched));
    assert_eq!((up_report.keys, up_report.skipped, up_report.failures), (Some(1), 0, 0));
    assert_eq!((up_report.unknown_key_ids, up_report.circuit), (1, Circuit::Closed));
    assert!(up_report.clock_skew.unwrap() < -86_400 * 365 * 20, "{up_report:?}");
    assert!(up_report.age.unwrap() < Duration::from_mins(1), "{up_report:?}");
    assert_eq!((down_report.keys, down_report.confirmed_at, down_report.age), (None, None, None));
    assert_eq!((down_report.failures, down_report.circuit), (1, Circuit::Open));
    assert_eq!(down_report.fetches, FetchCounts { failed: 1, ..FetchCounts::default() });
    assert!(down_report.last_error.as_ref().unwrap().contains("could not fetch"));
}

#[tokio::test]
async fn a_discovery_document_cannot_send_us_to_metadata_addresses() {
    for jwks_uri in [
        "https://169.254.169.254/latest/meta-data",
        "https://[fd00:ec2::254]/keys",
        "https://[::ffff:169.254.169.254]/keys",
    ] {
        let issuer = IssuerElsewhere::start().await;
        issuer.shown.show_discovery(json!({ "issuer": issuer.url, "jwks_uri": jwks_uri }));
        let policies = [issuer.policy()];
        let sets = key_sets(&policies, None);
        let index = index(&policies, &issuer.token());
        assert!(sets.current_or_fetched(index).await.is_none());
        let error = sets.report().next().unwrap().last_error.unwrap();
        assert!(error.contains("metadata address"), "{error}");
    }
}

#[tokio::test]
async fn members_that_only_a_client_uses_do_not_matter_here() {
    for (name, value) in [
        ("authorization_endpoint", json!("urn:kubernetes:programmatic_authorization")),
        ("authorization_endpoint", json!("")),
        ("token_endpoint", json!("http://id.example/token")),
        ("token_endpoint", json!(["x"])),
        ("grant_types_supported", json!("authorization_code")),
        ("mtls_endpoint_aliases", json!(7)),
    ] {
        let issuer = IssuerElsewhere::start().await;
        let jwks_uri = format!("{}/keys", issuer.url);
        let document = json!({ "issuer": issuer.url, "jwks_uri": jwks_uri, name: value });
        issuer.shown.show_discovery(document);
        let server = TestServer::start(config(vec![issuer.policy()])).await;
        let said = ask(&plain_client(), &server.url, &issuer.token()).await;
        assert_eq!(said.username(), Some("ext:bob"), "{name}");
    }
}

#[tokio::test]
async fn documents_are_read_where_their_issuer_moved_them_but_not_over_another_scheme() {
    const DISCOVERY: &str = "/.well-known/openid-configuration";
    for (path, to, error) in [
        (DISCOVERY, format!("/moved{DISCOVERY}"), None),
        ("/keys", "/moved/keys".to_owned(), None),
        (DISCOVERY, "http://127.0.0.1:1/".to_owned(), Some("not followed")),
        ("/keys", "http://127.0.0.1:1/".to_owned(), Some("not followed")),
        (DISCOVERY, "https://169.254.169.254/".to_owned(), Some("metadata address")),
        ("/keys", "https://[fd00:ec2::254]/".to_owned(), Some("metadata address")),
        (DISCOVERY, DISCOVERY.to_owned(), Some("the last of 10 redirects")),
    ] {
        let issuer = IssuerElsewhere::start().await;
        issuer.shown.move_away(path, to.clone());
        let policies = [issuer.policy()];
        let sets = key_sets(&policies, None);
        let found = sets.current_or_fetched(index(&policies, &issuer.token())).await;
        assert_eq!(found.is_some(), error.is_none(), "{path} {to}");
        let last_error = sets.report().next().unwrap().last_error;
        match (error, last_error) {
            (None, None) => {}
            (Some(error), Some(last)) => assert!(last.contains(error), "{last}"),
            (_, last) => panic!("{last:?}"),
        }
    }
}

#[tokio::test]
async fn a_discovery_document_of_another_issuer_is_not_believed() {
    let issuer = IssuerElsewhere::start().await;
    issuer.shown.show_discovery(json!({
        "issuer": "https://elsewhere.example",
        "jwks_uri": format!("{}/keys", issuer.url),
    }));
    let server = TestServer::start(config(vec![issuer.policy()])).await;
    assert_eq!(ask(&plain_client(), &server.url, &issuer.token()).await.status, 503);
    assert_eq!(issuer.shown.requests(), 0);
}

#[tokio::test]
async fn an_issuer_behind_an_unknown_authority_is_not_believed() {
    let issuer = IssuerElsewhere::start().await;
    let mut policy = issuer.policy();
    policy.certificate_authority_pem = Some(crate::support::Pki::new().authority_pem);
    let server = TestServer::start(config(vec![policy])).await;
    assert_eq!(ask(&plain_client(), &server.url, &issuer.token()).await.status, 503);
}
