//! Files kube-apiserver accepts are read alike; every fault of the others is named at once.

mod issuers;

use super::*;
use crate::policy::RequiredClaim;

const CERTIFICATE: &str = "\
-----BEGIN CERTIFICATE-----
MIIBiTCCAS+gAwIBAgIUSk5sCx4f4FDh9jwpdq8MdJarFa8wCgYIKoZIzj0EAwIw
GTEXMBUGA1UEAwwOdGVzdCBhdXRob3JpdHkwIBcNMjYxMTIyMDMwODMzWhgPMjEy
NjEwMjkwMzA4MzNaMBkxFzAVBgNVBAMMDnRlc3QgYXV0aG9yaXR5MFkwEwYHKoZI
zj0CAQYIKoZIzj0DAQcDQgAECx+2r77D9e/DIzc8YJ65DMqDyCB8E5Orq8SG7wym
T4eI+Nt4YL5zuWsvxGzn3Tc3iN1TZEdV8G8Q6SRFfGxmiKNTMFEwHQYDVR0OBBYE
FKE1eRQLH1Vhje1xYI7z5kfRnOhYMB8GA1UdIwQYMBaAFKE1eRQLH1Vhje1xYI7z
5kfRnOhYMA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDSAAwRQIgPUbtcX4o
yFescmWWfGe13U4ZuCHTo1xUYWZj184YOQICIQDe8iC259AirPpN2pcJxotmgRiS
o/wW6sc+I1jEjO3Pyg==
-----END CERTIFICATE-----
";

fn accepted(text: &str) -> AuthenticationConfiguration {
    parse(text, "a.yaml").unwrap_or_else(|faults| panic!("{text}\n{:#?}", shown(&faults)))
}

fn faults(text: &str) -> Vec<String> {
    shown(&parse(text, "a.yaml").expect_err(text))
}

fn shown(problems: &[Problem]) -> Vec<String> {
    problems.iter().map(ToString::to_string).collect()
}

/// A file with one entry, whose parts are JSON (which is YAML).
fn file(issuer: &str, mappings: &str, more: &str) -> String {
    format!(
        "apiVersion: apiserver.config.k8s.io/v1\nkind: AuthenticationConfiguration\njwt:\n\
         - issuer: {{{issuer}}}\n  claimMappings: {{{mappings}}}\n{more}"
    )
}

const ISSUER: &str = r#""url": "https://id.example.com", "audiences": ["k"]"#;
const MAPPINGS: &str = r#""username": {"claim": "sub", "prefix": ""}"#;

fn mapping_faults(mappings: &str) -> Vec<String> {
    faults(&file(ISSUER, mappings, ""))
}

fn rule_faults(rules: &str) -> Vec<String> {
    faults(&file(ISSUER, MAPPINGS, rules))
}

#[test]
fn the_documented_file_without_cel_is_read_whole() {
    let certificate = CERTIFICATE.trim_end().replace('\n', "\n      ");
    let text = format!(
        "---
# From the Kubernetes documentation, expressions left out.
apiVersion: apiserver.config.k8s.io/v1
kind: AuthenticationConfiguration
jwt:
- issuer:
    url: https://example.com # Same as --oidc-issuer-url.
    discoveryURL: https://discovery.example.com/.well-known/openid-configuration
    certificateAuthority: |
      {certificate}
    audiences:
    - my-app # Same as --oidc-client-id.
    - my-other-app
    audienceMatchPolicy: MatchAny
    egressSelectorType: cluster
  claimValidationRules:
  - claim: hd
    requiredValue: example.com
  - claim: empty
  claimMappings:
    username:
      claim: sub
      prefix: \"\"
    groups:
      claim: \"groups\"
      prefix: 'oidc:'
    uid:
      claim: oid
  userValidationRules: []
anonymous:
  enabled: true
  conditions:
  - path: /livez
  - path: /readyz
  - path: /healthz
"
    );
    let read = accepted(&text);
    let issuer = &read.issuers[0];
    assert_eq!(read.issuers.len(), 1);
    assert_eq!(issuer.issuer.as_str(), "https://example.com");
    assert_eq!(
        issuer.discovery_url.as_ref().map(url::Url::as_str),
        Some("https://discovery.example.com/.well-known/openid-configuration")
    );
    assert_eq!(issuer.certificate_authority_pem.as_deref(), Some(CERTIFICATE));
    assert_eq!(issuer.audiences, ["my-app", "my-other-app"]);
    let required = |claim: &str, value: &str| RequiredClaim {
        claim: claim.to_owned(),
        value: value.to_owned(),
    };
    assert_eq!(issuer.required_claims, [required("hd", "example.com"), required("empty", "")]);
    assert_eq!(issuer.mapping.username.claim, "sub");
    assert_eq!(issuer.mapping.username.prefix, "");
    let groups = issuer.mapping.groups.as_ref().unwrap();
    assert_eq!((groups.claim.as_str(), groups.prefix.as_str()), ("groups", "oidc:"));
    assert_eq!(issuer.mapping.uid_claim.as_deref(), Some("oid"));
    assert_eq!(issuer.algorithms, login_protocols::jose::Algorithm::ALL);
    assert_eq!(
        shown(&read.warnings),
        [
            "a.yaml:25: jwt[0].issuer.egressSelectorType: is not applied here: keys are fetched \
             directly",
            "a.yaml:40: anonymous: applies in kube-apiserver only; a token webhook is not asked \
             about requests without a token",
        ]
    );
}

#[test]
fn all_three_versions_and_json_are_read_and_no_issuer_is_fine() {
    for version in API_VERSIONS {
        let text = format!(r#"{{"apiVersion":"{version}","kind":"AuthenticationConfiguration"}}"#);
        assert!(accepted(&text).issuers.is_empty());
        assert!(
            accepted(&text.replace('}', r#","jwt":null,"anonymous":null}"#)).issuers.is_empty()
        );
    }
    assert_eq!(
        faults("kind: X\n"),
        [
            "a.yaml:1: apiVersion: is required",
            "a.yaml:1: kind: must be `AuthenticationConfiguration`"
        ]
    );
    let unknown = "apiVersion: apiserver.config.k8s.io/v2\nkind: AuthenticationConfiguration\n";
    assert!(faults(unknown)[0].starts_with("a.yaml:1: apiVersion: must be `apiserver.config"));
    assert_eq!(faults("")[0], "a.yaml:1: must be a mapping, is empty");
    assert!(faults("a: b: c").join("").starts_with("a.yaml:1: "));
}

// J01, J02, J05, J09
#[test]
fn every_fault_of_a_file_is_named_at_once_with_line_and_key() {
    let text = "apiVersion: apiserver.config.k8s.io/v1
kind: AuthenticationConfiguration
jwt:
- issuer:
    url: http://id.example.com
    discoveryUrl: https://id.example.com
    audiences: [a, b, a]
    audiences: [c]
  claimMappings:
    username:
      claim: sub
    groups:
      claim: 5
      prefix: x
    uid:
      expression: claims.oid
- issuer:
    url: https://id.example.com?x
    audiences: []
  claimMapping: {}
anonymous:
  enabled: false
  conditions: [{path: /livez}]
";
    assert_eq!(
        faults(text).join("\n"),
        "a.yaml:5: jwt[0].issuer.url: must begin with `https://`
a.yaml:6: jwt[0].issuer.discoveryUrl: unknown key; known here: `url`, `discoveryURL`, \
         `certificateAuthority`, `audiences`, `audienceMatchPolicy`, `egressSelectorType`
a.yaml:7: jwt[0].issuer.audiences[2]: `a` is listed already
a.yaml:7: jwt[0].issuer.audiences: with several audiences `audienceMatchPolicy: MatchAny` is \
         required
a.yaml:8: jwt[0].issuer.audiences: the key stands already in line 7
a.yaml:10: jwt[0].claimMappings.username.prefix: is required with `claim`; it may be the empty \
         text `\"\"`
a.yaml:13: jwt[0].claimMappings.groups.claim: must be a text, is a number (quote it to make it a \
         text)
a.yaml:16: jwt[0].claimMappings.uid.expression: CEL expressions are not supported yet: \
         `jwt[0].claimMappings.uid.expression`
a.yaml:17: jwt[1].claimMappings: is required
a.yaml:18: jwt[1].issuer.url: must not contain a query or a fragment
a.yaml:19: jwt[1].issuer.audiences: needs at least one audience
a.yaml:20: jwt[1].claimMapping: unknown key; known here: `issuer`, `claimValidationRules`, \
         `claimMappings`, `userValidationRules`
a.yaml:23: anonymous.conditions: needs `enabled: true`"
    );
}

#[test]
fn mappings_follow_the_rules_of_claim_prefix_and_expression() {
    let cel =
        |key: &str| format!("CEL expressions are not supported yet: `jwt[0].claimMappings.{key}`");
    let key = |key: &str, message: &str| format!("a.yaml:5: jwt[0].claimMappings.{key}: {message}");
    let both = "has both `claim` and `expression`";
    let stray = "belongs to `claim`, not to `expression`";
    for (mappings, expected) in [
        ("", vec![key("username", "is required")]),
        (r#""username": {}"#, vec![key("username.claim", "is required")]),
        (
            r#""username": {"claim": "sub", "prefix": null}"#,
            vec![key(
                "username.prefix",
                "is required with `claim`; it may be the empty text `\"\"`",
            )],
        ),
        (
            r#""username": {"expression": "claims.sub"}"#,
            vec![key("username.expression", &cel("username.expression"))],
        ),
        (
            r#""username": {"claim": "sub", "expression": "claims.sub", "prefix": ""}"#,
            vec![
                key("username.expression", &cel("username.expression")),
                key("username", both),
                key("username.prefix", stray),
            ],
        ),
        (
            r#""username": {"claim": "sub", "prefix": ""}, "uid": {"claim": "a", "expression": "b"}"#,
            vec![key("uid.expression", &cel("uid.expression")), key("uid", both)],
        ),
    ] {
        assert_eq!(mapping_faults(mappings), expected, "{mappings}");
    }
    let unset =
        r#""username": {"claim": "sub", "prefix": "", "expression": ""}, "groups": {}, "uid": {}"#;
    let mapping = accepted(&file(ISSUER, unset, "")).issuers.remove(0).mapping;
    assert_eq!((mapping.groups, mapping.uid_claim), (None, None));
}

// J04
#[test]
fn extra_is_refused_by_name_and_its_keys_are_checked_all_the_same() {
    for (extra_key, message) in [
        ("example.com/tenant", None),
        ("tenant", Some("must be a path with a domain")),
        ("/tenant", Some("must be a path with a domain")),
        ("example.com/Tenant", Some("must be lower case")),
        ("x.k8s.io/t", Some("are reserved")),
        ("kubernetes.io/t", Some("are reserved")),
        ("notk8s.io/t", None),
    ] {
        let mappings = format!(
            r#"{MAPPINGS}, "extra": [{{"key": "{extra_key}", "valueExpression": "claims.t"}}]"#
        );
        let found = mapping_faults(&mappings);
        assert_eq!(
            found.last().unwrap(),
            "a.yaml:5: jwt[0].claimMappings.extra[0].valueExpression: CEL expressions are not \
             supported yet: `jwt[0].claimMappings.extra[0].valueExpression`"
        );
        assert_eq!(found.len(), 1 + usize::from(message.is_some()), "{found:?}");
        assert!(message.is_none_or(|message| found[0].contains(message)), "{found:?}");
    }
    let twice = format!(r#"{MAPPINGS}, "extra": [{{"key": "a.b/c"}}, {{"key": "a.b/c"}}, {{}}]"#);
    assert_eq!(
        mapping_faults(&twice),
        [
            "a.yaml:5: jwt[0].claimMappings.extra[0].valueExpression: is required",
            "a.yaml:5: jwt[0].claimMappings.extra[1].key: `a.b/c` stands already above",
            "a.yaml:5: jwt[0].claimMappings.extra[1].valueExpression: is required",
            "a.yaml:5: jwt[0].claimMappings.extra[2].key: is required",
            "a.yaml:5: jwt[0].claimMappings.extra[2].valueExpression: is required",
        ]
    );
}

#[test]
fn rules_are_claims_with_values_and_expressions_are_refused_by_name() {
    assert_eq!(
        rule_faults(
            "  claimValidationRules:
  - claim: hd
    requiredValue: a
    message: m
  - claim: hd
  - {}
  - expression: 'claims.exp - claims.nbf <= 86400'
    requiredValue: x
  - claim: a
    expression: b
  - claim: b
    requiredValue: true
  userValidationRules:
  - expression: \"!user.username.startsWith('system:')\"
    message: m
  - expression: \"!user.username.startsWith('system:')\"
  - message: m
"
        )
        .join("\n"),
        "a.yaml:9: jwt[0].claimValidationRules[0].message: belongs to `expression`, not to `claim`
a.yaml:10: jwt[0].claimValidationRules[1].claim: a rule for `hd` stands already above
a.yaml:11: jwt[0].claimValidationRules[2].claim: is required
a.yaml:12: jwt[0].claimValidationRules[3].expression: CEL expressions are not supported yet: \
         `jwt[0].claimValidationRules[3].expression`
a.yaml:13: jwt[0].claimValidationRules[3].requiredValue: belongs to `claim`, not to `expression`
a.yaml:14: jwt[0].claimValidationRules[4]: has both `claim` and `expression`
a.yaml:15: jwt[0].claimValidationRules[4].expression: CEL expressions are not supported yet: \
         `jwt[0].claimValidationRules[4].expression`
a.yaml:17: jwt[0].claimValidationRules[5].requiredValue: must be a text, is a boolean (quote it \
         to make it a text)
a.yaml:19: jwt[0].userValidationRules[0].expression: CEL expressions are not supported yet: \
         `jwt[0].userValidationRules[0].expression`
a.yaml:21: jwt[0].userValidationRules[1].expression: CEL expressions are not supported yet: \
         `jwt[0].userValidationRules[1].expression`
a.yaml:21: jwt[0].userValidationRules[1].expression: the same expression stands already above
a.yaml:22: jwt[0].userValidationRules[2].expression: is required"
    );
}
