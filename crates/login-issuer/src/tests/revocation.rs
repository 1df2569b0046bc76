//! Signing out: the session behind a refresh token ends, and no other.

use super::*;
use crate::Revoked;

fn revoke(rig: &Rig, fields: &[(&str, &str)], now: UnixTime) -> Result<Revoked, TokenError> {
    let body = encoded(&[("client_id", "kubectl-login")], fields);
    rig.issuer.revoke(&Form::parse(body.as_bytes())?, None, now)
}

fn refresh_token(answer: TokenResponse) -> Secret {
    answer.refresh_token.unwrap()
}

#[test]
fn a_revoked_session_is_refreshed_no_more_and_others_go_on() {
    let rig = Rig::new();
    let first = rig.signed_in(at(0));
    let session_id = first.grantee.session_id.clone();
    let (token, other) = (refresh_token(first), refresh_token(rig.signed_in(at(0))));
    let fields = [("token", token.expose()), ("token_type_hint", "refresh_token")];
    let revoked = revoke(&rig, &fields, at(1)).unwrap();
    assert_eq!(revoked.session_id, Some(session_id));
    assert_eq!(refused(rig.refresh(&token, &[], at(2))).1, "invalid_grant");
    assert!(rig.refresh(&other, &[], at(2)).is_ok());
    // RFC 7009 §2.2: a token that is no good any more is no fault.
    assert!(revoke(&rig, &fields, at(3)).is_ok());
}

#[test]
fn a_replaced_token_ends_its_session_too() {
    let rig = Rig::new();
    let replaced = refresh_token(rig.signed_in(at(0)));
    let current = refresh_token(rig.refresh(&replaced, &[], at(100)).unwrap());
    revoke(&rig, &[("token", replaced.expose())], at(101)).unwrap();
    assert_eq!(refused(rig.refresh(&current, &[], at(102))).1, "invalid_grant");
}

#[test]
fn an_ended_session_is_told_under_a_shorter_life_of_tokens_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("issuer.db");
    let store = || Box::new(SqliteStore::open(&path).unwrap());
    let living = |lifetime| IssuerSettings { token_lifetime: seconds(lifetime), ..settings() };
    let rig = Rig::on(living(12 * 3600), store());
    let session = rig.signed_in(at(0)).grantee.session_id;
    rig.issuer.administration().delete_user("alice", at(60)).unwrap();
    let restarted = Issuer::open(living(600), store(), at(1200)).unwrap();
    assert_eq!(restarted.ended_sessions(at(1200)).unwrap(), [session]);
    // No token lives longer than a day.
    assert!(restarted.ended_sessions(at(60 + 86_400 + 61)).unwrap().is_empty());
}

#[test]
fn a_session_whose_refresh_token_lapsed_can_still_be_ended() {
    let rig = Rig::with(IssuerSettings {
        refresh_token_lifetime: seconds(300),
        token_lifetime: seconds(3600),
        ..settings()
    });
    let session = rig.signed_in(at(0)).grantee.session_id;
    rig.signed_in(at(1000));
    rig.issuer.administration().delete_user("alice", at(1200)).unwrap();
    assert!(rig.issuer.ended_sessions(at(1200)).unwrap().contains(&session));
}

#[test]
fn unknown_tokens_are_no_fault_and_self_contained_ones_cannot_be_ended() {
    let rig = Rig::new();
    for made_up in ["klr_AAAA", "' OR 1=1 --", "a.b"] {
        let revoked = revoke(&rig, &[("token", made_up)], at(1)).unwrap();
        assert_eq!(revoked.session_id, None, "{made_up}");
    }
    let access_token = rig.signed_in(at(0)).access_token;
    let error = revoke(&rig, &[("token", access_token.expose())], at(1)).unwrap_err();
    assert_eq!((error.status(), error.error()), (400, "unsupported_token_type"));
    let error = revoke(&rig, &[], at(1)).unwrap_err();
    assert_eq!((error.status(), error.error()), (400, "invalid_request"));
}

#[test]
fn only_the_client_of_a_session_ends_it() {
    let rig = Rig::new();
    let token = refresh_token(rig.signed_in(at(0)));
    let as_ci =
        [("token", token.expose()), ("client_id", "ci"), ("client_secret", rig.ci_secret.expose())];
    assert_eq!(revoke(&rig, &as_ci, at(1)).unwrap_err().error(), "invalid_grant");
    let wrong_secret = [("token", token.expose()), ("client_id", "ci"), ("client_secret", "x")];
    assert_eq!(revoke(&rig, &wrong_secret, at(1)).unwrap_err().status(), 401);
    assert!(rig.refresh(&token, &[], at(2)).is_ok());
}
