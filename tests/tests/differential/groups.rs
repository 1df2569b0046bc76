//! `claimMappings.groups` and `claimMappings.extra`: strings, lists, nothing, and other types.
//! Distributed claims have a file of their own.

use crate::table::{Case, accepted, differs, refused, stricter};

const GUARD: &str =
    "no issuer may name Kubernetes' own groups, unless the operator allows that name";
const ONCE: &str = "each group is named once";
const STABLE: &str = "a group's name is a visible text that no hop on its way makes another of";
const EMPTY: &str = "a group without a name is none";
/// kube-apiserver 1.37.1 refuses every token whose groups are the direct result of `split` or
/// `findAll`, including the example of its own documentation: that list holds Go strings, not
/// CEL strings (`convertCELValueToStringList` in oidc.go).
const TEXTS: &str = "a list of texts is a list of texts, whichever function made it";

pub(crate) const CASES: &[Case] = &[
    Case {
        name: "groups-by-claim",
        entry: r#"
            claimMappings:
              username: {claim: sub, prefix: ""}
              groups: {claim: groups, prefix: ""}
        "#,
        tokens: &[
            accepted(r#"{"sub":"jane","groups":["dev","ops"]}"#, r#"jane groups=["dev","ops"]"#),
            accepted(r#"{"sub":"jane","groups":"dev"}"#, r#"jane groups=["dev"]"#),
            accepted(r#"{"sub":"jane","groups":[]}"#, "jane"),
            accepted(r#"{"sub":"jane","groups":null}"#, "jane"),
            accepted(r#"{"sub":"jane"}"#, "jane"),
            accepted(r#"{"sub":"jane","groups":["a,b","c d"]}"#, r#"jane groups=["a,b","c d"]"#),
            refused(r#"{"sub":"jane","groups":["dev",5]}"#),
            refused(r#"{"sub":"jane","groups":[["dev"]]}"#),
            refused(r#"{"sub":"jane","groups":{"dev":true}}"#),
            refused(r#"{"sub":"jane","groups":5}"#),
            refused(r#"{"sub":"jane","groups":true}"#),
            differs(
                r#"{"sub":"jane","groups":["dev","dev"]}"#,
                Some(r#"jane groups=["dev","dev"]"#),
                Some(r#"jane groups=["dev"]"#),
                ONCE,
            ),
            differs(
                r#"{"sub":"jane","groups":["dev",""]}"#,
                Some(r#"jane groups=["dev",""]"#),
                Some(r#"jane groups=["dev"]"#),
                EMPTY,
            ),
            differs(
                r#"{"sub":"jane","groups":""}"#,
                Some(r#"jane groups=[""]"#),
                Some("jane"),
                EMPTY,
            ),
            differs(
                r#"{"sub":"jane","groups":[null]}"#,
                Some(r#"jane groups=[""]"#),
                Some("jane"),
                EMPTY,
            ),
            stricter(r#"{"sub":"jane","groups":["dev "]}"#, r#"jane groups=["dev "]"#, STABLE),
            stricter(
                r#"{"sub":"jane","groups":["SYSTEM:masters"]}"#,
                r#"jane groups=["SYSTEM:masters"]"#,
                GUARD,
            ),
            stricter(
                r#"{"sub":"jane","groups":["dev","system:masters"]}"#,
                r#"jane groups=["dev","system:masters"]"#,
                GUARD,
            ),
            stricter(
                r#"{"sub":"jane","groups":"system:nodes"}"#,
                r#"jane groups=["system:nodes"]"#,
                GUARD,
            ),
        ],
        ..Case::PLAIN
    },
    Case {
        name: "groups-with-prefix",
        entry: r#"
            claimMappings:
              username: {claim: sub, prefix: ""}
              groups: {claim: groups, prefix: "oidc:"}
        "#,
        tokens: &[
            accepted(r#"{"sub":"jane","groups":["a","b"]}"#, r#"jane groups=["oidc:a","oidc:b"]"#),
            accepted(
                r#"{"sub":"jane","groups":["system:masters"]}"#,
                r#"jane groups=["oidc:system:masters"]"#,
            ),
            differs(
                r#"{"sub":"jane","groups":[""]}"#,
                Some(r#"jane groups=["oidc:"]"#),
                Some("jane"),
                EMPTY,
            ),
        ],
        ..Case::PLAIN
    },
    Case {
        name: "groups-by-expression",
        entry: r#"
            claimMappings:
              username: {claim: sub, prefix: ""}
              groups: {expression: claims.groups}
        "#,
        tokens: &[
            accepted(r#"{"sub":"jane","groups":["dev","ops"]}"#, r#"jane groups=["dev","ops"]"#),
            accepted(r#"{"sub":"jane","groups":"dev"}"#, r#"jane groups=["dev"]"#),
            accepted(r#"{"sub":"jane","groups":["dev",""]}"#, r#"jane groups=["dev"]"#),
            accepted(r#"{"sub":"jane","groups":""}"#, "jane"),
            accepted(r#"{"sub":"jane","groups":[]}"#, "jane"),
            accepted(r#"{"sub":"jane","groups":null}"#, "jane"),
            refused(r#"{"sub":"jane"}"#),
            refused(r#"{"sub":"jane","groups":["dev",5]}"#),
            refused(r#"{"sub":"jane","groups":5}"#),
            refused(r#"{"sub":"jane","groups":{"dev":true}}"#),
            stricter(
                r#"{"sub":"jane","groups":["system:masters"]}"#,
                r#"jane groups=["system:masters"]"#,
                GUARD,
            ),
            differs(
                r#"{"sub":"jane","groups":["dev","dev"]}"#,
                Some(r#"jane groups=["dev","dev"]"#),
                Some(r#"jane groups=["dev"]"#),
                ONCE,
            ),
        ],
        ..Case::PLAIN
    },
    Case {
        name: "groups-of-a-text-with-commas",
        entry: r#"
            claimMappings:
              username: {claim: sub, prefix: ""}
              groups: {expression: 'claims.roles == "" ? [] : claims.roles.split(",")'}
        "#,
        tokens: &[
            accepted(r#"{"sub":"jane","roles":""}"#, "jane"),
            refused(r#"{"sub":"jane","roles":["dev"]}"#),
            differs(
                r#"{"sub":"jane","roles":"dev,ops"}"#,
                None,
                Some(r#"jane groups=["dev","ops"]"#),
                TEXTS,
            ),
            differs(
                r#"{"sub":"jane","roles":"dev,,ops,"}"#,
                None,
                Some(r#"jane groups=["dev","ops"]"#),
                TEXTS,
            ),
        ],
        ..Case::PLAIN
    },
    Case {
        name: "groups-filtered-and-renamed",
        entry: r#"
            claimMappings:
              username: {claim: sub, prefix: ""}
              groups:
                expression: >-
                  dyn(claims.groups).filter(g, g.startsWith("k8s-")).map(g, "oidc:" + g.substring(4))
        "#,
        tokens: &[
            accepted(
                r#"{"sub":"jane","groups":["k8s-dev","other","k8s-ops"]}"#,
                r#"jane groups=["oidc:dev","oidc:ops"]"#,
            ),
            accepted(r#"{"sub":"jane","groups":["other"]}"#, "jane"),
            refused(r#"{"sub":"jane","groups":["k8s-dev",5]}"#),
            refused(r#"{"sub":"jane","groups":"k8s-dev"}"#),
        ],
        ..Case::PLAIN
    },
    Case {
        name: "groups-optional-and-nested",
        entry: r#"
            claimMappings:
              username: {claim: sub, prefix: ""}
              groups: {expression: 'claims.?realm_access.?roles.orValue([])'}
        "#,
        tokens: &[
            accepted(
                r#"{"sub":"jane","realm_access":{"roles":["dev"]}}"#,
                r#"jane groups=["dev"]"#,
            ),
            accepted(r#"{"sub":"jane","realm_access":{}}"#, "jane"),
            accepted(r#"{"sub":"jane"}"#, "jane"),
            accepted(r#"{"sub":"jane","realm_access":"dev"}"#, "jane"),
        ],
        ..Case::PLAIN
    },
    Case {
        name: "groups-of-a-client",
        entry: r#"
            claimMappings:
              username: {claim: sub, prefix: ""}
              groups:
                expression: '"kubectl" in claims.resource_access ? claims.resource_access["kubectl"].roles : []'
        "#,
        tokens: &[
            accepted(
                r#"{"sub":"jane","resource_access":{"kubectl":{"roles":["a","b"]}}}"#,
                r#"jane groups=["a","b"]"#,
            ),
            accepted(r#"{"sub":"jane","resource_access":{}}"#, "jane"),
            refused(r#"{"sub":"jane"}"#),
        ],
        ..Case::PLAIN
    },
    Case {
        name: "groups-by-claim-and-nothing-else",
        entry: r#"
            claimMappings:
              username: {claim: sub, prefix: ""}
              groups: {claim: "", prefix: "oidc:"}
              uid: {claim: ""}
              extra: []
        "#,
        tokens: &[accepted(r#"{"sub":"jane","groups":["dev"]}"#, "jane")],
        ..Case::PLAIN
    },
    Case {
        name: "credential-id",
        entry: r#"claimMappings: {username: {claim: sub, prefix: ""}}"#,
        tokens: &[
            accepted(
                r#"{"sub":"jane","jti":"4f-1"}"#,
                r#"jane extra={"authentication.kubernetes.io/credential-id":["JTI=4f-1"]}"#,
            ),
            accepted(r#"{"sub":"jane","jti":""}"#, "jane"),
            accepted(r#"{"sub":"jane","jti":5}"#, "jane"),
            accepted(r#"{"sub":"jane","jti":null}"#, "jane"),
            accepted(r#"{"sub":"jane","jti":["a"]}"#, "jane"),
        ],
        ..Case::PLAIN
    },
    Case {
        name: "extra-of-one-claim",
        entry: r#"
            claimMappings:
              username: {claim: sub, prefix: ""}
              extra:
              - key: example.com/tenant
                valueExpression: claims.tenant
        "#,
        tokens: &[
            accepted(
                r#"{"sub":"jane","tenant":"acme"}"#,
                r#"jane extra={"example.com/tenant":["acme"]}"#,
            ),
            accepted(
                r#"{"sub":"jane","tenant":["b","a","b"]}"#,
                r#"jane extra={"example.com/tenant":["b","a","b"]}"#,
            ),
            accepted(
                r#"{"sub":"jane","tenant":["a",""]}"#,
                r#"jane extra={"example.com/tenant":["a"]}"#,
            ),
            accepted(r#"{"sub":"jane","tenant":""}"#, "jane"),
            accepted(r#"{"sub":"jane","tenant":[]}"#, "jane"),
            accepted(r#"{"sub":"jane","tenant":[""]}"#, "jane"),
            accepted(r#"{"sub":"jane","tenant":null}"#, "jane"),
            accepted(
                r#"{"sub":"jane","tenant":"acme","jti":"7"}"#,
                r#"jane extra={"authentication.kubernetes.io/credential-id":["JTI=7"],"example.com/tenant":["acme"]}"#,
            ),
            refused(r#"{"sub":"jane"}"#),
            refused(r#"{"sub":"jane","tenant":5}"#),
            refused(r#"{"sub":"jane","tenant":{"a":"b"}}"#),
            refused(r#"{"sub":"jane","tenant":["a",5]}"#),
        ],
        ..Case::PLAIN
    },
    Case {
        name: "extra-of-many-kinds",
        entry: r#"
            claimMappings:
              username: {claim: sub, prefix: ""}
              extra:
              - {key: example.com/level, valueExpression: "string(int(claims.level))"}
              - {key: example.com/admin, valueExpression: 'claims.admin ? "yes" : ""'}
              - {key: a.example.com/some/path, valueExpression: '["fixed", string(claims.sub)]'}
              - {key: example.com/maybe, valueExpression: 'claims.?maybe.orValue("")'}
        "#,
        tokens: &[
            accepted(
                r#"{"sub":"jane","level":3,"admin":true,"maybe":"m"}"#,
                r#"jane extra={"a.example.com/some/path":["fixed","jane"],"example.com/admin":["yes"],"example.com/level":["3"],"example.com/maybe":["m"]}"#,
            ),
            accepted(
                r#"{"sub":"jane","level":3.9,"admin":false}"#,
                r#"jane extra={"a.example.com/some/path":["fixed","jane"],"example.com/level":["3"]}"#,
            ),
            refused(r#"{"sub":"jane","level":"high","admin":false}"#),
            refused(r#"{"sub":"jane","level":1,"admin":"no"}"#),
            refused(r#"{"sub":"jane","admin":true}"#),
        ],
        ..Case::PLAIN
    },
];
