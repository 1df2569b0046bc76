//! Texts in, tokens or one fault out; no fault shows the text.
//! Never checks a signature.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use super::*;
use crate::report;

const NOW: i64 = 1_769_860_000;

/// A JWT with `claims` and no valid signature.
fn jwt(claims: &str) -> String {
    let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
    format!("{}.{}.c2ln", part(r#"{"alg":"EdDSA"}"#), part(claims))
}

fn read(text: &str, issuer_date: Option<i64>) -> Result<IdentityToken, IdentityError> {
    let at = UnixTime::from_seconds;
    let moments = Moments { requested_at: at(NOW), issuer_date: issuer_date.map(at) };
    IdentityToken::read(text, Place::Variable("TOKEN".to_owned()), moments)
}

#[test]
fn white_space_around_a_token_is_dropped() {
    let token = read(" \n opaque~token==\r\n", None).unwrap();
    assert_eq!(token.token.expose(), "opaque~token==");
    assert_eq!((token.issuer(), token.expires_at()), (None, None));
}

#[test]
fn what_is_no_bearer_token_is_refused_without_being_shown() {
    for (text, expected) in [
        (String::new(), Fault::Empty),
        (" \n".to_owned(), Fault::Empty),
        ("hunter2 hunter2".to_owned(), Fault::Characters),
        ("{\"token\":\"hunter2\"}".to_owned(), Fault::Characters),
        ("hunter2\u{e9}".to_owned(), Fault::Characters),
        ("hunter2\0".to_owned(), Fault::Characters),
        ("h".repeat(MAX_TOKEN_LENGTH + 1), Fault::TooLong),
    ] {
        let Err(error) = read(&text, None) else { panic!("{text:?} was taken") };
        assert!(matches!(&error, IdentityError::Unusable { source, .. } if *source == expected));
        assert!(!format!("{error:?} {error}").contains("hunter2"));
        assert_eq!(error.fault(), report::Fault::Usage);
    }
    assert!(read(&"h".repeat(MAX_TOKEN_LENGTH), None).is_ok());
}

#[test]
fn an_expired_token_is_refused_by_the_clock_of_whoever_gave_it() {
    let ends = |offset: i64| jwt(&format!(r#"{{"exp":{}}}"#, NOW + offset));
    assert!(read(&ends(1), None).is_ok());
    let Err(error) = read(&ends(0), None) else { panic!("it was taken") };
    assert!(matches!(error, IdentityError::Expired { .. }));
    assert_eq!(error.fault(), report::Fault::Refused);
    // The host's clock is an hour ahead.
    assert!(read(&ends(-3000), Some(NOW - 3600)).is_ok());
    assert!(read(&ends(0), Some(NOW + 60)).is_err());
}

#[test]
fn what_is_no_jwt_says_nothing() {
    for text in ["a", "a.b", "a.b.c", "a.e30.c.d", "..", "a.W10.c"] {
        assert_eq!(read(text, None).unwrap().issuer(), None, "{text}");
    }
}

#[test]
fn as_it_is_a_token_must_be_from_the_issuer_and_for_the_client() {
    let issuer = IssuerUrl::parse("https://id.example").unwrap();
    let client_id = ClientId::parse("k8s").unwrap();
    let judged = |claims: &str| {
        read(&jwt(claims), None).unwrap().fits(&issuer, &client_id).map_err(|error| {
            assert_eq!(error.fault(), report::Fault::Usage);
            error.to_string()
        })
    };
    assert_eq!(judged(r#"{"iss":"https://id.example","aud":"k8s"}"#), Ok(()));
    assert_eq!(judged(r#"{"iss":"https://id.example","aud":["x","k8s"]}"#), Ok(()));
    for (claims, expected) in [
        (
            r#"{"iss":"https://id.example/","aud":"k8s"}"#,
            "the identity token from the environment variable `TOKEN` is signed by \
             `https://id.example/`; wanted is `https://id.example`",
        ),
        (
            r#"{"aud":"k8s"}"#,
            "the identity token from the environment variable `TOKEN` does not say who signed it; \
             wanted is `https://id.example`",
        ),
        (
            r#"{"iss":"https://id.example","aud":["x","y"]}"#,
            "the identity token from the environment variable `TOKEN` is for `x`, `y`; wanted is \
             client `k8s`",
        ),
        (
            r#"{"iss":"https://id.example"}"#,
            "the identity token from the environment variable `TOKEN` does not say whom it is \
             for; wanted is client `k8s`",
        ),
    ] {
        assert_eq!(judged(claims), Err(expected.to_owned()));
    }
    assert!(read("opaque", None).unwrap().fits(&issuer, &client_id).is_ok());
}

#[test]
fn foreign_names_are_cut_and_cleaned() {
    assert_eq!(shown("a\u{1b}[31mb\n"), "a[31mb");
    assert_eq!(shown(&"x".repeat(500)).len(), SHOWN);
}
