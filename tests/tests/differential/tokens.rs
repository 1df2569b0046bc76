//! The token itself: algorithms, headers, times, audiences, issuers, shapes of the payload.

use login_tests::issuers::Issuers;
use serde_json::json;

use crate::table::{Case, Make, accepted, differs, refused, stricter};

const TYPE: &str = "a JWT of another type than ID token or access token means something else";
const EXTENSION: &str = "a header that asks for an extension is not understood without it";
const TIMES: &str = "a time beyond 2^53 is not the same second to every reader";
const BITS: &str = "one text for one token: base64url without spare bits";
const NULL_TIME: &str = "null is absent, and `iat` may be";
const TWICE: &str = "a claim that is there twice reads differently to different programs";
const LONG: &str = "a token that costs work has a bound, which `maxTokenBytes` raises";
const LETTERS: &str = "names of claims are compared letter by letter (RFC 7519 §4)";

const JANE: &str = r#"{"sub":"jane"}"#;
const ENTRY: &str = r#"claimMappings: {username: {claim: sub, prefix: ""}}"#;

pub(crate) const CASES: &[Case] = &[
    Case {
        name: "algorithms",
        entry: ENTRY,
        tokens: &[
            accepted(JANE, "jane").made(Make::Signed("ES256")),
            accepted(JANE, "jane").made(Make::Signed("ES384")),
            accepted(JANE, "jane").made(Make::Signed("ES512")),
            accepted(JANE, "jane").made(Make::Signed("RS256")),
            accepted(JANE, "jane").made(Make::Signed("RS384")),
            accepted(JANE, "jane").made(Make::Signed("RS512")),
            accepted(JANE, "jane").made(Make::Signed("PS256")),
            accepted(JANE, "jane").made(Make::Signed("PS384")),
            accepted(JANE, "jane").made(Make::Signed("PS512")),
            refused(JANE).made(Make::With("es256", "none", "{}")),
            refused(JANE).made(Make::With("es256", "HS256", "{}")),
            refused(JANE).made(Make::With("es256", "EdDSA", "{}")),
            refused(JANE).made(Make::With("es256", "es256", "{}")),
            refused(JANE).made(Make::With("es256", "RS256", "{}")),
            refused(JANE).made(Make::With("rsa", "ES256", "{}")),
            refused(JANE).made(Make::With("es384", "ES256", "{}")),
            // One unknown key id for each issuer: a second within ten seconds would get no verdict.
            refused(JANE).made(Make::With("unpublished", "ES256", "{}")),
        ],
        ..Case::PLAIN
    },
    Case {
        name: "headers",
        entry: ENTRY,
        tokens: &[
            accepted(JANE, "jane").made(Make::With("es256", "ES256", r#"{"typ":"@absent"}"#)),
            accepted(JANE, "jane").made(Make::With("es256", "ES256", r#"{"kid":"@absent"}"#)),
            accepted(JANE, "jane").made(Make::With("rsa", "PS384", r#"{"kid":"@absent"}"#)),
            accepted(JANE, "jane").made(Make::With("es256", "ES256", r#"{"typ":"at+jwt"}"#)),
            accepted(JANE, "jane").made(Make::With("es256", "ES256", r#"{"typ":"jwt"}"#)),
            accepted(JANE, "jane").made(Make::With("es256", "ES256", r#"{"x-more":[1]}"#)),
            accepted(JANE, "jane").made(Make::With("es256", "ES256", r#"{"typ":"JOSE"}"#)),
            accepted(JANE, "jane").made(Make::With("es256", "ES256", r#"{"typ":""}"#)),
            accepted(JANE, "jane").made(Make::With("es256", "ES256", r#"{"cty":"JWT"}"#)),
            accepted(JANE, "jane").made(Make::With("es256", "ES256", r#"{"cty":5}"#)),
            accepted(JANE, "jane").made(Make::With("es256", "ES256", r#"{"kid":""}"#)),
            accepted(JANE, "jane").made(Make::With("es256", "ES256", r#"{"kid":null}"#)),
            accepted(JANE, "jane").made(Make::With("es256", "ES256", r#"{"typ":null}"#)),
            accepted(JANE, "jane").made(Make::With("es256", "ES256", r#"{"cty":null}"#)),
            accepted(JANE, "jane").made(Make::With("es256", "ES256", r#"{"crit":null}"#)),
            accepted(r#"{"sub":"jane","events":null}"#, "jane"),
            stricter(JANE, "jane", TYPE).made(Make::With("es256", "ES256", r#"{"typ":5}"#)),
            stricter(JANE, "jane", EXTENSION).made(Make::With("es256", "ES256", r#"{"crit":[]}"#)),
            stricter(JANE, "jane", EXTENSION)
                .made(Make::With("es256", "ES256", r#"{"b64":true,"crit":["b64"]}"#)),
            stricter(JANE, "jane", EXTENSION).made(Make::With("es256", "ES256", r#"{"zip":"DEF"}"#)),
            refused(JANE).made(Make::With("es256", "ES256", r#"{"kid":5}"#)),
            refused(JANE).made(Make::With("es256", "ES256", r#"{"kid":"nobody"}"#)),
            refused(JANE).made(Make::With("unpublished", "ES256", r#"{"kid":"es256"}"#)),
            refused(JANE).made(Make::With("es256", "ES256", r#"{"crit":["exp"],"exp":1}"#)),
            refused(JANE).made(Make::OtherSignature),
            stricter(JANE, "jane", TYPE)
                .made(Make::With("es256", "ES256", r#"{"typ":"logout+jwt"}"#)),
            stricter(JANE, "jane", TYPE)
                .made(Make::With("es256", "ES256", r#"{"typ":"dpop+jwt"}"#)),
            stricter(r#"{"sub":"jane","events":{}}"#, "jane", TYPE),
        ],
        ..Case::PLAIN
    },
    Case {
        name: "keys-of-one-kind",
        keys: &["es256", "es256-too"],
        entry: ENTRY,
        tokens: &[
            accepted(JANE, "jane"),
            accepted(JANE, "jane").made(Make::With("es256-too", "ES256", "{}")),
            refused(JANE).made(Make::With("es256", "ES256", r#"{"kid":"es256-too"}"#)),
            refused(JANE).made(Make::Signed("RS256")),
            accepted(JANE, "jane").made(Make::With("es256", "ES256", r#"{"kid":"@absent"}"#)),
            accepted(JANE, "jane").made(Make::With("es256-too", "ES256", r#"{"kid":"@absent"}"#)),
            refused(JANE).made(Make::With("unpublished", "ES256", r#"{"kid":"@absent"}"#)),
        ],
        ..Case::PLAIN
    },
    Case {
        name: "times",
        entry: ENTRY,
        tokens: &[
            accepted(r#"{"sub":"jane","exp":4102444800.5}"#, "jane"),
            accepted(r#"{"sub":"jane","exp":4.1e9}"#, "jane"),
            accepted(r#"{"sub":"jane","iat":"@absent"}"#, "jane"),
            accepted(r#"{"sub":"jane","nbf":"@now-60"}"#, "jane"),
            accepted(r#"{"sub":"jane","nbf":"@now+30"}"#, "jane"),
            refused(r#"{"sub":"jane","exp":"@absent"}"#),
            refused(r#"{"sub":"jane","exp":null}"#),
            refused(r#"{"sub":"jane","exp":0}"#),
            refused(r#"{"sub":"jane","exp":-1}"#),
            refused(r#"{"sub":"jane","exp":[4102444800]}"#),
            refused(r#"{"sub":"jane","exp":"@now-2"}"#),
            refused(r#"{"sub":"jane","nbf":"@now+120"}"#),
            refused(r#"{"sub":"jane","nbf":"soon"}"#),
            refused(r#"{"sub":"jane","iat":"yesterday"}"#),
            accepted(r#"{"sub":"jane","exp":"4102444800"}"#, "jane"),
            accepted(r#"{"sub":"jane","exp":"4.1e9"}"#, "jane"),
            accepted(r#"{"sub":"jane","iat":"1700000000"}"#, "jane"),
            accepted(r#"{"sub":"jane","iat":"@now+600"}"#, "jane"),
            accepted(r#"{"sub":"jane","iat":"@now+3600","exp":"@now+3600"}"#, "jane"),
            accepted(r#"{"sub":"jane","iat":-1}"#, "jane"),
            accepted(r#"{"sub":"jane","nbf":-1}"#, "jane"),
            accepted(r#"{"sub":"jane","nbf":null}"#, "jane"),
            refused(r#"{"sub":"jane","exp":" 4102444800"}"#),
            refused(r#"{"sub":"jane","exp":""}"#),
            refused(r#"{"sub":"jane","exp":"1700000000"}"#),
            stricter(r#"{"sub":"jane","exp":9007199254740993}"#, "jane", TIMES),
            differs(r#"{"sub":"jane","iat":null}"#, None, Some("jane"), NULL_TIME),
        ],
        ..Case::PLAIN
    },
    Case {
        name: "payloads",
        entry: ENTRY,
        tokens: &[
            accepted(r#"{"sub":"jane","more":{"a":[1,2.5,null,{"b":true}]}}"#, "jane"),
            accepted(
                r#"{}"#,
                "jane",
            )
            .made(Make::Payload(
                " {\n \"iss\" : \"@ISSUER\", \"aud\":\"kubectl-login\",\"exp\":4102444800, \"sub\":\"\\u006aane\" }\n",
            )),
            accepted(r#"{"sub":"jane","pad":"@pad-30000"}"#, "jane"),
            accepted(r#"{"sub":"jane","pad":"@pad-45000"}"#, "jane"),
            stricter(r#"{"sub":"jane","pad":"@pad-60000"}"#, "jane", LONG),
            stricter(JANE, "jane", BITS).made(Make::SpareBit),
            refused("{}").made(Make::Payload("")),
            refused("{}").made(Make::Payload("null")),
            refused("{}").made(Make::Payload(r#"["@ISSUER"]"#)),
            refused("{}").made(Make::Payload(r#"{"iss":"@ISSUER""#)),
            refused("{}").made(Make::Payload(
                r#"{"iss":"@ISSUER","aud":"kubectl-login","exp":4102444800,"sub":"jane"} {}"#,
            )),
            stricter("{}", "jane", TWICE).made(Make::Payload(
                r#"{"iss":"@ISSUER","aud":"kubectl-login","exp":4102444800,"sub":"root","sub":"jane"}"#,
            )),
            stricter("{}", "jane", LETTERS).made(Make::Payload(
                r#"{"ISS":"@ISSUER","aud":"kubectl-login","exp":4102444800,"sub":"jane"}"#,
            )),
            stricter("{}", "jane", LETTERS).made(Make::Payload(
                r#"{"iss":"@ISSUER","AUD":"kubectl-login","Exp":4102444800,"sub":"jane"}"#,
            )),
            refused("{}").made(Make::Text("not-a-token")),
            refused("{}").made(Make::Text("a.b.c")),
            refused("{}").made(Make::Text("..")),
            refused("{}").made(Make::Text("abcdef.0123456789abcdef")),
            refused("{}").made(Make::Text("{\"payload\":\"e30\",\"signatures\":[]}")),
        ],
        ..Case::PLAIN
    },
    Case {
        name: "one-audience",
        issuer: "audiences: [kubectl]\naudienceMatchPolicy: MatchAny",
        entry: ENTRY,
        tokens: &[
            accepted(r#"{"sub":"jane","aud":"kubectl"}"#, "jane"),
            accepted(r#"{"sub":"jane","aud":["other","kubectl"],"azp":"other"}"#, "jane"),
            accepted(r#"{"sub":"jane","aud":["kubectl",null]}"#, "jane"),
            accepted(r#"{"sub":"jane","aud":"@audiences-100"}"#, "jane"),
            refused(r#"{"sub":"jane","aud":[null]}"#),
            refused(r#"{"sub":"jane","aud":"Kubectl"}"#),
            refused(r#"{"sub":"jane","aud":"kubectl "}"#),
            refused(r#"{"sub":"jane","aud":"other"}"#),
            refused(r#"{"sub":"jane","aud":[]}"#),
            refused(r#"{"sub":"jane","aud":""}"#),
            refused(r#"{"sub":"jane","aud":null}"#),
            refused(r#"{"sub":"jane","aud":5}"#),
            refused(r#"{"sub":"jane","aud":["kubectl",5]}"#),
            refused(r#"{"sub":"jane","aud":{"kubectl":true}}"#),
            refused(r#"{"sub":"jane","aud":"@absent"}"#),
        ],
        ..Case::PLAIN
    },
    Case {
        name: "three-audiences",
        issuer: r#"
            audiences:
            - "a"
            - 'b'
            - https://kubernetes.default.svc
            audienceMatchPolicy: MatchAny
            egressSelectorType: ""
            discoveryURL: ""
        "#,
        entry: ENTRY,
        tokens: &[
            accepted(r#"{"sub":"jane","aud":"a"}"#, "jane"),
            accepted(r#"{"sub":"jane","aud":"b"}"#, "jane"),
            accepted(r#"{"sub":"jane","aud":["x","https://kubernetes.default.svc"]}"#, "jane"),
            refused(r#"{"sub":"jane","aud":["x","y"]}"#),
            refused(r#"{"sub":"jane"}"#),
            refused(r#"{"sub":"jane","aud":[]}"#),
            refused(r#"{"sub":"jane","aud":"@absent"}"#),
        ],
        ..Case::PLAIN
    },
    Case {
        name: "issuers",
        entry: ENTRY,
        tokens: &[
            accepted(JANE, "jane"),
            refused(r#"{"sub":"jane","iss":"@ISSUER/"}"#),
            refused(r#"{"sub":"jane","iss":"@BASE"}"#),
            refused(r#"{"sub":"jane","iss":"@BASE/ISSUERS"}"#),
            refused(r#"{"sub":"jane","iss":" @ISSUER"}"#),
            refused(r#"{"sub":"jane","iss":["@ISSUER"]}"#),
            refused(r#"{"sub":"jane","iss":null}"#),
            refused(r#"{"sub":"jane","iss":"@absent"}"#),
            refused(r#"{"sub":"jane","iss":"https://id.example.com"}"#),
            refused(r#"{"sub":"jane","iss":"https://kubernetes.default.svc"}"#),
        ],
        ..Case::PLAIN
    },
    Case {
        name: "slash-at-the-end/",
        entry: ENTRY,
        tokens: &[
            accepted(JANE, "jane"),
            refused(r#"{"sub":"jane","iss":"@BASE/slash-at-the-end"}"#),
        ],
        ..Case::PLAIN
    },
    Case {
        name: "discovered-elsewhere",
        issuer: r#"
            audiences: [kubectl-login]
            discoveryURL: "@BASE/elsewhere/any-name.json"
        "#,
        entry: ENTRY,
        tokens: &[
            accepted(JANE, "jane"),
            refused(r#"{"sub":"jane","iss":"@BASE/elsewhere"}"#),
        ],
        ..Case::PLAIN
    },
];

/// Publishes a discovery document where only `discoveryURL` leads, and a wrong one at its usual
/// place.
pub(crate) fn publish(issuers: &Issuers) {
    let issuer = issuers.url("discovered-elsewhere");
    let discovery = |key_set: String| {
        json!({
            "issuer": issuer,
            "jwks_uri": key_set,
            "authorization_endpoint": format!("{issuer}/authorize"),
            "token_endpoint": format!("{issuer}/token"),
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["ES256"],
        })
        .to_string()
    };
    issuers
        .document("elsewhere/any-name.json", &discovery(issuers.url("discovered-elsewhere/keys")));
    let wrong = discovery(issuers.url("nothing"));
    issuers.document("discovered-elsewhere/.well-known/openid-configuration", &wrong);
}
