//! Key sets in the forms in which providers publish them, and unusual forms.
//! Never a provider's own key: the form is theirs, the key material ours. `x5c` is left out, since
//! it would have to hold a certificate of the key.

use crate::table::{Case, Make, accepted, refused, stricter};

const BOUND: &str = "what costs work before a signature is checked has a bound";
const ALG: &str = "a key is used with the algorithm that its issuer names (RFC 8725 §3.1)";
const USE: &str = "a key that is published for something else verifies no token (RFC 7517 §4.2)";
const PRIVATE: &str = "a key with private members is everybody's";

const JANE: &str = r#"{"sub":"jane"}"#;
const ENTRY: &str = r#"claimMappings: {username: {claim: sub, prefix: ""}}"#;

/// In a separate configuration file: kube-apiserver accepts 64 issuers in one.
pub(crate) const CASES: &[Case] = &[
    Case {
        name: "google",
        entry: ENTRY,
        key_set: r#"{"keys":[{"alg":"RS256","use":"sig","kid":"3fd1b1cf",@rsa},{"use":"sig","alg":"RS256","kid":"4d28db6a",@rsa-too}]}"#,
        tokens: &[
            accepted(JANE, "jane").made(Make::With("rsa", "RS256", r#"{"kid":"3fd1b1cf"}"#)),
            accepted(JANE, "jane").made(Make::With("rsa-too", "RS256", r#"{"kid":"4d28db6a"}"#)),
            refused(JANE).made(Make::With("rsa", "RS256", r#"{"kid":"nobody"}"#)),
        ],
        ..Case::PLAIN
    },
    // No `alg`, and members that only Microsoft uses.
    Case {
        name: "entra",
        entry: ENTRY,
        key_set: r#"{"keys":[{"use":"sig","kid":"CNv0OI3RwqlHFEVnaoMAshCH2XE","x5t":"CNv0OI3RwqlHFEVnaoMAshCH2XE","cloud_instance_name":"microsoftonline.com","issuer":"https://login.microsoftonline.com/{tenantid}/v2.0",@rsa}]}"#,
        tokens: &[
            accepted(JANE, "jane").made(Make::With("rsa", "RS256", r#"{"kid":"CNv0OI3RwqlHFEVnaoMAshCH2XE","x5t":"CNv0OI3RwqlHFEVnaoMAshCH2XE"}"#)),
        ],
        ..Case::PLAIN
    },
    Case {
        name: "okta",
        entry: ENTRY,
        key_set: r#"{"keys":[{"alg":"RS256","kid":"FHRMI7TwBbW3GkBcWlmN9vtYGLTfDyX2","use":"sig",@rsa}]}"#,
        tokens: &[
            accepted(JANE, "jane").made(Make::With("rsa", "RS256", r#"{"kid":"FHRMI7TwBbW3GkBcWlmN9vtYGLTfDyX2","typ":"@absent"}"#)),
        ],
        ..Case::PLAIN
    },
    Case {
        name: "auth0",
        entry: ENTRY,
        key_set: r#"{"keys":[{"use":"sig","kid":"u2bqhUtLbzJKkcbPYV1bB","x5t":"AAAAAAAAAAAAAAAAAAAAAAAAAAA","alg":"RS256",@rsa},{"use":"sig","kid":"next","alg":"RS256",@rsa-too}]}"#,
        tokens: &[
            accepted(JANE, "jane").made(Make::With("rsa", "RS256", r#"{"kid":"u2bqhUtLbzJKkcbPYV1bB"}"#)),
        ],
        ..Case::PLAIN
    },
    // A key for encryption beside those for signatures.
    Case {
        name: "keycloak",
        entry: ENTRY,
        key_set: r#"{"keys":[{"kid":"enc-1","alg":"RSA-OAEP","use":"enc",@rsa-too},{"kid":"sig-1","alg":"RS256","use":"sig",@rsa},{"kid":"sig-2","alg":"ES256","use":"sig",@es256}]}"#,
        tokens: &[
            accepted(JANE, "jane").made(Make::With("rsa", "RS256", r#"{"kid":"sig-1"}"#)),
            accepted(JANE, "jane").made(Make::With("es256", "ES256", r#"{"kid":"sig-2"}"#)),
        ],
        ..Case::PLAIN
    },
    Case {
        name: "cognito",
        entry: ENTRY,
        key_set: r#"{"keys":[{"alg":"RS256","kid":"abcd=","use":"sig",@rsa},{"alg":"RS256","kid":"efgh=","use":"sig",@rsa-too}]}"#,
        tokens: &[
            accepted(JANE, "jane").made(Make::With("rsa-too", "RS256", r#"{"kid":"efgh=","typ":"@absent"}"#)),
        ],
        ..Case::PLAIN
    },
    Case {
        name: "eks",
        entry: ENTRY,
        key_set: r#"{"keys":[{"use":"sig","kid":"2e6d5b1c8f","alg":"RS256",@rsa},{"use":"sig","kid":"9a0c","alg":"RS256",@rsa-too}]}"#,
        tokens: &[
            accepted(JANE, "jane").made(Make::With("rsa", "RS256", r#"{"kid":"2e6d5b1c8f","typ":"@absent"}"#)),
        ],
        ..Case::PLAIN
    },
    // AWS's script lists one key twice, once without a name.
    Case {
        name: "irsa-self-hosted",
        entry: ENTRY,
        key_set: r#"{"keys":[{"use":"sig","kid":"JUHbpOKz","alg":"RS256",@rsa},{"use":"sig","kid":"","alg":"RS256",@rsa}]}"#,
        tokens: &[
            accepted(JANE, "jane").made(Make::With("rsa", "RS256", r#"{"kid":"JUHbpOKz"}"#)),
            accepted(JANE, "jane").made(Make::With("rsa", "RS256", r#"{"kid":"@absent"}"#)),
            accepted(JANE, "jane").made(Make::With("rsa", "RS256", r#"{"kid":""}"#)),
        ],
        ..Case::PLAIN
    },
    Case {
        name: "kubernetes",
        entry: ENTRY,
        key_set: r#"{"keys":[{"use":"sig","kid":"k-ec","alg":"ES256",@es256},{"use":"sig","kid":"k-rsa","alg":"RS256",@rsa}]}"#,
        tokens: &[
            accepted(JANE, "jane").made(Make::With("es256", "ES256", r#"{"kid":"k-ec"}"#)),
            accepted(JANE, "jane").made(Make::With("rsa", "RS256", r#"{"kid":"k-rsa"}"#)),
        ],
        ..Case::PLAIN
    },
    Case {
        name: "spire-provider",
        entry: ENTRY,
        key_set: r#"{"keys":[{"kid":"1HMeKnMw3pBbsqfWXv8EQ4SAgtnxtEvQ",@es256}]}"#,
        tokens: &[
            accepted(JANE, "jane").made(Make::With("es256", "ES256", r#"{"kid":"1HMeKnMw3pBbsqfWXv8EQ4SAgtnxtEvQ","typ":"JOSE"}"#)),
        ],
        ..Case::PLAIN
    },
    Case {
        name: "spiffe-bundle",
        entry: ENTRY,
        key_set: r#"{"spiffe_sequence":4,"spiffe_refresh_hint":300,"keys":[{"use":"x509-svid",@es384},{"use":"jwt-svid","kid":"svid-1",@es256}]}"#,
        tokens: &[
            accepted(JANE, "jane").made(Make::With("es256", "ES256", r#"{"kid":"svid-1"}"#)),
        ],
        ..Case::PLAIN
    },
    Case {
        name: "github-actions",
        entry: ENTRY,
        key_set: r#"{"keys":[{"alg":"RS256","use":"sig","kid":"cc413527-173f-5a05-976e-9c52b1d7b431",@rsa}]}"#,
        tokens: &[
            accepted(JANE, "jane").made(Make::With("rsa", "RS256", r#"{"kid":"cc413527-173f-5a05-976e-9c52b1d7b431","x5t":"AA"}"#)),
        ],
        ..Case::PLAIN
    },
    Case {
        name: "gitlab",
        entry: ENTRY,
        key_set: r#"{"keys":[{"kid":"kewiQq9jiC84CvSsJYOB","use":"sig","alg":"RS256",@rsa},{"kid":"4i3sFE7sxqNPOT7FdvcGA1ZVGGI","use":"sig","alg":"RS256",@rsa-too}]}"#,
        tokens: &[
            accepted(JANE, "jane").made(Make::With("rsa-too", "RS256", r#"{"kid":"4i3sFE7sxqNPOT7FdvcGA1ZVGGI"}"#)),
        ],
        ..Case::PLAIN
    },
    Case {
        name: "dex",
        entry: ENTRY,
        key_set: r#"{"keys":[{"use":"sig","kid":"30ae51e7","alg":"RS256",@rsa}]}"#,
        tokens: &[
            accepted(JANE, "jane").made(Make::With("rsa", "RS256", r#"{"kid":"30ae51e7","typ":"@absent"}"#)),
        ],
        ..Case::PLAIN
    },
    Case {
        name: "hydra",
        entry: ENTRY,
        key_set: r#"{"keys":[{"use":"sig","kid":"public:hydra.openid.id-token","alg":"RS256",@rsa}]}"#,
        tokens: &[
            accepted(JANE, "jane").made(Make::With("rsa", "RS256", r#"{"kid":"public:hydra.openid.id-token"}"#)),
        ],
        ..Case::PLAIN
    },
    Case {
        name: "zitadel",
        entry: ENTRY,
        key_set: r#"{"keys":[{"use":"sig","kid":"231811233475231747","alg":"RS256",@rsa},{"use":"sig","kid":"231811233475231748","alg":"RS256",@rsa-too}]}"#,
        tokens: &[
            accepted(JANE, "jane").made(Make::With("rsa", "RS256", r#"{"kid":"231811233475231747"}"#)),
        ],
        ..Case::PLAIN
    },
    Case {
        name: "authentik",
        entry: ENTRY,
        key_set: r#"{"keys":[{"kid":"e1a9","alg":"ES256","use":"sig",@es256,"x5t":"","x5t#S256":""}]}"#,
        tokens: &[
            accepted(JANE, "jane").made(Make::With("es256", "ES256", r#"{"kid":"e1a9"}"#)),
        ],
        ..Case::PLAIN
    },
    // A key of each kind, and no `alg`.
    Case {
        name: "ping",
        entry: ENTRY,
        key_set: r#"{"keys":[{"kid":"a-rsa","use":"sig",@rsa},{"kid":"a-256","use":"sig",@es256},{"kid":"a-384","use":"sig",@es384},{"kid":"a-512","use":"sig",@es512}]}"#,
        tokens: &[
            accepted(JANE, "jane").made(Make::With("es384", "ES384", r#"{"kid":"a-384"}"#)),
            accepted(JANE, "jane").made(Make::With("es512", "ES512", r#"{"kid":"a-512"}"#)),
            accepted(JANE, "jane").made(Make::With("rsa", "PS512", r#"{"kid":"a-rsa"}"#)),
        ],
        ..Case::PLAIN
    },
    Case {
        name: "vault",
        entry: ENTRY,
        key_set: r#"{"keys":[{"use":"sig","kid":"6a1d3c0e-1","alg":"RS256",@rsa}]}"#,
        tokens: &[
            accepted(JANE, "jane").made(Make::With("rsa", "RS256", r#"{"kid":"6a1d3c0e-1","typ":"@absent"}"#)),
        ],
        ..Case::PLAIN
    },
    Case {
        name: "pinniped",
        entry: ENTRY,
        key_set: r#"{"keys":[{"use":"sig","kid":"pinniped-1","alg":"ES256",@es256}]}"#,
        tokens: &[
            accepted(JANE, "jane").made(Make::With("es256", "ES256", r#"{"kid":"pinniped-1","typ":"@absent"}"#)),
        ],
        ..Case::PLAIN
    },
    Case {
        name: "salesforce",
        entry: ENTRY,
        key_set: r#"{"keys":[{"kid":"196","use":"sig","alg":"RS256",@rsa},{"kid":"206","use":"sig","alg":"RS256",@rsa-too}]}"#,
        tokens: &[
            accepted(JANE, "jane").made(Make::With("rsa", "RS256", r#"{"kid":"196","ver":"1.0"}"#)),
        ],
        ..Case::PLAIN
    },
    // One key without a `kid`, and tokens without one.
    Case {
        name: "handmade",
        entry: ENTRY,
        key_set: r#"{"keys":[{@rsa}]}"#,
        tokens: &[
            accepted(JANE, "jane").made(Make::With("rsa", "RS256", r#"{"kid":"@absent"}"#)),
            refused(JANE).made(Make::With("rsa", "RS256", r#"{"kid":"nobody"}"#)),
        ],
        ..Case::PLAIN
    },
    Case {
        name: "null-members",
        entry: ENTRY,
        key_set: r#"{"keys":[{"alg":null,"use":null,"key_ops":null,"kid":null,"d":null,"k":null,"x5c":null,"x5t":null,@rsa}]}"#,
        tokens: &[
            accepted(JANE, "jane").made(Make::With("rsa", "RS256", r#"{"kid":null}"#)),
            accepted(JANE, "jane").made(Make::With("rsa", "RS512", r#"{"kid":"@absent"}"#)),
        ],
        ..Case::PLAIN
    },
    Case {
        name: "empty-members",
        entry: ENTRY,
        key_set: r#"{"keys":[{"alg":"","use":"","key_ops":[],"kid":"",@es256}]}"#,
        tokens: &[
            accepted(JANE, "jane").made(Make::With("es256", "ES256", r#"{"kid":""}"#)),
        ],
        ..Case::PLAIN
    },
    Case {
        name: "rotation-without-names",
        entry: ENTRY,
        key_set: r#"{"keys":[{"use":"sig","alg":"ES256",@es256-too},{"use":"sig","alg":"ES256",@es256}]}"#,
        tokens: &[
            accepted(JANE, "jane").made(Make::With("es256", "ES256", r#"{"kid":"@absent"}"#)),
            accepted(JANE, "jane").made(Make::With("es256-too", "ES256", r#"{"kid":"@absent"}"#)),
            refused(JANE).made(Make::With("unpublished", "ES256", r#"{"kid":"@absent"}"#)),
        ],
        ..Case::PLAIN
    },
    Case {
        name: "six-of-one-name",
        entry: ENTRY,
        key_set: r#"{"keys":[{"kid":"same",@es256-too},{"kid":"same",@es256-too},{"kid":"same",@es256-too},{"kid":"same",@es256-too},{"kid":"same",@es256-too},{"kid":"same",@es256}]}"#,
        tokens: &[
            accepted(JANE, "jane").made(Make::With("es256", "ES256", r#"{"kid":"same"}"#)),
            refused(JANE).made(Make::With("unpublished", "ES256", r#"{"kid":"same"}"#)),
        ],
        ..Case::PLAIN
    },
    Case {
        name: "seventeen-of-one-name",
        entry: ENTRY,
        key_set: r#"{"keys":[{"kid":"same",@es256-too},{"kid":"same",@es256-too},{"kid":"same",@es256-too},{"kid":"same",@es256-too},{"kid":"same",@es256-too},{"kid":"same",@es256-too},{"kid":"same",@es256-too},{"kid":"same",@es256-too},{"kid":"same",@es256-too},{"kid":"same",@es256-too},{"kid":"same",@es256-too},{"kid":"same",@es256-too},{"kid":"same",@es256-too},{"kid":"same",@es256-too},{"kid":"same",@es256-too},{"kid":"same",@es256-too},{"kid":"same",@es256}]}"#,
        tokens: &[
            accepted(JANE, "jane").made(Make::With("es256-too", "ES256", r#"{"kid":"same"}"#)),
            stricter(JANE, "jane", BOUND).made(Make::With("es256", "ES256", r#"{"kid":"same"}"#)),
        ],
        ..Case::PLAIN
    },
    Case {
        name: "hundreds-of-keys",
        entry: ENTRY,
        key_set: r#"{"keys":[@many-300@rsa-too,{"kid":"own",@rsa}]}"#,
        tokens: &[
            accepted(JANE, "jane").made(Make::With("rsa", "RS256", r#"{"kid":"own"}"#)),
            accepted(JANE, "jane").made(Make::With("rsa-too", "RS256", r#"{"kid":"other-7"}"#)),
        ],
        ..Case::PLAIN
    },
    Case {
        name: "long-name",
        entry: ENTRY,
        key_set: r#"{"keys":[{"kid":"kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk",@es256},{"kid":"lllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllll",@es384}]}"#,
        tokens: &[
            accepted(JANE, "jane").made(Make::With("es256", "ES256", r#"{"kid":"kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk"}"#)),
            stricter(JANE, "jane", BOUND).made(Make::With("es384", "ES384", r#"{"kid":"lllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllll"}"#)),
        ],
        ..Case::PLAIN
    },
    Case {
        name: "of-another-algorithm",
        entry: ENTRY,
        key_set: r#"{"keys":[{"kid":"r","alg":"RS256",@rsa},{"kid":"e","alg":"RS256",@es256}]}"#,
        tokens: &[
            accepted(JANE, "jane").made(Make::With("rsa", "RS256", r#"{"kid":"r"}"#)),
            stricter(JANE, "jane", ALG).made(Make::With("rsa", "RS512", r#"{"kid":"r"}"#)),
            stricter(JANE, "jane", ALG).made(Make::With("rsa", "PS256", r#"{"kid":"r"}"#)),
            stricter(JANE, "jane", ALG).made(Make::With("es256", "ES256", r#"{"kid":"e"}"#)),
        ],
        ..Case::PLAIN
    },
    Case {
        name: "not-for-signatures",
        entry: ENTRY,
        key_set: r#"{"keys":[{"kid":"s",@es384},{"kid":"e","use":"enc",@es256},{"kid":"o","key_ops":["encrypt"],@rsa},{"kid":"p","k":"AQAB",@rsa-too}]}"#,
        tokens: &[
            accepted(JANE, "jane").made(Make::With("es384", "ES384", r#"{"kid":"s"}"#)),
            stricter(JANE, "jane", USE).made(Make::With("es256", "ES256", r#"{"kid":"e"}"#)),
            stricter(JANE, "jane", USE).made(Make::With("rsa", "RS256", r#"{"kid":"o"}"#)),
            stricter(JANE, "jane", PRIVATE).made(Make::With("rsa-too", "RS256", r#"{"kid":"p"}"#)),
        ],
        ..Case::PLAIN
    },
];
