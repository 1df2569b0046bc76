//! Which tokens an entry revokes, and which not.

use serde_json::{Value, json};

use super::*;

const ISSUER: &str = "https://id.example";
const NOW: UnixTime = UnixTime::from_seconds(1_000);

fn claims(value: &Value) -> Claims {
    Claims::parse(value.to_string().as_bytes()).unwrap()
}

fn lasting(what: Revoked) -> Revocation {
    Revocation { what, expires_at: None, reason: None }
}

fn is_revoked(what: &Revoked, issuer: &str, token: &Value) -> bool {
    Revocations::new(vec![lasting(what.clone())]).find(issuer, &claims(token), NOW).is_some()
}

fn named(issuer: Option<&str>) -> Option<Arc<str>> {
    issuer.map(Arc::from)
}

#[test]
fn a_token_is_reached_by_its_id_and_its_session_at_the_named_issuer() {
    let by_id = |issuer| Revoked::Token { issuer: named(issuer), id: "j1".to_owned() };
    let by_session = |issuer| Revoked::Session { issuer: named(issuer), session: "j1".to_owned() };
    for (what, claim) in
        [(&by_id as &dyn Fn(Option<&'static str>) -> Revoked, "jti"), (&by_session, "sid")]
    {
        for (entry_issuer, issuer, value, expected) in [
            (None, ISSUER, json!("j1"), true),
            (None, "https://other.example", json!("j1"), true),
            (Some(ISSUER), ISSUER, json!("j1"), true),
            (Some(ISSUER), "https://other.example", json!("j1"), false),
            (Some(ISSUER), ISSUER, json!("J1"), false),
            (Some(ISSUER), ISSUER, json!(["j1"]), false),
            (Some(ISSUER), ISSUER, Value::Null, false),
        ] {
            let token = json!({claim: value, "iat": 900});
            let reached = is_revoked(&what(entry_issuer), issuer, &token);
            assert_eq!(reached, expected, "{entry_issuer:?} {issuer} {token}");
        }
    }
}

#[test]
fn a_cutoff_reaches_what_was_issued_before_it_and_what_does_not_say_when() {
    let issued_before = UnixTime::from_seconds(500);
    let subject =
        Revoked::Subject { issuer: ISSUER.into(), subject: "jane".to_owned(), issued_before };
    let issuer = Revoked::Issuer { issuer: ISSUER.into(), issued_before };
    for (token, by_subject, by_issuer) in [
        (json!({"sub": "jane", "iat": 499}), true, true),
        (json!({"sub": "jane", "iat": 499.9}), true, true),
        (json!({"sub": "jane", "iat": 500}), false, false),
        (json!({"sub": "jane", "iat": "499"}), true, true),
        (json!({"sub": "jane", "iat": "501"}), false, false),
        (json!({"sub": "jane", "iat": "soon"}), true, true),
        (json!({"sub": "jane"}), true, true),
        (json!({"sub": "bob", "iat": 499}), false, true),
        (json!({"iat": 499}), false, true),
    ] {
        assert_eq!(is_revoked(&subject, ISSUER, &token), by_subject, "{token}");
        assert_eq!(is_revoked(&issuer, ISSUER, &token), by_issuer, "{token}");
        assert!(!is_revoked(&issuer, "https://other.example", &token), "{token}");
    }
}

#[test]
fn an_entry_counts_until_it_ends_and_others_of_the_same_name_go_on() {
    let entry = |expires_at: i64, issued_before: i64| Revocation {
        what: Revoked::Subject {
            issuer: ISSUER.into(),
            subject: "jane".to_owned(),
            issued_before: UnixTime::from_seconds(issued_before),
        },
        expires_at: Some(UnixTime::from_seconds(expires_at)),
        reason: Some(format!("until {expires_at}")),
    };
    let list = Revocations::new(vec![entry(1_000, 950), entry(1_001, 500)]);
    let reason = |issued_at: i64| {
        let token = claims(&json!({"sub": "jane", "iat": issued_at}));
        list.find(ISSUER, &token, NOW).and_then(|entry| entry.reason.clone())
    };
    assert_eq!(reason(499).as_deref(), Some("until 1001"));
    assert_eq!(reason(900), None, "the first entry has ended");
    assert_eq!((list.len(), list.is_empty()), (2, false));
}

#[test]
fn ended_sessions_are_those_of_their_issuer() {
    let ended = EndedSessions::new(ISSUER, ["s1".to_owned()]);
    let of = |session: &str| claims(&json!({"sid": session}));
    assert!(ended.contain(ISSUER, &of("s1")));
    assert!(!ended.contain(ISSUER, &of("s2")));
    assert!(!ended.contain("https://other.example", &of("s1")));
    assert!(!ended.contain(ISSUER, &claims(&json!({}))));
    assert!(!EndedSessions::default().contain(ISSUER, &of("s1")));
}

#[test]
fn of_unknown_sessions_only_tokens_that_have_one_are_in_doubt() {
    let unknown = EndedSessions::unknown(ISSUER);
    let (known, nobody) = (EndedSessions::new(ISSUER, []), EndedSessions::default());
    let of_session = claims(&json!({"sid": "s1"}));
    assert!(unknown.are_unknown_for(ISSUER, &of_session));
    assert!(!unknown.are_unknown_for("https://other.example", &of_session));
    assert!(!unknown.are_unknown_for(ISSUER, &claims(&json!({}))));
    assert!(!known.are_unknown_for(ISSUER, &of_session));
    assert!(!nobody.are_unknown_for(ISSUER, &of_session));
    assert!(!unknown.is_subset(&known) && !known.is_subset(&unknown) && known.is_subset(&known));
}

#[test]
fn a_grant_is_ended_by_what_ends_its_tokens() {
    let at = UnixTime::from_seconds;
    let grant = |began_at| Grant {
        session: "s1",
        subject: "jane",
        began_at: at(began_at),
        token_prefix: Some("s1."),
    };
    let token = |issuer, id: &str| Revoked::Token { issuer: named(issuer), id: id.to_owned() };
    let session =
        |issuer, name: &str| Revoked::Session { issuer: named(issuer), session: name.to_owned() };
    let subject = |name: &str, before| Revoked::Subject {
        issuer: ISSUER.into(),
        subject: name.to_owned(),
        issued_before: at(before),
    };
    let all =
        |issuer: &str, before| Revoked::Issuer { issuer: issuer.into(), issued_before: at(before) };
    let other = "https://other.example";
    for (what, expected) in [
        (session(None, "s1"), true),
        (session(Some(ISSUER), "s1"), true),
        (session(Some(other), "s1"), false),
        (session(None, "s10"), false),
        (token(None, "s1.abc"), true),
        (token(Some(ISSUER), "s1.abc"), true),
        (token(Some(other), "s1.abc"), false),
        (token(None, "s1"), false),
        (token(None, "s10.abc"), false),
        (token(None, "abc"), false),
        (subject("jane", 501), true),
        (subject("jane", 500), false),
        (subject("bob", 501), false),
        (all(ISSUER, 501), true),
        (all(ISSUER, 500), false),
        (all(other, 501), false),
    ] {
        // Between other entries.
        let more = ["a", "s0.z", "s1-", "s1/", "s2", "z"].map(|id| lasting(token(None, id)));
        let entries = more.into_iter().chain([lasting(what.clone())]).collect();
        let list = Revocations::new(entries);
        let found = list.find_grant(ISSUER, &grant(500), NOW).is_some();
        assert_eq!(found, expected, "{what:?}");
    }
    let ended = Revocation { expires_at: Some(NOW), ..lasting(session(None, "s1")) };
    assert!(Revocations::new(vec![ended]).find_grant(ISSUER, &grant(500), NOW).is_none());
    let list = Revocations::new(vec![lasting(token(None, "s1.abc"))]);
    let unknown = Grant { token_prefix: None, ..grant(500) };
    assert!(list.find_grant(ISSUER, &unknown, NOW).is_none());
}

#[test]
fn among_many_entries_each_is_found_and_no_other() {
    let entries = (0..2_000).map(|number| {
        let id = format!("{}", (number * 7919) % 2_000);
        lasting(match number % 2 {
            0 => Revoked::Token { issuer: None, id },
            _ => Revoked::Session { issuer: named(Some(ISSUER)), session: id },
        })
    });
    let list = Revocations::new(entries.collect());
    for number in 0..2_000 {
        let id = format!("{}", (number * 7919) % 2_000);
        let (of_token, of_session) = (json!({"jti": id}), json!({"sid": id}));
        let found = |token: &Value| list.find(ISSUER, &claims(token), NOW).is_some();
        assert_eq!((found(&of_token), found(&of_session)), (number % 2 == 0, number % 2 == 1));
    }
}
