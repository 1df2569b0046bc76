//! Tables of claims and the resulting users.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::{authenticators::jwt::identify, guard::Guard, policy::IssuerPolicy};

fn claims(value: &Value) -> Claims {
    Claims::parse(value.to_string().as_bytes()).unwrap()
}

fn prefixed(claim: &str, prefix: &str) -> PrefixedClaim {
    PrefixedClaim { claim: claim.to_owned(), prefix: prefix.to_owned() }
}

fn mapping(username: &str) -> ClaimMapping {
    ClaimMapping::of_claims(prefixed(username, "oidc:"), Some(prefixed("groups", "oidc:")))
}

fn issuer() -> IssuerUrl {
    IssuerUrl::parse("https://id.example.com").unwrap()
}

fn identity(mapping: &ClaimMapping, value: &Value) -> Result<Identity, Reason> {
    mapping.identity(&issuer(), &claims(value))
}

// W03, W41
#[test]
fn claims_become_a_user_with_a_uid_that_outlives_the_name() {
    let value = json!({"sub": "42", "email": "jane@example.com", "email_verified": true,
        "groups": ["dev", "ops"], "jti": "7f"});
    let identity = identity(&mapping("email"), &value).unwrap();
    assert_eq!(identity.username, "oidc:jane@example.com");
    assert_eq!(identity.uid, "https://id.example.com#42");
    assert_eq!(identity.groups, ["oidc:dev", "oidc:ops"]);
    // W19
    let extra: Vec<_> = identity.extra.into_iter().collect();
    assert_eq!(
        extra,
        [("authentication.kubernetes.io/credential-id".to_owned(), vec!["JTI=7f".to_owned()])]
    );
}

// W18
#[test]
fn a_username_must_be_a_text_with_content_whatever_the_prefix() {
    for value in [json!(null), json!(""), json!(5), json!(["a"]), json!({"a": "b"}), json!(true)] {
        let found = identity(&mapping("name"), &json!({"sub": "42", "name": value}));
        assert_eq!(found, Err(Reason::MissingUsername), "{value}");
    }
    let absent = json!({"sub": "42", "Name": "a", "nested": {"name": "a"}});
    assert_eq!(identity(&mapping("name"), &absent), Err(Reason::MissingUsername));
}

#[test]
fn an_address_is_a_username_only_if_its_issuer_does_not_doubt_it() {
    let of = |verified: Option<Value>| {
        let mut value = json!({"sub": "42", "email": "a@example.com"});
        if let (Some(verified), Some(map)) = (verified, value.as_object_mut()) {
            map.insert("email_verified".to_owned(), verified);
        }
        identity(&mapping("email"), &value).map(|identity| identity.username)
    };
    assert_eq!(of(None), Ok("oidc:a@example.com".to_owned()));
    assert_eq!(of(Some(json!(true))), Ok("oidc:a@example.com".to_owned()));
    for doubted in [json!(false), json!("true"), json!(1), json!(null)] {
        assert_eq!(of(Some(doubted.clone())), Err(Reason::EmailNotVerified), "{doubted}");
    }
}

// W20
#[test]
fn groups_are_one_text_or_a_list_without_blanks_and_doubles() {
    let groups = |value: Value| {
        identity(&mapping("sub"), &json!({"sub": "42", "groups": value}))
            .map(|identity| identity.groups.join(","))
    };
    assert_eq!(groups(json!(null)), Ok(String::new()));
    assert_eq!(groups(json!("")), Ok(String::new()));
    assert_eq!(groups(json!([])), Ok(String::new()));
    assert_eq!(groups(json!("dev")), Ok("oidc:dev".to_owned()));
    assert_eq!(groups(json!("dev,ops")), Ok("oidc:dev,ops".to_owned()));
    assert_eq!(groups(json!(["b", "", "a", "b"])), Ok("oidc:b,oidc:a".to_owned()));
    assert_eq!(groups(json!([null])), Ok(String::new()));
    assert_eq!(groups(json!(["b", null, "a"])), Ok("oidc:b,oidc:a".to_owned()));
    for misfit in [json!(1), json!(true), json!({"dev": true}), json!(["dev", 1]), json!([[]])] {
        assert_eq!(groups(misfit.clone()), Err(Reason::GroupsShape), "{misfit}");
    }
    let many: Vec<String> = (0..=MAX_GROUPS).map(|n| n.to_string()).collect();
    assert_eq!(groups(json!(many)), Err(Reason::TooManyGroups));
    let none = ClaimMapping { groups: None, ..mapping("sub") };
    let found = identity(&none, &json!({"sub": "42", "groups": ["dev"]})).unwrap();
    assert!(found.groups.is_empty());
}

#[test]
fn groups_kept_elsewhere_are_not_taken_for_no_groups() {
    let elsewhere = json!({"sub": "42", "_claim_names": {"groups": "src1"},
        "_claim_sources": {"src1": {"endpoint": "https://graph.example.com"}}});
    assert_eq!(identity(&mapping("sub"), &elsewhere), Err(Reason::GroupsElsewhere));
    let here = json!({"sub": "42", "groups": "dev", "_claim_names": {"groups": "src1"}});
    assert_eq!(identity(&mapping("sub"), &here).unwrap().groups, ["oidc:dev"]);
    let others = json!({"sub": "42", "_claim_names": {"address": "src1"}});
    assert_eq!(identity(&mapping("sub"), &others).unwrap().groups, [""; 0]);
}

// W41
#[test]
fn a_uid_is_the_configured_claim_or_issuer_and_subject_and_empty_where_kube_apiserver_has_none() {
    let configured =
        ClaimMapping { uid: Some(UidSource::Claim("oid".to_owned())), ..mapping("name") };
    let found = identity(&configured, &json!({"name": "a", "oid": "o-1"})).unwrap();
    assert_eq!(found.uid, "o-1");
    for empty in [json!({"name": "a", "oid": ""}), json!({"name": "a", "oid": null})] {
        let found = identity(&configured, &empty).unwrap();
        assert_eq!((found.username.as_str(), found.uid.as_str()), ("oidc:a", ""), "{empty}");
    }
    for misfit in [json!({"name": "a"}), json!({"name": "a", "oid": 1})] {
        assert_eq!(identity(&configured, &misfit), Err(Reason::MissingUid), "{misfit}");
    }
    for empty in
        [json!({"name": "a"}), json!({"name": "a", "sub": ""}), json!({"name": "a", "sub": null})]
    {
        let found = identity(&mapping("name"), &empty).unwrap();
        assert_eq!((found.username.as_str(), found.uid.as_str()), ("oidc:a", ""), "{empty}");
    }
    let number = json!({"name": "a", "sub": 1});
    assert_eq!(identity(&mapping("name"), &number), Err(Reason::MissingSubject));
}

// W19
#[test]
fn extra_joins_the_audit_logs_and_holds_only_what_fits_a_header() {
    let session = SessionClaim { claim: "sid".to_owned(), extra_key: "example.com/sid".to_owned() };
    let mapping = ClaimMapping { session: Some(session), ..mapping("sub") };
    let extra = |value: Value| identity(&mapping, &value).unwrap().extra;
    let both = extra(json!({"sub": "42", "jti": "7f", "sid": "s-1"}));
    assert_eq!(both.get(CREDENTIAL_ID_KEY), Some(&vec!["JTI=7f".to_owned()]));
    assert_eq!(both.get("example.com/sid"), Some(&vec!["s-1".to_owned()]));
    for misfit in
        [json!(1), json!(""), json!("a\nb"), json!("7f "), json!(["7f"]), json!("x".repeat(1025))]
    {
        let found = extra(json!({"sub": "42", "jti": misfit, "sid": misfit}));
        assert!(found.is_empty(), "{misfit}");
    }
}

/// Claim values close to the reserved prefix, and any others.
fn any_claim() -> impl Strategy<Value = Value> {
    let name = prop_oneof![
        Just("system:masters".to_owned()),
        Just("masters".to_owned()),
        Just("stem:masters".to_owned()),
        Just(":masters".to_owned()),
        "(s|sy|sys|system|system:|System:)?[a-z:\u{200b} ]{0,8}",
        any::<String>(),
    ];
    let text = name.prop_map(Value::String).boxed();
    prop_oneof![
        4 => text.clone(),
        4 => prop::collection::vec(text.clone(), 0..4).prop_map(Value::Array),
        1 => Just(Value::Null),
        1 => any::<i64>().prop_map(|number| json!(number)),
        1 => text.prop_map(|text| json!({"a": text})),
    ]
}

proptest! {
    // W17: a prefix may turn a harmless claim into a reserved name; the guard checks last.
    #[test]
    fn no_claims_ever_make_a_reserved_name(
        name in any_claim(),
        groups in any_claim(),
        name_prefix in "(|s|sy|system|system:|oidc:)",
        group_prefix in "(|s|sy|system|system:|oidc:)",
    ) {
        let (name_source, group_source) =
            (prefixed("name", &name_prefix), prefixed("groups", &group_prefix));
        let mapping = ClaimMapping::of_claims(name_source, Some(group_source));
        let issuer = IssuerPolicy::new(issuer(), vec!["k".to_owned()], mapping);
        let value = json!({"sub": "42", "name": name, "groups": groups});
        if let Ok(identity) = identify(&issuer, &Guard::default(), &claims(&value), &mut Allowance::default()) {
            let uid_and_username = [&identity.uid, &identity.username];
            for text in identity.groups.iter().chain(uid_and_username) {
                prop_assert!(is_stable(text), "{:?}", text);
                prop_assert!(!text.to_uppercase().starts_with("SYSTEM:"), "{:?}", text);
            }
            prop_assert!(!identity.username.is_empty());
        }
    }
}
