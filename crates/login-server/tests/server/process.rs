//! `serve` as a program: the signals that it handles, and its log.
//! Never leaves a process behind.

#![expect(clippy::disallowed_methods, reason = "tests start the program and write its input")]

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    time::Duration,
};

use crate::{
    reload::accepting,
    support::{IssuerElsewhere, ask, plain_client, until},
};

/// A running `serve`; killed when the test fails early.
pub(crate) struct Serve {
    child: Child,
    log: Arc<Mutex<String>>,
}

impl Serve {
    fn start(configuration: &Path, arguments: &[&str]) -> Self {
        Self::start_in(&[], configuration, arguments)
    }

    /// With these environment variables, and without the operator's `NO_PROXY`.
    pub(crate) fn start_in(
        environment: &[(&str, &str)],
        configuration: &Path,
        arguments: &[&str],
    ) -> Self {
        let mut all = vec!["--insecure-http", "--listen", "127.0.0.1:0"];
        all.extend(["--authentication-config", configuration.to_str().unwrap()]);
        all.extend(arguments);
        Self::start_with(environment, &all)
    }

    /// With these options only.
    pub(crate) fn start_with(environment: &[(&str, &str)], arguments: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_login-server"))
            .env_remove("NO_PROXY")
            .env_remove("no_proxy")
            .envs(environment.iter().copied())
            .arg("serve")
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = Arc::new(Mutex::new(String::new()));
        let (stderr, written) = (child.stderr.take().unwrap(), Arc::clone(&log));
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                let mut log = written.lock().unwrap();
                log.push_str(&line);
                log.push('\n');
            }
        });
        Self { child, log }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// The log so far.
    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    fn said(&self, text: &str) -> bool {
        self.log.lock().unwrap().contains(text)
    }

    /// The address after `text` in the log.
    pub(crate) async fn address(&self, text: &str) -> String {
        let mut found = None;
        until(text, async || {
            let log = self.log.lock().unwrap();
            let line = log.lines().find(|line| line.contains(text));
            found = line
                .and_then(|line| line.split_once("address="))
                .map(|(_, rest)| rest.split_whitespace().next().unwrap_or_default().to_owned());
            found.is_some()
        })
        .await;
        format!("http://{}", found.unwrap())
    }

    fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args(["-s", name, &id]).status().unwrap();
        assert!(sent.success());
    }

    async fn exit_code(&mut self) -> Option<i32> {
        let mut code = None;
        until("the end of the process", async || {
            code = self.child.try_wait().unwrap();
            code.is_some()
        })
        .await;
        code.unwrap().code()
    }
}

impl Drop for Serve {
    fn drop(&mut self) {
        // After its end this has no effect.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn serve_takes_changes_in_and_ends_in_order() {
    let (one, two) = (IssuerElsewhere::start().await, IssuerElsewhere::start().await);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("authentication.yaml");
    fs::write(&path, accepting(&[&one])).unwrap();
    let mut serve = Serve::start(&path, &[]);
    let url = serve.address("listening").await;
    assert!(serve.said(path.to_str().unwrap()) && serve.said(&one.url));
    let client = plain_client();
    assert_eq!(ask(&client, &url, &one.token()).await.username(), Some("ext:bob"));
    fs::write(&path, accepting(&[&two])).unwrap();
    serve.signal("HUP");
    until("the signal is told", async || serve.said("checking every file")).await;
    until("the other issuer", async || {
        ask(&client, &url, &two.token()).await.username() == Some("ext:bob")
    })
    .await;
    assert!(ask(&client, &url, &one.token()).await.is_refusal());
    until("the change is told", async || {
        serve.said("new files are in force") && serve.said(&two.url)
    })
    .await;
    fs::write(&path, "jwt: [").unwrap();
    serve.signal("HUP");
    until("the fault is told", async || serve.said("cannot be used")).await;
    until("its place is told", async || serve.said("authentication.yaml:1: ")).await;
    assert_eq!(ask(&client, &url, &two.token()).await.username(), Some("ext:bob"));
    serve.signal("TERM");
    assert_eq!(serve.exit_code().await, Some(0));
    assert!(serve.log().matches("cannot be used").count() == 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn serve_goes_on_for_the_delay_and_a_second_signal_ends_it() {
    let issuer = IssuerElsewhere::start().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("authentication.yaml");
    fs::write(&path, accepting(&[&issuer])).unwrap();
    let arguments = ["--health-listen", "127.0.0.1:0", "--shutdown-delay", "10m"];
    let mut serve = Serve::start(&path, &arguments);
    let (health, url) =
        (serve.address("listening for health").await, serve.address("listening ").await);
    let client = plain_client();
    let status = async |path: &str| {
        let said = client.get(format!("{health}{path}")).send().await.unwrap();
        said.status().as_u16()
    };
    until("it is ready", async || status("/readyz").await == 200).await;
    serve.signal("TERM");
    until("it is not ready", async || status("/readyz").await == 503).await;
    assert_eq!(status("/livez").await, 200);
    assert_eq!(ask(&client, &url, &issuer.token()).await.username(), Some("ext:bob"));
    serve.signal("INT");
    let ended = tokio::time::timeout(Duration::from_secs(20), serve.exit_code()).await;
    assert_eq!(ended.unwrap(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
#[cfg(target_os = "linux")]
async fn what_is_in_memory_is_in_no_core_dump() {
    let issuer = IssuerElsewhere::start().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("authentication.yaml");
    fs::write(&path, accepting(&[&issuer])).unwrap();
    let serve = Serve::start(&path, &[]);
    serve.address("listening ").await;
    let limits = fs::read_to_string(format!("/proc/{}/limits", serve.id())).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().nth(4), Some("0"), "{core}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_new_database_is_told_and_one_that_is_there_is_not() {
    let issuer = IssuerElsewhere::start().await;
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (path, own, state) = (place("authentication.yaml"), place("own.yaml"), place("state"));
    fs::write(&path, accepting(&[&issuer])).unwrap();
    let text = "apiVersion: kubectl-login/v1\nkind: LoginServerConfiguration\n\
                issuer: {url: \"https://login.example.com\"}\n";
    fs::write(&own, text).unwrap();
    let arguments = ["--config", &own, "--state-dir", &state];
    for is_new in [true, false] {
        let mut serve = Serve::start(Path::new(&path), &arguments);
        serve.address("listening ").await;
        assert_eq!(serve.said("there was no issuer's database in"), is_new);
        assert_eq!(serve.said("login-server user add NAME --state-dir"), is_new);
        serve.signal("TERM");
        assert_eq!(serve.exit_code().await, Some(0));
    }
}

#[test]
fn a_place_for_audit_records_that_cannot_be_is_a_fault_of_the_configuration() {
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let text = "apiVersion: kubectl-login/v1\nkind: LoginServerConfiguration\n\
                issuer: {url: \"https://login.example.com\"}\naudit: {file: nowhere/audit.log}\n";
    fs::write(place("own.yaml"), text).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_login-server"))
        .args(["serve", "--insecure-http", "--listen", "127.0.0.1:0"])
        .args(["--config", &place("own.yaml"), "--state-dir", &place("state")])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    for part in ["error: could not use `audit.file`", "nowhere/audit.log", "hint: "] {
        assert!(stderr.contains(part), "{stderr}");
    }
}

#[test]
fn options_that_cannot_be_are_refused() {
    for (arguments, fault) in [
        (&["--shutdown-delay", "5"][..], "is not a duration such as"),
        (&["--shutdown-delay", "11m"], "is longer than 10m"),
        (&["--caller-token-file", "/dev/null/tokens"], "could not read the tokens of callers"),
        (&["--client-allowed-names", "kube-apiserver"], "--client-ca-file"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("authentication.yaml");
        let text = "apiVersion: apiserver.config.k8s.io/v1\nkind: AuthenticationConfiguration\n\
                    jwt:\n- issuer: {url: \"https://id.example\", audiences: [a]}\n  \
                    claimMappings: {username: {claim: sub, prefix: \"\"}}\n";
        fs::write(&path, text).unwrap();
        let output = Command::new(env!("CARGO_BIN_EXE_login-server"))
            .args(["serve", "--insecure-http", "--listen", "127.0.0.1:0"])
            .args(["--authentication-config", path.to_str().unwrap()])
            .args(arguments)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{stderr}");
        assert!(stderr.contains(fault), "{stderr}");
    }
}
