//! Distributed groups, which a token only references, fetched over real sockets and only from
//! endpoints that the operator allowed.

use std::time::Duration;

use serde_json::{Value, json};
use url::Url;

use crate::{
    elsewhere::Elsewhere,
    support::{IssuerElsewhere, TestServer, ask, config, now, plain_client, until},
};

/// An issuer whose tokens reference groups at `elsewhere`, and a server that is configured for
/// both.
async fn scene() -> (IssuerElsewhere, Elsewhere, TestServer, reqwest::Client) {
    let (issuer, elsewhere) = (IssuerElsewhere::start().await, Elsewhere::start().await);
    let mut policy = issuer.policy();
    let authorities = [issuer.pki.authority_pem.as_str(), &elsewhere.pki.authority_pem].concat();
    policy.certificate_authority_pem = Some(authorities);
    policy.distributed_claims_endpoints =
        vec![Url::parse(&format!("{}/groups", elsewhere.url)).unwrap()];
    let server = TestServer::start(config(vec![policy])).await;
    (issuer, elsewhere, server, plain_client())
}

/// A token whose groups are at `endpoint`; tokens with another `id` differ.
fn token(issuer: &IssuerElsewhere, endpoint: &str, id: &str) -> String {
    token_with(issuer, endpoint, id, "show-me")
}

/// A token that presents the access token `access` there.
fn token_showing(issuer: &IssuerElsewhere, endpoint: &str, access: &str) -> String {
    token_with(issuer, endpoint, access, access)
}

fn token_with(issuer: &IssuerElsewhere, endpoint: &str, id: &str, access: &str) -> String {
    let mut claims = issuer.claims();
    claims.as_object_mut().unwrap().remove("groups");
    claims["jti"] = json!(id);
    claims["_claim_names"] = json!({"groups": "src1"});
    claims["_claim_sources"] = json!({"src1": {"endpoint": endpoint, "access_token": access}});
    issuer.key().sign("JWT", &claims).unwrap()
}

fn groups(issuer: &IssuerElsewhere, name: &str, value: Value) -> String {
    let mut claims = json!({"iss": issuer.url, "aud": "cluster", "exp": now() + 300,
                            "groups": ["ops", "dev"]});
    claims[name] = value;
    issuer.key().sign("JWT", &claims).unwrap()
}

#[tokio::test]
async fn groups_are_fetched_once_and_vouched_for_by_their_signature() {
    let (issuer, elsewhere, server, client) = scene().await;
    let endpoint = format!("{}/groups", elsewhere.url);
    let good = groups(&issuer, "x", json!(1));
    elsewhere.script.say(200, "application/jwt", format!("{good}\n"));
    for id in ["a", "b", "b"] {
        let said = ask(&client, &server.url, &token(&issuer, &endpoint, id)).await;
        assert_eq!(said.body["status"]["user"]["groups"], json!(["ops", "dev"]), "{said:?}");
    }
    assert_eq!(elsewhere.script.requests(), 1);
    assert_eq!(elsewhere.script.latest().0["authorization"], "Bearer show-me");
}

#[tokio::test]
async fn what_does_not_vouch_for_the_groups_refuses_the_token() {
    for (name, value) in [
        ("aud", json!("other")),
        ("iss", json!("https://foreign.example")),
        ("exp", json!(now() - 5)),
        ("sub", json!("root")),
        ("groups", json!(["system:masters"])),
        ("groups", Value::Null),
    ] {
        let (issuer, elsewhere, server, client) = scene().await;
        let endpoint = format!("{}/groups", elsewhere.url);
        let wrong = groups(&issuer, name, value.clone());
        elsewhere.script.say(200, "application/jwt", wrong);
        let said = ask(&client, &server.url, &token(&issuer, &endpoint, "a")).await;
        let is_none = name == "groups" && value.is_null();
        assert!(
            said.is_refusal() || is_none && said.body["status"]["user"].get("groups").is_none(),
            "{name} {value}: {said:?}"
        );
    }
}

#[tokio::test]
async fn an_endpoint_that_gives_no_jwt_is_an_outage() {
    let (issuer, elsewhere, server, client) = scene().await;
    let endpoint = format!("{}/groups", elsewhere.url);
    let good = groups(&issuer, "x", json!(1));
    for (number, (status, body)) in [
        (500, good.clone()),
        (302, good.clone()),
        (200, "dev,ops".to_owned()),
        (200, "x".repeat(20_000)),
    ]
    .into_iter()
    .enumerate()
    {
        elsewhere.script.say(status, "application/jwt", body);
        let said = ask(&client, &server.url, &token(&issuer, &endpoint, &number.to_string())).await;
        assert_eq!((said.status, elsewhere.script.requests()), (503, number + 1), "{said:?}");
    }
    elsewhere.script.say(200, "application/jwt", good);
    let said = ask(&client, &server.url, &token(&issuer, &endpoint, "0")).await;
    assert_eq!(said.username(), Some("ext:bob"));
}

#[tokio::test]
async fn a_user_whose_access_token_is_refused_there_is_no_outage_for_others() {
    let (issuer, elsewhere, server, client) = scene().await;
    let endpoint = format!("{}/groups", elsewhere.url);
    let asked = async |id: String| ask(&client, &server.url, &token(&issuer, &endpoint, &id)).await;
    for (number, status) in [401, 403].into_iter().cycle().take(9).enumerate() {
        elsewhere.script.say(status, "application/json", "{}");
        let said = asked(format!("refused-{number}")).await;
        assert!(said.is_refusal(), "{status}: {said:?}");
    }
    for (number, (status, body)) in
        [(400, ""), (404, ""), (410, ""), (200, "no JWT")].iter().cycle().take(9).enumerate()
    {
        elsewhere.script.say(*status, "application/jwt", *body);
        assert_eq!(asked(format!("odd-{number}")).await.status, 503, "{status}");
    }
    elsewhere.script.say(200, "application/jwt", groups(&issuer, "x", json!(1)));
    assert_eq!(asked("good".to_owned()).await.username(), Some("ext:bob"));
}

#[tokio::test]
async fn a_place_that_is_out_of_order_is_left_alone_and_one_users_endpoint_is_not_all() {
    let (issuer, elsewhere, server, client) = scene().await;
    let endpoint = format!("{}/groups", elsewhere.url);
    let (issuer, elsewhere) = (&issuer, &elsewhere);
    let asked = async |id: usize| {
        let token = token_showing(issuer, &endpoint, &format!("access-{id}"));
        ask(&client, &server.url, &token).await.status
    };
    elsewhere.script.say(200, "application/jwt", groups(issuer, "exp", json!(now() + 2)));
    for id in 0..6 {
        assert_eq!(asked(id).await, 200);
    }
    until("the groups have ended", async || {
        elsewhere.script.say(500, "application/jwt", "");
        asked(0).await == 503
    })
    .await;
    let before = elsewhere.script.requests();
    for _ in 0..9 {
        assert_eq!(asked(0).await, 503);
    }
    assert_eq!(elsewhere.script.requests(), before + 9);
    for id in (1..6).chain(0..6) {
        assert_eq!(asked(id).await, 503);
    }
    assert_eq!(elsewhere.script.requests(), before + 13);
}

#[tokio::test]
async fn the_host_of_the_issuer_itself_needs_no_leave() {
    let issuer = IssuerElsewhere::start().await;
    let server = TestServer::start(config(vec![issuer.policy()])).await;
    let client = plain_client();
    let endpoint = format!("{}/groups", issuer.url);
    let said = ask(&client, &server.url, &token(&issuer, &endpoint, "a")).await;
    assert_eq!(said.status, 503, "what is not there is an outage: {said:?}");
    issuer.shown.show_at("/groups", groups(&issuer, "x", json!(1)));
    let said = ask(&client, &server.url, &token(&issuer, &endpoint, "a")).await;
    assert_eq!(said.body["status"]["user"]["groups"], json!(["ops", "dev"]), "{said:?}");
}

#[tokio::test]
async fn no_other_place_is_asked() {
    let (issuer, elsewhere, server, client) = scene().await;
    elsewhere.script.say(200, "application/jwt", groups(&issuer, "x", json!(1)));
    elsewhere.script.wait_before_answering(Duration::ZERO);
    for path in ["/group", "/groups/", "/groups?x=1", "/../groups2"] {
        let endpoint = format!("{}{path}", elsewhere.url);
        let said = ask(&client, &server.url, &token(&issuer, &endpoint, path)).await;
        assert!(said.is_refusal(), "{path}: {said:?}");
    }
    assert_eq!(elsewhere.script.requests(), 0);
}
