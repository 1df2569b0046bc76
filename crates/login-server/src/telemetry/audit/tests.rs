//! Tests of audit records: their content, what a token cannot put into them, and where they go.

use std::{path::Path, time::Duration};

use login_review::{Outage, Reason};
use serde_json::{Value, json};

use super::*;
use crate::{
    system::random::RandomNumbers,
    telemetry::decision::{Decided, DecisionId, Origin, Outcome},
};

fn record(audit: &Audit, outcome: Outcome) {
    audit.record(outcome, || plain(outcome));
}

fn audit(file: Option<&Path>, every_nth_repeat: u64) -> Audit {
    let file = file.map(Path::to_owned);
    Audit::new(&AuditSettings { file, every_nth_repeat, ..AuditSettings::default() }).unwrap()
}

fn decided(outcome: Outcome) -> Decided {
    let id = DecisionId::draw(&RandomNumbers::new().unwrap()).unwrap();
    Decided { id, outcome }
}

fn plain(outcome: Outcome) -> Record<'static> {
    Record::new(
        0,
        decided(outcome),
        Origin::Judged,
        Duration::ZERO,
        Subject::default(),
        Asked::default(),
    )
}

/// The lines of the file, once there are as many as expected.
fn lines(path: &Path, expected: usize) -> Vec<Value> {
    for _ in 0..2_000 {
        let text = std::fs::read_to_string(path).unwrap_or_default();
        if text.lines().count() >= expected {
            return text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        }
        #[expect(clippy::disallowed_methods, reason = "waits for the writing thread")]
        std::thread::sleep(Duration::from_millis(5));
    }
    panic!("the file does not get {expected} lines");
}

#[test]
fn a_record_names_the_decision_and_escapes_what_users_wrote() {
    let decided = decided(Outcome::Accepted);
    let subject = Subject {
        issuer: Some("https://id.example"),
        username: Some("eve\"\n{\"outcome\":\"accepted\"}"),
        groups: Some(2),
        credential_id: Some("j1"),
        key_id: Some("k\u{1b}[0m"),
        token_hash: Some(TextHash::new([0, 0, 0, 0, 0, 0, 0, 9])),
        ..Subject::default()
    };
    let audiences = ["a".to_owned()];
    let asked = Asked {
        caller: "10.0.0.1".to_owned(),
        caller_name: Some("kube-apiserver\n"),
        api_version: Some("authentication.k8s.io/v1"),
        audiences: &audiences,
    };
    let took = Duration::from_micros(1_234);
    let text =
        serde_json::to_string(&Record::new(1_234, decided, Origin::Judged, took, subject, asked))
            .unwrap();
    assert!(!text.contains(char::is_control), "{text}");
    let record: Value = serde_json::from_str(&text).unwrap();
    let expected = json!({
        "time": "1970-01-01T00:00:01.234Z", "level": "INFO", "target": "audit",
        "decisionID": decided.id.to_string(), "outcome": "accepted", "cached": false,
        "latencyMicroseconds": 1_234, "issuer": "https://id.example",
        "username": "eve\"\n{\"outcome\":\"accepted\"}", "groups": 2, "credentialID": "j1",
        "keyID": "k\u{1b}[0m", "tokenHash": "0000000000000009", "caller": "10.0.0.1",
        "callerName": "kube-apiserver\n",
        "apiVersion": "authentication.k8s.io/v1", "audiences": ["a"],
    });
    assert_eq!(record, expected);
}

#[test]
fn a_hash_says_that_two_texts_are_the_same_and_only_in_one_process() {
    let (one, other) = (audit(None, 0), audit(None, 0));
    assert_eq!(one.hash("token"), one.hash("token"));
    assert_ne!(one.hash("token"), one.hash("token2"));
    assert_ne!(one.hash("token"), other.hash("token"));
}

#[test]
fn what_a_token_brought_is_cut_at_a_character() {
    assert_eq!(bounded("short"), "short");
    let long = "ü".repeat(300);
    assert_eq!(bounded(&long), "ü".repeat(256));
}

#[test]
fn repeats_are_recorded_as_often_as_configured() {
    let wanted = |every| {
        let audit = audit(None, every);
        (0..10).filter(|_| audit.is_repeat_wanted()).count()
    };
    assert_eq!([0, 1, 3, 10, 11].map(wanted), [0, 10, 3, 1, 0]);
}

#[test]
fn a_file_is_appended_to_and_opened_anew_when_it_was_moved() {
    let folder = tempfile::tempdir().unwrap();
    let (path, moved) = (folder.path().join("audit.log"), folder.path().join("audit.log.1"));
    let audit = audit(Some(&path), 0);
    record(&audit, Outcome::Accepted);
    assert_eq!(lines(&path, 1)[0]["outcome"], "accepted");
    std::fs::rename(&path, &moved).unwrap();
    record(&audit, Outcome::Refused(Reason::Expired));
    assert_eq!(lines(&moved, 2)[1]["reason"], "expired");
    audit.reopen();
    record(&audit, Outcome::CannotTell(Outage::KeysUnavailable));
    assert_eq!(lines(&path, 1)[0]["level"], "WARN");
    assert_eq!((lines(&moved, 2).len(), audit.dropped()), (2, 0));
}

#[cfg(unix)]
#[test]
fn a_new_file_is_the_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.log");
    drop(audit(Some(&path), 0));
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn what_waits_is_written_at_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.log");
    let audit = audit(Some(&path), 0);
    for _ in 0..1_000 {
        record(&audit, Outcome::Accepted);
    }
    drop(audit);
    assert_eq!(lines(&path, 1_000).len(), 1_000);
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_loses_records_and_counts_them_and_no_review_waits() {
    // Every write to it fails with ENOSPC.
    let audit = audit(Some(Path::new("/dev/full")), 0);
    for _ in 0..20_000 {
        record(&audit, Outcome::Accepted);
    }
    for _ in 0..2_000 {
        if audit.dropped() == 20_000 {
            return;
        }
        #[expect(clippy::disallowed_methods, reason = "waits for the writing thread")]
        std::thread::sleep(Duration::from_millis(5));
    }
    panic!("{} of 20000 records are counted as lost", audit.dropped());
}

#[test]
fn a_file_that_cannot_be_opened_is_a_fault_at_the_start() {
    let path = Path::new("/dev/null/audit.log").to_owned();
    let settings = AuditSettings { file: Some(path), ..AuditSettings::default() };
    assert!(matches!(Audit::new(&settings), Err(AuditError::File(_))));
}
