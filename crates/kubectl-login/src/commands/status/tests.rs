//! Tests of `commands::status`: a session at a moment, and how it is listed.
//! Never reads a file.

use login_cache::{freshness::Lifetime, sessions::SessionRecord};
use login_common::names::{ClientId, IssuerUrl};

use super::*;
use crate::{
    commands::session_state::HeldBack,
    report::{Fault, Report},
};

fn at(seconds: i64) -> UnixTime {
    UnixTime::from_seconds(1_769_860_800 + seconds)
}

fn record(flow: &str, protection: Option<Protection>) -> SessionRecord {
    SessionRecord {
        key: CacheKey::parse(&"0".repeat(64)).unwrap(),
        issuer: IssuerUrl::parse("https://id.example").unwrap(),
        client_id: ClientId::parse("k").unwrap(),
        account: Some("work".to_owned()),
        username: None,
        scopes: Vec::new(),
        audience: None,
        flow: flow.to_owned(),
        use_access_token: false,
        subject: Some("1".to_owned()),
        display_name: Some("alice".to_owned()),
        signed_in_at: at(-7200),
        valid_until: at(0),
        protection,
        unrenewable: None,
        refused_ways: Vec::new(),
        certificate_authorities: Vec::new(),
        insecure_skip_tls_verify: false,
    }
}

fn facts(record: SessionRecord, token_for: Option<i64>) -> Facts {
    let lifetime = token_for.map(|seconds| Lifetime::new(at(-3600), at(seconds)));
    Facts { record, lifetime, failure: None, locked_by: None }
}

fn failed() -> HeldBack {
    let report = Report {
        fault: Fault::Refused,
        error: "the sign-in was refused".to_owned(),
        causes: Vec::new(),
        hint: None,
    };
    HeldBack { until: at(10), report }
}

#[test]
fn what_a_session_is_good_for_follows_from_its_token_and_its_secret() {
    let secret = Some(Protection::Keyring);
    for (flow, protection, token_for, token, state, sign_in) in [
        ("auto", secret, Some(1380), "23m", "renewable", false),
        ("auto", secret, Some(30), "30s", "renewable", false),
        ("auto", secret, Some(-1), "expired", "renewable", false),
        ("auto", secret, None, "", "renewable", false),
        ("auto", None, Some(1380), "23m", "not renewable", false),
        ("auto", None, Some(30), "30s", "not renewable", false),
        ("auto", None, Some(-1), "expired", "sign-in needed", true),
        ("auto", None, None, "", "sign-in needed", true),
        ("client-credentials", None, None, "", "renewable", false),
    ] {
        let line = Line::of(&facts(record(flow, protection), token_for), None, at(0));
        let found = (line.token_left(at(0)), line.state(), line.sign_in_needed);
        assert_eq!(found, (token.to_owned(), state, sign_in), "{flow} {token_for:?}");
    }
}

#[test]
fn what_stands_in_the_way_is_said_first() {
    let mut facts = facts(record("auto", None), None);
    facts.failure = Some(failed());
    assert_eq!(Line::of(&facts, None, at(0)).state(), "held back");
    facts.locked_by = Some("process 7".to_owned());
    assert_eq!(Line::of(&facts, None, at(0)).state(), "busy");
}

#[test]
fn the_table_marks_the_current_session() {
    let facts = facts(record("auto", Some(Protection::KeyFile)), Some(1380));
    let key = facts.record.key.clone();
    let lines = [Line::of(&facts, Some(&key), at(0)), Line::of(&facts, None, at(0))];
    assert_eq!(
        table(&lines, false, at(0)).render(),
        "CURRENT   NAME    ACCOUNT   ISSUER               CLIENT   TOKEN   SESSION\n\
         *         alice   work      https://id.example   k        23m     renewable\n\
         -         alice   work      https://id.example   k        23m     renewable\n"
    );
    let wide = table(&lines, true, at(0)).render();
    assert!(wide.contains("renewable   auto   encrypted-file   2026-01-31T10:00:00Z"), "{wide}");
}

#[test]
fn without_accounts_the_table_has_no_column_for_them() {
    let unnamed = SessionRecord { account: None, ..record("auto", None) };
    let lines = [Line::of(&facts(unnamed, Some(1380)), None, at(0))];
    let rendered = table(&lines, false, at(0)).render();
    assert!(rendered.starts_with("CURRENT   NAME    ISSUER"), "{rendered}");
}

#[test]
fn keys_of_the_document_are_stable_and_hold_no_secret() {
    let mut facts = facts(record("auto", Some(Protection::Plain)), Some(1380));
    facts.failure = Some(failed());
    let json = serde_json::to_value(Line::of(&facts, None, at(0))).unwrap();
    for (key, expected) in [
        ("current", serde_json::json!(false)),
        ("account", "work".into()),
        ("issuerUrl", "https://id.example".into()),
        ("clientId", "k".into()),
        ("token", "fresh".into()),
        ("tokenValidUntil", "2026-01-31T12:23:00Z".into()),
        ("renewable", true.into()),
        ("signInNeeded", false.into()),
        ("refreshTokenStorage", "file".into()),
        ("heldBackUntil", "2026-01-31T12:00:10Z".into()),
        ("lastFailure", "the sign-in was refused".into()),
    ] {
        assert_eq!(json[key], expected, "{key}");
    }
    assert_eq!(json.get("lockedBy"), None);
}
