//! Tests of `id_token.rs`.

use login_common::{
    names::{ClientId, IssuerUrl},
    time::UnixTime,
};
use serde_json::{Value, json};

use super::{IdTokenFacts, IdTokenProblem, IdTokenProblem as P, check_from_token_endpoint};
use crate::{
    jose::{
        Algorithm, JoseError, MAX_TOKEN_LENGTH,
        test_issuer::{sign, with},
    },
    oidc::claims::ClaimsError,
};

const NOW: i64 = 1_800_000_000;
const ISSUER: &str = "https://id.example.com";

fn check(
    header: Value,
    members: Value,
    nonce: Option<&str>,
) -> Result<IdTokenFacts, IdTokenProblem> {
    let header = with(json!({ "alg": "ES256", "typ": "JWT" }), header).to_string();
    let good = json!({
        "iss": ISSUER, "sub": "248289761001", "aud": "kubectl-login",
        "iat": NOW - 1, "exp": NOW + 600, "nonce": "n-0S6_WzA2Mj",
    });
    check_from_token_endpoint(
        &sign(Algorithm::Es256, &header, &with(good, members).to_string()),
        &IssuerUrl::parse(ISSUER).unwrap(),
        &client(),
        nonce,
        UnixTime::from_seconds(NOW),
    )
}

fn client() -> ClientId {
    ClientId::parse("kubectl-login").unwrap()
}

#[test]
fn a_good_id_token_tells_who_signed_in_and_for_how_long() {
    let named = json!({ "preferred_username": "alice", "email": "alice@example.com" });
    assert_eq!(
        check(json!({}), named, Some("n-0S6_WzA2Mj")),
        Ok(IdTokenFacts {
            subject: "248289761001".to_owned(),
            expires_at: UnixTime::from_seconds(NOW + 600),
            issued_at: Some(UnixTime::from_seconds(NOW - 1)),
            preferred_username: Some("alice".to_owned()),
            email: Some("alice@example.com".to_owned()),
        })
    );
    for (header, members) in [
        (json!({ "typ": null, "kid": "unknown" }), json!({})),
        (json!({}), json!({ "aud": ["kubectl-login"], "azp": "kubectl-login" })),
        (json!({}), json!({ "aud": ["other", "kubectl-login"], "azp": "kubectl-login" })),
        // OpenID Connect Core with errata 2 does not require `azp`.
        (json!({}), json!({ "aud": ["kubectl-login", "other"] })),
        (json!({ "typ": "JOSE" }), json!({})),
        (json!({}), json!({ "exp": NOW + 1, "iat": null })),
        (json!({}), json!({ "exp": (NOW + 1).to_string() })),
        // The user's clock is an hour behind.
        (json!({}), json!({ "iat": NOW + 3600, "exp": NOW + 7200 })),
        (json!({}), json!({ "nonce": null })),
    ] {
        assert!(check(header, members.clone(), None).is_ok(), "{members}");
    }
}

#[test]
fn an_id_token_of_a_person_in_hundreds_of_groups_is_read() {
    let groups: Vec<String> =
        (0..900).map(|number| format!("CN=group-{number:05},OU=x,DC=corp,DC=example")).collect();
    assert!(check(json!({}), json!({ "groups": groups }), None).is_ok());
    let too_many = json!({ "groups": vec!["g".repeat(400); 300] });
    let refused = P::Jose(JoseError::TooLong(MAX_TOKEN_LENGTH));
    assert_eq!(check(json!({}), too_many, None), Err(refused));
}

#[test]
fn id_tokens_of_another_sign_in_client_or_issuer_are_refused() {
    let other_issuer =
        |found: &str| P::WrongIssuer { expected: ISSUER.to_owned(), found: found.to_owned() };
    let expired = |seconds| P::Expired {
        expired_at: UnixTime::from_seconds(seconds),
        now: UnixTime::from_seconds(NOW),
    };
    for (members, expected) in [
        (json!({ "iss": null }), other_issuer("")),
        (json!({ "iss": "https://id.example.com/" }), other_issuer("https://id.example.com/")),
        (json!({ "iss": "x".repeat(999) }), other_issuer(&"x".repeat(200))),
        (json!({ "aud": null }), P::WrongAudience(client())),
        (json!({ "aud": "other" }), P::WrongAudience(client())),
        (json!({ "aud": ["other"] }), P::WrongAudience(client())),
        (json!({ "aud": 7 }), P::Claims(ClaimsError::Malformed("aud"))),
        (json!({ "azp": "other" }), P::WrongParty(client())),
        (json!({ "azp": ["kubectl-login"] }), P::WrongParty(client())),
        (json!({ "aud": ["kubectl-login", "other"], "azp": "other" }), P::WrongParty(client())),
        (json!({ "nonce": "n-0S6_WzA2Mk" }), P::Nonce),
        (json!({ "nonce": "n-0S6_WzA2M" }), P::Nonce),
        (json!({ "nonce": "" }), P::Nonce),
        (json!({ "nonce": null }), P::Nonce),
        (json!({ "nonce": ["n-0S6_WzA2Mj"] }), P::Nonce),
        (json!({ "sub": null }), P::Subject),
        (json!({ "sub": "" }), P::Subject),
        (json!({ "sub": 7 }), P::Subject),
        (json!({ "sub": "s".repeat(256) }), P::Subject),
        (json!({ "exp": null }), P::MissingExpiry),
        (json!({ "exp": "soon" }), P::Claims(ClaimsError::Malformed("exp"))),
        (json!({ "exp": NOW }), expired(NOW)),
        (json!({ "exp": NOW - 5 }), expired(NOW - 5)),
        (json!({ "iat": "now" }), P::Claims(ClaimsError::Malformed("iat"))),
        (json!({ "events": {} }), P::TokenType),
    ] {
        assert_eq!(
            check(json!({}), members.clone(), Some("n-0S6_WzA2Mj")),
            Err(expected),
            "{members}"
        );
    }
    assert_eq!(check(json!({ "typ": "at+jwt" }), json!({}), None), Err(P::TokenType));
    assert_eq!(
        check(json!({ "alg": "none" }), json!({}), None),
        Err(P::Jose(JoseError::Algorithm("none".to_owned())))
    );
}

#[test]
fn messages_name_the_two_clocks_but_nothing_secret() {
    let problem = check(json!({}), json!({ "exp": NOW - 60 }), None).unwrap_err();
    assert_eq!(
        problem.to_string(),
        "the ID token expired at 2027-01-15T07:59:00Z, and this machine's clock says \
         2027-01-15T08:00:00Z"
    );
    let problem = check(json!({}), json!({ "nonce": "other" }), Some("n-0S6_WzA2Mj")).unwrap_err();
    assert!(!problem.to_string().contains("n-0S6"), "{problem}");
}
