//! Token responses, clocks, and what is handed out until when.
//! Never signs a token: signatures from the token endpoint are not checked, as TLS protects them.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use login_protocols::oauth2::token_endpoint::parse_token_response;

use super::*;

const NOW: i64 = 1_000_000;

fn at(seconds: i64) -> UnixTime {
    UnixTime::from_seconds(seconds)
}

/// A token for `sub` that expires at `exp`.
fn jwt(sub: &str, exp: i64) -> String {
    let part = |json: &str| URL_SAFE_NO_PAD.encode(json);
    format!(
        "{}.{}.{}",
        part(r#"{"alg":"ES256","kid":"1"}"#),
        part(&format!(
            r#"{{"iss":"https://id.example","aud":"k","sub":"{sub}","exp":{exp},"nonce":"n"}}"#
        )),
        part(&"s".repeat(64))
    )
}

/// The result in one line: which token, how long fresh and valid, for whom.
fn taken(body: &str, change: impl Fn(&mut Expected<'_>), issuer_date: Option<i64>) -> String {
    let issuer = IssuerUrl::parse("https://id.example").unwrap();
    let client_id = ClientId::parse("k").unwrap();
    let mut wanted = Expected {
        issuer: &issuer,
        client_id: &client_id,
        nonce: Some("n"),
        subject: None,
        access_token: false,
        id_token_optional: false,
        id_token_ties: false,
    };
    change(&mut wanted);
    let response = parse_token_response(200, body.as_bytes()).unwrap();
    let moments = Moments { requested_at: at(NOW), issuer_date: issuer_date.map(at) };
    match take(response, &wanted, moments) {
        Ok(issued) => {
            let kind = if issued.token.expose().contains('.') { "jwt" } else { "opaque" };
            let left = |moment: UnixTime| moment.as_seconds() - NOW;
            format!(
                "{kind} fresh {} valid {} for {}",
                left(issued.lifetime.fresh_until),
                left(issued.lifetime.valid_until),
                issued.name.as_deref().unwrap_or("-")
            )
        }
        Err(error) => error.to_string(),
    }
}

fn id_token(exp: i64) -> String {
    format!(r#"{{"access_token":"a","expires_in":3000,"id_token":"{}"}}"#, jwt("alice", exp))
}

#[test]
fn the_id_token_is_handed_out_and_lives_by_its_own_expiry() {
    assert_eq!(taken(&id_token(NOW + 600), |_| (), None), "jwt fresh 540 valid 600 for alice");
    assert_eq!(taken(&id_token(NOW + 10), |_| (), None), "jwt fresh 9 valid 10 for alice");
    assert_eq!(taken(r#"{"access_token":"a"}"#, |_| (), None), "the answer has no id_token");
    let days = taken(&id_token(NOW + 900_000), |_| (), None);
    assert_eq!(days, "jwt fresh 86340 valid 86400 for alice");
}

#[test]
fn the_access_token_is_handed_out_where_it_is_wanted_or_enough() {
    let access = |wanted: &mut Expected<'_>| wanted.access_token = true;
    let enough = |wanted: &mut Expected<'_>| wanted.id_token_optional = true;
    assert_eq!(taken(&id_token(NOW + 600), access, None), "opaque fresh 2940 valid 3000 for alice");
    assert_eq!(taken(&id_token(NOW + 600), enough, None), "jwt fresh 540 valid 600 for alice");
    for (body, expected) in [
        (r#"{"access_token":"a","expires_in":60}"#.to_owned(), "opaque fresh 54 valid 60 for -"),
        // The answer gives no expiry.
        (r#"{"access_token":"a"}"#.to_owned(), "opaque fresh 270 valid 300 for -"),
        (
            format!(r#"{{"access_token":"{}"}}"#, jwt("ci", NOW + 700)),
            "jwt fresh 640 valid 700 for -",
        ),
        (
            format!(r#"{{"access_token":"{}","expires_in":9000}}"#, jwt("ci", NOW + 700)),
            "jwt fresh 640 valid 700 for -",
        ),
        (r#"{"access_token":"a","expires_in":0}"#.to_owned(), "the token has expired already"),
    ] {
        assert_eq!(taken(&body, enough, None), expected, "{body}");
    }
}

#[test]
fn a_wrong_clock_on_this_machine_neither_kills_nor_prolongs_a_token() {
    for skew in [-600, 600] {
        let issuer_now = NOW + skew;
        let outcome = taken(&id_token(issuer_now + 300), |_| (), Some(issuer_now));
        assert_eq!(outcome, "jwt fresh 270 valid 300 for alice", "{skew}");
    }
    // A difference of a few seconds is network latency.
    let outcome = taken(&id_token(NOW + 300), |_| (), Some(NOW + 4));
    assert_eq!(outcome, "jwt fresh 270 valid 300 for alice");
}

#[test]
fn another_persons_or_another_sign_ins_token_is_refused() {
    let renewed = |wanted: &mut Expected<'_>| {
        wanted.nonce = None;
        wanted.subject = Some("bob");
    };
    assert_eq!(
        taken(&id_token(NOW + 600), renewed, None),
        "the renewed token is for another subject than the first"
    );
    let other = |wanted: &mut Expected<'_>| wanted.nonce = Some("other");
    assert!(taken(&id_token(NOW + 600), other, None).contains("nonce"));
    // Checked even when the access token is what is handed out.
    let access = |wanted: &mut Expected<'_>| {
        wanted.access_token = true;
        wanted.nonce = Some("other");
    };
    assert!(taken(&id_token(NOW + 600), access, None).contains("nonce"));
}

#[test]
fn a_token_that_is_handed_out_as_it_is_lives_as_long_as_it_says_by_its_makers_clock() {
    for (expires_at, issuer_date, life) in [
        (Some(NOW + 300), None, 300),
        // Issued by a clock that is an hour behind ours.
        (Some(NOW - 3300), Some(NOW - 3600), 300),
        (None, None, 300),
        (Some(NOW + 1_000_000), None, 86_400),
    ] {
        let moments = Moments { requested_at: at(NOW), issuer_date: issuer_date.map(at) };
        let issued = Issued::as_it_is(Secret::new("t"), None, expires_at.map(at), moments);
        assert_eq!(issued.lifetime.valid_until, at(NOW + life), "{expires_at:?}");
        assert!(issued.refresh_token.is_none());
    }
}

#[test]
fn a_code_that_came_alone_is_tied_by_the_nonce_of_an_id_token_or_not_at_all() {
    let alone =
        |wanted: &mut Expected<'_>| (wanted.access_token, wanted.id_token_ties) = (true, true);
    let opaque = r#"{"access_token":"a","expires_in":3000}"#;
    assert!(taken(opaque, alone, None).starts_with("nothing shows that the pasted code"));
    assert!(taken(&id_token(NOW + 600), alone, None).starts_with("opaque fresh"));
    let of_another = |wanted: &mut Expected<'_>| {
        alone(wanted);
        wanted.nonce = Some("another");
    };
    assert!(taken(&id_token(NOW + 600), of_another, None).contains("belongs to another sign-in"));
    // With its `state` the code is ours.
    let with_state = |wanted: &mut Expected<'_>| wanted.access_token = true;
    assert!(taken(opaque, with_state, None).starts_with("opaque fresh"));
}
