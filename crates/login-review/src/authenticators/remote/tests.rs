//! What an active introspection response must contain.

use login_common::names::IssuerUrl;
use serde_json::{Value, json};

use super::*;
use crate::{
    ClaimMapping, Guard, IntrospectionRules, PrefixedClaim, RemoteRules,
    decide::decide,
    plan::{Plan, plan},
    revocations::{Revocation, Revocations, Revoked},
};

const NOW: i64 = 1_769_860_800;
const ISSUER: &str = "https://as.example";
const ENDPOINT: &str = "https://as.example/introspect";

fn rules() -> IntrospectionRules {
    IntrospectionRules {
        issuer: Some(IssuerUrl::parse(ISSUER).unwrap()),
        audiences: vec!["cluster".to_owned(), "cluster2".to_owned()],
        required_scopes: vec!["kube".to_owned()],
    }
}

fn policy_of(name: &str, rules: IntrospectionRules) -> Policy {
    let claim = |claim: &str, prefix: &str| PrefixedClaim {
        claim: claim.to_owned(),
        prefix: prefix.to_owned(),
    };
    let authenticator = RemoteAuthenticator {
        name: IssuerUrl::parse(name).unwrap(),
        token_prefix: String::new(),
        rules: RemoteRules::Introspection(rules),
        mapping: ClaimMapping::of_claims(claim("username", "as:"), Some(claim("groups", ""))),
    };
    Policy::new(Vec::new(), Guard::default()).with_remotes(vec![authenticator])
}

fn policy() -> Policy {
    policy_of(ISSUER, rules())
}

/// A valid response, with `changes` merged into it; null removes a member.
fn answer(changes: &Value) -> Statement {
    let mut answer = json!({"active": true, "iss": ISSUER, "sub": "42", "username": "jane",
        "aud": "cluster", "scope": "openid kube", "groups": ["dev"], "token_type": "Bearer",
        "iat": NOW - 10, "exp": NOW + 60});
    for (name, value) in changes.as_object().unwrap() {
        if value.is_null() {
            answer.as_object_mut().unwrap().remove(name);
        } else {
            answer[name] = value.clone();
        }
    }
    Statement::Valid(Claims::parse(answer.to_string().as_bytes()).unwrap())
}

fn judge(policy: &Policy, answer: &Statement) -> Verdict {
    let now = UnixTime::from_seconds(NOW);
    let Plan::Judge(token) = plan(policy, "opaque", now) else { panic!("an opaque token") };
    let (index, shown) = token.remote().unwrap();
    assert_eq!(shown, "opaque");
    let audiences = AudienceRequest { requested: &[], api_audiences: None };
    let nothing = decide(policy, &token, &Evidence::default(), audiences, now);
    assert_eq!(nothing, Decision::Need(Need::Statement(index)));
    let evidence = Evidence { statement: Some(answer), ..Evidence::default() };
    match decide(policy, &token, &evidence, audiences, now) {
        Decision::Verdict(verdict) => verdict,
        Decision::Need(need) => panic!("{need:?}"),
    }
}

fn outcome(policy: &Policy, changes: &Value) -> String {
    match judge(policy, &answer(changes)) {
        Verdict::Accepted { identity, .. } => identity.username,
        Verdict::Refused(reason) => reason.as_str().to_owned(),
        Verdict::CannotTell(outage) => outage.as_str().to_owned(),
    }
}

#[test]
fn an_active_answer_names_the_user() {
    let policy = policy();
    let Verdict::Accepted { identity, expires_at, .. } = judge(&policy, &answer(&json!({}))) else {
        panic!("a good answer");
    };
    assert_eq!(identity.username, "as:jane");
    assert_eq!(identity.uid, "https://as.example#42");
    assert_eq!(identity.groups, ["dev"]);
    assert_eq!(expires_at, UnixTime::from_seconds(NOW + 60));
    assert_eq!(judge(&policy, &Statement::Invalid), Verdict::Refused(Reason::Inactive));
}

#[test]
fn active_alone_is_not_enough() {
    let policy = policy();
    for (changes, expected) in [
        (json!({"iss": null}), "as:jane"),
        (json!({"iss": "https://as.example/"}), "foreign_issuer"),
        (json!({"iss": 7}), "foreign_issuer"),
        (json!({"aud": ["other", "cluster2"]}), "as:jane"),
        (json!({"aud": "other"}), "wrong_audience"),
        (json!({"aud": null}), "wrong_audience"),
        (json!({"aud": []}), "wrong_audience"),
        (json!({"aud": 7}), "claims"),
        (json!({"scope": "kube"}), "as:jane"),
        (json!({"scope": "kubernetes"}), "missing_scope"),
        (json!({"scope": "KUBE"}), "missing_scope"),
        (json!({"scope": null}), "missing_scope"),
        (json!({"scope": ["kube"]}), "missing_scope"),
        (json!({"exp": null}), "as:jane"),
        (json!({"exp": NOW}), "expired"),
        (json!({"exp": NOW + 1}), "as:jane"),
        (json!({"exp": "never"}), "claims"),
        (json!({"nbf": NOW + 60}), "as:jane"),
        (json!({"nbf": NOW + 61}), "not_yet_valid"),
        (json!({"iat": NOW + 61}), "issued_in_future"),
        (json!({"token_type": null}), "as:jane"),
        (json!({"token_type": "bearer"}), "as:jane"),
        (json!({"token_type": "DPoP"}), "token_type"),
        (json!({"token_type": "refresh_token"}), "token_type"),
        (json!({"token_use": "refresh_token"}), "token_type"),
        (json!({"typ": "Refresh"}), "token_type"),
        (json!({"typ": "Bearer"}), "as:jane"),
        (json!({"cnf": {"jkt": "x"}}), "token_type"),
        (json!({"username": null}), "missing_username"),
        (json!({"sub": null}), "as:jane"),
        (json!({"sub": 5}), "missing_subject"),
        (json!({"groups": ["system:masters"]}), "reserved_group"),
    ] {
        assert_eq!(outcome(&policy, &changes), expected, "{changes}");
    }
}

#[test]
fn without_a_configured_issuer_any_or_none_is_named_and_the_endpoint_makes_the_uid() {
    let nameless = IntrospectionRules { issuer: None, required_scopes: Vec::new(), ..rules() };
    let policy = policy_of(ENDPOINT, nameless);
    for changes in [json!({}), json!({"iss": null, "scope": null})] {
        let Verdict::Accepted { identity, .. } = judge(&policy, &answer(&changes)) else {
            panic!("{changes}");
        };
        assert_eq!(identity.uid, format!("{ENDPOINT}#42"));
    }
}

#[test]
fn revocations_reach_introspected_tokens() {
    let entry = |what| {
        let revoked = Revocation { what, expires_at: None, reason: None };
        policy().with_revocations(Revocations::new(vec![revoked]))
    };
    let by_id = Revoked::Token { issuer: Some(ISSUER.into()), id: "7".to_owned() };
    assert_eq!(outcome(&entry(by_id.clone()), &json!({"jti": "7"})), "revoked");
    assert_eq!(outcome(&entry(by_id.clone()), &json!({"jti": "7", "iss": null})), "revoked");
    assert_eq!(outcome(&entry(by_id), &json!({"jti": "8"})), "as:jane");

    // Without a configured issuer the response may name one or not, and so may the entry.
    let unnamed = policy_of(ENDPOINT, IntrospectionRules { issuer: None, ..rules() });
    for (entry_issuer, answer_issuer, expected) in [
        (ENDPOINT, json!(ISSUER), "revoked"),
        (ENDPOINT, Value::Null, "revoked"),
        (ISSUER, json!(ISSUER), "revoked"),
        (ISSUER, Value::Null, "as:jane"),
        ("https://other.example", json!(ISSUER), "as:jane"),
    ] {
        let what = Revoked::Token { issuer: Some(entry_issuer.into()), id: "7".to_owned() };
        let revoked = Revocation { what, expires_at: None, reason: None };
        let policy = unnamed.clone().with_revocations(Revocations::new(vec![revoked]));
        let found = outcome(&policy, &json!({"jti": "7", "iss": answer_issuer}));
        assert_eq!(found, expected, "{entry_issuer} {answer_issuer}");
    }
}
