//! Records for a store under test.
//! Never makes two alike by accident: what must differ is an argument.

use std::time::Duration;

use login_common::{Secret, UnixTime};

use crate::{
    opaque::Digest,
    store::{
        CodeRecord, CodeStep, DeviceQuota, DeviceRecord, NewSession, RefreshTokenRecord,
        RotationStep, SessionRecord, Store, UserRecord,
    },
};

pub(super) fn at(seconds: i64) -> UnixTime {
    UnixTime::from_seconds(seconds)
}

pub(super) fn user(name: &str) -> UserRecord {
    UserRecord {
        id: format!("id of {name}"),
        name: name.into(),
        password_hash: Secret::new("hash"),
        groups: vec!["a \"quoted\" group".into(), "ü".into()],
        created_at: at(1),
    }
}

pub(super) fn code(text: &str, user: &UserRecord, session_id: &str) -> CodeRecord {
    CodeRecord {
        code: Digest::of(text),
        client_id: "client".into(),
        redirect_uri: "http://127.0.0.1:1/callback".into(),
        challenge: "challenge".into(),
        nonce: Some("nonce".into()),
        scope: "openid offline_access".into(),
        user_id: user.id.clone(),
        session_id: session_id.into(),
        authenticated_at: at(10),
        expires_at: at(70),
        redeemed_at: None,
    }
}

pub(super) fn session(session_id: &str, user: &UserRecord) -> SessionRecord {
    SessionRecord {
        session_id: session_id.into(),
        client_id: "client".into(),
        user_id: user.id.clone(),
        scope: "openid offline_access".into(),
        authenticated_at: at(10),
        ends_at: at(1000),
        revoked_at: None,
        generation: 0,
        rotation: None,
    }
}

pub(super) fn refresh_token(text: &str, session_id: &str, generation: i64) -> RefreshTokenRecord {
    RefreshTokenRecord {
        token: Digest::of(text),
        session_id: session_id.into(),
        generation,
        expires_at: at(500),
    }
}

/// Adds a session with one refresh token to the store, by redeeming a code.
pub(super) fn begin(store: &dyn Store, user: &UserRecord, session_id: &str, token: &str) {
    let name = format!("code of {session_id}");
    store.add_code(&code(&name, user, session_id)).unwrap();
    let new = NewSession {
        session: session(session_id, user),
        token: refresh_token(token, session_id, 0),
    };
    let step =
        |_: &CodeRecord| CodeStep::Redeem { at: at(11), session: Some(Box::new(new.clone())) };
    assert!(store.redeem_code(&Digest::of(&name), &step).unwrap().is_some());
}

pub(super) fn look(store: &dyn Store, token: &str) -> Option<(SessionRecord, RefreshTokenRecord)> {
    store.rotate(&Digest::of(token), &|_, _| RotationStep::Leave).unwrap()
}

pub(super) fn device(name: &str, source: &str, requested_at: i64) -> DeviceRecord {
    DeviceRecord {
        device_code: Digest::of(&format!("device code of {name}")),
        user_code: Digest::of(name),
        client_id: "client".into(),
        scope: "openid".into(),
        source: source.parse().unwrap(),
        requested_at: at(requested_at),
        expires_at: at(requested_at + 100),
        interval: Duration::from_secs(5),
        polled_at: None,
        decision: None,
    }
}

pub(super) const ROOMY: DeviceQuota = DeviceQuota { open: 100, open_per_source: 100 };
