//! The commands with which an operator manages users and clients of the embedded issuer.
//! Never starts a server.

#![expect(clippy::disallowed_methods, reason = "tests make the folders that commands are given")]

use std::path::Path;

use serde_json::Value;

use crate::commands::{path, run, run_with_input, texts};

#[test]
fn users_and_clients_are_administered_without_a_server() {
    let folder = tempfile::tempdir().unwrap();
    let state = path(folder.path());
    let add = [
        "user",
        "add",
        "alice",
        "--group",
        "developers",
        "--password-file",
        "-",
        "--state-dir",
        state,
    ];
    let (code, stdout, stderr) = texts(&run_with_input(&add, "correct horse battery\n"));
    assert_eq!((code, stdout.as_str()), (0, ""), "{stderr}");
    let (code, _, stderr) = texts(&run_with_input(&add, "correct horse battery\n"));
    assert_eq!(code, 2);
    assert!(stderr.contains("user `alice` exists already"), "{stderr}");
    let short = ["user", "set-password", "alice", "--password-file", "-", "--state-dir", state];
    let (code, _, stderr) = texts(&run_with_input(&short, "short"));
    assert_eq!(code, 2, "{stderr}");
    assert!(!stderr.contains("`short`"));
    let (_, list, _) = texts(&run(&["user", "list", "--state-dir", state]));
    assert!(list.starts_with("NAME ") && list.contains("alice  developers"), "{list}");
    let (_, list, _) = texts(&run(&["user", "list", "--state-dir", state, "-o", "json"]));
    let list: Value = serde_json::from_str(&list).unwrap();
    assert_eq!(
        (&list["apiVersion"], &list["kind"]),
        (&"kubectl-login/v1".into(), &"UserList".into())
    );
    assert_eq!(list["items"][0]["name"], "alice");
    assert_eq!(list["items"][0]["groups"], serde_json::json!(["developers"]));
    let subject = list["items"][0]["subject"].as_str().unwrap();
    assert!(subject.starts_with("user_"), "{subject}");
    let (_, text, _) = texts(&run(&["user", "list", "--state-dir", state]));
    assert!(text.contains(subject), "{text}");
    let with_state = |arguments: &[&'static str]| {
        texts(&run(&[arguments, &["--state-dir", state][..]].concat()))
    };
    let groups = || {
        let list = with_state(&["user", "list", "-o", "json"]).1;
        serde_json::from_str::<Value>(&list).unwrap()["items"][0]["groups"].clone()
    };
    let (code, _, stderr) = with_state(&["user", "set-groups", "alice", "--group", "ops"]);
    assert!(code == 0 && stderr.contains("end-sessions alice"), "{stderr}");
    assert_eq!(groups(), serde_json::json!(["ops"]));
    // No option is an error: an empty list of groups must be asked for.
    assert_eq!(with_state(&["user", "set-groups", "alice"]).0, 2);
    let none = ["user", "set-groups", "alice", "--no-groups", "--end-sessions"];
    let (code, _, stderr) = with_state(&none);
    assert!(code == 0 && stderr.contains("0 sessions ended"), "{stderr}");
    assert_eq!(groups(), serde_json::json!([]));
    assert_eq!(with_state(&["user", "set-groups", "alice", "--group", "developers"]).0, 0);
    let (code, _, stderr) = with_state(&["user", "end-sessions", "alice"]);
    assert!(code == 0 && stderr.contains("0 sessions of user `alice` ended"), "{stderr}");
    for unknown in
        [&["user", "end-sessions", "bob"][..], &["user", "set-groups", "bob", "--no-groups"]]
    {
        let (code, _, stderr) = with_state(unknown);
        assert!(code == 2 && stderr.contains("there is no user `bob`"), "{stderr}");
    }
    let (code, secret, _) =
        texts(&run(&["client", "add", "ci", "--group", "deployers", "--state-dir", state]));
    assert_eq!((code, secret.lines().count()), (0, 1));
    let (code, _, stderr) = with_state(&["client", "set-groups", "ci", "--group", "deployers"]);
    assert_eq!(code, 0, "{stderr}");
    let (_, list, _) = texts(&run(&["client", "list", "--state-dir", state]));
    assert!(list.contains("ci  deployers") && !list.contains(secret.trim()));
    for arguments in [["user", "delete", "alice"], ["client", "delete", "ci"]] {
        let with_state = [&arguments[..], &["--state-dir", state]].concat();
        assert_eq!(texts(&run(&with_state)).0, 0);
        assert_eq!(texts(&run(&with_state)).0, 2);
    }
}

#[test]
fn a_folder_that_is_misspelled_is_not_made() {
    let folder = tempfile::tempdir().unwrap();
    let (missing, empty) = (folder.path().join("typo"), folder.path().join("empty"));
    std::fs::create_dir(&empty).unwrap();
    let password = folder.path().join("password");
    std::fs::write(&password, "correct horse battery").unwrap();
    for state in [&missing, &empty] {
        for command in [
            &["user", "list"][..],
            &["user", "list", "-o", "json"],
            &["client", "list"],
            &["user", "delete", "alice"],
            &["client", "delete", "ci"],
            &["user", "set-password", "alice", "--password-file", path(&password)],
            &["user", "set-groups", "alice", "--no-groups"],
            &["client", "set-groups", "ci", "--no-groups"],
            &["user", "end-sessions", "alice"],
        ] {
            let (code, stdout, stderr) =
                texts(&run(&[command, &["--state-dir", path(state)]].concat()));
            assert_eq!((code, stdout.as_str()), (2, ""), "{command:?}: {stderr}");
            assert!(stderr.contains("there is no issuer's database in"), "{stderr}");
            assert!(stderr.contains("hint: check `--state-dir`"), "{stderr}");
        }
    }
    assert!(!missing.exists());
    assert_eq!(std::fs::read_dir(&empty).unwrap().count(), 0);
}

/// Checks something only where the tests run as the superuser, who alone can give files away.
#[test]
fn the_superuser_makes_a_database_for_the_owner_of_the_folder() {
    use std::os::unix::fs::{MetadataExt as _, chown};
    let folder = tempfile::tempdir().unwrap();
    let owner = |path: &Path| std::fs::metadata(path).unwrap().uid();
    let is_superuser = owner(folder.path()) == 0;
    let expected = if is_superuser { 65_534 } else { owner(folder.path()) };
    if is_superuser {
        chown(folder.path(), Some(expected), None).unwrap();
    }
    let state = path(folder.path());
    let (code, _, stderr) = texts(&run(&["client", "add", "ci", "--state-dir", state]));
    assert_eq!(code, 0, "{stderr}");
    let database = folder.path().join("issuer.db");
    assert_eq!(owner(&database), expected);
    assert_eq!(std::fs::metadata(&database).unwrap().mode() & 0o777, 0o600);
}

#[test]
fn a_password_is_not_waited_for_without_a_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["user", "add", "alice", "--state-dir", path(folder.path())];
    let (code, _, stderr) = texts(&run(&arguments));
    assert_eq!(code, 2);
    assert!(stderr.contains("hint: give `--password-file"), "{stderr}");
}

#[test]
fn names_that_no_token_may_carry_are_refused_and_reserved_ones_are_warned_of() {
    let folder = tempfile::tempdir().unwrap();
    let state = path(folder.path());
    let with_state =
        |arguments: &[&str]| texts(&run(&[arguments, &["--state-dir", state][..]].concat()));
    for group in [" ", "ops ", " ops", "o\u{200b}ps", "e\u{301}"] {
        for command in [
            ["client", "add", "ci", "--group", group],
            ["client", "set-groups", "ci", "--group", group],
            ["user", "set-groups", "alice", "--group", group],
            ["user", "add", "alice", "--group", group],
        ] {
            let (code, _, stderr) = with_state(&command);
            assert_eq!(code, 2, "{command:?}: {stderr}");
            assert!(stderr.contains("would be accepted") && stderr.contains("hint: "), "{stderr}");
        }
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    let (code, _, stderr) = with_state(&["client", "add", "ci", "--group", "ops team"]);
    assert!(code == 0 && !stderr.contains("warning"), "{stderr}");
    let reserved = ["client", "set-groups", "ci", "--group", "dev", "--group", "System:masters"];
    let (code, _, stderr) = with_state(&reserved);
    assert_eq!(code, 0, "{stderr}");
    assert!(stderr.contains("warning: the group `System:masters`"), "{stderr}");
    assert!(stderr.contains("`allowedSystemNames`") && !stderr.contains("`dev`"), "{stderr}");
    let password = folder.path().join("password");
    std::fs::write(&password, "correct horse battery").unwrap();
    let add = ["user", "add", "kubernetes-admin", "--password-file", path(&password)];
    let (code, _, stderr) = with_state(&add);
    assert!(code == 0 && stderr.contains("warning: the name `kubernetes-admin`"), "{stderr}");
}

#[test]
fn a_database_that_cannot_be_used_is_told_with_what_mends_it() {
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name);
    let garbage = "this is not a database, but long enough to be one".repeat(100);
    for (name, content) in [("foreign", garbage.as_str()), ("unfinished", "")] {
        std::fs::create_dir(place(name)).unwrap();
        std::fs::write(place(name).join("issuer.db"), content).unwrap();
    }
    for (name, expected) in [
        ("foreign", "hint: put a copy that is good in the place of `"),
        ("unfinished", "hint: `serve`, `user add` and `client add` make what is missing"),
    ] {
        let state = place(name);
        let (code, stdout, stderr) = texts(&run(&["user", "list", "--state-dir", path(&state)]));
        assert_eq!((code, stdout.as_str()), (1, ""), "{stderr}");
        assert!(stderr.contains("could not open the issuer's database in `"), "{stderr}");
        assert!(stderr.contains(expected), "{stderr}");
        // Each cause is printed once.
        let causes: Vec<&str> = stderr.lines().filter(|line| line.contains("caused by")).collect();
        assert_eq!(causes.len(), 2, "{stderr}");
    }
}
