//! The responses of the device flow and its polling rules.
//! Never waits: time is an argument.

use super::*;
use crate::oauth2::token_endpoint::parse_token_response;

const ANSWER: &str = r#"{"device_code":"d","user_code":"BCDF-GHJK","verification_uri":"https://id.example/device",
    "verification_uri_complete":"https://id.example/device?user_code=BCDF-GHJK","expires_in":600,"interval":5}"#;

fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn begun() -> Polling {
    Polling::begin(&parse_device_response(200, ANSWER.as_bytes()).unwrap())
}

fn answer(code: &str) -> Result<TokenResponse, TokenEndpointError> {
    parse_token_response(400, format!(r#"{{"error":"{code}"}}"#).as_bytes())
}

/// The step in one line.
fn shown(step: Step) -> String {
    match step {
        Step::AskAgain(wait) => format!("again in {}", wait.as_secs()),
        Step::Done(_) => "done".to_owned(),
        Step::Failed(error) => error.to_string(),
        Step::Expired => "expired".to_owned(),
    }
}

#[test]
fn the_answer_is_read() {
    let device = parse_device_response(200, ANSWER.as_bytes()).unwrap();
    assert_eq!(device.user_code, "BCDF-GHJK");
    assert_eq!(device.verification_uri.as_str(), "https://id.example/device");
    assert!(device.verification_uri_complete.is_some());
    assert_eq!(device.expires_in.as_secs(), 600);
    let old =
        r#"{"device_code":"d","user_code":"X","verification_url":"https://www.google.com/device"}"#;
    let device = parse_device_response(200, old.as_bytes()).unwrap();
    assert_eq!((device.interval.as_secs(), device.expires_in.as_secs()), (5, 600));
    assert!(device.verification_uri_complete.is_none());
}

#[test]
fn what_real_issuers_write_beside_the_rfc_is_read() {
    // Entra ID v1.0: numbers as strings, and the old name.
    let changed = |from: &str, to: &str| ANSWER.replacen(from, to, 1);
    for body in [
        changed("\"expires_in\":600", "\"expires_in\":\"600\""),
        changed("\"expires_in\":600", "\"expires_in\":600.0"),
        changed("\"interval\":5", "\"interval\":\"5\""),
        changed("\"verification_uri\"", "\"verification_url\""),
        changed("\"interval\":5", "\"interval\":5,\"verification_url\":\"https://id.example/old\""),
        changed("\"interval\":5", "\"interval\":5,\"message\":\"a\",\"message\":\"b\""),
        format!("\u{feff}{ANSWER}"),
    ] {
        let device = parse_device_response(200, body.as_bytes()).unwrap();
        assert_eq!(device.verification_uri.as_str(), "https://id.example/device", "{body}");
        assert_eq!((device.interval.as_secs(), device.expires_in.as_secs()), (5, 600), "{body}");
    }
    let twice = changed("\"interval\":5", "\"interval\":5,\"user_code\":\"OTHER\"");
    assert!(parse_device_response(200, twice.as_bytes()).is_err());
}

#[test]
fn answers_that_could_mislead_a_person_are_refused() {
    for (from, to) in [
        ("BCDF-GHJK\",", "\","),
        ("BCDF-GHJK\",", "\\u001b[2J\","),
        ("https://id.example/device\"", "http://id.example/device\""),
        ("https://id.example/device\"", "javascript:alert(1)\""),
        ("\"device_code\":\"d\"", "\"device_code\":\"\""),
    ] {
        let body = ANSWER.replacen(from, to, 1);
        let error = parse_device_response(200, body.as_bytes()).unwrap_err();
        assert!(matches!(error, TokenEndpointError::Malformed(_)), "{body}: {error}");
    }
    let complete = ANSWER.replace("https://id.example/device?", "http://id.example/device?");
    let device = parse_device_response(200, complete.as_bytes()).unwrap();
    assert!(device.verification_uri_complete.is_none());
}

#[test]
fn pending_keeps_the_pace_and_slow_down_adds_five_seconds_for_good() {
    let mut polling = begun();
    for (code, expected) in [
        ("authorization_pending", "again in 5"),
        ("slow_down", "again in 10"),
        ("authorization_pending", "again in 10"),
        ("slow_down", "again in 15"),
        ("temporarily_unavailable", "again in 30"),
        ("temporarily_unavailable", "again in 60"),
        ("temporarily_unavailable", "again in 60"),
        ("slow_down", "again in 65"),
        ("temporarily_unavailable", "again in 65"),
        ("slow_down", "again in 70"),
    ] {
        assert_eq!(shown(polling.after_answer(answer(code), at(1))), expected, "{code}");
    }
}

#[test]
fn the_end_is_an_answer_or_the_deadline() {
    let check = |code: &str, elapsed: u64| shown(begun().after_answer(answer(code), at(elapsed)));
    assert_eq!(check("access_denied", 1), "the issuer answered 400 `access_denied`");
    assert_eq!(check("expired_token", 1), "expired");
    assert_eq!(check("invalid_client", 1), "the issuer answered 400 `invalid_client`");
    assert_eq!(check("authorization_pending", 595), "again in 5");
    assert_eq!(check("authorization_pending", 596), "expired");
    assert_eq!(check("slow_down", 591), "expired");
    assert_eq!(check("authorization_pending", 600), "expired");
    assert_eq!(shown(begun().after_silence(at(600))), "expired");
    let done = parse_token_response(200, br#"{"access_token":"a"}"#);
    assert_eq!(shown(begun().after_answer(done, at(9999))), "done");
}

#[test]
fn an_interval_of_zero_does_not_hammer_the_issuer() {
    let eager = ANSWER.replace("\"interval\":5", "\"interval\":0");
    let device = parse_device_response(200, eager.as_bytes()).unwrap();
    assert_eq!(shown(Polling::begin(&device).wait(at(0))), "again in 1");
}

#[test]
fn an_interval_that_the_issuer_asks_for_is_kept_however_long() {
    for (interval, expected) in [(90, "again in 90"), (601, "expired"), (u64::MAX, "expired")] {
        let slow = ANSWER.replace("\"interval\":5", &format!("\"interval\":{interval}"));
        let device = parse_device_response(200, slow.as_bytes()).unwrap();
        let mut polling = Polling::begin(&device);
        assert_eq!(shown(polling.wait(at(0))), expected);
        assert_eq!(shown(polling.after_silence(at(0))), expected);
    }
}

#[test]
fn the_request_names_the_client_in_the_form_always() {
    let client = ClientId::parse("c").unwrap();
    let scopes = ["openid".to_owned()];
    for (authentication, expected) in [
        (ClientAuthentication::Public, "client_id=c&scope=openid"),
        (ClientAuthentication::Basic(Secret::new("s")), "client_id=c&scope=openid"),
        (ClientAuthentication::Post(Secret::new("s")), "client_id=c&client_secret=s&scope=openid"),
    ] {
        let form = device_request(&client, &authentication, &scopes, None);
        assert_eq!(form.body().expose(), expected);
    }
}
