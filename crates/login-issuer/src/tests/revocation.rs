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
    // RFC 7009 §2.2: an invalid token is no error.
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

#[test]
fn what_the_operator_revoked_gives_nothing_any_more_and_stays_so() {
    let rig = Rig::new();
    let ask = |body: &str, is_revoked: &crate::IsRevoked<'_>, now| {
        rig.issuer.token(&Form::parse(body.as_bytes()).unwrap(), None, is_revoked, now)
    };
    let by_session = |answer: &TokenResponse| {
        let session = answer.grantee.session_id.clone();
        move |grant: &crate::GrantFacts<'_>| grant.session_id == session
    };
    let refresh = |token: &Secret| {
        encoded(
            &[("grant_type", "refresh_token"), ("client_id", "kubectl-login")],
            &[("refresh_token", token.expose())],
        )
    };
    // At a refresh.
    let answer = rig.signed_in(at(0));
    let revoked = by_session(&answer);
    let (session, token) = (answer.grantee.session_id.clone(), refresh_token(answer));
    let (status, error, text) = refused(ask(&refresh(&token), &revoked, at(1)));
    assert_eq!((status, error), (400, "invalid_grant"));
    assert_eq!(text, "the session was ended by the operator");
    // Its tokens are refused elsewhere, too, and the revocation entry may be removed.
    assert_eq!(rig.issuer.ended_sessions(at(2)).unwrap(), [session]);
    assert_eq!(refused(ask(&refresh(&token), &|_| false, at(2))).1, "invalid_grant");

    // Before any refresh, all at once; a sign-in after that time continues.
    let (early, late) = (rig.signed_in(at(10)), rig.signed_in(at(30)));
    let alice = rig.alice.id.clone();
    let before = |grant: &crate::GrantFacts<'_>| grant.subject == alice && grant.began_at < at(20);
    let ended = rig.issuer.end_revoked_sessions(&before, at(31)).unwrap();
    assert_eq!(ended, [early.grantee.session_id.as_str()]);
    assert!(rig.issuer.end_revoked_sessions(&before, at(32)).unwrap().is_empty());
    assert_eq!(refused(rig.refresh(&refresh_token(early), &[], at(33))).1, "invalid_grant");
    assert!(ask(&refresh(&refresh_token(late)), &before, at(33)).is_ok());

    // A pending code does not bypass the revocation.
    let code = rig.code(&[], at(40));
    let all = |grant: &crate::GrantFacts<'_>| grant.began_at < at(41);
    let verifier = verifier();
    let body = encoded(
        &[("grant_type", "authorization_code"), ("client_id", "kubectl-login")],
        &[
            ("redirect_uri", REDIRECT),
            ("code", &code),
            ("code_verifier", verifier.as_secret().expose()),
        ],
    );
    assert_eq!(refused(ask(&body, &all, at(42))).1, "invalid_grant");
    assert!(ask(&body, &|_| false, at(43)).is_ok(), "nothing was used up");
}

#[test]
fn a_token_id_names_its_session_and_no_other() {
    let rig = Rig::new();
    let (one, two) = (rig.signed_in(at(0)), rig.signed_in(at(0)));
    let prefix = |answer: &TokenResponse| {
        let facts = crate::GrantFacts {
            session_id: &answer.grantee.session_id,
            subject: "",
            began_at: at(0),
        };
        facts.token_id_prefix()
    };
    let id = |token: &Secret, audience: &str| {
        rig.claims(token, audience, at(0))["jti"].as_str().unwrap().to_owned()
    };
    let of_one =
        [id(&one.access_token, "kubernetes"), id(one.id_token.as_ref().unwrap(), "kubectl-login")];
    assert_ne!(of_one[0], of_one[1]);
    assert!(of_one.iter().all(|id| id.starts_with(&prefix(&one))), "{of_one:?}");
    assert!(!of_one.iter().any(|id| id.starts_with(&prefix(&two))), "{of_one:?}");
}
