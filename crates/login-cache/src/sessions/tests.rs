//! Tests of `sessions`.

use super::*;

fn record(client_id: &str) -> SessionRecord {
    SessionRecord {
        key: CacheKey::of_client("https://id.example", client_id),
        issuer: IssuerUrl::parse("https://id.example").unwrap(),
        client_id: ClientId::parse(client_id).unwrap(),
        account: Some("work".to_owned()),
        username: None,
        scopes: vec!["groups".to_owned(), "profile".to_owned()],
        audience: None,
        flow: "auto".to_owned(),
        use_access_token: false,
        subject: Some("1".to_owned()),
        display_name: Some("alice".to_owned()),
        signed_in_at: UnixTime::from_seconds(1_769_860_800),
        valid_until: UnixTime::from_seconds(1_769_864_400),
        protection: Some(Protection::Plain),
        unrenewable: None,
        refused_ways: Vec::new(),
        certificate_authorities: vec![
            Authority::File("/etc/ca.pem".into()),
            Authority::Data("UEVN".to_owned()),
        ],
        insecure_skip_tls_verify: false,
    }
}

fn scratch() -> (tempfile::TempDir, Directory) {
    let scratch = tempfile::tempdir().unwrap();
    let directory = Directory::new(scratch.path().join("cache"));
    (scratch, directory)
}

#[test]
fn records_come_back_as_they_were_saved() {
    let (_scratch, directory) = scratch();
    assert_eq!(list(&directory), []);
    let records = [record("a"), record("b")];
    for record in &records {
        save(&directory, record).unwrap();
        assert_eq!(load(&directory, &record.key).as_ref(), Some(record));
    }
    let listed = list(&directory);
    assert_eq!(listed.len(), 2);
    assert!(records.iter().all(|record| listed.contains(record)));
}

#[test]
fn what_is_no_record_is_not_listed() {
    let (_scratch, directory) = scratch();
    let good = record("a");
    save(&directory, &good).unwrap();
    let text = String::from_utf8(good.render()).unwrap();
    let other = CacheKey::of_client("https://id.example", "b");
    for bad in ["", "{}", "[1]", &text.replace(FORMAT, "kubectl-login/9"), &text[..40]] {
        directory.write(&other.file(KIND), bad.as_bytes()).unwrap();
        directory.write("short.session", bad.as_bytes()).unwrap();
        assert_eq!(list(&directory), std::slice::from_ref(&good), "{bad}");
    }
}

#[test]
fn a_record_is_written_as_in_earlier_versions() {
    let text = r#"{"format":"kubectl-login/1","issuer":"https://id.example","clientId":"a","account":"work","scopes":["groups","profile"],"flow":"auto","useAccessToken":false,"subject":"1","displayName":"alice","signedInAt":"2026-01-31T12:00:00Z","validUntil":"2026-01-31T13:00:00Z","storage":"file","refusedWays":["browser"],"certificateAuthorities":[{"file":"/etc/ca.pem"},{"data":"UEVN"}],"insecureSkipTlsVerify":false}"#;
    let record = SessionRecord { refused_ways: vec!["browser".to_owned()], ..record("a") };
    assert_eq!(String::from_utf8(record.render()).unwrap(), text);
    assert_eq!(SessionRecord::parse(record.key.clone(), text.as_bytes()), Some(record));
}
