//! Refreshing: rotation, the retry after a lost response, replay, expiry.

use std::sync::Barrier;

use serde_json::json;

use super::*;

fn refresh_token(answer: TokenResponse) -> Secret {
    answer.refresh_token.unwrap()
}

#[test]
fn each_refresh_gives_new_tokens_of_the_same_session() {
    let rig = Rig::new();
    let first = rig.signed_in(at(0));
    let session = first.grantee.session_id.clone();
    let second = rig.refresh(&refresh_token(first), &[], at(500)).unwrap();
    assert_eq!(second.grantee.session_id, session);
    let claims = rig.claims(second.id_token.as_ref().unwrap(), "kubectl-login", at(500));
    assert_eq!(claims["auth_time"], json!(at(0).as_seconds()), "of the sign-in");
    assert_eq!(claims["iat"], json!(at(500).as_seconds()));
    assert_eq!(claims["sid"], json!(session));
    assert_eq!(claims["sub"], json!(rig.alice.id));
    assert_eq!(claims.get("nonce"), None, "only the first one has it");
    assert!(rig.refresh(&refresh_token(second), &[], at(900)).is_ok());
}

#[test]
fn a_replaced_token_used_again_ends_the_session_for_all() {
    let rig = Rig::new();
    let stolen = refresh_token(rig.signed_in(at(0)));
    let current = refresh_token(rig.refresh(&stolen, &[], at(100)).unwrap());
    let (status, error, text) = refused(rig.refresh(&stolen, &[], at(110)));
    assert_eq!((status, error), (400, "invalid_grant"));
    assert_eq!(text, "the refresh token was used before; its session is ended");
    let (_, error, text) = refused(rig.refresh(&current, &[], at(111)));
    assert_eq!(
        (error, text.as_str()),
        ("invalid_grant", "the refresh token is not valid any more")
    );
    // Another sign-in of the same user continues.
    assert!(rig.refresh(&refresh_token(rig.signed_in(at(120))), &[], at(121)).is_ok());
}

#[test]
fn a_lost_answer_is_forgiven_within_the_grace_time() {
    let rig = Rig::new();
    let first = refresh_token(rig.signed_in(at(0)));
    let lost = refresh_token(rig.refresh(&first, &[], at(100)).unwrap());
    let retried = refresh_token(rig.refresh(&first, &[], at(109)).unwrap());
    assert!(!lost.same_as(&retried));
    // A retry does not restart the grace time.
    let next = refresh_token(rig.refresh(&retried, &[], at(110)).unwrap());
    // A thief who uses the token of the lost response is detected.
    let (_, _, text) = refused(rig.refresh(&lost, &[], at(111)));
    assert_eq!(text, "the refresh token was used before; its session is ended");
    assert!(rig.refresh(&next, &[], at(112)).is_err());
}

#[test]
fn without_grace_the_first_repetition_ends_the_session() {
    let rig = Rig::with(IssuerSettings { refresh_retry_grace: Duration::ZERO, ..settings() });
    let first = refresh_token(rig.signed_in(at(0)));
    rig.refresh(&first, &[], at(100)).unwrap();
    assert!(refused(rig.refresh(&first, &[], at(100))).2.contains("used before"));
}

#[test]
fn eight_threads_with_one_token_stay_one_session_line() {
    let rig = Rig::new();
    let first = rig.signed_in(at(0));
    let session = first.grantee.session_id.clone();
    let token = refresh_token(first);
    let start = Barrier::new(8);
    let answers: Vec<TokenResponse> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(|| {
                    start.wait();
                    rig.refresh(&token, &[], at(10)).unwrap()
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(answers.iter().all(|answer| answer.grantee.session_id == session));
    let record = rig.issuer.store.session(&session).unwrap().unwrap();
    assert_eq!((record.generation, record.revoked_at), (1, None), "one rotation");

    // Any one of the responses continues the session, which makes the others stale.
    let mut tokens = answers.into_iter().map(refresh_token);
    let chosen = tokens.nth(3).unwrap();
    assert!(rig.refresh(&chosen, &[], at(30)).is_ok());
    let (_, _, text) = refused(rig.refresh(&tokens.next().unwrap(), &[], at(31)));
    assert!(text.contains("used before"), "{text}");
}

#[test]
fn an_unused_token_lapses_and_so_does_the_session_in_the_end() {
    let short = IssuerSettings {
        refresh_token_lifetime: seconds(100),
        session_lifetime: seconds(250),
        token_lifetime: seconds(60),
        ..settings()
    };
    let rig = Rig::with(short);
    let unused = refresh_token(rig.signed_in(at(0)));
    assert_eq!(refused(rig.refresh(&unused, &[], at(100))).1, "invalid_grant");

    let mut token = refresh_token(rig.signed_in(at(0)));
    for now in [90, 180, 240] {
        let answer = rig.refresh(&token, &[], at(now)).unwrap();
        let ends = rig.claims(&answer.access_token, "kubernetes", at(now))["exp"].clone();
        let expected = at((now + 60).min(250));
        assert_eq!(ends, json!(expected.as_seconds()), "no token outlives its session");
        assert_eq!(answer.expires_in, expected.since(at(now)));
        token = refresh_token(answer);
    }
    assert_eq!(refused(rig.refresh(&token, &[], at(250))).1, "invalid_grant");
}

#[test]
fn a_refresh_may_narrow_the_scope_but_not_widen_it() {
    let rig = Rig::new();
    let token = refresh_token(rig.signed_in(at(0)));
    let wider = refused(rig.refresh(&token, &[("scope", "openid groups")], at(1)));
    assert_eq!(wider.1, "invalid_scope");
    let narrow = rig.refresh(&token, &[("scope", "offline_access")], at(2)).unwrap();
    assert!(narrow.id_token.is_none());
    assert_eq!(narrow.scope, "offline_access");
    let full = rig.refresh(&refresh_token(narrow), &[], at(3)).unwrap();
    assert_eq!(full.scope, "openid offline_access", "narrowing is for one answer");
}

#[test]
fn tokens_of_others_and_made_up_ones_are_refused_without_harm() {
    let rig = Rig::new();
    let token = refresh_token(rig.signed_in(at(0)));
    for made_up in ["klr_", "klr_AAAA", "' OR 1=1 --"] {
        assert_eq!(refused(rig.refresh(&Secret::new(made_up), &[], at(1))).1, "invalid_grant");
    }
    assert_eq!(refused(rig.refresh(&Secret::new(""), &[], at(1))).1, "invalid_request");
    let as_ci = [("client_id", "ci"), ("client_secret", rig.ci_secret.expose())];
    assert_eq!(refused(rig.refresh(&token, &as_ci, at(1))).1, "unauthorized_client");
    assert!(rig.refresh(&token, &[], at(2)).is_ok());
}

#[test]
fn what_the_operator_changes_shows_at_the_next_refresh() {
    let rig = Rig::new();
    let operator = rig.issuer.administration();
    let token = refresh_token(rig.signed_in(at(0)));
    operator.set_password("alice", &Secret::new("another password"), at(1)).unwrap();
    assert_eq!(refused(rig.refresh(&token, &[], at(2))).1, "invalid_grant", "password changed");

    let prompt = rig.prompt(&[], at(3)).unwrap();
    assert!(rig.submit(&prompt, "alice", PASSWORD, at(3)).is_err());
    let location = rig.submit(&prompt, "alice", "another password", at(3)).unwrap();
    let code = parameter(&location, "code").unwrap();
    let token = refresh_token(rig.exchange(&code, &[], at(4)).unwrap());
    operator.delete_user("alice", at(5)).unwrap();
    assert_eq!(refused(rig.refresh(&token, &[], at(5))).1, "invalid_grant", "user deleted");
}
