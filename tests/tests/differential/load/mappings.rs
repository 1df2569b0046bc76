//! `claimMappings` and the rules of both kinds, without their expressions.
//! Never more than one fault in a file: each row shows one rule.

use super::Part::{Entry, Mappings, Rules};
use super::{File, refused, taken};

const AT_USERNAME: &str = "jwt[0].claimMappings.username";
const AT_PREFIX: &str = "jwt[0].claimMappings.username.prefix";
const AT_GROUPS: &str = "jwt[0].claimMappings.groups";
const AT_UID: &str = "jwt[0].claimMappings.uid";
const AT_KEY: &str = "jwt[0].claimMappings.extra[0].key";
const AT_VALUE: &str = "jwt[0].claimMappings.extra[0].valueExpression";
const AT_RULE: &str = "jwt[0].claimValidationRules[0]";
const AT_SECOND_RULE: &str = "jwt[0].claimValidationRules[1]";
const AT_USER_RULE: &str = "jwt[0].userValidationRules[0]";

pub(super) const FILES: &[File] = &[
    taken(Mappings, r#"username: {claim: sub, prefix: "", expression: ""}"#),
    taken(Mappings, "username: {expression: claims.sub, claim: \"\"}"),
    taken(Mappings, "username: {expression: claims.sub, prefix: null}"),
    taken(Mappings, "{username: {claim: sub, prefix: \"\"}, groups: null, uid: null, extra: null}"),
    taken(Mappings, "{username: {claim: sub, prefix: \"\"}, groups: {}, uid: {}, extra: []}"),
    taken(Mappings, "{username: {claim: sub, prefix: \"\"}, groups: {prefix: \"a\"}}"),
    refused(
        Entry,
        "jwt[0].claimMappings",
        "issuer: {url: \"https://id.example.com\", audiences: [a]}",
    ),
    refused(
        Entry,
        "jwt[0].claimMappings",
        "issuer: {url: \"https://id.example.com\", audiences: [a]}\nclaimMappings: {}",
    ),
    refused(Mappings, "jwt[0].claimMappings", "groups: {claim: groups, prefix: \"\"}"),
    refused(Mappings, AT_USERNAME, "username: {}"),
    refused(Mappings, AT_USERNAME, "username: null"),
    refused(Mappings, AT_USERNAME, "username: {prefix: \"a\"}"),
    refused(Mappings, AT_USERNAME, "username: {claim: \"\", prefix: \"\"}"),
    refused(Mappings, AT_USERNAME, "username: {claim: sub, expression: claims.sub}"),
    refused(Mappings, AT_USERNAME, "username: {claim: sub, prefix: \"\", expression: claims.sub}"),
    refused(Mappings, AT_PREFIX, "username: {claim: sub}"),
    refused(Mappings, AT_PREFIX, "username: {claim: sub, prefix: null}"),
    refused(Mappings, AT_PREFIX, "username: {expression: claims.sub, prefix: \"a:\"}"),
    refused(Mappings, AT_PREFIX, "username: {expression: claims.sub, prefix: \"\"}"),
    refused(Mappings, AT_GROUPS, "{username: {claim: sub, prefix: \"\"}, groups: {claim: g}}"),
    refused(
        Mappings,
        AT_GROUPS,
        "{username: {claim: sub, prefix: \"\"}, groups: {claim: g, prefix: \"\", expression: claims.g}}",
    ),
    refused(
        Mappings,
        AT_GROUPS,
        "{username: {claim: sub, prefix: \"\"}, groups: {prefix: \"\", expression: claims.g}}",
    ),
    refused(Mappings, AT_GROUPS, "{username: {claim: sub, prefix: \"\"}, groups: [g]}"),
    refused(
        Mappings,
        AT_UID,
        "{username: {claim: sub, prefix: \"\"}, uid: {claim: a, expression: claims.a}}",
    ),
    refused(
        Mappings,
        AT_UID,
        "{username: {claim: sub, prefix: \"\"}, uid: {claim: a, prefix: \"\"}}",
    ),
    refused(Mappings, AT_UID, "{username: {claim: sub, prefix: \"\"}, uid: sub}"),
    taken(
        Mappings,
        "{username: {claim: sub, prefix: \"\"}, extra: [{key: example.com/a, valueExpression: claims.a}]}",
    ),
    taken(
        Mappings,
        "{username: {claim: sub, prefix: \"\"}, extra: [{key: xk8s.io/a/b-c_d.e~f, valueExpression: claims.a}]}",
    ),
    taken(
        Mappings,
        "{username: {claim: sub, prefix: \"\"}, extra: [{key: localhost/a%20b, valueExpression: claims.a}]}",
    ),
    taken(
        Mappings,
        "{username: {claim: sub, prefix: \"\"}, extra: [{key: example.com/a/, valueExpression: claims.a}]}",
    ),
    refused(
        Mappings,
        AT_KEY,
        "{username: {claim: sub, prefix: \"\"}, extra: [{valueExpression: claims.a}]}",
    ),
    refused(
        Mappings,
        AT_KEY,
        "{username: {claim: sub, prefix: \"\"}, extra: [{key: \"\", valueExpression: claims.a}]}",
    ),
    refused(
        Mappings,
        AT_KEY,
        "{username: {claim: sub, prefix: \"\"}, extra: [{key: tenant, valueExpression: claims.a}]}",
    ),
    refused(
        Mappings,
        AT_KEY,
        "{username: {claim: sub, prefix: \"\"}, extra: [{key: Tenant, valueExpression: claims.a}]}",
    ),
    refused(
        Mappings,
        AT_KEY,
        "{username: {claim: sub, prefix: \"\"}, extra: [{key: /tenant, valueExpression: claims.a}]}",
    ),
    refused(
        Mappings,
        AT_KEY,
        "{username: {claim: sub, prefix: \"\"}, extra: [{key: example.com/, valueExpression: claims.a}]}",
    ),
    refused(
        Mappings,
        AT_KEY,
        "{username: {claim: sub, prefix: \"\"}, extra: [{key: Example.com/a, valueExpression: claims.a}]}",
    ),
    refused(
        Mappings,
        AT_KEY,
        "{username: {claim: sub, prefix: \"\"}, extra: [{key: example.com/Tenant, valueExpression: claims.a}]}",
    ),
    refused(
        Mappings,
        AT_KEY,
        "{username: {claim: sub, prefix: \"\"}, extra: [{key: exa_mple.com/a, valueExpression: claims.a}]}",
    ),
    refused(
        Mappings,
        AT_KEY,
        "{username: {claim: sub, prefix: \"\"}, extra: [{key: -a.com/a, valueExpression: claims.a}]}",
    ),
    refused(
        Mappings,
        AT_KEY,
        "{username: {claim: sub, prefix: \"\"}, extra: [{key: \"example.com/a b\", valueExpression: claims.a}]}",
    ),
    refused(
        Mappings,
        AT_KEY,
        "{username: {claim: sub, prefix: \"\"}, extra: [{key: \"example.com/ä\", valueExpression: claims.a}]}",
    ),
    refused(
        Mappings,
        AT_KEY,
        "{username: {claim: sub, prefix: \"\"}, extra: [{key: k8s.io/a, valueExpression: claims.a}]}",
    ),
    refused(
        Mappings,
        AT_KEY,
        "{username: {claim: sub, prefix: \"\"}, extra: [{key: x.k8s.io/t, valueExpression: claims.a}]}",
    ),
    refused(
        Mappings,
        AT_KEY,
        "{username: {claim: sub, prefix: \"\"}, extra: [{key: kubernetes.io/a, valueExpression: claims.a}]}",
    ),
    refused(
        Mappings,
        AT_KEY,
        "{username: {claim: sub, prefix: \"\"}, extra: [{key: authentication.kubernetes.io/credential-id, valueExpression: claims.a}]}",
    ),
    refused(
        Mappings,
        AT_VALUE,
        "{username: {claim: sub, prefix: \"\"}, extra: [{key: example.com/a}]}",
    ),
    refused(
        Mappings,
        AT_VALUE,
        "{username: {claim: sub, prefix: \"\"}, extra: [{key: example.com/a, valueExpression: \"\"}]}",
    ),
    refused(
        Mappings,
        "jwt[0].claimMappings.extra[1].key",
        "{username: {claim: sub, prefix: \"\"}, extra: [{key: example.com/a, valueExpression: claims.a}, {key: example.com/a, valueExpression: claims.b}]}",
    ),
    refused(
        Mappings,
        "jwt[0].claimMappings.extra",
        "{username: {claim: sub, prefix: \"\"}, extra: {example.com/a: claims.a}}",
    ),
    taken(Rules, "claimValidationRules: []\nuserValidationRules: []"),
    taken(Rules, "claimValidationRules: null\nuserValidationRules: null"),
    taken(Rules, "claimValidationRules: [{claim: hd}, {claim: HD, requiredValue: x}]"),
    taken(
        Rules,
        "claimValidationRules: [{expression: 'claims.hd == \"x\"', message: m, claim: \"\"}]",
    ),
    refused(Rules, AT_RULE, "claimValidationRules: [{}]"),
    refused(Rules, AT_RULE, "claimValidationRules: [{message: m}]"),
    refused(Rules, AT_RULE, "claimValidationRules: [{requiredValue: x}]"),
    refused(
        Rules,
        AT_RULE,
        "claimValidationRules: [{claim: hd, expression: 'claims.hd == \"x\"'}]",
    ),
    refused(Rules, AT_RULE, "claimValidationRules: [{claim: hd, requiredValue: x, message: m}]"),
    refused(
        Rules,
        AT_RULE,
        "claimValidationRules: [{requiredValue: x, expression: 'claims.hd == \"x\"'}]",
    ),
    refused(Rules, AT_RULE, "claimValidationRules: [{claim: hd, requiredValue: 5}]"),
    refused(Rules, AT_RULE, "claimValidationRules: [{claim: hd, requiredValue: true}]"),
    refused(Rules, AT_RULE, "claimValidationRules: [hd]"),
    refused(Rules, "jwt[0].claimValidationRules", "claimValidationRules: {claim: hd}"),
    refused(
        Rules,
        AT_SECOND_RULE,
        "claimValidationRules: [{claim: hd}, {claim: hd, requiredValue: x}]",
    ),
    refused(
        Rules,
        AT_SECOND_RULE,
        "claimValidationRules: [{expression: 'claims.a == \"x\"'}, {expression: 'claims.a == \"x\"', message: m}]",
    ),
    taken(Rules, "userValidationRules: [{expression: user.uid == \"\", message: \"\"}]"),
    refused(Rules, AT_USER_RULE, "userValidationRules: [{}]"),
    refused(Rules, AT_USER_RULE, "userValidationRules: [{message: m}]"),
    refused(Rules, AT_USER_RULE, "userValidationRules: [{expression: \"\"}]"),
    refused(Rules, AT_USER_RULE, "userValidationRules: [{claim: hd}]"),
    refused(
        Rules,
        "jwt[0].userValidationRules[1]",
        "userValidationRules: [{expression: user.uid == \"\"}, {expression: user.uid == \"\"}]",
    ),
];
