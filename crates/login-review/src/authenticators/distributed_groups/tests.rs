//! Distributed groups: allowed endpoints, and the checks of the fetched JWT.

use login_common::names::IssuerUrl;
use login_protocols::jose::{KeySet, SigningKey, public_key_set};
use serde_json::json;

use super::*;
use crate::{
    ClaimMapping, Guard, PrefixedClaim,
    audience::AudienceRequest,
    decide::decide,
    plan::{Plan, plan},
};

const NOW: i64 = 1_769_860_800;
const ISSUER: &str = "https://id.example";
const OTHER: &str = "https://groups.example";
const ENDPOINT: &str = "https://groups.example/of?user=jane";

struct Scene {
    policy: Policy,
    key: SigningKey,
    other: SigningKey,
}

fn scene() -> Scene {
    let claim = |claim: &str| PrefixedClaim { claim: claim.to_owned(), prefix: String::new() };
    let issuer = |url: &str| {
        let mapping = ClaimMapping::of_claims(claim("sub"), Some(claim("groups")));
        let url = IssuerUrl::parse(url).unwrap();
        let mut issuer = IssuerPolicy::new(url, vec!["cluster".to_owned()], mapping);
        issuer.distributed_claims_endpoints = vec![Url::parse(ENDPOINT).unwrap()];
        issuer
    };
    let policy = Policy::new(vec![issuer(ISSUER), issuer(OTHER)], Guard::default());
    let key = || SigningKey::generate().unwrap();
    Scene { policy, key: key(), other: key() }
}

/// Valid claims with `changes` merged into them; null removes one.
fn claims(issuer: &str, changes: &Value) -> Value {
    let mut claims = json!({"iss": issuer, "aud": "cluster", "sub": "jane", "exp": NOW + 60});
    for (name, value) in changes.as_object().unwrap() {
        if value.is_null() {
            claims.as_object_mut().unwrap().remove(name);
        } else {
            claims[name] = value.clone();
        }
    }
    claims
}

fn key_set(key: &SigningKey) -> KeySet {
    KeySet::parse(public_key_set(&[key]).to_string().as_bytes()).unwrap()
}

fn elsewhere(source: &Value) -> Value {
    json!({"_claim_names": {"groups": "src1"}, "_claim_sources": {"src1": source}})
}

impl Scene {
    /// Judges a token with these claims, and supplies `groups` as evidence when requested.
    fn judge(&self, changes: &Value, groups: Option<&str>) -> (String, Vec<Need>) {
        let token = self.key.sign("JWT", &claims(ISSUER, changes)).unwrap();
        let now = UnixTime::from_seconds(NOW);
        let Plan::Judge(token) = plan(&self.policy, &token, now) else { panic!("refused") };
        let audiences = AudienceRequest { requested: &[], api_audiences: None };
        let sets = [key_set(&self.key), key_set(&self.other)];
        let (mut evidence, mut needs) = (Evidence::default(), Vec::new());
        loop {
            let need = match decide(&self.policy, &token, &evidence, audiences, now) {
                Decision::Verdict(verdict) => return (shown(&verdict), needs),
                Decision::Need(need) => need,
            };
            needs.push(need.clone());
            match need {
                Need::Keys(issuer) => {
                    let place = evidence.keys.iter_mut().find(|place| place.is_none()).unwrap();
                    *place = Some((issuer, &sets[issuer.as_usize()]));
                }
                Need::Groups(_) if groups.is_some() => evidence.groups = groups,
                _ => return ("needs more".to_owned(), needs),
            }
        }
    }

    fn outcome(&self, changes: &Value, groups: Option<&str>) -> String {
        self.judge(changes, groups).0
    }
}

fn shown(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Accepted { identity, expires_at, .. } => {
            let left = expires_at.as_seconds() - NOW;
            format!("{} for {left}", identity.groups.join(","))
        }
        Verdict::Refused(reason) => reason.as_str().to_owned(),
        Verdict::CannotTell(outage) => outage.as_str().to_owned(),
    }
}

#[test]
fn groups_are_asked_for_where_the_token_says_and_the_operator_allows() {
    let scene = scene();
    let (outcome, needs) =
        scene.judge(&elsewhere(&json!({"endpoint": ENDPOINT, "access_token": "t"})), None);
    assert_eq!(outcome, "needs more");
    let Some(Need::Groups(source)) = needs.last() else { panic!("{needs:?}") };
    assert_eq!((source.issuer.as_usize(), source.endpoint.as_str()), (0, ENDPOINT));
    assert!(source.access_token.as_ref().is_some_and(|token| token.expose() == "t"));
    for source in [
        json!({"endpoint": "https://groups.example/of?user=root"}),
        json!({"endpoint": "https://groups.example:444/of?user=jane"}),
        json!({"endpoint": "http://groups.example/of?user=jane"}),
        json!({"endpoint": ""}),
        json!({"endpoint": 7}),
        json!({"endpoint": ENDPOINT, "access_token": 7}),
        json!({"JWT": "eyJ.aggregated.x"}),
        json!("src2"),
        Value::Null,
    ] {
        assert_eq!(scene.outcome(&elsewhere(&source), None), "groups_elsewhere", "{source}");
    }
}

#[test]
fn the_own_host_of_the_issuer_needs_no_leave_and_no_other_one_has_it() {
    let scene = scene();
    for (endpoint, is_asked) in [
        ("https://id.example/groups?of=jane", true),
        ("https://id.example:443/", true),
        ("https://ID.example/groups#jane", true),
        (ENDPOINT, true),
        ("https://groups.example/of?user=root", false),
        ("https://id.example:444/groups", false),
        ("http://id.example/groups", false),
        ("https://id.example.evil.example/groups", false),
        ("https://sub.id.example/groups", false),
        ("https://jane@id.example/groups", false),
        ("https://jane:x@id.example/groups", false),
        ("https://id.example@evil.example/groups", false),
        ("//id.example/groups", false),
        ("/groups", false),
    ] {
        let (outcome, needs) = scene.judge(&elsewhere(&json!({"endpoint": endpoint})), None);
        let expected = if is_asked { "needs more" } else { "groups_elsewhere" };
        assert_eq!(outcome, expected, "{endpoint}");
        let asked = matches!(needs.last(), Some(Need::Groups(source)) if is_asked
            && source.endpoint == Url::parse(endpoint).unwrap());
        assert_eq!(asked, is_asked, "{endpoint}: {needs:?}");
    }
}

// kube-apiserver returns an error for each of these claims but the last two, which it reads as "no
// groups".
#[test]
fn malformed_names_and_sources_refuse_the_token_and_never_mean_no_groups() {
    let scene = scene();
    let good = json!({"src1": {"endpoint": ENDPOINT}});
    for (names, sources) in [
        (json!(7), good.clone()),
        (json!("src1"), good.clone()),
        (json!(["src1"]), good.clone()),
        (json!(true), good.clone()),
        (json!({"groups": 7}), good.clone()),
        (json!({"groups": ["src1"]}), good.clone()),
        (json!({"groups": {"src1": 1}}), good.clone()),
        (json!({"groups": "src1", "address": 7}), good.clone()),
        (json!({"address": 7}), good.clone()),
        (json!({"groups": null}), good.clone()),
        (json!({"groups": ""}), json!({"": {"endpoint": ENDPOINT}})),
        (json!({"address": null}), good.clone()),
        (json!({"address": "src1"}), json!({})),
        (json!({"groups": "src2"}), good.clone()),
        (json!({"groups": "src1"}), Value::Null),
        (json!({"groups": "src1"}), json!(null)),
        (json!({"groups": "src1"}), json!(7)),
        (json!({"groups": "src1"}), json!([])),
        (json!({"groups": "src1"}), json!("https://groups.example")),
        (json!({"groups": "src1"}), json!({"src1": "https://groups.example"})),
        (json!({"groups": "src1"}), json!({"src1": [ENDPOINT]})),
        (json!({"groups": "src1"}), json!({"src1": {"endpoint": 7}})),
        (json!({"groups": "src1"}), json!({"src1": {"endpoint": [ENDPOINT]}})),
        (json!({"groups": "src1"}), json!({"src1": {"endpoint": "::"}})),
        (json!({"groups": "src1"}), json!({"src1": {"endpoint": ENDPOINT, "JWT": 7}})),
        (json!({"groups": "src1"}), json!({"src1": {"ENDPOINT": 7}})),
        (json!({"groups": "src1"}), json!({"src1": {"endpoint": ENDPOINT}, "src2": 7})),
        (json!({"address": "src2"}), json!({"src2": {"access_token": 7}})),
        (json!({"groups": "src1"}), json!({"src1": null})),
        (json!({"groups": "src1"}), json!({"src1": {"JWT": "eyJ.aggregated.x"}})),
    ] {
        let changes = json!({"_claim_names": names, "_claim_sources": sources});
        assert_eq!(scene.outcome(&changes, None), "groups_elsewhere", "{changes}");
    }
    for changes in [
        json!({"_claim_names": {"address": "src1"}}),
        json!({"_claim_names": {}}),
        json!({"_claim_sources": 7}),
        json!({"_claim_sources": {"src1": 7}}),
    ] {
        assert_eq!(scene.outcome(&changes, None), "groups_elsewhere", "{changes}");
    }
    // Malformed names or sources refuse even a token that holds its groups.
    for changes in [
        json!({"groups": ["dev"], "_claim_names": 7}),
        json!({"groups": ["dev"], "_claim_sources": []}),
        json!({"groups": ["dev"], "_claim_names": {"address": "src1"}}),
        json!({"groups": ["dev"], "_claim_names": {"groups": "src2"}, "_claim_sources": good}),
    ] {
        assert_eq!(scene.outcome(&changes, None), "groups_elsewhere", "{changes}");
    }
    let empty = json!({"groups": ["dev"], "_claim_names": {}});
    assert_eq!(scene.outcome(&empty, None), "dev for 60");
    let capitals = elsewhere(&json!({"Endpoint": ENDPOINT, "ACCESS_TOKEN": "t", "x": 7}));
    assert_eq!(scene.outcome(&capitals, None), "needs more");
}

#[test]
fn a_token_that_holds_its_groups_or_keeps_only_others_elsewhere_is_complete() {
    let scene = scene();
    let mut changes = elsewhere(&json!({"endpoint": ENDPOINT}));
    changes["groups"] = json!(["dev"]);
    assert_eq!(scene.outcome(&changes, None), "dev for 60");
    let source = json!({"src1": {"endpoint": "https://x.example"}});
    for (names, sources) in [
        (json!({"address": "src1"}), source.clone()),
        (json!({}), source.clone()),
        (json!({}), json!({})),
    ] {
        let others = json!({"_claim_names": names, "_claim_sources": sources});
        assert_eq!(scene.outcome(&others, None), " for 60", "{others}");
    }
    // Sources that no name refers to are ignored, if they are well-formed.
    assert_eq!(scene.outcome(&json!({"_claim_sources": source}), None), " for 60");
}

#[test]
fn what_is_fetched_must_be_vouched_for_like_any_token() {
    let scene = scene();
    let changes = elsewhere(&json!({"endpoint": ENDPOINT}));
    let groups = json!({"groups": ["ops"], "exp": NOW + 30});
    let signed = |key: &SigningKey, issuer: &str, more: &Value| {
        let mut groups = groups.clone();
        groups.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        key.sign("JWT", &claims(issuer, &groups)).unwrap()
    };
    let stranger = SigningKey::generate().unwrap();
    let good = signed(&scene.other, OTHER, &json!({}));
    let (head, _) = good.rsplit_once('.').unwrap();
    let forged = format!("{head}.{}", "A".repeat(86));
    for (what, jwt, expected) in [
        ("of another issuer", good.clone(), "ops for 30"),
        ("of the same issuer", signed(&scene.key, ISSUER, &json!({})), "ops for 30"),
        ("without subject", signed(&scene.key, ISSUER, &json!({"sub": null})), "ops for 30"),
        ("about another", signed(&scene.key, ISSUER, &json!({"sub": "root"})), "groups_elsewhere"),
        ("another's name for him", signed(&scene.other, OTHER, &json!({"sub": "4"})), "ops for 30"),
        (
            "foreign issuer",
            signed(&scene.other, "https://x.example", &json!({})),
            "groups_elsewhere",
        ),
        ("wrong audience", signed(&scene.other, OTHER, &json!({"aud": "x"})), "groups_elsewhere"),
        ("expired", signed(&scene.other, OTHER, &json!({"exp": NOW})), "groups_elsewhere"),
        ("no groups", signed(&scene.other, OTHER, &json!({"groups": null})), "groups_elsewhere"),
        ("forged, or by a new key", forged, "needs more"),
        ("unknown key", signed(&stranger, OTHER, &json!({})), "needs more"),
        ("no JWT", "dev,ops".to_owned(), "groups_elsewhere"),
        (
            "reserved",
            signed(&scene.other, OTHER, &json!({"groups": ["system:masters"]})),
            "reserved_group",
        ),
        ("no text", signed(&scene.other, OTHER, &json!({"groups": [1]})), "groups_shape"),
    ] {
        assert_eq!(scene.outcome(&changes, Some(&jwt)), expected, "{what}");
    }
}

#[test]
fn a_token_that_is_refused_anyway_sends_nobody_anywhere() {
    let scene = scene();
    let mut changes = elsewhere(&json!({"endpoint": ENDPOINT}));
    changes["aud"] = json!("other");
    let (outcome, needs) = scene.judge(&changes, None);
    assert_eq!((outcome.as_str(), needs.len()), ("wrong_audience", 1), "{needs:?}");
}
