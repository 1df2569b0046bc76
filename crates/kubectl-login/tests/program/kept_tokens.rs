//! Tests what the program caches between its runs, and when it renews early.
//! Never uses the network beyond loopback, or files outside a scratch folder.

use std::{
    fs::{self, File},
    os::unix::fs::PermissionsExt as _,
    path::PathBuf,
    process::{Child, Output},
    time::{Duration, UNIX_EPOCH},
};

use login_cache::{entry::Entry, freshness::Lifetime, key::CacheKey, store::Directory};
use login_common::UnixTime;

use crate::stage::{Stage, stderr, token};

/// What kubectl passes to the plugin.
const ASKED_BY_KUBECTL: (&str, &str) = (
    "KUBERNETES_EXEC_INFO",
    r#"{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","spec":{"interactive":false}}"#,
);

/// A user who answers at once, on another device.
const PERSON: &str = "get-token --flow device";

impl Stage {
    /// After a sign-in.
    fn signed_in() -> (Self, String) {
        let stage = Self::new();
        let first = token(&stage.run(PERSON));
        (stage, first)
    }

    /// Runs the program like kubectl; the caller is the test process.
    fn ask(&self) -> Output {
        let (name, value) = ASKED_BY_KUBECTL;
        self.command(PERSON).env(name, value).output().unwrap()
    }

    fn folder(&self) -> PathBuf {
        self.home.path().join(".cache/kubectl-login")
    }

    /// The only file of that kind.
    fn file(&self, kind: &str) -> Option<PathBuf> {
        // `keys.lock` belongs to no session.
        self.files(kind).into_iter().find(|path| !path.ends_with("keys.lock"))
    }

    fn refresh_file(&self) -> String {
        fs::read_to_string(self.file(".refresh").unwrap()).unwrap()
    }

    /// Changes the timestamps of the cached token; `now` is when it was issued.
    fn change(&self, change: impl FnOnce(&mut Lifetime, UnixTime)) {
        let path = self.file(".token").unwrap();
        let name = path.file_name().unwrap().to_str().unwrap();
        let key = CacheKey::parse(name.strip_suffix(".token").unwrap()).unwrap();
        let entry = Entry::parse(&key, fs::read(&path).unwrap()).unwrap();
        let mut lifetime = entry.lifetime;
        change(&mut lifetime, entry.lifetime.issued_at);
        let (directory, token) = (Directory::new(self.folder()), entry.token().unwrap());
        Entry::save(&directory, &key, &token, lifetime, entry.suspicions).unwrap();
    }

    /// Pretends that four fifths of the cached token's lifetime are over.
    fn make_due(&self) {
        self.change(|lifetime, now| lifetime.renew_at = now);
    }

    /// Pretends that the cached token is an hour old.
    fn make_older(&self) {
        self.change(|lifetime, now| {
            lifetime.issued_at = now.minus(Duration::from_hours(1));
            lifetime.tried_at = lifetime.issued_at;
        });
    }

    /// Pretends that the issuer has ended the session.
    fn revoke(&self) {
        self.issuer.script().failure = Some((400, "invalid_grant"));
    }

    fn refreshes(&self) -> usize {
        self.issuer.count("refresh_token")
    }
}

#[track_caller]
fn failed(output: &Output, code: i32, text: &str) {
    assert_eq!(output.status.code(), Some(code), "{}", stderr(output));
    assert!(output.stdout.is_empty());
    assert!(stderr(output).contains(text), "{}", stderr(output));
}

#[test]
fn refresh_tokens_lie_encrypted_with_the_key_elsewhere() {
    let (stage, _) = Stage::signed_in();
    let text = stage.refresh_file();
    assert!(text.starts_with("kubectl-login/2 encrypted-file "), "{text}");
    let keys = stage.home.path().join(".local/share/kubectl-login/keys");
    let key = fs::read_dir(&keys).unwrap().next().unwrap().unwrap().path();
    let mode = |path: &PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&keys), mode(&key)), (0o700, 0o600));
    token(&stage.run(&format!("{PERSON} --force-refresh")));
    assert_ne!(stage.refresh_file(), text);
    assert!(!stage.issuer.script().reused);
    // Another option moves it at the next write, in both directions.
    for (storage, head) in
        [("file", "kubectl-login/1\n"), ("encrypted-file", "kubectl-login/2 encrypted-file ")]
    {
        let line = format!("{PERSON} --force-refresh --token-cache-storage {storage}");
        token(&stage.run(&line));
        assert!(stage.refresh_file().starts_with(head), "{storage}");
    }
    assert_eq!((stage.refreshes(), stage.issuer.script().reused), (3, false));
}

#[test]
fn sessions_that_begin_at_the_same_moment_are_sealed_with_one_key() {
    let stage = Stage::new();
    let children: Vec<Child> = (0..8)
        .map(|number| stage.command(&format!("{PERSON} --account {number}")).spawn().unwrap())
        .collect();
    for child in children {
        token(&child.wait_with_output().unwrap());
    }
    let files = fs::read_dir(stage.folder()).unwrap().map(|file| file.unwrap().path());
    let mut heads: Vec<String> = files
        .filter(|path| path.extension().is_some_and(|kind| kind == "refresh"))
        .map(|path| fs::read_to_string(path).unwrap().lines().next().unwrap().to_owned())
        .collect();
    assert_eq!(heads.len(), 8);
    heads.dedup();
    assert_eq!(heads.len(), 1, "{heads:?}");
}

#[test]
fn a_keyring_that_is_wanted_and_absent_costs_one_warning() {
    let stage = Stage::new();
    let output = stage.run(&format!("{PERSON} --token-cache-storage keyring"));
    token(&output);
    assert_eq!(stderr(&output).matches("warning: ").count(), 1, "{}", stderr(&output));
    assert!(stderr(&output).contains("there is no keyring here"), "{}", stderr(&output));
    assert!(stage.refresh_file().starts_with("kubectl-login/2 encrypted-file "));
}

#[test]
fn a_session_whose_key_cannot_be_had_is_kept_and_named() {
    let (stage, _) = Stage::signed_in();
    fs::remove_file(stage.file(".token").unwrap()).unwrap();
    let text = stage.refresh_file();
    let elsewhere = stage.home.path().join("elsewhere");
    let line = "get-token --interactive never";
    let output = stage.command(line).env("XDG_DATA_HOME", &elsewhere).output().unwrap();
    failed(&output, 3, "caused by: the kept refresh token was encrypted on another machine");
    assert!(stderr(&output).contains("hint: sign in anew"), "{}", stderr(&output));
    assert_eq!(stage.refresh_file(), text);
    token(&stage.run(line));
    assert_eq!(stage.refreshes(), 1);
    // If a user is present, a sign-in follows.
    fs::remove_file(stage.file(".token").unwrap()).unwrap();
    let output = stage.command(PERSON).env("XDG_DATA_HOME", &elsewhere).output().unwrap();
    token(&output);
    assert!(stderr(&output).contains("warning: the kept refresh token"), "{}", stderr(&output));
    assert_eq!(stage.refreshes(), 1);
}

#[test]
fn of_twenty_processes_one_renews_ahead_and_the_others_are_given_the_kept_token() {
    let (stage, first) = Stage::signed_in();
    stage.make_due();
    stage.issuer.script().delay = Duration::from_secs(2);
    let children: Vec<Child> = (0..20).map(|_| stage.command(PERSON).spawn().unwrap()).collect();
    let tokens: Vec<String> =
        children.into_iter().map(|child| token(&child.wait_with_output().unwrap())).collect();
    assert_eq!(stage.refreshes(), 1);
    let next = token(&stage.run(PERSON));
    assert_ne!(next, first);
    assert!(tokens.iter().all(|token| *token == first || *token == next));
    assert!(tokens.contains(&next) && tokens.contains(&first));
}

#[test]
fn a_renewal_ahead_that_fails_is_not_repeated_and_nobody_notices() {
    let (stage, first) = Stage::signed_in();
    for failure in [(500, "server_error"), (400, "invalid_grant")] {
        stage.issuer.script().failure = Some(failure);
        stage.make_due();
        let before = stage.refreshes();
        for _ in 0..3 {
            let output = stage.run(PERSON);
            assert_eq!((token(&output).as_str(), stderr(&output).as_str()), (first.as_str(), ""));
        }
        assert_eq!(stage.refreshes(), before + 1, "{failure:?}");
    }
    // After the refusal, nothing is left to renew it with.
    assert!(stage.file(".refresh").is_none());
    stage.make_due();
    assert_eq!(token(&stage.run(PERSON)), first);
    assert_eq!(stage.refreshes(), 2);
}

#[test]
fn a_caller_that_comes_back_is_given_another_token_once() {
    let (stage, first) = Stage::signed_in();
    // When the program is run by hand, repeated calls are no sign of a refusal.
    stage.make_older();
    assert!((0..3).all(|_| token(&stage.run(PERSON)) == first));
    assert_eq!(token(&stage.ask()), first);
    let second = token(&stage.ask());
    assert_ne!(second, first);
    // The new token, too, is only suspected after some time.
    assert!((0..3).all(|_| token(&stage.ask()) == second));
    assert_eq!(stage.refreshes(), 1);
    assert_eq!(stage.issuer.script().discoveries, 1);
}

#[test]
fn a_new_token_that_is_refused_is_noticed_by_the_caller_that_it_was_made_for() {
    let stage = Stage::new();
    let first = token(&stage.ask());
    let path = stage.file(".token").unwrap();
    let noted = fs::metadata(&path).unwrap().accessed().unwrap();
    let noted = noted.duration_since(UNIX_EPOCH).unwrap().subsec_nanos();
    assert_eq!(noted, std::process::id());
    assert_eq!(token(&stage.ask()), first);
}

#[test]
fn an_outage_behind_a_refusal_opens_no_browser_and_takes_no_token_away() {
    let (stage, first) = Stage::signed_in();
    stage.make_older();
    stage.issuer.script().failure = Some((503, "temporarily_unavailable"));
    for _ in 0..5 {
        let output = stage.ask();
        assert_eq!((token(&output).as_str(), stderr(&output).as_str()), (first.as_str(), ""));
    }
    assert_eq!((stage.refreshes(), stage.issuer.count(DEVICE)), (1, 1));
}

const DEVICE: &str = "urn:ietf:params:oauth:grant-type:device_code";

#[test]
fn a_session_that_cluster_and_issuer_refuse_has_ended() {
    let (stage, first) = Stage::signed_in();
    stage.make_older();
    assert_eq!(token(&stage.ask()), first);
    stage.revoke();
    let ended = format!("error: the session at `{}` has ended", stage.issuer.url);
    let output = stage.ask();
    failed(&output, 3, &ended);
    assert!(stderr(&output).contains("hint: sign in again with `kubectl-login login`"));
    // The next calls of the same burst do not prompt a user either.
    for _ in 0..3 {
        failed(&stage.ask(), 3, &ended);
    }
    assert_eq!((stage.refreshes(), stage.issuer.count(DEVICE)), (1, 1));
    assert!(stage.file(".token").is_none() && stage.file(".refresh").is_none());
    stage.issuer.script().failure = None;
    assert!(stage.run("login --flow device").status.success());
    assert_ne!(token(&stage.ask()), first);
}

#[test]
fn leftovers_of_killed_writes_go_with_the_next_renewal() {
    let (stage, _) = Stage::signed_in();
    let leftover = stage.folder().join(".new-a1B2c3");
    let file = File::create(&leftover).unwrap();
    token(&stage.run(&format!("{PERSON} --force-refresh")));
    assert!(leftover.exists(), "somebody may be writing it");
    file.set_modified(UNIX_EPOCH + Duration::from_hours(1)).unwrap();
    token(&stage.run(&format!("{PERSON} --force-refresh")));
    assert!(!leftover.exists());
}

#[test]
fn an_entry_of_an_older_version_is_a_miss() {
    let (stage, first) = Stage::signed_in();
    let path = stage.file(".token").unwrap();
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replacen("kubectl-login/2", "kubectl-login/1", 1)).unwrap();
    assert_ne!(token(&stage.run(PERSON)), first);
    assert_eq!(stage.refreshes(), 1);
}

#[test]
fn a_cache_that_cannot_be_written_to_costs_no_session() {
    let (stage, _) = Stage::signed_in();
    fs::remove_file(stage.file(".token").unwrap()).unwrap();
    let text = stage.refresh_file();
    let set_mode = |mode| {
        fs::set_permissions(stage.folder(), fs::Permissions::from_mode(mode)).unwrap();
        let refresh = stage.file(".refresh").unwrap();
        fs::set_permissions(refresh, fs::Permissions::from_mode(mode & 0o600)).unwrap();
    };
    set_mode(0o500);
    if File::options().write(true).open(stage.file(".refresh").unwrap()).is_ok() {
        set_mode(0o700);
        return; // root may write everywhere
    }
    let line = "get-token --interactive never";
    failed(&stage.run(line), 3, "caused by: a renewed refresh token could not be kept");
    assert_eq!((stage.refreshes(), stage.refresh_file()), (0, text));
    set_mode(0o700);
    token(&stage.run(line));
    assert_eq!((stage.refreshes(), stage.issuer.script().reused), (1, false));
}

#[test]
fn a_forced_renewal_that_prints_the_old_token_says_so() {
    let (stage, first) = Stage::signed_in();
    stage.issuer.script().failure = Some((503, "temporarily_unavailable"));
    let output = stage.run(&format!("{PERSON} --force-refresh"));
    assert_eq!(token(&output), first);
    let said = stderr(&output);
    assert!(
        said.contains("warning: no new token: ") && said.contains("which is good until"),
        "{said}"
    );
}

/// Pretends that the cached token expires in `left` seconds.
fn make_end(stage: &Stage, left: u64) {
    let now = std::time::SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let now = UnixTime::from_seconds(i64::try_from(now).unwrap());
    stage.change(|lifetime, _| {
        lifetime.renew_at = now.minus(Duration::from_mins(1));
        lifetime.fresh_until = lifetime.renew_at;
        lifetime.valid_until = now.plus(Duration::from_secs(left));
    });
}

#[test]
fn a_stopped_holder_of_the_lock_takes_no_valid_token_away() {
    use std::io::Write as _;
    let (stage, first) = Stage::signed_in();
    make_end(&stage, 8);
    // The holder of the lock makes no progress.
    let place = stage.file(".token").unwrap().with_extension("lock");
    let mut lock = File::options().read(true).write(true).open(place).unwrap();
    lock.try_lock().unwrap();
    write!(lock, "kubectl-login/1\n1 1970-01-01T00:00:00Z renewing a token, within 60 seconds\n")
        .unwrap();
    assert_eq!(token(&stage.run(PERSON)), first);
    assert_eq!(stage.refreshes(), 0);
}

#[test]
fn a_client_secret_that_takes_its_time_takes_no_valid_token_away() {
    let (stage, first) = Stage::signed_in();
    make_end(&stage, 8);
    let program = stage.home.path().join("slow");
    fs::write(&program, "#!/bin/sh\nexec sleep 60\n").unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o700)).unwrap();
    let line = format!("{PERSON} --client-secret-command {}", program.display());
    assert_eq!(token(&stage.run(&line)), first);
    assert_eq!(stage.refreshes(), 0);
}

#[test]
fn two_machines_that_share_a_cache_keep_a_session_each() {
    let (stage, _) = Stage::signed_in();
    // Another host has stored a refresh token, too: its file has another name and stays as it is.
    let ours = stage.file(".refresh").unwrap();
    let name = ours.file_name().unwrap().to_str().unwrap();
    let theirs = stage.folder().join(format!("{}.0123456789abcdef.refresh", &name[..64]));
    fs::write(&theirs, "kubectl-login/2 keyring 0011223344556677\nAAAA\n").unwrap();
    fs::set_permissions(&theirs, fs::Permissions::from_mode(0o600)).unwrap();
    let before = fs::read(&theirs).unwrap();
    for _ in 0..3 {
        token(&stage.run(&format!("{PERSON} --force-refresh --interactive never")));
    }
    assert_eq!(fs::read(&theirs).unwrap(), before);
    assert_eq!((stage.refreshes(), stage.issuer.script().reused), (3, false));
}

#[test]
fn pipes_in_the_place_of_files_hold_nobody_up() {
    let (stage, _) = Stage::signed_in();
    let pipe = stage.file(".token").unwrap();
    fs::remove_file(&pipe).unwrap();
    let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
    rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, mode).unwrap();
    token(&stage.run(PERSON));
    let lock = stage.file(".lock").unwrap();
    fs::remove_file(&lock).unwrap();
    rustix::fs::mkfifoat(rustix::fs::CWD, &lock, mode).unwrap();
    token(&stage.run(&format!("{PERSON} --force-refresh")));
}

#[test]
fn a_run_reads_the_discovery_document_once() {
    let stage = Stage::new();
    // Not cached on disk if any certificate is accepted.
    let line = format!("{PERSON} --insecure-skip-tls-verify");
    token(&stage.run(&line));
    let read = |run: &dyn Fn()| {
        let before = stage.issuer.script().discoveries;
        run();
        stage.issuer.script().discoveries - before
    };
    stage.make_due();
    assert_eq!(read(&|| drop(token(&stage.run(&line)))), 1);
    assert_eq!(stage.refreshes(), 1);
    fs::remove_file(stage.file(".token").unwrap()).unwrap();
    assert_eq!(read(&|| drop(token(&stage.run(&line)))), 1);
    // A refused renewal, and the sign-in after it.
    fs::remove_file(stage.file(".token").unwrap()).unwrap();
    stage.issuer.script().refresh_failure = Some((400, "invalid_grant"));
    assert_eq!(read(&|| drop(token(&stage.run(&line)))), 1);
    assert_eq!(stage.refreshes(), 3);
}

#[test]
fn a_sign_in_over_a_session_ends_that_session_first() {
    let stage = Stage::new();
    let revocation_endpoint = format!("{}/revoke", stage.issuer.url);
    stage.issuer.script().announced =
        serde_json::json!({ "revocation_endpoint": revocation_endpoint });
    token(&stage.run(PERSON));
    assert_eq!(stage.issuer.script().revocations, []);
    assert!(stage.run("login --flow device").status.success());
    // Many issuers would end the new session, too: the revocation comes before the sign-in.
    assert_eq!(stage.issuer.script().revocations, [("r1".to_owned(), 1)]);
    token(&stage.run(&format!("{PERSON} --force-refresh --interactive never")));
    assert_eq!((stage.refreshes(), stage.issuer.script().reused), (1, false));
    // A renewal revokes nothing.
    assert_eq!(stage.issuer.script().revocations.len(), 1);
}
