//! Signing in on another device (RFC 8628).

use login_protocols::oauth2::{
    device::{device_request, parse_device_response},
    token_endpoint::{ClientAuthentication, Grant, token_request},
};

use super::*;
use crate::{DeviceApproval, DeviceAuthorization, DeviceRefusal};

fn client() -> ClientId {
    ClientId::parse("kubectl-login").unwrap()
}

impl Rig {
    fn begin_device(&self, from: &str, now: UnixTime) -> Result<DeviceAuthorization, TokenError> {
        let scopes = ["openid".to_owned(), "offline_access".to_owned()];
        let request = device_request(&client(), &ClientAuthentication::Public, &scopes, None);
        let form = Form::parse(request.body().expose().as_bytes()).unwrap();
        self.issuer.authorize_device(&form, None, from.parse().unwrap(), now)
    }

    fn poll(&self, device_code: &Secret, now: i64) -> Result<TokenResponse, TokenError> {
        let grant = Grant::DeviceCode(device_code);
        let request = token_request(&client(), &ClientAuthentication::Public, &grant, None);
        self.token(request.body().expose(), at(now))
    }

    fn approve(&self, user_code: &str, password: &str, now: i64) -> Result<(), DeviceRefusal> {
        let password = Secret::new(password);
        let approval =
            DeviceApproval { user_code, username: "alice", password: &password, source: source() };
        self.issuer.approve_device(&approval, at(now))
    }
}

#[test]
fn a_person_approves_elsewhere_and_the_device_gets_tokens_once() {
    let rig = Rig::new();
    let begun = rig.begin_device("198.51.100.9", at(0)).unwrap();
    // The client of this project parses the response.
    let read = parse_device_response(200, begun.body().expose().as_bytes()).unwrap();
    assert_eq!(read.verification_uri.as_str(), "https://login.example.com/device");
    let complete = read.verification_uri_complete.unwrap();
    assert_eq!(parameter(&complete, "user_code"), Some(begun.user_code.clone()));
    assert_eq!((read.expires_in, read.interval), (seconds(600), seconds(5)));
    assert_eq!(refused(rig.poll(&read.device_code, 5)).1, "authorization_pending");

    let typed = begun.user_code.to_lowercase().replace('-', " ");
    let shown = rig.issuer.device_request(&typed, source(), at(6)).unwrap();
    assert_eq!(shown.user_code, begun.user_code);
    assert_eq!(shown.client_id, "kubectl-login");
    assert_eq!(shown.scope, "openid offline_access");
    assert_eq!(shown.source.to_string(), "198.51.100.9");
    assert_eq!((shown.requested_at, shown.expires_at), (at(0), at(600)));
    assert!(matches!(rig.approve(&typed, "wrong", 7), Err(DeviceRefusal::WrongCredentials)));
    rig.approve(&typed, PASSWORD, 8).unwrap();
    assert!(matches!(rig.approve(&typed, PASSWORD, 9), Err(DeviceRefusal::UnknownCode)), "once");

    let answer = rig.poll(&read.device_code, 10).unwrap();
    let claims = rig.claims(answer.id_token.as_ref().unwrap(), "kubectl-login", at(10));
    assert_eq!(claims["preferred_username"], "alice");
    assert_eq!(claims["auth_time"], at(8).as_seconds());
    assert_eq!(refused(rig.poll(&read.device_code, 15)).1, "invalid_grant", "once");
    assert!(rig.refresh(&answer.refresh_token.unwrap(), &[], at(20)).is_ok());
}

#[test]
fn polling_too_often_costs_five_seconds_each_time() {
    let rig = Rig::new();
    let begun = rig.begin_device("::1", at(0)).unwrap();
    for (now, expected) in [
        (0, "authorization_pending"),
        (4, "slow_down"),  // from here on 10 s
        (13, "slow_down"), // from here on 15 s
        (28, "authorization_pending"),
        (42, "slow_down"), // from here on 20 s
    ] {
        assert_eq!(refused(rig.poll(&begun.device_code, now)).1, expected, "at {now}");
    }
    rig.approve(&begun.user_code, PASSWORD, 43).unwrap();
    assert_eq!(refused(rig.poll(&begun.device_code, 61)).1, "slow_down", "also when approved");
    assert!(rig.poll(&begun.device_code, 86).is_ok());
}

#[test]
fn a_denial_and_an_end_are_told_to_the_device() {
    let rig = Rig::new();
    let denied = rig.begin_device("::1", at(0)).unwrap();
    rig.issuer.deny_device(&denied.user_code, source(), at(1)).unwrap();
    assert!(rig.issuer.device_request(&denied.user_code, source(), at(1)).is_err());
    assert_eq!(refused(rig.poll(&denied.device_code, 5)).1, "access_denied");
    assert_eq!(refused(rig.poll(&denied.device_code, 10)).1, "invalid_grant");

    let late = rig.begin_device("::1", at(0)).unwrap();
    assert!(matches!(rig.approve(&late.user_code, PASSWORD, 600), Err(DeviceRefusal::UnknownCode)));
    assert_eq!(refused(rig.poll(&late.device_code, 600)).1, "expired_token");

    let approved_late = rig.begin_device("::1", at(1000)).unwrap();
    rig.approve(&approved_late.user_code, PASSWORD, 1599).unwrap();
    assert_eq!(refused(rig.poll(&approved_late.device_code, 1600)).1, "expired_token");
}

#[test]
fn anonymous_callers_cannot_fill_the_store() {
    let rig = Rig::with(IssuerSettings {
        open_device_codes: 4,
        open_device_codes_per_source: 3,
        ..settings()
    });
    for _ in 0..3 {
        rig.begin_device("2001:db8::1", at(0)).unwrap();
    }
    let refusal = refused(rig.begin_device("2001:db8::2", at(0)));
    assert_eq!((refusal.0, refusal.1), (503, "temporarily_unavailable"), "same network");
    rig.begin_device("192.0.2.1", at(0)).unwrap();
    assert!(rig.begin_device("192.0.2.2", at(0)).is_err(), "all together");
    assert!(rig.begin_device("192.0.2.2", at(600)).is_ok(), "lapsed ones make room");
}

#[test]
fn guessing_user_codes_is_slowed_down_and_knowing_them_is_not() {
    let rig = Rig::new();
    let begun = rig.begin_device("::1", at(0)).unwrap();
    let find = |code: &str| rig.issuer.device_request(code, source(), at(1));
    for _ in 0..50 {
        find(&begun.user_code).unwrap();
    }
    for _ in 0..10 {
        assert!(matches!(find("BBBB-BBBB"), Err(DeviceRefusal::UnknownCode)));
    }
    assert!(
        matches!(find(&begun.user_code), Err(DeviceRefusal::Throttled { until }) if until == at(2))
    );
    let elsewhere = "203.0.113.1".parse().unwrap();
    assert!(rig.issuer.device_request(&begun.user_code, elsewhere, at(1)).is_ok());
}

#[test]
fn only_clients_that_may_are_given_device_codes() {
    let rig = Rig::new();
    let begin = |body: &str| {
        let form = Form::parse(body.as_bytes()).unwrap();
        refused(rig.issuer.authorize_device(&form, None, source(), at(0)))
    };
    assert_eq!(begin("scope=openid").1, "invalid_request");
    assert_eq!(begin("client_id=nobody").1, "invalid_client");
    let as_ci = format!("client_id=ci&client_secret={}", rig.ci_secret.expose());
    assert_eq!(begin(&as_ci).1, "unauthorized_client");
}
