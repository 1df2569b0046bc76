//! Tables of claims, expressions and the resulting users; and users that no claims may produce.

use login_common::Identity;
use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::*;
use crate::{
    authenticators::jwt::identify,
    claims::rules::RequiredClaim,
    claims::{
        mapping::{ClaimMapping, ExtraMapping, PrefixedClaim, SessionClaim, Source, UidSource},
        rules::Rule,
    },
    guard::{Guard, MAX_EXTRA_KEYS, MAX_EXTRA_LENGTH, MAX_GROUPS, MAX_UID_LENGTH},
    policy::IssuerPolicy,
};

const ISSUER: &str = "https://id.example.com";

fn over_claims(source: &str) -> Expression {
    Expression::over_claims(source).unwrap_or_else(|error| panic!("{source}: {error}"))
}

fn policy() -> IssuerPolicy {
    let sub = PrefixedClaim { claim: "sub".to_owned(), prefix: String::new() };
    let issuer = login_common::names::IssuerUrl::parse(ISSUER).unwrap();
    IssuerPolicy::new(issuer, vec!["k".to_owned()], ClaimMapping::of_claims(sub, None))
}

fn extra(key: &str, source: &str) -> ExtraMapping {
    ExtraMapping { key: key.to_owned(), values: over_claims(source) }
}

fn rule(expression: Expression) -> Rule {
    Rule { expression, message: "for the log".to_owned() }
}

fn identify_json(policy: &IssuerPolicy, claims: &Json) -> Result<Identity, Reason> {
    let claims = Claims::parse(claims.to_string().as_bytes()).unwrap();
    identify(policy, &Guard::default(), &claims, &mut Allowance::default())
}

#[test]
fn a_username_by_expression_is_a_text_with_content() {
    let mut policy = policy();
    policy.mapping.username = Source::Expression(over_claims("claims.name"));
    let name = |value: Json| {
        identify_json(&policy, &json!({"sub": "42", "name": value})).map(|user| user.username)
    };
    assert_eq!(name(json!("jane")), Ok("jane".to_owned()));
    assert_eq!(name(json!("")), Err(Reason::MissingUsername));
    for misfit in [json!(null), json!(5), json!(true), json!(["jane"]), json!({"a": "b"})] {
        assert_eq!(name(misfit.clone()), Err(Reason::Expression), "{misfit}");
    }
    let missing = identify_json(&policy, &json!({"sub": "42"}));
    assert_eq!(missing, Err(Reason::Expression));
    assert_eq!(name(json!("system:admin")), Err(Reason::ReservedUsername));
    policy.mapping.username = Source::Expression(over_claims("'system:' + claims.name"));
    let completed = identify_json(&policy, &json!({"sub": "42", "name": "x"}));
    assert_eq!(completed, Err(Reason::ReservedUsername), "the guard looks last");
}

// W20
#[test]
fn groups_by_expression_are_texts_without_blanks_and_doubles() {
    let mut policy = policy();
    policy.mapping.groups = Some(Source::Expression(over_claims("claims.g")));
    let groups = |value: Json| {
        identify_json(&policy, &json!({"sub": "42", "g": value})).map(|user| user.groups.join(","))
    };
    for none in [json!(null), json!(""), json!([]), json!(["", ""])] {
        assert_eq!(groups(none.clone()), Ok(String::new()), "{none}");
    }
    assert_eq!(groups(json!("dev")), Ok("dev".to_owned()));
    assert_eq!(groups(json!(["b", "", "a", "b"])), Ok("b,a".to_owned()));
    for misfit in [json!(1), json!(true), json!({"a": "b"}), json!(["a", 1]), json!([null])] {
        assert_eq!(groups(misfit.clone()), Err(Reason::Expression), "{misfit}");
    }
    assert_eq!(groups(json!(["system:masters"])), Err(Reason::ReservedGroup));
    let many: Vec<String> = (0..=MAX_GROUPS).map(|n| n.to_string()).collect();
    assert_eq!(groups(json!(many)), Err(Reason::TooManyGroups));
    policy.mapping.groups =
        Some(Source::Expression(over_claims("dyn(claims.?roles.orValue([])).map(r, 'r:' + r)")));
    let found = identify_json(&policy, &json!({"sub": "42", "roles": ["a", "b"]}));
    assert_eq!(found.unwrap().groups, ["r:a", "r:b"]);
    assert_eq!(identify_json(&policy, &json!({"sub": "42"})).unwrap().groups, [""; 0]);
}

// W41
#[test]
fn a_uid_by_expression_is_a_text_that_may_be_empty() {
    let mut policy = policy();
    policy.mapping.uid = Some(UidSource::Expression(over_claims("claims.?oid.orValue('')")));
    let uid = |claims: Json| identify_json(&policy, &claims).map(|user| user.uid);
    assert_eq!(uid(json!({"sub": "42", "oid": "o-1"})), Ok("o-1".to_owned()));
    assert_eq!(uid(json!({"sub": "42"})), Ok(String::new()));
    assert_eq!(uid(json!({"sub": "42", "oid": 1})), Err(Reason::Expression));
    let long = "x".repeat(MAX_UID_LENGTH + 1);
    assert_eq!(uid(json!({"sub": "42", "oid": long})), Err(Reason::UnusableExtra));
}

// W19, W40
#[test]
fn extra_holds_what_has_values_beside_the_credential() {
    let mut policy = policy();
    policy.mapping.extra =
        vec![extra("example.com/tenant", "claims.t"), extra("example.com/sub", "claims.sub")];
    let found = |value: Json| {
        identify_json(&policy, &json!({"sub": "42", "t": value, "jti": "7"}))
            .map(|user| user.extra.get("example.com/tenant").map(|values| values.join(",")))
    };
    assert_eq!(found(json!("a")), Ok(Some("a".to_owned())));
    assert_eq!(found(json!(["a", "", "a"])), Ok(Some("a,a".to_owned())), "values may repeat");
    for none in [json!(null), json!(""), json!([]), json!([""])] {
        assert_eq!(found(none.clone()), Ok(None), "{none}");
    }
    for misfit in [json!(1), json!({"a": "b"}), json!([1])] {
        assert_eq!(found(misfit.clone()), Err(Reason::Expression), "{misfit}");
    }
    assert_eq!(found(json!("a\nb")), Err(Reason::UnusableExtra));
    let user = identify_json(&policy, &json!({"sub": "42", "t": "", "jti": "7"})).unwrap();
    let keys: Vec<&str> = user.extra.keys().map(String::as_str).collect();
    assert_eq!(keys, ["authentication.kubernetes.io/credential-id", "example.com/sub"]);
}

#[test]
fn every_rule_over_the_claims_must_hold() {
    let outcome = |sources: &[&str], claims: Json| {
        let mut policy = policy();
        policy.claim_rules = sources.iter().map(|source| rule(over_claims(source))).collect();
        identify_json(&policy, &claims).map(|user| user.username)
    };
    let claims = json!({"sub": "42", "hd": "example.com", "exp": 20, "nbf": 10});
    let good = ["claims.hd == 'example.com'", "claims.exp - claims.nbf <= 10"];
    assert_eq!(outcome(&good, claims.clone()), Ok("42".to_owned()));
    assert_eq!(outcome(&["true", "claims.hd == 'x'"], claims.clone()), Err(Reason::ClaimRule));
    assert_eq!(outcome(&["claims.missing == 'x'"], claims.clone()), Err(Reason::Expression));
    assert_eq!(outcome(&["claims.hd > 5"], claims), Err(Reason::Expression), "no such overload");
}

#[test]
fn rules_over_the_user_see_what_was_mapped() {
    let outcome = |source: &str| {
        let mut policy = policy();
        policy.mapping.groups = Some(Source::Expression(over_claims("claims.g")));
        policy.mapping.extra = vec![extra("example.com/tenant", "claims.t")];
        policy.user_rules = vec![rule(Expression::over_user(source).unwrap())];
        let claims = json!({"sub": "42", "g": ["a", "b"], "t": "x", "jti": "7"});
        identify_json(&policy, &claims).map(|user| user.username)
    };
    let yes = Ok("42".to_owned());
    for source in [
        "user.username == '42'",
        "user.uid == 'https://id.example.com#42'",
        "user.groups == ['a', 'b']",
        "user.groups.all(group, !group.startsWith('system:'))",
        "user.extra['example.com/tenant'] == ['x']",
        "user.extra['authentication.kubernetes.io/credential-id'][0] == 'JTI=7'",
        "has(user.uid) && has(user.extra) && size(user.extra) == 2",
        "user.extra.example__dot__com__slash__tenant[0] == 'x'",
        "has(user.extra.example__dot__com__slash__tenant)",
        "user.extra.?example__dot__com__slash__tenant.hasValue()",
    ] {
        assert_eq!(outcome(source), yes, "{source}");
    }
    assert_eq!(outcome("user.username != '42'"), Err(Reason::UserRule));
    let blocked = "!has(user.extra.example__dot__com__slash__tenant)";
    assert_eq!(outcome(blocked), Err(Reason::UserRule));
    assert_eq!(outcome("user.groups[7] == 'a'"), Err(Reason::Expression));
    assert_eq!(outcome("user.extra['nothing'] == []"), Err(Reason::Expression));
}

/// kube-apiserver's order decides which reason is logged.
#[test]
fn names_come_before_required_claims_and_these_before_rules() {
    let mut policy = policy();
    policy.mapping.groups = Some(Source::Expression(over_claims("claims.g")));
    policy.required_claims = vec![RequiredClaim { claim: "hd".to_owned(), value: "a".to_owned() }];
    policy.claim_rules = vec![rule(over_claims("claims.sub == '1'"))];
    policy.user_rules = vec![rule(Expression::over_user("user.username == '2'").unwrap())];
    for (claims, expected) in [
        (json!({}), Reason::MissingUsername),
        (json!({"sub": "1"}), Reason::Expression),
        (json!({"sub": "3", "g": []}), Reason::RequiredClaim),
        (json!({"sub": "3", "g": [], "hd": "a"}), Reason::ClaimRule),
        (json!({"sub": "1", "g": [], "hd": "a"}), Reason::UserRule),
    ] {
        assert_eq!(identify_json(&policy, &claims), Err(expected), "{claims}");
    }
}

#[test]
fn the_operator_is_told_which_expression_said_no_and_why() {
    let mut policy = policy();
    policy.mapping.groups = Some(Source::Expression(over_claims("claims.g")));
    policy.mapping.extra = vec![extra("a.b/c", "claims.t")];
    policy.claim_rules = vec![rule(over_claims("claims.sub != 'x'"))];
    policy.user_rules = vec![rule(Expression::over_user("user.username != 'y'").unwrap())];
    for (claims, expected) in [
        (json!({"sub": "1", "t": ""}), Some("groups: `claims.g`: no such key: `g`")),
        (
            json!({"sub": "1", "g": 5, "t": ""}),
            Some("groups: `claims.g`: gives neither a string nor a list of strings"),
        ),
        (json!({"sub": "1", "g": []}), Some("extra `a.b/c`: `claims.t`: no such key: `t`")),
        (
            json!({"sub": "x", "g": [], "t": ""}),
            Some("claimValidationRules: `claims.sub != 'x'`: for the log"),
        ),
        (
            json!({"sub": "y", "g": [], "t": ""}),
            Some("userValidationRules: `user.username != 'y'`: for the log"),
        ),
        (json!({"sub": "z", "g": [], "t": ""}), None),
        (
            json!({"g": [], "t": ""}),
            Some("claimValidationRules: `claims.sub != 'x'`: no such key: `sub`"),
        ),
    ] {
        let claims = Claims::parse(claims.to_string().as_bytes()).unwrap();
        let found = policy.refusing_expression(&claims);
        assert_eq!(found.as_ref().map(|found| found.said.as_str()), expected);
        let is_rule = found.map(|found| found.is_rule);
        assert_eq!(is_rule, expected.map(|said| said.contains("ValidationRules")));
    }
}

#[test]
fn the_operator_is_told_which_required_claim_is_not_there_and_what_it_is() {
    let mut policy = policy();
    let required = |claim: &str, value: &str| RequiredClaim {
        claim: claim.to_owned(),
        value: value.to_owned(),
    };
    policy.required_claims = vec![required("hd", "a"), required("email_verified", "true")];
    for (claims, expected) in [
        (json!({"hd": "a", "email_verified": "true"}), None),
        (json!({"email_verified": "true"}), Some("`hd` must be the text `a`, and is missing")),
        (json!({"hd": "secret"}), Some("`hd` must be the text `a`, and is another text")),
        (json!({"hd": null}), Some("`hd` must be the text `a`, and is null")),
        (
            json!({"hd": ["a"]}),
            Some(
                "`hd` must be the text `a`, and is a list, which `expression: \"a\" in claims.hd` \
                  asks for",
            ),
        ),
        (
            json!({"hd": "a", "email_verified": true}),
            Some(
                "`email_verified` must be the text `true`, and is a boolean, which `expression: \
                  claims.email_verified == true` asks for",
            ),
        ),
    ] {
        let claims = Claims::parse(claims.to_string().as_bytes()).unwrap();
        assert_eq!(policy.refusing_claim(&claims).as_deref(), expected);
    }
}

#[test]
fn claims_taken_for_a_map_are_found_and_refuse_every_token() {
    let claims = json!({"sub": "1", "groups": ["a"]});
    let claims = Claims::parse(claims.to_string().as_bytes()).unwrap();
    for (source, expected) in [
        ("'groups' in claims", Some("in")),
        ("!('groups' in claims)", Some("in")),
        ("claims.sub == '1' && 'groups' in claims", Some("in")),
        ("size(claims) > 0", Some("size")),
        ("claims.size() > 0", Some("size")),
        ("claims.all(value, value != 'x')", None),
        ("'a' in claims.groups", None),
        ("size(claims.groups) == 1", None),
        ("has(claims.groups)", None),
        ("claims[?'groups'].hasValue()", None),
        ("claims[?'groups'].orValue(['a']).size() == 1", None),
    ] {
        let expression = over_claims(source);
        assert_eq!(expression.takes_claims_for_a_map(), expected, "{source}");
        let value = expression.of_claims(&claims, &mut Allowance::default());
        let is_true = matches!(value, Ok(Value::Bool(true)));
        assert_eq!(is_true, expected.is_none(), "{source}: {value:?}");
    }
}

#[test]
fn a_claim_is_needed_only_where_no_other_can_take_its_place() {
    for (source, expected) in [
        ("claims.a == 'x'", Some("a")),
        ("claims.a + claims.b", Some("a")),
        // Its error does not name the claim.
        ("claims[\"a-b\"] == 'x'", None),
        ("claims.email_verified == true && claims.hd == 'x'", Some("email_verified")),
        ("has(claims.a) && claims.b == 'x'", None),
        ("has(claims.groups_direct) ? claims.groups_direct : [claims.namespace_path]", None),
        ("claims.?groups_direct.orValue([claims.namespace_path])", None),
        ("has(claims.preferred_username) ? claims.preferred_username : claims.email", None),
        ("has(claims.x) ? claims.y + 'a' : claims.y + 'b'", Some("y")),
        ("claims.sub + claims.?a.orValue('')", None),
    ] {
        assert_eq!(over_claims(source).fails_without().as_deref(), expected, "{source}");
    }
}

#[test]
fn one_expression_and_all_of_a_token_together_have_a_bound() {
    let items: Vec<u32> = (0..150).collect();
    let claims = json!({"sub": "42", "l": items});
    // Two nested loops over 150 elements: some 250 000 units.
    let much = "dyn(claims.l).all(a, dyn(claims.l).all(b, a + b >= 0.0 && a + b < 1000.0))";
    let more = "dyn(claims.l).all(a, dyn(claims.l).all(b, dyn(claims.l).all(c, a + b + c >= 0.0)))";
    let with = |rules: usize, source: &str| {
        let mut policy = policy();
        policy.claim_rules = vec![rule(over_claims(source)); rules];
        identify_json(&policy, &claims).map(|user| user.username)
    };
    assert_eq!(with(1, more), Err(Reason::ExpressionCost));
    assert_eq!(with(4, much), Ok("42".to_owned()));
    assert_eq!(with(64, much), Err(Reason::ExpressionCost));
    assert_eq!(with(64, "claims.sub == '42'"), Ok("42".to_owned()));
}

#[test]
fn lists_that_share_a_long_text_are_not_copied_without_a_bound() {
    let outcome = |groups: &str, values: &str| {
        let mut policy = policy();
        policy.mapping.groups = Some(Source::Expression(over_claims(groups)));
        policy.mapping.extra = vec![extra("a.b/c", values)];
        let claims = json!({"sub": "42", "bio": "x".repeat(4000)});
        identify_json(&policy, &claims).map(|user| user.extra["a.b/c"].len())
    };
    let many = "lists.range(5000).map(i, claims.bio)";
    assert_eq!(outcome(many, "'x'"), Err(Reason::ExpressionCost));
    assert_eq!(outcome("[]", many), Err(Reason::ExpressionCost));
    assert_eq!(outcome("[]", "lists.range(8).map(i, claims.bio)"), Ok(8));
    assert_eq!(outcome("lists.range(3000).map(i, string(i % 1000))", "'x'"), Ok(1));
}

#[test]
fn neither_debug_nor_reason_shows_a_claim() {
    let expression = over_claims("claims.a == 'x'");
    assert_eq!(format!("{expression:?}"), r#"Expression("claims.a == 'x'")"#);
    let secret = "jane@example.com";
    let claims = Claims::parse(json!({"a": {"b": secret}}).to_string().as_bytes()).unwrap();
    let failing = over_claims("claims.a.b.c == 1");
    let reason = failing.of_claims(&claims, &mut Allowance::default()).unwrap_err();
    assert!(!reason.to_string().contains(secret));
}

/// Claims of any JSON type, with strings close to the reserved prefix.
fn any_json() -> impl Strategy<Value = Json> {
    let text = prop_oneof![
        Just("system:masters".to_owned()),
        Just(":masters".to_owned()),
        Just("\0".to_owned()),
        "(s|sy|sys|system|system:|System:)?[a-z:\u{200b} ]{0,8}",
        any::<String>(),
        (500_usize..3000).prop_map(|length| "x".repeat(length)),
    ];
    let leaf = prop_oneof![
        6 => text.prop_map(Json::String),
        1 => Just(Json::Null),
        1 => any::<bool>().prop_map(Json::Bool),
        1 => any::<i64>().prop_map(|number| json!(number)),
    ];
    leaf.prop_recursive(3, 24, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Json::Array),
            prop::collection::btree_map("[a-z]{1,4}", inner, 0..4)
                .prop_map(|map| Json::Object(map.into_iter().collect())),
        ]
    })
}

fn any_source() -> impl Strategy<Value = Source> {
    let expression = prop::sample::select(vec![
        "claims.a",
        "claims['b']",
        "'system' + ':' + claims.a",
        "claims.?a.orValue('system:') + claims.?b.orValue('masters')",
        "dyn(claims.b).map(x, 'system:' + x)",
        "[claims.a, claims.b]",
        "has(claims.a) ? claims.a : claims.b",
        "claims.a + claims.b",
        "claims.map(k, k)",
        "dyn(claims.b).filter(x, x != 'system:masters')",
    ]);
    let claim = (prop::sample::select(vec!["a", "b"]), "(|s|sy|system|system:|oidc:)");
    prop_oneof![
        expression.prop_map(|source| Source::Expression(over_claims(source))),
        claim.prop_map(|(claim, prefix)| PrefixedClaim { claim: claim.to_owned(), prefix }.into()),
    ]
}

proptest! {
    // W17: the guard checks the combined result of claims, prefixes and expressions last.
    #[test]
    fn no_claims_ever_make_a_reserved_an_empty_or_an_unbounded_user(
        a in any_json(),
        b in any_json(),
        sub in any_json(),
        username in any_source(),
        groups in any_source(),
        uid in any_source(),
        values in any_source(),
    ) {
        let mut policy = policy();
        policy.mapping.username = username;
        policy.mapping.groups = Some(groups);
        policy.mapping.uid = match uid {
            Source::Claim(claim) if claim.prefix.is_empty() => None,
            Source::Claim(claim) => Some(UidSource::Claim(claim.claim)),
            Source::Expression(expression) => Some(UidSource::Expression(expression)),
        };
        if let Source::Expression(values) = values {
            policy.mapping.extra = vec![ExtraMapping { key: "a.b/c".to_owned(), values }];
        }
        policy.mapping.session =
            Some(SessionClaim { claim: "a".to_owned(), extra_key: "a.b/session".to_owned() });
        let claims = json!({"a": a, "b": b, "sub": sub, "jti": b});
        if let Ok(user) = identify_json(&policy, &claims) {
            let is_usable = |name: &str, most: usize| {
                !name.starts_with("system:")
                    && !name.trim().is_empty()
                    && name.len() <= most
                    && !name.contains(char::is_control)
            };
            prop_assert!(is_usable(&user.username, 1024), "{:?}", user.username);
            prop_assert!(user.groups.iter().all(|group| is_usable(group, 512)));
            prop_assert!(user.groups.len() <= MAX_GROUPS);
            prop_assert!(user.uid.len() <= MAX_UID_LENGTH && !user.uid.contains(char::is_control));
            prop_assert!(user.extra.len() <= MAX_EXTRA_KEYS);
            let length: usize = user.extra.values().flatten().map(String::len).sum();
            prop_assert!(length <= MAX_EXTRA_LENGTH);
            for (key, values) in &user.extra {
                let is_ours = key == "authentication.kubernetes.io/credential-id";
                prop_assert!(is_ours || !key.contains("kubernetes.io"));
                prop_assert!(!values.iter().any(|value| value.contains(char::is_control)));
            }
        }
    }
}
