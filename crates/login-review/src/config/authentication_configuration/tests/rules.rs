//! The rules for the two lists of rules, fault by fault.

use super::*;

#[test]
fn claim_rules_are_claims_with_values_or_expressions() {
    assert_eq!(
        rule_faults(
            "  claimValidationRules:
  - claim: hd
    requiredValue: a
    message: m
  - claim: hd
  - {}
  - expression: 'claims.exp - claims.iat <= 86400'
    requiredValue: x
  - claim: a
    expression: b
  - claim: b
    requiredValue: true
  - expression: 'true'
  - expression: 'true'
  - message: m
  - expression: claims.admin
  - expression: '1 + 1'
  - expression: user.username == 'a'
"
        )
        .join("\n"),
        "a.yaml:9: jwt[0].claimValidationRules[0].message: belongs to `expression`, not to `claim`
a.yaml:10: jwt[0].claimValidationRules[1].claim: a rule for `hd` stands already above
a.yaml:11: jwt[0].claimValidationRules[2]: needs `claim` or `expression`
a.yaml:13: jwt[0].claimValidationRules[3].requiredValue: belongs to `claim`, not to `expression`
a.yaml:14: jwt[0].claimValidationRules[4]: has both `claim` and `expression`
a.yaml:17: jwt[0].claimValidationRules[5].requiredValue: must be a text, which equals no claim \
         that is a boolean or a number: write `expression: claims.b == true` instead of `claim` and \
         `requiredValue`
a.yaml:19: jwt[0].claimValidationRules[7].expression: the same expression stands already above
a.yaml:20: jwt[0].claimValidationRules[8]: needs `claim` or `expression`
a.yaml:21: jwt[0].claimValidationRules[9].expression: must evaluate to bool: compare it, as in \
         `claims.x == true`
a.yaml:22: jwt[0].claimValidationRules[10].expression: must evaluate to bool, not to int
a.yaml:23: jwt[0].claimValidationRules[11].expression: line 1, column 1 of the expression: \
         undeclared reference to 'user'"
    );
}

#[test]
fn a_required_text_that_no_claim_equals_is_warned_about() {
    let warnings = |claim: &str, value: &str| {
        let rules = format!(
            "  claimValidationRules:\n  - claim: {claim}\n    requiredValue: \"{value}\"\n"
        );
        shown(&accepted(&file(ISSUER, MAPPINGS, &rules)).warnings)
    };
    let at = "a.yaml:8: jwt[0].claimValidationRules[0].requiredValue: ";
    for (claim, value, expected) in [
        (
            "email_verified",
            "true",
            "`email_verified` is a boolean, which equals no text: every token is refused. Write \
             `expression: claims.email_verified == true` instead of `claim` and `requiredValue`",
        ),
        (
            "email_verified",
            "yes",
            "`email_verified` is a boolean, which equals no text: every token is refused",
        ),
        (
            "auth_time",
            "5",
            "`auth_time` is a number, which equals no text: every token is refused. Write \
             `expression: claims.auth_time == 5` instead of `claim` and `requiredValue`",
        ),
        (
            "admin",
            "false",
            "equals the text `false` only; for a boolean or a number write \
             `expression: claims.admin == false`",
        ),
        (
            "x-y",
            "17",
            "equals the text `17` only; for a boolean or a number write \
             `expression: claims[\"x-y\"] == 17`",
        ),
    ] {
        assert_eq!(warnings(claim, value), [format!("{at}{expected}")]);
    }
    for (claim, value) in [("hd", "example.com"), ("hd", ""), ("acr", "1a"), ("acr", "TRUE")] {
        assert_eq!(warnings(claim, value), [""; 0], "{claim} {value}");
    }
}

#[test]
fn user_rules_know_the_fields_of_a_user_and_their_types() {
    let good = "  userValidationRules:
  - expression: \"!user.username.startsWith('system:')\"
    message: m
  - expression: user.groups.all(g, g.startsWith('oidc:'))
  - expression: \"'a.b/c' in user.extra && user.extra['a.b/c'].exists(v, v == 'd')\"
  - expression: has(user.uid)
";
    assert_eq!(accepted(&file(ISSUER, MAPPINGS, good)).issuers[0].user_rules.len(), 4);
    let found = rule_faults(
        "  userValidationRules:
  - message: m
  - expression: 'true'
  - expression: 'true'
  - expression: '1'
  - expression: user.name == 'a'
  - expression: user.extra['a.b/c'] == 'd'
  - expression: claims.sub == 'a'
  - claim: a
",
    );
    let expected = [
        "a.yaml:7: jwt[0].userValidationRules[0].expression: is required",
        "a.yaml:9: jwt[0].userValidationRules[2].expression: the same expression stands already",
        "a.yaml:10: jwt[0].userValidationRules[3].expression: must evaluate to bool, not to int",
        "a.yaml:11: jwt[0].userValidationRules[4].expression: line 1, column 5 of the expression: \
         undefined field 'name'",
        "a.yaml:12: jwt[0].userValidationRules[5].expression: line 1, column 21 of the \
         expression: found no matching overload",
        "a.yaml:13: jwt[0].userValidationRules[6].expression: line 1, column 1 of the expression: \
         undeclared reference to 'claims'",
        "a.yaml:14: jwt[0].userValidationRules[7].claim: unknown key",
        "a.yaml:14: jwt[0].userValidationRules[7].expression: is required",
    ];
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    for (found, expected) in found.iter().zip(expected) {
        assert!(found.starts_with(expected), "{found}");
    }
}
