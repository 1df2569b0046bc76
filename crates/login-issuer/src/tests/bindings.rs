//! What was issued to one client is useless to another.
//! Never uses a second public client, which this issuer does not have: the records are added.

use super::*;
use crate::{
    opaque::Digest,
    store::{
        CodeRecord, CodeStep, DeviceDecision, DeviceQuota, DeviceRecord, NewSession,
        RefreshTokenRecord, SessionRecord,
    },
};

const OTHER_CLIENT: &str = "another-public-client";

fn code_of_other(rig: &Rig, text: &str) -> CodeRecord {
    CodeRecord {
        code: Digest::of(text),
        client_id: OTHER_CLIENT.into(),
        redirect_uri: REDIRECT.into(),
        challenge: verifier().challenge_s256(),
        nonce: None,
        scope: "openid offline_access".into(),
        user_id: rig.alice.id.clone(),
        session_id: "session of the other".into(),
        authenticated_at: at(0),
        expires_at: at(60),
        redeemed_at: None,
    }
}

/// Redeems `code` for the other client, with `refresh_token`.
fn begin_session_of_other(rig: &Rig, code: &CodeRecord, refresh_token: &str) {
    rig.issuer.store.add_code(code).unwrap();
    let session = SessionRecord {
        session_id: code.session_id.clone(),
        client_id: OTHER_CLIENT.into(),
        user_id: code.user_id.clone(),
        scope: code.scope.clone(),
        authenticated_at: at(0),
        ends_at: at(1000),
        revoked_at: None,
        generation: 0,
        rotation: None,
    };
    let token = RefreshTokenRecord {
        token: Digest::of(refresh_token),
        session_id: code.session_id.clone(),
        generation: 0,
        expires_at: at(1000),
    };
    let new = NewSession { session, token };
    let redeem =
        |_: &CodeRecord| CodeStep::Redeem { at: at(1), session: Some(Box::new(new.clone())) };
    rig.issuer.store.redeem_code(&code.code, &redeem).unwrap().unwrap();
}

#[test]
fn a_code_is_for_its_client_only_and_a_stranger_cannot_end_its_session() {
    let rig = Rig::new();
    rig.issuer.store.add_code(&code_of_other(&rig, "klc_fresh")).unwrap();
    let text = "the authorization code is not valid";
    assert_eq!(refused(rig.exchange("klc_fresh", &[], at(1))).2, text);

    let used = code_of_other(&rig, "klc_used");
    begin_session_of_other(&rig, &used, "klr_other");
    assert_eq!(refused(rig.exchange("klc_used", &[], at(2))).2, text);
    let session = rig.issuer.store.session(&used.session_id).unwrap().unwrap();
    assert_eq!(session.revoked_at, None);
}

#[test]
fn a_refresh_token_is_for_its_client_only() {
    let rig = Rig::new();
    let code = code_of_other(&rig, "klc_used");
    begin_session_of_other(&rig, &code, "klr_other");
    let (_, error, text) = refused(rig.refresh(&Secret::new("klr_other"), &[], at(2)));
    assert_eq!(
        (error, text.as_str()),
        ("invalid_grant", "the refresh token is not valid any more")
    );
    let session = rig.issuer.store.session(&code.session_id).unwrap().unwrap();
    assert_eq!((session.generation, session.revoked_at), (0, None));
}

#[test]
fn a_device_code_is_for_its_client_only() {
    let rig = Rig::new();
    let device = DeviceRecord {
        device_code: Digest::of("kld_other"),
        user_code: Digest::of("BCDFGHJK"),
        client_id: OTHER_CLIENT.into(),
        scope: "openid".into(),
        source: source(),
        requested_at: at(0),
        expires_at: at(600),
        interval: seconds(5),
        polled_at: None,
        decision: None,
    };
    let quota = DeviceQuota { open: 1, open_per_source: 1 };
    assert!(rig.issuer.store.add_device(&device, quota).unwrap());
    let approval = DeviceDecision::Approved {
        user_id: rig.alice.id.clone(),
        session_id: "session of the other".into(),
        authenticated_at: at(1),
    };
    assert!(rig.issuer.store.decide_device(&device.user_code, &approval, at(1)).unwrap());
    let poll = "grant_type=urn:ietf:params:oauth:grant-type:device_code\
                &client_id=kubectl-login&device_code=kld_other";
    let (_, error, text) = refused(rig.token(poll, at(2)));
    assert_eq!((error, text.as_str()), ("invalid_grant", "the device code is not valid"));
}
