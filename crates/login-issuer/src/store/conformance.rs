//! The suite that every store passes: what the engine relies on, tested through the trait.
//! Never looks behind the trait.

mod samples;

use std::{
    sync::{
        Barrier,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use login_common::Secret;
use zeroize::Zeroizing;

use samples::{ROOMY, at, begin, code, device, look, refresh_token, session, user};

use super::{
    ClientRecord, CodeRecord, CodeStep, DeviceDecision, DeviceQuota, DeviceRecord, DeviceStep,
    KeyRecord, NewSession, RefreshTokenRecord, Rotation, RotationStep, SessionRecord, SqliteStore,
    Store, UserRecord,
};
use crate::opaque::Digest;

type Rule = (&'static str, fn(&dyn Store));

const RULES: [Rule; 11] = [
    ("keys are made once", keys_are_made_once),
    ("user names are unique without regard to case", user_names_are_unique),
    ("a deleted user leaves nothing behind", a_deleted_user_leaves_nothing),
    ("a new password ends sessions", a_new_password_ends_sessions),
    ("ended sessions are listed, also when they are gone", ended_sessions_are_listed),
    ("client ids are unique and exact", client_ids_are_unique),
    ("a code is redeemed by one of many", a_code_is_redeemed_once),
    ("a rotation is made by one of many", a_rotation_is_made_once),
    ("device codes are bounded and decided once", device_codes_are_bounded),
    ("a poll is noted, a finished code is gone", polls_are_noted),
    ("what has expired is removed and nothing else", purge_removes_what_expired),
];

#[test]
fn sqlite_in_memory_conforms() {
    for (rule, test) in RULES {
        eprintln!("{rule}");
        test(&SqliteStore::in_memory().unwrap());
    }
}

#[test]
fn sqlite_in_a_file_conforms() {
    for (rule, test) in RULES {
        eprintln!("{rule}");
        let folder = tempfile::tempdir().unwrap();
        test(&SqliteStore::open(&folder.path().join("issuer.db")).unwrap());
    }
}

fn keys_are_made_once(store: &dyn Store) {
    let key = |id: &str| KeyRecord {
        key_id: id.into(),
        pkcs8: Zeroizing::new(id.as_bytes().to_vec()),
        activates_at: at(7),
    };
    let ids = |first: &str| {
        let keys = store.signing_keys_or(&key(first)).unwrap();
        assert!(keys.iter().all(|key| key.pkcs8.as_slice() == key.key_id.as_bytes()));
        keys.into_iter().map(|key| (key.key_id, key.activates_at)).collect::<Vec<_>>()
    };
    assert_eq!(ids("one"), [("one".to_owned(), at(7))]);
    assert_eq!(ids("two"), [("one".to_owned(), at(7))]);
    assert_eq!(store.sealing_key_or(b"first").unwrap().as_slice(), b"first");
    assert_eq!(store.sealing_key_or(b"second").unwrap().as_slice(), b"first");
    store.check().unwrap();
}

fn user_names_are_unique(store: &dyn Store) {
    assert!(store.add_user(&user("Zoe")).unwrap());
    assert!(store.add_user(&user("alice")).unwrap());
    assert!(!store.add_user(&UserRecord { id: "other".into(), ..user("ALICE") }).unwrap());
    let found = store.user_by_name("aLiCe").unwrap().unwrap();
    assert_eq!((found.id.as_str(), found.name.as_str()), ("id of alice", "alice"));
    assert_eq!(found.groups, user("alice").groups);
    assert_eq!(found.created_at, at(1));
    assert_eq!(store.user_by_id("id of Zoe").unwrap().unwrap().name, "Zoe");
    assert!(store.user_by_id("alice").unwrap().is_none());
    assert!(store.user_by_name("al%").unwrap().is_none());
    let names: Vec<_> = store.users().unwrap().into_iter().map(|user| user.name).collect();
    assert_eq!(names, ["alice", "Zoe"]);
}

fn a_deleted_user_leaves_nothing(store: &dyn Store) {
    let alice = user("alice");
    store.add_user(&alice).unwrap();
    begin(store, &alice, "session", "token");
    store.add_code(&code("unused", &alice, "other")).unwrap();
    store.add_device(&device("approved", "::1", 10), ROOMY).unwrap();
    let approval = DeviceDecision::Approved {
        user_id: alice.id.clone(),
        session_id: "third".into(),
        authenticated_at: at(20),
    };
    assert!(store.decide_device(&Digest::of("approved"), &approval, at(20)).unwrap());

    assert!(store.delete_user("ALICE", at(25)).unwrap());
    assert!(!store.delete_user("alice", at(26)).unwrap());
    assert!(store.user_by_name("alice").unwrap().is_none());
    assert!(look(store, "token").is_none());
    assert!(store.session("session").unwrap().is_none());
    assert!(store.redeem_code(&Digest::of("unused"), &|_| CodeStep::Leave).unwrap().is_none());
    let code = Digest::of("device code of approved");
    assert!(store.poll_device(&code, &|_| DeviceStep::Leave).unwrap().is_none());
}

fn a_new_password_ends_sessions(store: &dyn Store) {
    let (alice, bob) = (user("alice"), user("bob"));
    store.add_user(&alice).unwrap();
    store.add_user(&bob).unwrap();
    begin(store, &alice, "hers", "her token");
    begin(store, &bob, "his", "his token");
    store.add_code(&code("unused", &alice, "other")).unwrap();
    assert!(store.set_password("Alice", &Secret::new("new"), at(30)).unwrap());
    assert!(!store.set_password("nobody", &Secret::new("new"), at(30)).unwrap());
    assert!(
        store
            .user_by_name("alice")
            .unwrap()
            .unwrap()
            .password_hash
            .same_as(&"new".to_owned().into())
    );
    assert!(
        store
            .user_by_name("bob")
            .unwrap()
            .unwrap()
            .password_hash
            .same_as(&"hash".to_owned().into())
    );
    assert_eq!(store.session("hers").unwrap().unwrap().revoked_at, Some(at(30)));
    assert_eq!(store.session("his").unwrap().unwrap().revoked_at, None);
    assert!(store.redeem_code(&Digest::of("unused"), &|_| CodeStep::Leave).unwrap().is_none());
}

fn ended_sessions_are_listed(store: &dyn Store) {
    let (alice, bob) = (user("alice"), user("bob"));
    store.add_user(&alice).unwrap();
    store.add_user(&bob).unwrap();
    for (user, session) in [(&alice, "a1"), (&alice, "a2"), (&bob, "b1"), (&bob, "b2")] {
        begin(store, user, session, &format!("token of {session}"));
    }
    let ended = |since| {
        let mut sessions = store.sessions_ended_since(at(since)).unwrap();
        sessions.sort();
        sessions
    };
    assert_eq!(ended(0), [""; 0]);
    let revoke = |_: &SessionRecord, _: &RefreshTokenRecord| RotationStep::Revoke { at: at(20) };
    store.rotate(&Digest::of("token of a1"), &revoke).unwrap();
    assert_eq!(ended(20), ["a1"]);
    assert_eq!(ended(21), [""; 0]);
    store.set_password("alice", &Secret::new("new"), at(30)).unwrap();
    assert_eq!(ended(0), ["a1", "a2"]);
    assert_eq!(ended(30), ["a2"], "a1 had ended before");
    store.delete_user("bob", at(40)).unwrap();
    assert_eq!(ended(31), ["b1", "b2"]);
    // Sessions are purged, but the list of ended ones is kept until every token has expired.
    store.purge(at(600)).unwrap();
    assert!(store.session("b1").unwrap().is_none());
    assert_eq!(ended(0), ["a1", "a2", "b1", "b2"]);
    store.purge(at(20 + 24 * 3600 + 60)).unwrap();
    assert_eq!(ended(0), ["a2", "b1", "b2"]);
}

fn client_ids_are_unique(store: &dyn Store) {
    let client = |id: &str| ClientRecord {
        id: id.into(),
        secret: Digest::of("secret"),
        groups: vec!["deployers".into()],
        created_at: at(3),
    };
    assert!(store.add_client(&client("ci")).unwrap());
    assert!(!store.add_client(&client("ci")).unwrap());
    assert!(store.add_client(&client("CI")).unwrap());
    let found = store.client("ci").unwrap().unwrap();
    assert_eq!(found.secret, Digest::of("secret"));
    assert_eq!((found.groups, found.created_at), (vec!["deployers".to_owned()], at(3)));
    assert!(store.client("cI").unwrap().is_none());
    let ids: Vec<_> = store.clients().unwrap().into_iter().map(|client| client.id).collect();
    assert_eq!(ids, ["CI", "ci"]);
    assert!(store.delete_client("CI").unwrap() && !store.delete_client("CI").unwrap());
    assert!(store.client("ci").unwrap().is_some());
}

fn a_code_is_redeemed_once(store: &dyn Store) {
    let alice = user("alice");
    store.add_user(&alice).unwrap();
    store.add_code(&code("code", &alice, "session")).unwrap();
    assert!(store.redeem_code(&Digest::of("unknown"), &|_| CodeStep::Leave).unwrap().is_none());

    let redeemed = AtomicUsize::new(0);
    let start = Barrier::new(8);
    std::thread::scope(|scope| {
        for number in 0..8 {
            let (redeemed, start, alice) = (&redeemed, &start, &alice);
            scope.spawn(move || {
                start.wait();
                let rule = |record: &CodeRecord| {
                    if record.redeemed_at.is_some() {
                        return CodeStep::Leave;
                    }
                    redeemed.fetch_add(1, Ordering::SeqCst);
                    let token = refresh_token(&format!("token {number}"), "session", 0);
                    let new = NewSession { session: session("session", alice), token };
                    let session = Some(Box::new(new));
                    CodeStep::Redeem { at: at(12), session }
                };
                store.redeem_code(&Digest::of("code"), &rule).unwrap().unwrap();
            });
        }
    });
    assert_eq!(redeemed.load(Ordering::SeqCst), 1);
    let tokens = (0..8).filter(|number| look(store, &format!("token {number}")).is_some());
    assert_eq!(tokens.count(), 1);

    let seen = store
        .redeem_code(&Digest::of("code"), &|_| CodeStep::Revoke { at: at(13) })
        .unwrap()
        .unwrap();
    assert_eq!(seen.redeemed_at, Some(at(12)));
    assert_eq!(seen.nonce.as_deref(), Some("nonce"));
    assert_eq!((seen.authenticated_at, seen.expires_at), (at(10), at(70)));
    assert_eq!(store.session("session").unwrap().unwrap().revoked_at, Some(at(13)));
}

fn a_rotation_is_made_once(store: &dyn Store) {
    let alice = user("alice");
    store.add_user(&alice).unwrap();
    begin(store, &alice, "session", "first");
    assert!(look(store, "unknown").is_none());

    let advanced = AtomicUsize::new(0);
    let start = Barrier::new(8);
    std::thread::scope(|scope| {
        for number in 0..8 {
            let (advanced, start) = (&advanced, &start);
            scope.spawn(move || {
                start.wait();
                let next =
                    |generation| refresh_token(&format!("next {number}"), "session", generation);
                let rule = |session: &SessionRecord, token: &RefreshTokenRecord| {
                    if session.generation == token.generation {
                        advanced.fetch_add(1, Ordering::SeqCst);
                        return RotationStep::Advance { next: next(1), at: at(20) };
                    }
                    RotationStep::Sibling { next: next(session.generation) }
                };
                store.rotate(&Digest::of("first"), &rule).unwrap().unwrap();
            });
        }
    });
    assert_eq!(advanced.load(Ordering::SeqCst), 1);
    let (found, first) = look(store, "first").unwrap();
    assert_eq!((found.generation, first.generation), (1, 0));
    assert_eq!(found.rotation, Some(Rotation { by: Digest::of("first"), at: at(20) }));
    for number in 0..8 {
        let (session, token) = look(store, &format!("next {number}")).unwrap();
        assert_eq!((session, token.generation), (found.clone(), 1));
    }
    for moment in [21, 22] {
        let revoke =
            |_: &SessionRecord, _: &RefreshTokenRecord| RotationStep::Revoke { at: at(moment) };
        store.rotate(&Digest::of("first"), &revoke).unwrap();
    }
    assert_eq!(look(store, "next 0").unwrap().0.revoked_at, Some(at(21)), "the first end counts");
}

fn device_codes_are_bounded(store: &dyn Store) {
    let quota = DeviceQuota { open: 3, open_per_source: 2 };
    let add = |name: &str, source: &str, now| store.add_device(&device(name, source, now), quota);
    assert!(add("a", "192.0.2.1", 0).unwrap());
    assert!(add("b", "192.0.2.1", 0).unwrap());
    assert!(!add("c", "192.0.2.1", 0).unwrap(), "two per source");
    assert!(add("d", "2001:db8::1", 50).unwrap());
    assert!(!add("e", "2001:db8::2", 50).unwrap(), "three together");
    assert!(add("f", "2001:db8::3", 100).unwrap(), "the first two have lapsed");
    assert!(!add("g", "2001:db8::4", 100).unwrap(), "one IPv6 network is one source");

    let open = |name: &str, now| store.open_device(&Digest::of(name), at(now)).unwrap();
    let found = open("d", 149).unwrap();
    assert_eq!(found.source, "2001:db8::1".parse::<std::net::IpAddr>().unwrap());
    assert_eq!((found.requested_at, found.expires_at), (at(50), at(150)));
    assert_eq!(found.interval, Duration::from_secs(5));
    assert!(open("d", 150).is_none() && open("unknown", 60).is_none());

    let decide = |name: &str, decision, now| {
        store.decide_device(&Digest::of(name), &decision, at(now)).unwrap()
    };
    assert!(!decide("d", DeviceDecision::Denied, 150), "too late");
    assert!(decide("d", DeviceDecision::Denied, 149));
    assert!(!decide("d", DeviceDecision::Denied, 149), "once");
    assert!(!decide("unknown", DeviceDecision::Denied, 60));
    assert!(open("d", 100).is_none());
    let poll = store.poll_device(&found.device_code, &|_| DeviceStep::Leave).unwrap().unwrap();
    assert_eq!(poll.decision, Some(DeviceDecision::Denied));
}

fn polls_are_noted(store: &dyn Store) {
    let alice = user("alice");
    store.add_user(&alice).unwrap();
    assert!(store.add_device(&device("code", "::1", 0), ROOMY).unwrap());
    let code = Digest::of("device code of code");
    let polled =
        |_: &DeviceRecord| DeviceStep::Polled { at: at(9), interval: Duration::from_secs(10) };
    assert_eq!(store.poll_device(&code, &polled).unwrap().unwrap().polled_at, None);
    let approval = DeviceDecision::Approved {
        user_id: alice.id.clone(),
        session_id: "session".into(),
        authenticated_at: at(11),
    };
    assert!(store.decide_device(&Digest::of("code"), &approval, at(11)).unwrap());

    let finish = |_: &DeviceRecord| DeviceStep::Finish {
        session: Some(Box::new(NewSession {
            session: session("session", &alice),
            token: refresh_token("token", "session", 0),
        })),
    };
    let seen = store.poll_device(&code, &finish).unwrap().unwrap();
    assert_eq!((seen.polled_at, seen.interval), (Some(at(9)), Duration::from_secs(10)));
    assert_eq!(seen.decision, Some(approval));
    assert!(store.poll_device(&code, &finish).unwrap().is_none(), "gone");
    assert_eq!(look(store, "token").unwrap().0, session("session", &alice));
}

fn purge_removes_what_expired(store: &dyn Store) {
    let alice = user("alice");
    store.add_user(&alice).unwrap();
    begin(store, &alice, "session", "token");
    store.add_device(&device("code", "::1", 0), ROOMY).unwrap();
    let code_is_known = || {
        let code = Digest::of("code of session");
        store.redeem_code(&code, &|_| CodeStep::Leave).unwrap().is_some()
    };
    let device_is_known = || {
        let code = Digest::of("device code of code");
        store.poll_device(&code, &|_| DeviceStep::Leave).unwrap().is_some()
    };
    store.purge(at(100)).unwrap();
    assert!(device_is_known(), "for a while, so that the device hears why it ended");
    store.purge(at(100 + 60)).unwrap();
    assert!(!device_is_known());

    // A token of the next generation keeps the session after the first token expired.
    let next = RefreshTokenRecord { expires_at: at(600), ..refresh_token("next", "session", 1) };
    let advance = |_: &SessionRecord, _: &RefreshTokenRecord| RotationStep::Advance {
        next: next.clone(),
        at: at(400),
    };
    store.rotate(&Digest::of("token"), &advance).unwrap();
    store.purge(at(599)).unwrap();
    assert!(look(store, "token").is_none());
    assert!(look(store, "next").is_some());
    store.purge(at(600)).unwrap();
    assert!(look(store, "next").is_none());
    assert!(code_is_known(), "used codes stay known for a while, to recognise a replay");
    store.purge(at(70 + 3600)).unwrap();
    assert!(!code_is_known());
    store.purge(at(600 + 24 * 3600)).unwrap();
    assert!(store.session("session").unwrap().is_some(), "a token of it may live");
    store.purge(at(600 + 24 * 3600 + 60)).unwrap();
    assert!(store.session("session").unwrap().is_none());
    assert!(store.user_by_name("alice").unwrap().is_some());
}
