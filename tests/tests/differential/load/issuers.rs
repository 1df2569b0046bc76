//! `jwt[].issuer`: URLs, audiences, the certificate authority, egress.
//! Never more than one fault in a file: each row shows one rule.

use super::Part::{Entry, Issuer, Whole};
use super::{File, only_they_take, only_we_take, refused, taken};

const AT_URL: &str = "jwt[0].issuer.url";
const AT_DISCOVERY: &str = "jwt[0].issuer.discoveryURL";
const AT_AUTHORITY: &str = "jwt[0].issuer.certificateAuthority";
const AT_AUDIENCES: &str = "jwt[0].issuer.audiences";
const OWN: &str = "only kube-apiserver knows its own issuer of service accounts; we warn";
const HOST: &str = "an issuer that names no host cannot be asked for its keys";
const EMPTY_PART: &str = "an empty query or fragment is one";
const NO_PROXY: &str = "a webhook has no egress selector to configure: it warns and goes directly";

pub(super) const FILES: &[File] = &[
    taken(Issuer, "url: https://id.example.com:8443/realms/Main\naudiences: [kubectl]"),
    taken(Issuer, "url: https://10.0.0.1\naudiences: [kubectl]"),
    taken(Issuer, "url: \"https://[::1]:8443/\"\naudiences: [kubectl]"),
    taken(Issuer, "url: HTTPS://id.example.com\naudiences: [kubectl]"),
    taken(Issuer, "url: https://id.example.com/a%20b\naudiences: [kubectl]"),
    refused(Entry, "jwt[0].issuer", "claimMappings: {username: {claim: sub, prefix: \"\"}}"),
    refused(
        Entry,
        "jwt[0].issuer",
        "issuer:\nclaimMappings: {username: {claim: sub, prefix: \"\"}}",
    ),
    refused(Issuer, AT_URL, "audiences: [kubectl]"),
    refused(Issuer, AT_URL, "url: \"\"\naudiences: [kubectl]"),
    refused(Issuer, AT_URL, "url: null\naudiences: [kubectl]"),
    refused(Issuer, AT_URL, "url: http://id.example.com\naudiences: [kubectl]"),
    refused(Issuer, AT_URL, "url: id.example.com\naudiences: [kubectl]"),
    refused(Issuer, AT_URL, "url: https://jane@id.example.com\naudiences: [kubectl]"),
    refused(Issuer, AT_URL, "url: https://jane:secret@id.example.com\naudiences: [kubectl]"),
    refused(Issuer, AT_URL, "url: https://@id.example.com\naudiences: [kubectl]"),
    refused(Issuer, AT_URL, "url: https://id.example.com?tenant=a\naudiences: [kubectl]"),
    refused(Issuer, AT_URL, "url: https://id.example.com/#top\naudiences: [kubectl]"),
    refused(Issuer, AT_URL, "url: https://id.example.com:port\naudiences: [kubectl]"),
    refused(Issuer, AT_URL, "url: https://id example.com\naudiences: [kubectl]"),
    refused(Issuer, AT_URL, "url: \"https://[::1\"\naudiences: [kubectl]"),
    refused(Issuer, AT_URL, "url: https://id.example.com/%zz\naudiences: [kubectl]"),
    only_we_take(Issuer, OWN, "url: https://kubernetes.default.svc\naudiences: [kubectl]"),
    taken(
        Issuer,
        "url: https://kubernetes.default.svc.cluster-b.example\naudiences: [a]\ndiscoveryURL: https://api.b.example",
    ),
    taken(Issuer, "url: https://kubernetes.default.svc.cluster.local\naudiences: [a]"),
    only_they_take(Issuer, HOST, "url: https://\naudiences: [kubectl]"),
    only_they_take(Issuer, HOST, "url: https:id.example.com\naudiences: [kubectl]"),
    only_they_take(Issuer, EMPTY_PART, "url: https://id.example.com?\naudiences: [kubectl]"),
    only_they_take(Issuer, EMPTY_PART, "url: \"https://id.example.com#\"\naudiences: [kubectl]"),
    refused(
        Whole,
        "jwt[1].issuer.url",
        r#"
            apiVersion: apiserver.config.k8s.io/v1
            kind: AuthenticationConfiguration
            jwt:
            - issuer: {url: "https://id.example.com", audiences: [a]}
              claimMappings: {username: {claim: sub, prefix: "a:"}}
            - issuer: {url: "https://id.example.com", audiences: [b]}
              claimMappings: {username: {claim: sub, prefix: "b:"}}
        "#,
    ),
    taken(
        Whole,
        r#"
            apiVersion: apiserver.config.k8s.io/v1
            kind: AuthenticationConfiguration
            jwt:
            - issuer: {url: "https://id.example.com", audiences: [a]}
              claimMappings: {username: {claim: sub, prefix: "a:"}}
            - issuer: {url: "https://id.example.com/", audiences: [a]}
              claimMappings: {username: {claim: sub, prefix: "b:"}}
        "#,
    ),
    refused(
        Whole,
        "jwt[1].issuer.discoveryURL",
        r#"
            apiVersion: apiserver.config.k8s.io/v1
            kind: AuthenticationConfiguration
            jwt:
            - issuer: {url: "https://a.example.com", discoveryURL: "https://c.example.com", audiences: [a]}
              claimMappings: {username: {claim: sub, prefix: "a:"}}
            - issuer: {url: "https://b.example.com", discoveryURL: "https://c.example.com", audiences: [b]}
              claimMappings: {username: {claim: sub, prefix: "b:"}}
        "#,
    ),
    taken(
        Issuer,
        "url: https://id.example.com\naudiences: [a]\ndiscoveryURL: https://id.example.com/.well-known/openid-configuration",
    ),
    taken(
        Issuer,
        "url: https://id.example.com\naudiences: [a]\ndiscoveryURL: https://kubernetes.default.svc",
    ),
    taken(Issuer, "url: https://id.example.com\naudiences: [a]\ndiscoveryURL: \"\""),
    refused(
        Issuer,
        AT_DISCOVERY,
        "url: https://id.example.com\naudiences: [a]\ndiscoveryURL: https://id.example.com",
    ),
    refused(
        Issuer,
        AT_DISCOVERY,
        "url: https://id.example.com\naudiences: [a]\ndiscoveryURL: https://id.example.com//",
    ),
    refused(
        Issuer,
        AT_DISCOVERY,
        "url: https://id.example.com/\naudiences: [a]\ndiscoveryURL: https://id.example.com",
    ),
    refused(
        Issuer,
        AT_DISCOVERY,
        "url: https://id.example.com\naudiences: [a]\ndiscoveryURL: http://d.example.com",
    ),
    refused(
        Issuer,
        AT_DISCOVERY,
        "url: https://id.example.com\naudiences: [a]\ndiscoveryURL: https://u@d.example.com",
    ),
    refused(
        Issuer,
        AT_DISCOVERY,
        "url: https://id.example.com\naudiences: [a]\ndiscoveryURL: https://d.example.com?x",
    ),
    refused(
        Issuer,
        AT_DISCOVERY,
        "url: https://id.example.com\naudiences: [a]\ndiscoveryURL: https://d.example.com#x",
    ),
    refused(
        Issuer,
        AT_DISCOVERY,
        "url: https://id.example.com\naudiences: [a]\ndiscoveryURL: d.example.com/x",
    ),
    taken(Issuer, "url: https://id.example.com\naudiences: [a]\ncertificateAuthority: \"\""),
    refused(
        Issuer,
        AT_AUTHORITY,
        "url: https://id.example.com\naudiences: [a]\ncertificateAuthority: /etc/kubernetes/ca.crt",
    ),
    refused(
        Issuer,
        AT_AUTHORITY,
        "url: https://id.example.com\naudiences: [a]\ncertificateAuthority: \"-----BEGIN CERTIFICATE-----\\nAAAA\\n-----END CERTIFICATE-----\\n\"",
    ),
    refused(
        Issuer,
        AT_AUTHORITY,
        "url: https://id.example.com\naudiences: [a]\ncertificateAuthority: \"-----BEGIN PUBLIC KEY-----\\nAAAA\\n-----END PUBLIC KEY-----\\n\"",
    ),
    taken(Issuer, "url: https://id.example.com\naudiences: [a]\naudienceMatchPolicy: MatchAny"),
    taken(Issuer, "url: https://id.example.com\naudiences: [a]\naudienceMatchPolicy: \"\""),
    taken(
        Issuer,
        "url: https://id.example.com\naudiences: [a, A, \" a\"]\naudienceMatchPolicy: MatchAny",
    ),
    refused(Issuer, AT_AUDIENCES, "url: https://id.example.com"),
    refused(Issuer, AT_AUDIENCES, "url: https://id.example.com\naudiences: []"),
    refused(Issuer, AT_AUDIENCES, "url: https://id.example.com\naudiences: null"),
    refused(Issuer, AT_AUDIENCES, "url: https://id.example.com\naudiences: [\"\"]"),
    refused(
        Issuer,
        AT_AUDIENCES,
        "url: https://id.example.com\naudiences: [a, \"\"]\naudienceMatchPolicy: MatchAny",
    ),
    refused(
        Issuer,
        AT_AUDIENCES,
        "url: https://id.example.com\naudiences: [a, b, a]\naudienceMatchPolicy: MatchAny",
    ),
    refused(Issuer, AT_AUDIENCES, "url: https://id.example.com\naudiences: a"),
    refused(Issuer, AT_AUDIENCES, "url: https://id.example.com\naudiences: [5]"),
    refused(Issuer, AT_AUDIENCES, "url: https://id.example.com\naudiences: [[a]]"),
    refused(Issuer, "audienceMatchPolicy", "url: https://id.example.com\naudiences: [a, b]"),
    refused(
        Issuer,
        "audienceMatchPolicy",
        "url: https://id.example.com\naudiences: [a, b]\naudienceMatchPolicy: \"\"",
    ),
    refused(
        Issuer,
        "audienceMatchPolicy",
        "url: https://id.example.com\naudiences: [a, b]\naudienceMatchPolicy: MatchAll",
    ),
    refused(
        Issuer,
        "audienceMatchPolicy",
        "url: https://id.example.com\naudiences: [a]\naudienceMatchPolicy: matchAny",
    ),
    taken(Issuer, "url: https://id.example.com\naudiences: [a]\negressSelectorType: \"\""),
    only_we_take(
        Issuer,
        NO_PROXY,
        "url: https://id.example.com\naudiences: [a]\negressSelectorType: cluster",
    ),
    only_we_take(
        Issuer,
        NO_PROXY,
        "url: https://id.example.com\naudiences: [a]\negressSelectorType: controlplane",
    ),
    refused(
        Issuer,
        "egressSelectorType",
        "url: https://id.example.com\naudiences: [a]\negressSelectorType: Cluster",
    ),
    refused(
        Issuer,
        "egressSelectorType",
        "url: https://id.example.com\naudiences: [a]\negressSelectorType: etcd",
    ),
];
