//! `claimValidationRules` and `userValidationRules`: what must hold besides a valid signature.
//! Rules that are refused at load have their own table.

use crate::table::{Case, accepted, refused, stricter};

const UID: &str = "rules see the user that kube-apiserver is told, and its uid is never empty";

pub(crate) const CASES: &[Case] = &[
    Case {
        name: "required-claims",
        entry: r#"
            claimMappings: {username: {claim: sub, prefix: ""}}
            claimValidationRules:
            - claim: hd
              requiredValue: example.com
            - claim: env
              requiredValue: "1"
        "#,
        tokens: &[
            accepted(r#"{"sub":"jane","hd":"example.com","env":"1"}"#, "jane"),
            refused(r#"{"sub":"jane","hd":"example.com"}"#),
            refused(r#"{"sub":"jane","hd":"example.com","env":1}"#),
            refused(r#"{"sub":"jane","hd":"example.com","env":["1"]}"#),
            refused(r#"{"sub":"jane","hd":"Example.com","env":"1"}"#),
            refused(r#"{"sub":"jane","hd":null,"env":"1"}"#),
        ],
        ..Case::PLAIN
    },
    Case {
        name: "required-claim-without-value",
        entry: r#"
            claimMappings: {username: {claim: sub, prefix: ""}}
            claimValidationRules:
            - claim: act
        "#,
        tokens: &[
            accepted(r#"{"sub":"jane","act":""}"#, "jane"),
            refused(r#"{"sub":"jane","act":"x"}"#),
            refused(r#"{"sub":"jane"}"#),
            accepted(r#"{"sub":"jane","act":null}"#, "jane"),
        ],
        ..Case::PLAIN
    },
    Case {
        name: "claim-rule",
        entry: r#"
            claimMappings: {username: {claim: sub, prefix: ""}}
            claimValidationRules:
            - expression: 'claims.hd == "example.com"'
              message: the hosted domain must be example.com
        "#,
        tokens: &[
            accepted(r#"{"sub":"jane","hd":"example.com"}"#, "jane"),
            refused(r#"{"sub":"jane","hd":"other"}"#),
            refused(r#"{"sub":"jane","hd":5}"#),
            refused(r#"{"sub":"jane"}"#),
        ],
        ..Case::PLAIN
    },
    Case {
        name: "claim-rule-over-lifetimes",
        entry: r#"
            claimMappings: {username: {claim: sub, prefix: ""}}
            claimValidationRules:
            - expression: claims.exp - claims.nbf <= 86400
              message: total token lifetime must not exceed 24 hours
        "#,
        tokens: &[
            accepted(r#"{"sub":"jane","nbf":"@now-10"}"#, "jane"),
            refused(r#"{"sub":"jane","nbf":"@now-10","exp":"@now+90000"}"#),
            refused(r#"{"sub":"jane"}"#),
        ],
        ..Case::PLAIN
    },
    Case {
        name: "claim-rules-of-both-kinds",
        entry: r#"
            claimMappings: {username: {claim: sub, prefix: ""}}
            claimValidationRules:
            - {claim: hd, requiredValue: example.com}
            - {expression: 'has(claims.groups) && claims.groups.size() > 0'}
            - {expression: 'dyn(claims.groups).all(g, g.matches("^[a-z]+$"))'}
        "#,
        tokens: &[
            accepted(r#"{"sub":"jane","hd":"example.com","groups":["dev"]}"#, "jane"),
            refused(r#"{"sub":"jane","hd":"example.com","groups":[]}"#),
            refused(r#"{"sub":"jane","hd":"example.com","groups":["dev","Ops"]}"#),
            refused(r#"{"sub":"jane","hd":"other","groups":["dev"]}"#),
            refused(r#"{"sub":"jane","hd":"example.com"}"#),
        ],
        ..Case::PLAIN
    },
    Case {
        name: "user-rules-against-reserved-names",
        entry: r#"
            claimMappings:
              username: {claim: sub, prefix: ""}
              groups: {claim: groups, prefix: ""}
            userValidationRules:
            - expression: "!user.username.startsWith('system:')"
              message: username cannot use reserved system prefix
            - expression: "user.groups.all(g, !g.startsWith('system:'))"
              message: groups cannot use reserved system prefix
        "#,
        tokens: &[
            accepted(r#"{"sub":"jane","groups":["dev"]}"#, r#"jane groups=["dev"]"#),
            accepted(r#"{"sub":"jane"}"#, "jane"),
            refused(r#"{"sub":"system:admin"}"#),
            refused(r#"{"sub":"jane","groups":["dev","system:masters"]}"#),
        ],
        ..Case::PLAIN
    },
    Case {
        name: "user-rule-over-groups",
        entry: r#"
            claimMappings:
              username: {claim: sub, prefix: "oidc:"}
              groups: {claim: groups, prefix: "oidc:"}
            userValidationRules:
            - expression: '"oidc:staff" in user.groups && user.groups.size() <= 2'
            - expression: user.username.startsWith("oidc:")
        "#,
        tokens: &[
            accepted(r#"{"sub":"jane","groups":["staff"]}"#, r#"oidc:jane groups=["oidc:staff"]"#),
            refused(r#"{"sub":"jane","groups":["dev"]}"#),
            refused(r#"{"sub":"jane","groups":["staff","a","b"]}"#),
            refused(r#"{"sub":"jane"}"#),
        ],
        ..Case::PLAIN
    },
    Case {
        name: "user-rule-over-an-empty-uid",
        entry: r#"
            claimMappings: {username: {claim: sub, prefix: ""}}
            userValidationRules:
            - expression: user.uid == ""
        "#,
        tokens: &[stricter(r#"{"sub":"jane"}"#, "jane", UID)],
        ..Case::PLAIN
    },
    Case {
        name: "user-rule-over-a-uid",
        maps_uid: true,
        entry: r#"
            claimMappings:
              username: {claim: sub, prefix: ""}
              uid: {claim: oid}
            userValidationRules:
            - expression: user.uid.startsWith("a-")
        "#,
        tokens: &[
            accepted(r#"{"sub":"jane","oid":"a-1"}"#, r#"jane uid="a-1""#),
            refused(r#"{"sub":"jane","oid":"b-1"}"#),
        ],
        ..Case::PLAIN
    },
    Case {
        name: "user-rule-over-extra",
        entry: r#"
            claimMappings:
              username: {claim: sub, prefix: ""}
              extra:
              - {key: example.com/tenant, valueExpression: 'claims.?tenant.orValue("")'}
            userValidationRules:
            - expression: 'user.extra["example.com/tenant"] == ["acme"]'
        "#,
        tokens: &[
            accepted(
                r#"{"sub":"jane","tenant":"acme"}"#,
                r#"jane extra={"example.com/tenant":["acme"]}"#,
            ),
            refused(r#"{"sub":"jane","tenant":"other"}"#),
            refused(r#"{"sub":"jane"}"#),
        ],
        ..Case::PLAIN
    },
    Case {
        name: "user-rule-over-the-credential-id",
        entry: r#"
            claimMappings: {username: {claim: sub, prefix: ""}}
            userValidationRules:
            - expression: '"authentication.kubernetes.io/credential-id" in user.extra'
        "#,
        tokens: &[
            accepted(
                r#"{"sub":"jane","jti":"1"}"#,
                r#"jane extra={"authentication.kubernetes.io/credential-id":["JTI=1"]}"#,
            ),
            refused(r#"{"sub":"jane"}"#),
        ],
        ..Case::PLAIN
    },
    Case {
        name: "everything-of-the-documentation",
        maps_uid: true,
        issuer: r#"
            audiences:
            - my-app
            - my-other-app
            audienceMatchPolicy: MatchAny
        "#,
        entry: r#"
            # rules applied to validate token claims to authenticate users.
            claimValidationRules:
              # Same as --oidc-required-claim key=value.
            - claim: hd
              requiredValue: example.com
              # Instead of claim and requiredValue, you can use expression to validate the claim.
            - expression: 'claims.hd == "example.com"'
              message: the hd claim must be set to example.com
            - expression: 'claims.exp - claims.nbf <= 86400'
              message: total token lifetime must not exceed 24 hours
            claimMappings:
              username:
                expression: 'claims.username + ":external-user"'
              groups:
                # Not as documented: kube-apiserver refuses the bare result of `split`.
                expression: 'claims.roles.split(",").map(role, role)'
              uid:
                expression: 'claims.sub'
              extra:
                # key is a string to use as the extra attribute key.
              - key: 'example.com/tenant'
                valueExpression: 'claims.tenant'
            userValidationRules:
            - expression: "!user.username.startsWith('system:')"
              message: 'username cannot used reserved system: prefix'
            - expression: "user.groups.all(group, !group.startsWith('system:'))"
              message: 'groups cannot used reserved system: prefix'
        "#,
        tokens: &[
            accepted(
                r#"{"aud":"my-app","sub":"auth","username":"foo","roles":"user,admin","tenant":"72f988bf","hd":"example.com","nbf":"@now-5","jti":"j"}"#,
                r#"foo:external-user uid="auth" groups=["user","admin"] extra={"authentication.kubernetes.io/credential-id":["JTI=j"],"example.com/tenant":["72f988bf"]}"#,
            ),
            refused(
                r#"{"aud":"my-app","sub":"auth","username":"foo","roles":"user,system:masters","tenant":"72f988bf","hd":"example.com","nbf":"@now-5"}"#,
            ),
            refused(
                r#"{"aud":"my-app","sub":"auth","username":"foo","roles":"user","tenant":"72f988bf","hd":"example.com"}"#,
            ),
            refused(
                r#"{"sub":"auth","username":"foo","roles":"user","tenant":"72f988bf","hd":"example.com","nbf":"@now-5"}"#,
            ),
        ],
        ..Case::PLAIN
    },
];
