//! Distributed claims: groups at another endpoint (OpenID Connect Core §5.6.2).
//! Never with an expression: kube-apiserver fetches them for `groups.claim` only.

use anyhow::Result;
use login_tests::issuers::Issuers;
use serde_json::{Value, json};

use crate::{
    table::{Case, Keys, accepted, differs, refused, stricter},
    user::OUTAGE,
};

const AGGREGATED: &str = "what is kept elsewhere is never taken for no groups";
const NOT_THERE: &str = "what is not there may be there in a moment, and a refusal would be cached";
const NULL: &str = "null is absent";

pub(crate) const CASES: &[Case] = &[Case {
    name: "distributed",
    entry: r#"
        claimMappings:
          username: {claim: sub, prefix: ""}
          groups: {claim: groups, prefix: "far:"}
    "#,
    tokens: &[
        accepted(
            r#"{"sub":"jane","_claim_names":{"groups":"s"},"_claim_sources":{"s":{"endpoint":"@ISSUER/groups"}}}"#,
            r#"jane groups=["far:a","far:b"]"#,
        ),
        accepted(
            r#"{"sub":"jane","_claim_names":{"groups":"s"},"_claim_sources":{"s":{"endpoint":"@ISSUER/guarded","access_token":"open"}}}"#,
            r#"jane groups=["far:a","far:b"]"#,
        ),
        accepted(
            r#"{"sub":"jane","groups":["near"],"_claim_names":{"groups":"s"},"_claim_sources":{"s":{"endpoint":"@ISSUER/nothing"}}}"#,
            r#"jane groups=["far:near"]"#,
        ),
        accepted(
            r#"{"sub":"jane","_claim_names":{"address":"s"},"_claim_sources":{"s":{"endpoint":"@ISSUER/nothing"}}}"#,
            "jane",
        ),
        refused(r#"{"sub":"jane","_claim_names":{"groups":"s"}}"#),
        refused(r#"{"sub":"jane","_claim_names":{"groups":"s"},"_claim_sources":{}}"#),
        refused(
            r#"{"sub":"jane","_claim_names":{"groups":"s"},"_claim_sources":{"s":{"endpoint":"@ISSUER/other-signature"}}}"#,
        ),
        refused(
            r#"{"sub":"jane","_claim_names":{"groups":"s"},"_claim_sources":{"s":{"endpoint":"@ISSUER/expired"}}}"#,
        ),
        refused(
            r#"{"sub":"jane","_claim_names":{"groups":"s"},"_claim_sources":{"s":{"endpoint":"@ISSUER/without-groups"}}}"#,
        ),
        differs(
            r#"{"sub":"jane","_claim_names":{"groups":"s"},"_claim_sources":{"s":{"endpoint":"@ISSUER/nothing"}}}"#,
            None,
            Some(OUTAGE),
            NOT_THERE,
        ),
        accepted(
            r#"{"sub":"jane","_claim_names":{"groups":"s"},"_claim_sources":{"s":{"endpoint":"@BASE/issuers/groups"}}}"#,
            r#"jane groups=["far:a","far:b"]"#,
        ),
        accepted(
            r#"{"sub":"jane","_claim_names":{"groups":"s"},"_claim_sources":{"s":{"Endpoint":"@ISSUER/groups"}}}"#,
            r#"jane groups=["far:a","far:b"]"#,
        ),
        accepted(r#"{"sub":"jane","_claim_names":{},"_claim_sources":null}"#, "jane"),
        accepted(
            r#"{"sub":"jane","groups":["near"],"_claim_names":{}}"#,
            r#"jane groups=["far:near"]"#,
        ),
        refused(r#"{"sub":"jane","_claim_names":{}}"#),
        refused(r#"{"sub":"jane","_claim_sources":7}"#),
        refused(r#"{"sub":"jane","groups":["near"],"_claim_names":7}"#),
        refused(r#"{"sub":"jane","groups":["near"],"_claim_sources":{"s":7}}"#),
        refused(r#"{"sub":"jane","groups":["near"],"_claim_names":{"address":"s"}}"#),
        refused(r#"{"sub":"jane","_claim_names":7,"_claim_sources":{}}"#),
        refused(r#"{"sub":"jane","_claim_names":["groups"],"_claim_sources":{}}"#),
        refused(r#"{"sub":"jane","_claim_names":{"groups":7},"_claim_sources":{}}"#),
        refused(r#"{"sub":"jane","_claim_names":{"address":7},"_claim_sources":{}}"#),
        refused(r#"{"sub":"jane","_claim_names":{"address":"s"}}"#),
        refused(r#"{"sub":"jane","_claim_names":{"groups":null},"_claim_sources":{}}"#),
        refused(r#"{"sub":"jane","_claim_names":{"address":"s"},"_claim_sources":7}"#),
        refused(r#"{"sub":"jane","_claim_names":{"address":"s"},"_claim_sources":{"s":7}}"#),
        refused(
            r#"{"sub":"jane","_claim_names":{"groups":"s"},"_claim_sources":{"s":{"endpoint":7}}}"#,
        ),
        refused(
            r#"{"sub":"jane","_claim_names":{"groups":"s"},"_claim_sources":{"s":{"endpoint":"::"}}}"#,
        ),
        refused(
            r#"{"sub":"jane","_claim_names":{"groups":"s"},"_claim_sources":{"s":{"endpoint":"@ISSUER/groups"},"t":{"access_token":7}}}"#,
        ),
        stricter(
            r#"{"sub":"jane","_claim_names":{"groups":"s"},"_claim_sources":{"s":{"JWT":"x"}}}"#,
            "jane",
            AGGREGATED,
        ),
        stricter(
            r#"{"sub":"jane","_claim_names":{"groups":"s"},"_claim_sources":{"s":null}}"#,
            "jane",
            AGGREGATED,
        ),
        differs(
            r#"{"sub":"jane","groups":null,"_claim_names":{"groups":"s"},"_claim_sources":{"s":{"endpoint":"@ISSUER/groups"}}}"#,
            Some("jane"),
            Some(r#"jane groups=["far:a","far:b"]"#),
            NULL,
        ),
    ],
    ..Case::PLAIN
}];

/// Publishes the tokens that hold the groups.
pub(crate) fn publish(issuers: &Issuers, keys: &Keys, now: i64) -> Result<()> {
    let token = |issuer: &str, key: &str, claims: &Value| {
        let header = json!({ "alg": "ES256", "kid": "es256" });
        let mut all = json!({
            "iss": issuers.url(issuer), "aud": "kubectl-login", "exp": now + 3600,
        });
        for (name, value) in claims.as_object().into_iter().flatten() {
            all[name] = value.clone();
        }
        keys.named(key)?.sign(&header, &all.to_string())
    };
    let groups = json!({ "groups": ["a", "b"] });
    let good = token("distributed", "es256", &groups)?;
    issuers.document("distributed/groups", &good);
    issuers.guarded_document("distributed/guarded", "open", &good);
    let other = token("distributed", "unpublished", &groups)?;
    issuers.document("distributed/other-signature", &other);
    let expired = json!({ "groups": ["a"], "exp": now - 10 });
    issuers.document("distributed/expired", &token("distributed", "es256", &expired)?);
    issuers.document("distributed/without-groups", &token("distributed", "es256", &json!({}))?);
    issuers.document("issuers/groups", &token("issuers", "es256", &groups)?);
    Ok(())
}
