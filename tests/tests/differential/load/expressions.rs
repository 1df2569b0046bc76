//! Expressions that do not compile, or compile to the wrong type; and the rule about
//! `claims.email`. Never the whole language: that has a suite of its own.

use super::Part::{Entry, Mappings, Rules};
use super::{File, refused, taken};

const AT_USERNAME: &str = "jwt[0].claimMappings.username.expression";
const AT_GROUPS: &str = "jwt[0].claimMappings.groups.expression";
const AT_UID: &str = "jwt[0].claimMappings.uid.expression";
const AT_EXTRA: &str = "jwt[0].claimMappings.extra[0].valueExpression";
const AT_RULE: &str = "jwt[0].claimValidationRules[0].expression";
const AT_USER_RULE: &str = "jwt[0].userValidationRules[0].expression";

pub(super) const FILES: &[File] = &[
    refused(Mappings, AT_USERNAME, "username: {expression: 'claims.'}"),
    refused(Mappings, AT_USERNAME, "username: {expression: 'claims.sub +'}"),
    refused(Mappings, AT_USERNAME, "username: {expression: '(claims.sub'}"),
    refused(Mappings, AT_USERNAME, "username: {expression: '\"a'}"),
    refused(Mappings, AT_USERNAME, "username: {expression: ' '}"),
    refused(Mappings, AT_USERNAME, "username: {expression: sub}"),
    refused(Mappings, AT_USERNAME, "username: {expression: user.username}"),
    refused(Mappings, AT_USERNAME, "username: {expression: request.user}"),
    refused(Mappings, AT_USERNAME, "username: {expression: '\"abc\".reverse()'}"),
    refused(Mappings, AT_USERNAME, "username: {expression: base64.encode(claims.sub)}"),
    refused(Mappings, AT_USERNAME, "username: {expression: 'math.greatest(1, 2)'}"),
    refused(Mappings, AT_USERNAME, "username: {expression: claims + 1}"),
    refused(Mappings, AT_USERNAME, "username: {expression: '\"a\" + 1'}"),
    refused(Mappings, AT_USERNAME, "username: {expression: 'true && \"a\"'}"),
    refused(Mappings, AT_USERNAME, "username: {expression: '\"a\".size(1)'}"),
    refused(Mappings, AT_USERNAME, "username: {expression: 'claims.groups.map(g, g)'}"),
    refused(Mappings, AT_USERNAME, "username: {expression: 'has(claims)'}"),
    refused(Mappings, AT_USERNAME, "username: {expression: 'claims.sub.matches(\"(\")'}"),
    refused(Mappings, AT_USERNAME, "username: {expression: 'for'}"),
    refused(Mappings, AT_USERNAME, "username: {expression: 'cel.bind(x, claims.sub, x + x)'}"),
    taken(Mappings, "username: {expression: '5'}"),
    taken(Mappings, "username: {expression: claims.sub.reverse()}"),
    taken(Mappings, "username: {expression: '[1, 2]'}"),
    taken(Mappings, "username: {expression: claims}"),
    taken(Mappings, "username: {expression: \"claims.sub // a comment\"}"),
    taken(Mappings, "username: {expression: 'dyn(claims.groups).map(g, string(g)).join(\"-\")'}"),
    taken(Mappings, "username: {expression: 'claims.a.b.c[\"d\"][0]'}"),
    refused(
        Mappings,
        AT_GROUPS,
        "{username: {claim: sub, prefix: \"\"}, groups: {expression: 'claims.groups.filter(g, g != \"\")'}}",
    ),
    refused(
        Mappings,
        AT_GROUPS,
        "{username: {claim: sub, prefix: \"\"}, groups: {expression: '[\"a\", 1]'}}",
    ),
    refused(
        Mappings,
        AT_GROUPS,
        "{username: {claim: sub, prefix: \"\"}, groups: {expression: '[\"a\", claims.b]'}}",
    ),
    taken(Mappings, "{username: {claim: sub, prefix: \"\"}, groups: {expression: '5'}}"),
    taken(
        Mappings,
        "{username: {claim: sub, prefix: \"\"}, groups: {expression: '{\"a\": true}'}}",
    ),
    taken(
        Mappings,
        "{username: {claim: sub, prefix: \"\"}, groups: {expression: '[claims.a, claims.b]'}}",
    ),
    taken(
        Mappings,
        "{username: {claim: sub, prefix: \"\"}, groups: {expression: 'claims.a + claims.b'}}",
    ),
    refused(
        Mappings,
        AT_UID,
        "{username: {claim: sub, prefix: \"\"}, uid: {expression: 'claims..sub'}}",
    ),
    refused(
        Mappings,
        AT_EXTRA,
        "{username: {claim: sub, prefix: \"\"}, extra: [{key: example.com/a, valueExpression: 'claims['}]}",
    ),
    refused(
        Mappings,
        AT_EXTRA,
        "{username: {claim: sub, prefix: \"\"}, extra: [{key: example.com/a, valueExpression: 'user.uid'}]}",
    ),
    refused(Rules, AT_RULE, "claimValidationRules: [{expression: '\"true\"'}]"),
    refused(Rules, AT_RULE, "claimValidationRules: [{expression: '1'}]"),
    refused(Rules, AT_RULE, "claimValidationRules: [{expression: claims.flag}]"),
    refused(Rules, AT_RULE, "claimValidationRules: [{expression: dyn(true)}]"),
    refused(Rules, AT_RULE, "claimValidationRules: [{expression: '[true]'}]"),
    refused(Rules, AT_RULE, "claimValidationRules: [{expression: 'claims.?flag'}]"),
    refused(Rules, AT_RULE, "claimValidationRules: [{expression: 'claims.?flag.orValue(1)'}]"),
    refused(Rules, AT_RULE, "claimValidationRules: [{expression: 'true &&'}]"),
    refused(Rules, AT_RULE, "claimValidationRules: [{expression: 'user.uid == \"\"'}]"),
    refused(
        Rules,
        AT_RULE,
        "claimValidationRules: [{expression: 'claims.groups.exists(g, g == \"a\")'}]",
    ),
    taken(Rules, "claimValidationRules: [{expression: 'true'}]"),
    taken(Rules, "claimValidationRules: [{expression: claims.flag == true}]"),
    taken(Rules, "claimValidationRules: [{expression: bool(claims.flag)}]"),
    taken(Rules, "claimValidationRules: [{expression: has(claims.flag)}]"),
    taken(Rules, "claimValidationRules: [{expression: '\"a\" in claims.groups'}]"),
    taken(Rules, "claimValidationRules: [{expression: claims.exp - claims.nbf <= 86400}]"),
    taken(Rules, "claimValidationRules: [{expression: '!(claims.a in [1, 2])'}]"),
    refused(Rules, AT_USER_RULE, "userValidationRules: [{expression: user.username}]"),
    refused(Rules, AT_USER_RULE, "userValidationRules: [{expression: user.name == \"a\"}]"),
    refused(Rules, AT_USER_RULE, "userValidationRules: [{expression: claims.sub == \"a\"}]"),
    refused(Rules, AT_USER_RULE, "userValidationRules: [{expression: user.uid == 5}]"),
    refused(Rules, AT_USER_RULE, "userValidationRules: [{expression: 'user.groups == \"a\"'}]"),
    refused(Rules, AT_USER_RULE, "userValidationRules: [{expression: '\"a\" in user.username'}]"),
    refused(
        Rules,
        AT_USER_RULE,
        "userValidationRules: [{expression: 'user.extra.all(k, v, v == k)'}]",
    ),
    refused(
        Rules,
        AT_USER_RULE,
        "userValidationRules: [{expression: user.username.startsWith(5)}]",
    ),
    taken(Rules, "userValidationRules: [{expression: 'user.groups.exists(g, g == \"a\")'}]"),
    taken(Rules, "userValidationRules: [{expression: 'user.extra.all(k, v, k in v)'}]"),
    taken(
        Rules,
        "userValidationRules: [{expression: 'has(user.uid) && user.extra[\"a\"][0] == \"b\"'}]",
    ),
    refused(Mappings, AT_USERNAME, "username: {expression: claims.email}"),
    refused(Mappings, AT_USERNAME, "username: {expression: 'claims.?email.orValue(\"\")'}"),
    refused(Mappings, AT_USERNAME, "username: {expression: 'has(claims.email) ? \"a\" : \"b\"'}"),
    refused(Mappings, AT_USERNAME, "username: {expression: '[claims.sub, claims.email][1]'}"),
    refused(Mappings, AT_USERNAME, "username: {expression: '[\"a\"].map(x, x + claims.email)[0]'}"),
    refused(Mappings, AT_USERNAME, "username: {expression: '{\"a\": claims.email}[\"a\"]'}"),
    refused(
        Mappings,
        AT_USERNAME,
        "{username: {expression: claims.email}, groups: {expression: 'claims.email_verified ? \"a\" : \"b\"'}}",
    ),
    refused(
        Mappings,
        AT_USERNAME,
        "{username: {expression: claims.email}, uid: {expression: string(claims.email_verified)}}",
    ),
    refused(
        Entry,
        AT_USERNAME,
        r#"
            issuer: {url: "https://id.example.com", audiences: [a]}
            claimMappings: {username: {expression: claims.email}}
            claimValidationRules: [{claim: email_verified, requiredValue: "true"}]
        "#,
    ),
    taken(
        Entry,
        r#"
            issuer: {url: "https://id.example.com", audiences: [a]}
            claimMappings: {username: {expression: claims.email}}
            claimValidationRules: [{expression: claims.email_verified == true}]
        "#,
    ),
    taken(Mappings, "username: {expression: 'claims.email_verified ? claims.email : claims.sub'}"),
    taken(
        Mappings,
        "username: {expression: 'claims.?email_verified.orValue(true) ? claims.email : \"\"'}",
    ),
    taken(
        Mappings,
        "{username: {expression: claims.email}, extra: [{key: example.com/v, valueExpression: string(claims.email_verified)}]}",
    ),
    taken(Mappings, "username: {expression: 'claims[\"email\"]'}"),
    taken(Mappings, "username: {expression: claims.profile.email}"),
    taken(Mappings, "{username: {claim: sub, prefix: \"\"}, groups: {expression: claims.email}}"),
];
