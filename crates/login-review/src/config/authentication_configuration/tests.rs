//! Files that kube-apiserver accepts mean the same here; in others every fault is named at once.

mod expressions;
mod issuers;
mod mappings;
mod rules;

use super::*;
use crate::{
    claims::rules::RequiredClaim,
    claims::{
        mapping::{PrefixedClaim, UidSource},
        rules::Rule,
    },
};

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
fn the_documented_file_is_read_whole() {
    let certificate = CERTIFICATE.trim_end().replace('\n', "\n      ");
    let text = format!(
        "---
# After the Kubernetes documentation.
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
  - expression: 'claims.hd == \"example.com\"'
    message: the hd claim must be set to example.com
  - expression: 'claims.exp - claims.nbf <= 86400'
    message: total token lifetime must not exceed 24 hours
  claimMappings:
    username:
      claim: sub
      prefix: \"\"
    groups:
      claim: \"groups\"
      prefix: 'oidc:'
    uid:
      claim: oid
    extra:
    - key: 'example.com/tenant'
      valueExpression: 'claims.?tenant.orValue(\"\")'
  userValidationRules:
  - expression: \"!user.username.startsWith('system:')\"
    message: 'username cannot used reserved system: prefix'
  - expression: \"user.groups.all(group, !group.startsWith('system:'))\"
    message: 'groups cannot used reserved system: prefix'
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
    let claim = |source: &Source| {
        let PrefixedClaim { claim, prefix } = source.claim().unwrap();
        (claim.clone(), prefix.clone())
    };
    assert_eq!(claim(&issuer.mapping.username), ("sub".to_owned(), String::new()));
    let groups = claim(issuer.mapping.groups.as_ref().unwrap());
    assert_eq!(groups, ("groups".to_owned(), "oidc:".to_owned()));
    assert!(matches!(&issuer.mapping.uid, Some(UidSource::Claim(claim)) if claim == "oid"));
    let texts = |rules: &[Rule]| -> Vec<(String, String)> {
        let text = |rule: &Rule| (rule.expression.source().to_owned(), rule.message.clone());
        rules.iter().map(text).collect()
    };
    let claim_rules = texts(&issuer.claim_rules);
    assert_eq!(claim_rules[0].0, "claims.hd == \"example.com\"");
    assert_eq!(claim_rules[1].1, "total token lifetime must not exceed 24 hours");
    assert_eq!(texts(&issuer.user_rules)[0].0, "!user.username.startsWith('system:')");
    assert_eq!((claim_rules.len(), issuer.user_rules.len()), (2, 2));
    let extra = &issuer.mapping.extra[0];
    assert_eq!((extra.key.as_str(), issuer.mapping.extra.len()), ("example.com/tenant", 1));
    assert_eq!(extra.values.source(), "claims.?tenant.orValue(\"\")");
    assert_eq!(issuer.algorithms, login_protocols::jose::Algorithm::ALL);
    assert_eq!(
        shown(&read.warnings),
        [
            "a.yaml:25: jwt[0].issuer.egressSelectorType: is not applied here: keys are fetched \
             directly",
            "a.yaml:30: jwt[0].claimValidationRules[2].expression: refuses tokens without the claim \
             `hd`; where that is not meant, ask `has(…)` first, or select it with `.?` and \
             `orValue(…)`",
            "a.yaml:32: jwt[0].claimValidationRules[3].expression: refuses tokens without the \
             claim `nbf`; where that is not meant, ask `has(…)` first, or select it with `.?` and \
             `orValue(…)`",
            "a.yaml:51: anonymous: applies in kube-apiserver only; a token webhook is not asked \
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
      expression: claims.oid +
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
a.yaml:16: jwt[0].claimMappings.uid.expression: line 1, column 13 of the expression: syntax \
         error: expected an expression
a.yaml:17: jwt[1].claimMappings: is required
a.yaml:18: jwt[1].issuer.url: must not contain a query or a fragment
a.yaml:19: jwt[1].issuer.audiences: needs at least one audience
a.yaml:20: jwt[1].claimMapping: unknown key; known here: `issuer`, `claimValidationRules`, \
         `claimMappings`, `userValidationRules`
a.yaml:23: anonymous.conditions: needs `enabled: true`"
    );
}
