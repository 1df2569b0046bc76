//! What survives a restart, a second process or a half-written file; and what stays private.

#![allow(clippy::disallowed_methods, reason = "tests spoil files on purpose")]

use std::path::Path;

use login_common::causes;

use super::*;
use crate::store::StoreFault;

fn open(path: &Path) -> Box<dyn Store> {
    Box::new(SqliteStore::open(path).unwrap())
}

#[test]
fn everything_goes_on_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("issuer.db");
    let rig = Rig::on(settings(), open(&path));
    let Rig { alice, ci_secret, .. } = &rig;
    let (alice, ci_secret) = (alice.clone(), ci_secret.clone());
    let tokens = rig.signed_in(at(0));
    let code = rig.code(&[], at(1));
    let prompt = rig.prompt(&[], at(1)).unwrap();
    let key_ids = rig.issuer.jwks();
    // As after a crash: nothing is closed properly, the write-ahead log remains.
    std::mem::forget(rig);

    let issuer = Issuer::open(settings(), open(&path), at(2)).unwrap();
    assert_eq!(issuer.jwks(), key_ids);
    let rig = Rig { issuer, alice, ci_secret };
    let claims = rig.claims(&tokens.access_token, "kubernetes", at(3));
    assert_eq!(claims["sub"], rig.alice.id);
    rig.refresh(&tokens.refresh_token.unwrap(), &[], at(3)).unwrap();
    rig.exchange(&code, &[], at(4)).unwrap();
    rig.submit(&prompt, "alice", PASSWORD, at(5)).unwrap();
}

#[test]
fn what_was_answered_survives_a_crash_right_after_the_answer() {
    // A crash leaves the database and its write-ahead log as they are at that moment.
    fn crashed(path: &Path, ended_at: i64) -> (tempfile::TempDir, Issuer) {
        let folder = tempfile::tempdir().unwrap();
        for name in ["issuer.db", "issuer.db-wal"] {
            std::fs::copy(path.with_file_name(name), folder.path().join(name)).unwrap();
        }
        let store = open(&folder.path().join("issuer.db"));
        (folder, Issuer::open(settings(), store, at(ended_at)).unwrap())
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("issuer.db");
    let rig = Rig::on(settings(), open(&path));
    let (alice, ci_secret) = (rig.alice.clone(), rig.ci_secret.clone());
    let after = |now| {
        let (folder, issuer) = crashed(&path, now);
        (folder, Rig { issuer, alice: alice.clone(), ci_secret: ci_secret.clone() })
    };

    let code = rig.code(&[], at(0));
    let (_folder, restarted) = after(1);
    assert!(restarted.exchange(&code, &[], at(1)).is_ok(), "the code was kept");

    let first = rig.exchange(&code, &[], at(1)).unwrap().refresh_token.unwrap();
    let (_folder, restarted) = after(2);
    assert!(refused(restarted.exchange(&code, &[], at(2))).2.contains("used before"));

    let second = rig.refresh(&first, &[], at(3)).unwrap().refresh_token.unwrap();
    let (_folder, restarted) = after(4);
    assert!(restarted.refresh(&first, &[], at(4)).is_ok(), "a retry of the lost answer");
    assert!(restarted.refresh(&second, &[], at(5)).is_ok());
    let (_folder, restarted) = after(30);
    assert!(refused(restarted.refresh(&first, &[], at(30))).2.contains("used before"));
}

#[test]
fn a_second_process_works_on_the_same_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("issuer.db");
    let rig = Rig::on(settings(), open(&path));
    let refresh_token = rig.signed_in(at(0)).refresh_token.unwrap();

    let other = SqliteStore::open(&path).unwrap();
    let operator = crate::Administration::new(&other, settings().passwords);
    operator.set_password("alice", &Secret::new("another password"), at(1)).unwrap();

    assert_eq!(refused(rig.refresh(&refresh_token, &[], at(2))).1, "invalid_grant");
    let prompt = rig.prompt(&[], at(2)).unwrap();
    assert!(rig.submit(&prompt, "alice", "another password", at(2)).is_ok());
}

#[test]
fn no_secret_stands_in_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("issuer.db");
    let rig = Rig::on(settings(), open(&path));
    let code = rig.code(&[], at(0));
    let answer = rig.exchange(&code, &[], at(1)).unwrap();
    let secrets = [
        PASSWORD,
        &code,
        rig.ci_secret.expose(),
        answer.refresh_token.as_ref().unwrap().expose(),
        answer.access_token.expose(),
    ];
    for file in std::fs::read_dir(folder.path()).unwrap() {
        let file = file.unwrap();
        let bytes = std::fs::read(file.path()).unwrap();
        assert!(!bytes.is_empty() || file.path() == path);
        for secret in secrets {
            let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!found, "a secret stands in {}", file.path().display());
        }
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = file.metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{}", file.path().display());
        }
    }
    // Nor in what a log might show.
    let shown = format!("{answer:?} {:?}", rig.issuer);
    assert!(secrets.iter().all(|secret| !shown.contains(secret)), "{shown}");
}

#[test]
#[cfg(unix)]
fn a_file_that_others_may_read_is_closed_to_them() {
    use std::os::unix::fs::PermissionsExt as _;

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("issuer.db");
    drop(open(&path));
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    drop(open(&path));
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn a_file_this_program_does_not_understand_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |path: &Path| causes::one_line(&SqliteStore::open(path).err().unwrap());

    let newer = folder.path().join("newer.db");
    drop(open(&newer));
    rusqlite::Connection::open(&newer)
        .unwrap()
        .execute("UPDATE schema_version SET version = 7", [])
        .unwrap();
    assert_eq!(
        refused(&newer),
        "the issuer's store failed while it tried to bring its schema up to date: \
         its schema has version 7, this program knows version 2"
    );

    let foreign = folder.path().join("foreign.db");
    std::fs::write(&foreign, "this is not a database, but long enough to be one".repeat(100))
        .unwrap();
    assert!(
        refused(&foreign).ends_with(": file is not a database (SQLite's code 26)"),
        "{}",
        refused(&foreign)
    );
    let unfinished = folder.path().join("unfinished.db");
    std::fs::write(&unfinished, "").unwrap();
    for (path, expected) in [
        (&newer, StoreFault::OtherVersion),
        (&foreign, StoreFault::NotADatabase),
        (&unfinished, StoreFault::Unfinished),
    ] {
        assert_eq!(SqliteStore::open_to_read(path).err().unwrap().fault(), expected);
    }

    let nowhere = folder.path().join("missing").join("issuer.db");
    assert!(refused(&nowhere).starts_with("the issuer's store failed while it tried to create"));
}

#[test]
fn whoever_only_reads_writes_nothing_and_refuses_another_schema() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("issuer.db");
    let missing = SqliteStore::open_to_read(&path);
    assert!(missing.is_err() && !path.exists());
    let rig = Rig::on(settings(), open(&path));
    let reader = Box::new(SqliteStore::open_to_read(&path).unwrap());
    let reading = Issuer::open(settings(), reader, at(1)).unwrap();
    assert_eq!(reading.jwks(), rig.issuer.jwks());
    assert!(reading.ended_sessions(at(1)).unwrap().is_empty());
    let store = SqliteStore::open_to_read(&path).unwrap();
    let operator = crate::Administration::new(&store, settings().passwords);
    assert!(operator.set_password("alice", &Secret::new("another password"), at(1)).is_err());

    let version = |connection: &rusqlite::Connection| -> i64 {
        connection.query_row("SELECT version FROM schema_version", [], |row| row.get(0)).unwrap()
    };
    let connection = rusqlite::Connection::open(&path).unwrap();
    let known = version(&connection);
    for other in [known - 1, known + 1] {
        connection.execute("UPDATE schema_version SET version = ?1", [other]).unwrap();
        assert!(SqliteStore::open_to_read(&path).is_err(), "{other}");
        assert_eq!(version(&connection), other);
    }
}

#[test]
fn a_database_that_is_up_to_date_is_opened_without_writing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("issuer.db");
    let jwks = Rig::on(settings(), open(&path)).issuer.jwks();
    let before = std::fs::read(&path).unwrap();
    let issuer = Issuer::open(settings(), open(&path), at(1)).unwrap();
    assert_eq!(issuer.jwks(), jwks);
    // The disk may be full: the write-ahead log is empty, and nothing else was written.
    let log = std::fs::metadata(folder.path().join("issuer.db-wal"));
    assert_eq!(log.map_or(0, |log| log.len()), 0);
    assert!(std::fs::read(&path).unwrap() == before);
}
