//! `claimMappings.username` and `claimMappings.uid`: by claim, with a prefix, by expression.

use crate::table::{Case, accepted, refused, stricter};

const GUARD: &str =
    "no issuer may name Kubernetes' own users, unless the operator allows that name";
const EMPTY: &str = "nobody is nobody: a username is never empty";
const BLANK: &str = "a username is a visible text that no hop on its way makes another of";

pub(crate) const CASES: &[Case] = &[
    Case {
        name: "username-by-claim",
        entry: r#"claimMappings: {username: {claim: sub, prefix: ""}}"#,
        tokens: &[
            accepted(r#"{"sub":"jane"}"#, "jane"),
            accepted(r#"{"sub":"Jané Döe <jane@example.com>"}"#, "Jané Döe <jane@example.com>"),
            accepted(r#"{"sub":"ns/system:x"}"#, "ns/system:x"),
            refused("{}"),
            refused(r#"{"sub":5}"#),
            refused(r#"{"sub":["jane"]}"#),
            refused(r#"{"sub":{"name":"jane"}}"#),
            refused(r#"{"sub":true}"#),
            stricter(r#"{"sub":null}"#, "", EMPTY),
            stricter(r#"{"sub":""}"#, "", EMPTY),
            stricter(r#"{"sub":"  "}"#, "  ", BLANK),
            stricter(r#"{"sub":"a\nb"}"#, "a\nb", BLANK),
            accepted(r#"{"sub":"開発 チーム"}"#, "開発 チーム"),
            stricter(r#"{"sub":"a "}"#, "a ", BLANK),
            stricter(r#"{"sub":"\ufeffa"}"#, "\u{feff}a", BLANK),
            stricter(r#"{"sub":"a\u200bb"}"#, "a\u{200b}b", BLANK),
            stricter(r#"{"sub":"a\u2028b"}"#, "a\u{2028}b", BLANK),
            stricter(r#"{"sub":"Jose\u0301"}"#, "Jose\u{301}", BLANK),
            stricter(r#"{"sub":"System:Admin"}"#, "System:Admin", GUARD),
            stricter(r#"{"sub":"system:admin"}"#, "system:admin", GUARD),
            stricter(r#"{"sub":"system:node:a"}"#, "system:node:a", GUARD),
        ],
        ..Case::PLAIN
    },
    Case {
        name: "username-with-prefix",
        entry: r#"
            claimMappings:
              username:
                claim: "sub"
                prefix: 'oidc:'
        "#,
        tokens: &[
            accepted(r#"{"sub":"jane"}"#, "oidc:jane"),
            accepted(r#"{"sub":"system:admin"}"#, "oidc:system:admin"),
            stricter(r#"{"sub":""}"#, "oidc:", EMPTY),
        ],
        ..Case::PLAIN
    },
    Case {
        name: "username-prefix-of-kubernetes",
        entry: r#"claimMappings: {username: {claim: sub, prefix: "system:"}}"#,
        tokens: &[stricter(r#"{"sub":"jane"}"#, "system:jane", GUARD)],
        ..Case::PLAIN
    },
    Case {
        name: "username-prefix-is-the-issuer",
        entry: r##"claimMappings: {username: {claim: sub, prefix: "@ISSUER#"}}"##,
        tokens: &[accepted(r#"{"sub":"jane"}"#, "@ISSUER#jane")],
        ..Case::PLAIN
    },
    Case {
        name: "username-claim-is-a-url",
        entry: r#"claimMappings: {username: {claim: "https://example.com/user.name", prefix: ""}}"#,
        tokens: &[
            accepted(r#"{"sub":"1","https://example.com/user.name":"jane"}"#, "jane"),
            refused(r#"{"sub":"1","https://example.com/user":{"name":"jane"}}"#),
        ],
        ..Case::PLAIN
    },
    Case {
        name: "username-without-subject",
        entry: r#"claimMappings: {username: {claim: name, prefix: ""}}"#,
        tokens: &[
            accepted(r#"{"sub":"1","name":"jane"}"#, "jane"),
            accepted(r#"{"name":"jane"}"#, "jane"),
            accepted(r#"{"sub":"","name":"jane"}"#, "jane"),
            accepted(r#"{"sub":null,"name":"jane"}"#, "jane"),
            refused(r#"{"sub":7,"name":"jane"}"#),
        ],
        ..Case::PLAIN
    },
    Case {
        name: "username-is-an-address",
        entry: r#"claimMappings: {username: {claim: email, prefix: ""}}"#,
        tokens: &[
            accepted(r#"{"sub":"1","email":"jane@example.com"}"#, "jane@example.com"),
            accepted(
                r#"{"sub":"1","email":"jane@example.com","email_verified":true}"#,
                "jane@example.com",
            ),
            refused(r#"{"sub":"1","email":"jane@example.com","email_verified":false}"#),
            refused(r#"{"sub":"1","email":"jane@example.com","email_verified":"true"}"#),
            refused(r#"{"sub":"1","email":"jane@example.com","email_verified":null}"#),
            refused(r#"{"sub":"1","email":"jane@example.com","email_verified":1}"#),
            refused(r#"{"sub":"1","email_verified":true}"#),
        ],
        ..Case::PLAIN
    },
    Case {
        name: "username-by-expression",
        entry: r#"claimMappings: {username: {expression: claims.username}}"#,
        tokens: &[
            accepted(r#"{"sub":"1","username":"jane"}"#, "jane"),
            refused(r#"{"sub":"1"}"#),
            refused(r#"{"sub":"1","username":""}"#),
            refused(r#"{"sub":"1","username":5}"#),
            refused(r#"{"sub":"1","username":null}"#),
            refused(r#"{"sub":"1","username":["jane"]}"#),
            stricter(r#"{"sub":"1","username":" "}"#, " ", BLANK),
            stricter(r#"{"sub":"1","username":"system:kube-proxy"}"#, "system:kube-proxy", GUARD),
        ],
        ..Case::PLAIN
    },
    Case {
        name: "username-of-two-claims",
        entry: r#"claimMappings: {username: {expression: 'claims.sub + "@" + claims.tenant.id'}}"#,
        tokens: &[
            accepted(r#"{"sub":"jane","tenant":{"id":"acme"}}"#, "jane@acme"),
            refused(r#"{"sub":"jane","tenant":{"name":"acme"}}"#),
            refused(r#"{"sub":"jane","tenant":"acme"}"#),
        ],
        ..Case::PLAIN
    },
    Case {
        name: "username-of-kubernetes-by-expression",
        entry: r#"claimMappings: {username: {expression: "'system:' + claims.sub"}}"#,
        tokens: &[stricter(r#"{"sub":"jane"}"#, "system:jane", GUARD)],
        ..Case::PLAIN
    },
    Case {
        name: "username-is-an-address-by-expression",
        entry: r#"
            claimMappings:
              username:
                expression: claims.email.lowerAscii()
            claimValidationRules:
            - expression: claims.?email_verified.orValue(true) == true
              message: the address must be verified
        "#,
        tokens: &[
            accepted(r#"{"sub":"1","email":"Jane@Example.com"}"#, "jane@example.com"),
            accepted(r#"{"sub":"1","email":"j@e.com","email_verified":true}"#, "j@e.com"),
            refused(r#"{"sub":"1","email":"j@e.com","email_verified":false}"#),
            refused(r#"{"sub":"1","email":"j@e.com","email_verified":"true"}"#),
            refused(r#"{"sub":"1","email_verified":true}"#),
        ],
        ..Case::PLAIN
    },
    Case {
        name: "username-falls-back",
        entry: r#"
            claimMappings:
              username:
                expression: |-
                  has(claims.email) && claims.?email_verified.orValue(false)
                    ? claims.email
                    : "sub:" + claims.sub
        "#,
        tokens: &[
            accepted(r#"{"sub":"1","email":"j@e.com","email_verified":true}"#, "j@e.com"),
            accepted(r#"{"sub":"1","email":"j@e.com"}"#, "sub:1"),
            accepted(r#"{"sub":"1"}"#, "sub:1"),
            refused(r#"{"sub":"1","email":"j@e.com","email_verified":"yes"}"#),
        ],
        ..Case::PLAIN
    },
    Case {
        name: "uid-by-claim",
        maps_uid: true,
        entry: r#"
            claimMappings:
              username: {claim: sub, prefix: ""}
              uid: {claim: oid}
        "#,
        tokens: &[
            accepted(r#"{"sub":"jane","oid":"a-1"}"#, r#"jane uid="a-1""#),
            refused(r#"{"sub":"jane"}"#),
            refused(r#"{"sub":"jane","oid":7}"#),
            refused(r#"{"sub":"jane","oid":["a"]}"#),
            accepted(r#"{"sub":"jane","oid":""}"#, "jane"),
            accepted(r#"{"sub":"jane","oid":null}"#, "jane"),
        ],
        ..Case::PLAIN
    },
    Case {
        name: "uid-by-expression",
        maps_uid: true,
        entry: r##"
            claimMappings:
              username: {claim: sub, prefix: ""}
              uid: {expression: 'claims.iss + "#" + claims.sub'}
        "##,
        tokens: &[accepted(r#"{"sub":"jane"}"#, r#"jane uid="@ISSUER#jane""#)],
        ..Case::PLAIN
    },
    Case {
        name: "uid-is-a-number",
        maps_uid: true,
        entry: r#"
            claimMappings:
              username: {expression: "claims.sub"}
              uid: {expression: string(claims.number)}
        "#,
        tokens: &[
            accepted(r#"{"sub":"jane","number":7}"#, r#"jane uid="7""#),
            accepted(r#"{"sub":"jane","number":7.5}"#, r#"jane uid="7.5""#),
            accepted(r#"{"sub":"jane","number":1234567}"#, r#"jane uid="1.234567e+06""#),
            accepted(r#"{"sub":"jane","number":true}"#, r#"jane uid="true""#),
            refused(r#"{"sub":"jane","number":[1]}"#),
            refused(r#"{"sub":"jane"}"#),
        ],
        ..Case::PLAIN
    },
];
