//! The rules for `jwt[].claimMappings`, fault by fault.

use super::*;

#[test]
fn mappings_follow_the_rules_of_claim_prefix_and_expression() {
    let key = |key: &str, message: &str| format!("a.yaml:5: jwt[0].claimMappings.{key}: {message}");
    let both = "has both `claim` and `expression`";
    let stray = "belongs to `claim`, not to `expression`";
    let needed = "is required with `claim`; it may be the empty text `\"\"`";
    let sub = r#""username": {"claim": "sub", "prefix": ""}"#;
    for (mappings, expected) in [
        (String::new(), key("username", "is required")),
        (r#""username": null"#.to_owned(), key("username", "is required")),
        (r#""username": {}"#.to_owned(), key("username", NEITHER)),
        (r#""username": {"prefix": "x"}"#.to_owned(), key("username", NEITHER)),
        (r#""username": {"claim": ""}"#.to_owned(), key("username", NEITHER)),
        (r#""username": {"claim": "sub"}"#.to_owned(), key("username.prefix", needed)),
        (
            r#""username": {"claim": "sub", "prefix": null}"#.to_owned(),
            key("username.prefix", needed),
        ),
        (
            r#""username": {"claim": "a", "expression": "claims.sub", "prefix": ""}"#.to_owned(),
            key("username", both),
        ),
        (
            r#""username": {"expression": "claims.sub", "prefix": ""}"#.to_owned(),
            key("username.prefix", stray),
        ),
        (format!(r#"{sub}, "groups": {{"claim": "g"}}"#), key("groups.prefix", needed)),
        (
            format!(r#"{sub}, "groups": {{"claim": "g", "prefix": "", "expression": "x"}}"#),
            key("groups", both),
        ),
        (format!(r#"{sub}, "uid": {{"claim": "a", "expression": "b"}}"#), key("uid", both)),
        (
            format!(r#"{sub}, "uid": {{"claim": "a", "prefix": ""}}"#),
            key("uid.prefix", "unknown key; known here: `claim`, `expression`"),
        ),
    ] {
        assert_eq!(mapping_faults(&mappings), [expected], "{mappings}");
    }
    let unset = r#""username": {"claim": "sub", "prefix": "", "expression": ""}, "groups": {},
        "uid": {}, "extra": null"#;
    let mapping = accepted(&file(ISSUER, unset, "")).issuers.remove(0).mapping;
    assert!(mapping.groups.is_none() && mapping.uid.is_none() && mapping.extra.is_empty());
    // A prefix alone has no effect, and null counts as absent.
    let odd =
        r#""username": {"expression": "claims.sub", "prefix": null}, "groups": {"prefix": "x"}"#;
    let mapping = accepted(&file(ISSUER, odd, "")).issuers.remove(0).mapping;
    assert!(mapping.groups.is_none() && mapping.username.claim().is_none());
}

// J04
#[test]
fn keys_of_extra_belong_to_a_domain_that_is_not_kubernetes_own() {
    let path = "must be a path with a domain";
    let domain = "must begin with a domain";
    let reserved = "are reserved";
    let long = |length: usize| format!("{}/x", "a".repeat(length));
    for (extra_key, message) in [
        ("example.com/tenant".to_owned(), None),
        ("a/b/c".to_owned(), None),
        ("1/2".to_owned(), None),
        ("a.b/~!$&'()*+,;=:%".to_owned(), None),
        ("notk8s.io/t".to_owned(), None),
        (long(253), None),
        (long(254), Some(domain)),
        ("tenant".to_owned(), Some(path)),
        ("/tenant".to_owned(), Some(path)),
        ("example.com/".to_owned(), Some(path)),
        ("example.com/Tenant".to_owned(), Some("must be lower case")),
        ("a_b/c".to_owned(), Some(domain)),
        ("-a/b".to_owned(), Some(domain)),
        ("a..b/c".to_owned(), Some(domain)),
        ("a.b/c d".to_owned(), Some("has a character")),
        ("a.b/ä".to_owned(), Some("has a character")),
        ("a.b/c?".to_owned(), Some("has a character")),
        ("k8s.io/t".to_owned(), Some(reserved)),
        ("x.k8s.io/t".to_owned(), Some(reserved)),
        ("kubernetes.io/t".to_owned(), Some(reserved)),
        ("authentication.kubernetes.io/credential-id".to_owned(), Some(reserved)),
        ("kubectl-login.internal/session-id".to_owned(), Some("belongs to this program")),
    ] {
        let mappings = format!(
            r#"{MAPPINGS}, "extra": [{{"key": "{extra_key}", "valueExpression": "claims.sub"}}]"#
        );
        let text = file(ISSUER, &mappings, "");
        let Some(message) = message else {
            assert_eq!(accepted(&text).issuers[0].mapping.extra[0].key, extra_key);
            continue;
        };
        let found = faults(&text);
        let begin = "a.yaml:5: jwt[0].claimMappings.extra[0].key: ";
        assert!(found.len() == 1 && found[0].starts_with(begin), "{found:?}");
        assert!(found[0].contains(message), "{found:?}");
    }
}

#[test]
fn entries_of_extra_are_whole_and_unique() {
    let entries = format!(r#"{MAPPINGS}, "extra": [{{"key": "a.b/c"}}, {{"key": "a.b/c"}}, {{}}]"#);
    assert_eq!(
        mapping_faults(&entries),
        [
            "a.yaml:5: jwt[0].claimMappings.extra[0].valueExpression: is required",
            "a.yaml:5: jwt[0].claimMappings.extra[1].key: `a.b/c` stands already above",
            "a.yaml:5: jwt[0].claimMappings.extra[1].valueExpression: is required",
            "a.yaml:5: jwt[0].claimMappings.extra[2].key: is required",
            "a.yaml:5: jwt[0].claimMappings.extra[2].valueExpression: is required",
        ]
    );
}

/// `validateClaimMappings` in kube-apiserver: where `claims.email_verified` must be used.
#[test]
fn an_address_as_username_needs_a_look_at_its_verification() {
    let sub = "claims.sub";
    let seen = "claims.email_verified ? claims.email : claims.sub";
    let text = |name: &str, extra: &str, groups: &str, uid: &str, rule: &str| {
        let mappings = format!(
            r#""username": {{"expression": '{name}'}}, "groups": {{"expression": '{groups}'}},
            "uid": {{"expression": '{uid}'}},
            "extra": [{{"key": "a.b/c", "valueExpression": '{extra}'}}]"#
        );
        file(ISSUER, &mappings, &format!("  claimValidationRules: [{{expression: '{rule}'}}]\n"))
    };
    let verified = "string(claims.email_verified)";
    for good in [
        text(sub, sub, sub, sub, "true"),
        text("claims[\"email\"]", sub, sub, sub, "true"),
        text(seen, sub, sub, sub, "true"),
        text("claims.email", verified, sub, sub, "true"),
        text("claims.email", sub, sub, sub, "claims.?email_verified.orValue(true) == true"),
        text("claims.email", sub, sub, sub, "has(claims.email_verified)"),
        // Only the username is concerned.
        text(sub, "claims.email", "claims.email", "claims.email", "claims.email != \"\""),
    ] {
        accepted(&good);
    }
    for bad in [
        text("claims.email", sub, sub, sub, "true"),
        text("claims.?email.orValue(\"\")", sub, sub, sub, "true"),
        text("has(claims.email) ? \"a\" : \"b\"", sub, sub, sub, "true"),
        text("string(claims.email)", sub, sub, sub, "true"),
        text("[claims.email][0]", sub, sub, sub, "true"),
        text("claims.email", sub, verified, sub, "true"),
        text("claims.email", sub, sub, verified, "true"),
        text("claims.email", sub, sub, sub, "claims[\"email_verified\"] == true"),
    ] {
        let found = faults(&bad);
        let begin = "a.yaml:5: jwt[0].claimMappings.username.expression: uses `claims.email`";
        assert!(found.len() == 1 && found[0].starts_with(begin), "{bad}\n{found:?}");
    }
}

#[test]
fn names_that_two_issuers_may_give_are_warned_about() {
    let warnings = |first: &str, second: &str| {
        let entry = format!(
            "- issuer: {{url: 'https://other.example', audiences: [k]}}\n  claimMappings: \
             {{username: {second}}}\n"
        );
        let text = file(ISSUER, &format!("username: {first}"), &entry);
        let found = shown(&accepted(&text).warnings);
        found.into_iter().filter(|warning| warning.contains("either issuer")).collect::<Vec<_>>()
    };
    let prefixed = |prefix: &str| format!("{{claim: sub, prefix: '{prefix}'}}");
    let expression = |text: &str| format!("{{expression: '{text}'}}");
    assert_eq!(
        warnings(&prefixed("a:"), &prefixed("a:")),
        ["a.yaml:6: jwt[1].claimMappings.username.prefix: `jwt[0]` has the same prefix `a:`: \
          either issuer can name users of the other"]
    );
    assert_eq!(
        warnings(&expression("claims.sub"), &expression("claims.sub")),
        ["a.yaml:6: jwt[1].claimMappings.username.expression: `jwt[0]` has the same expression: \
          either issuer can name users of the other"]
    );
    for (first, second) in [
        (prefixed("a:"), prefixed("b:")),
        (prefixed(""), expression("claims.sub")),
        (expression("claims.sub"), expression("\"x\" + claims.sub")),
        (expression("claims.iss + claims.sub"), expression("claims.iss + claims.sub")),
    ] {
        assert_eq!(warnings(&first, &second), [""; 0], "{first} {second}");
    }
}
