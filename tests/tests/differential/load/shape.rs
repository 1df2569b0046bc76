//! The file itself: versions, unknown and repeated keys, wrong types, and YAML's rules for them.

use super::Part::{Entry, Head, Issuer, Mappings, Rules, Top, Whole};
use super::{File, only_they_take, refused, taken};

const TAG: &str = "a tag without a name says nothing, and is a slip";
const SECOND: &str = "kube-apiserver ignores a second document in silence";
const JWT: &str = r#"jwt: [{issuer: {url: "https://b.example.com", audiences: [a]}, claimMappings: {username: {claim: sub, prefix: "b:"}}}]"#;

pub(super) const FILES: &[File] = &[
    taken(
        Head,
        "---\n# a comment\napiVersion: apiserver.config.k8s.io/v1\nkind: AuthenticationConfiguration\n",
    ),
    taken(Head, "apiVersion: apiserver.config.k8s.io/v1beta1\nkind: AuthenticationConfiguration"),
    taken(
        Head,
        "apiVersion: apiserver.config.k8s.io/v1alpha1\r\nkind: AuthenticationConfiguration\r",
    ),
    taken(Head, "kind: \"AuthenticationConfiguration\"\napiVersion: 'apiserver.config.k8s.io/v1'"),
    taken(
        Head,
        "\u{feff}apiVersion: apiserver.config.k8s.io/v1\nkind: AuthenticationConfiguration",
    ),
    taken(
        Whole,
        r#"{"apiVersion":"apiserver.config.k8s.io/v1","kind":"AuthenticationConfiguration","jwt":[{"issuer":{"url":"https://id.example.com","audiences":["a"]},"claimMappings":{"username":{"claim":"sub","prefix":"\u0061:"}}}]}"#,
    ),
    refused(
        Whole,
        "",
        r#"{apiVersion: apiserver.config.k8s.io/v1, kind: AuthenticationConfiguration, jwt: [{issuer: {url: "https://id.example.com", audiences: [a]}, claimMappings: {username: {claim: sub, prefix: ""}}}]}"#,
    ),
    refused(
        Whole,
        "",
        r#"{"apiVersion":"apiserver.config.k8s.io/v1","kind":"AuthenticationConfiguration","jwt":[{"issuer":{"url":"https://id.example.com","audiences":["a"]},"claimMappings":{"username":{"claim":"sub","prefix":""}}}],}"#,
    ),
    taken(
        Whole,
        "apiVersion: apiserver.config.k8s.io/v1\nkind: AuthenticationConfiguration\njwt: []\n",
    ),
    taken(
        Whole,
        "apiVersion: apiserver.config.k8s.io/v1\nkind: AuthenticationConfiguration\njwt: null\n",
    ),
    taken(Whole, "apiVersion: apiserver.config.k8s.io/v1\nkind: AuthenticationConfiguration\n"),
    taken(
        Whole,
        "apiVersion: apiserver.config.k8s.io/v1\nkind: AuthenticationConfiguration\nanonymous: {enabled: true, conditions: [{path: /livez}]}\n",
    ),
    refused(
        Head,
        ":4: begins with a tab",
        "apiVersion: apiserver.config.k8s.io/v1\nkind: AuthenticationConfiguration\n# a comment\n\t",
    ),
    refused(Whole, "", ""),
    refused(Whole, "", "# nothing\n"),
    refused(Whole, "", "AuthenticationConfiguration"),
    refused(
        Whole,
        "",
        "- apiVersion: apiserver.config.k8s.io/v1\n  kind: AuthenticationConfiguration\n",
    ),
    refused(Whole, "apiVersion", "kind: AuthenticationConfiguration"),
    refused(Whole, "kind", "apiVersion: apiserver.config.k8s.io/v1"),
    refused(
        Whole,
        "kind",
        "apiVersion: apiserver.config.k8s.io/v1\nkind: AuthorizationConfiguration",
    ),
    refused(
        Whole,
        "kind",
        "apiVersion: apiserver.config.k8s.io/v1\nkind: authenticationConfiguration",
    ),
    refused(
        Whole,
        "apiVersion",
        "apiVersion: apiserver.config.k8s.io/v2\nkind: AuthenticationConfiguration",
    ),
    refused(
        Whole,
        "apiVersion",
        "apiVersion: apiserver.k8s.io/v1\nkind: AuthenticationConfiguration",
    ),
    refused(Whole, "apiVersion", "apiVersion: v1\nkind: AuthenticationConfiguration"),
    refused(Whole, "apiVersion", "apiVersion: 1\nkind: AuthenticationConfiguration"),
    refused(
        Whole,
        "",
        "apiVersion: apiserver.config.k8s.io/v1\nkind: AuthenticationConfiguration\njwt: [\n",
    ),
    refused(
        Whole,
        "",
        "apiVersion: apiserver.config.k8s.io/v1\n\tkind: AuthenticationConfiguration\n",
    ),
    refused(
        Whole,
        "",
        "{\"apiVersion\":\"apiserver.config.k8s.io/v1\",\"kind\":\"AuthenticationConfiguration\"} x",
    ),
    refused(Top, "extra", "extra: true"),
    refused(Top, "metadata", "metadata: {name: a}"),
    refused(Top, "jwt", JWT),
    refused(Top, "kind", "kind: AuthenticationConfiguration"),
    refused(Top, "JWT", "JWT: []"),
    refused(Top, "Kind", "Kind: AuthenticationConfiguration"),
    refused(
        Whole,
        "jwt",
        "apiVersion: apiserver.config.k8s.io/v1\nkind: AuthenticationConfiguration\njwt: {}",
    ),
    refused(
        Whole,
        "jwt",
        "apiVersion: apiserver.config.k8s.io/v1\nkind: AuthenticationConfiguration\njwt: a",
    ),
    refused(
        Whole,
        "jwt",
        "apiVersion: apiserver.config.k8s.io/v1\nkind: AuthenticationConfiguration\njwt: 5",
    ),
    refused(
        Whole,
        "jwt[0]",
        "apiVersion: apiserver.config.k8s.io/v1\nkind: AuthenticationConfiguration\njwt: [a]",
    ),
    refused(
        Whole,
        "jwt[0]",
        "apiVersion: apiserver.config.k8s.io/v1\nkind: AuthenticationConfiguration\njwt: [null]",
    ),
    refused(
        Whole,
        "jwt[0]",
        "apiVersion: apiserver.config.k8s.io/v1\nkind: AuthenticationConfiguration\njwt: [{}]",
    ),
    refused(Rules, "jwt[0].claimMapping", "claimMapping: {}"),
    refused(Rules, "jwt[0].claimvalidationrules", "claimvalidationrules: []"),
    refused(Rules, "jwt[0].name", "name: a"),
    refused(Rules, "jwt[0].issuer", "issuer: {url: \"https://b.example.com\", audiences: [a]}"),
    refused(Issuer, "jwt[0].issuer.URL", "URL: https://id.example.com\naudiences: [a]"),
    refused(
        Issuer,
        "jwt[0].issuer.discoveryUrl",
        "url: https://id.example.com\naudiences: [a]\ndiscoveryUrl: https://d.example.com",
    ),
    refused(
        Issuer,
        "jwt[0].issuer.clientID",
        "url: https://id.example.com\naudiences: [a]\nclientID: a",
    ),
    refused(
        Issuer,
        "jwt[0].issuer.url",
        "url: https://id.example.com\nurl: https://id.example.com\naudiences: [a]",
    ),
    refused(Issuer, "jwt[0].issuer.url", "url: 5\naudiences: [a]"),
    refused(Issuer, "jwt[0].issuer.url", "url: [https://id.example.com]\naudiences: [a]"),
    refused(Issuer, "jwt[0].issuer.audiences", "url: https://id.example.com\naudiences: [yes]"),
    refused(Issuer, "jwt[0].issuer.audiences", "url: https://id.example.com\naudiences: [0x1F]"),
    refused(Issuer, "jwt[0].issuer.audiences", "url: https://id.example.com\naudiences: [1e3]"),
    refused(Issuer, "jwt[0].issuer.audiences", "url: https://id.example.com\naudiences: [null]"),
    refused(Issuer, "jwt[0].issuer.audiences", "url: https://id.example.com\naudiences: [{a: b}]"),
    taken(Issuer, "url: https://id.example.com\naudiences: [!!str 5]"),
    taken(
        Issuer,
        "url: https://id.example.com\naudiences: [\"yes\", '5', 2001-01-01, 1.2.3, a:b, \"*\"]\naudienceMatchPolicy: MatchAny",
    ),
    taken(Issuer, "url: >-\n  https://id.example.com\naudiences:\n- |-\n  a\n"),
    taken(Issuer, "url: &u https://id.example.com\naudiences: [*u]"),
    refused(Mappings, "jwt[0].claimMappings.username.claim", "username: {claim: 5, prefix: \"\"}"),
    refused(Mappings, "jwt[0].claimMappings.username.prefix", "username: {claim: sub, prefix: 5}"),
    refused(
        Mappings,
        "jwt[0].claimMappings.username.prefix",
        "username: {claim: sub, prefix: true}",
    ),
    refused(
        Mappings,
        "jwt[0].claimMappings.username.prefix",
        "username: {claim: sub, prefix: off}",
    ),
    refused(
        Mappings,
        "jwt[0].claimMappings.username.prefix",
        "username: {claim: sub, prefix: [a]}",
    ),
    refused(
        Mappings,
        "jwt[0].claimMappings.username.Prefix",
        "username: {claim: sub, Prefix: \"\"}",
    ),
    refused(Mappings, "jwt[0].claimMappings.username", "username: sub"),
    refused(
        Mappings,
        "jwt[0].claimMappings.user",
        "username: {claim: sub, prefix: \"\"}\nuser: {}",
    ),
    refused(
        Entry,
        "jwt[0].claimMappings",
        "issuer: {url: \"https://id.example.com\", audiences: [a]}\nclaimMappings: [username]",
    ),
    taken(Mappings, "username: {claim: sub, prefix: \"\", expression: null}"),
    only_they_take(Mappings, TAG, "username:\n  claim: sub\n  prefix: ! \"\"\n"),
    taken(Top, "anonymous: {enabled: true}"),
    taken(Top, "anonymous: {enabled: false}"),
    taken(Top, "anonymous: {}"),
    taken(Top, "anonymous: {enabled: yes}"),
    taken(
        Top,
        "anonymous:\n  enabled: true\n  conditions:\n  - path: /livez\n  - path: /livez\n  - path: \"\"\n",
    ),
    taken(Top, "anonymous: {enabled: false, conditions: []}"),
    refused(Top, "anonymous", "anonymous: true"),
    refused(Top, "anonymous.enabled", "anonymous: {enabled: \"true\"}"),
    refused(Top, "anonymous.enabled", "anonymous: {enabled: 1}"),
    refused(
        Top,
        "anonymous.conditions",
        "anonymous: {enabled: false, conditions: [{path: /livez}]}",
    ),
    refused(Top, "anonymous.conditions", "anonymous: {conditions: [{path: /livez}]}"),
    refused(Top, "anonymous.conditions[0]", "anonymous: {enabled: true, conditions: [/livez]}"),
    refused(
        Top,
        "anonymous.conditions[0]",
        "anonymous: {enabled: true, conditions: [{paths: [/livez]}]}",
    ),
    refused(Top, "anonymous.paths", "anonymous: {enabled: true, paths: [/livez]}"),
    taken(Top, "---"),
    only_they_take(Top, SECOND, "---\napiVersion: v1\nkind: X"),
];
