//! The program itself: exit codes, output, and `dev` from start to signal.
//! Never leaves a process behind.

#![expect(clippy::disallowed_methods, reason = "tests start the program and write its input")]

use std::{
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Child, Command, Output, Stdio},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::Value;

const PROGRAM: &str = env!("CARGO_BIN_EXE_login-server");

pub(crate) fn run(arguments: &[&str]) -> Output {
    Command::new(PROGRAM).args(arguments).stdin(Stdio::null()).output().unwrap()
}

pub(crate) fn run_with_input(arguments: &[&str], input: &str) -> Output {
    let mut child = Command::new(PROGRAM)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

pub(crate) fn texts(output: &Output) -> (i32, String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
}

pub(crate) fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn every_fault_of_both_files_is_shown_at_once_with_exit_code_2() {
    let folder = tempfile::tempdir().unwrap();
    let (own, kubernetes) = (folder.path().join("own.yaml"), folder.path().join("k8s.yaml"));
    std::fs::write(&own, "apiVersion: kubectl-login/v1\nkind: x\ncolour: blue\n").unwrap();
    std::fs::write(&kubernetes, "apiVersion: v9\nkind: AuthenticationConfiguration\n").unwrap();
    let arguments =
        ["check-config", "--config", path(&own), "--authentication-config", path(&kubernetes)];
    let (code, stdout, stderr) = texts(&run(&arguments));
    assert_eq!((code, stdout.as_str()), (2, ""));
    assert!(stderr.starts_with("error: the configuration has 3 faults\n"), "{stderr}");
    assert!(stderr.ends_with("\nhint: mend what is listed, then look again\n"), "{stderr}");
    for fault in
        ["own.yaml:2: kind: must be", "own.yaml:3: colour: unknown", "k8s.yaml:1: apiVersion:"]
    {
        assert!(
            stderr.lines().any(|line| line.starts_with("  caused by: ") && line.contains(fault))
        );
    }
}

#[test]
fn a_good_configuration_is_told_with_exit_code_0() {
    let folder = tempfile::tempdir().unwrap();
    let own = folder.path().join("own.yaml");
    let text = "apiVersion: kubectl-login/v1\nkind: LoginServerConfiguration\n\
                issuer: {url: \"https://login.example.com\"}\n";
    std::fs::write(&own, text).unwrap();
    let (code, stdout, stderr) = texts(&run(&["check-config", "--config", path(&own)]));
    assert_eq!((code, stderr.as_str()), (0, ""));
    assert!(stdout.contains("https://login.example.com"));
}

/// The pages of the documentation that show configurations.
const PAGES: [&str; 5] = [
    include_str!("../../../../docs/src/tutorials/first-cluster.md"),
    include_str!("../../../../docs/src/how-to/ci-jobs.md"),
    include_str!("../../../../docs/src/reference/server-configuration.md"),
    include_str!("../../../../docs/src/reference/opaque-tokens-and-revocation.md"),
    include_str!("../../../../docs/src/reference/authentication-configuration.md"),
];

/// Every YAML text of those pages.
fn blocks() -> impl Iterator<Item = &'static str> {
    let parts = PAGES.into_iter().flat_map(|page| page.split("```yaml\n").skip(1));
    parts.filter_map(|rest| rest.split("```").next())
}

/// The examples of `kind` in the documentation.
fn examples(kind: &str) -> Vec<&'static str> {
    blocks().filter(|block| block.contains(&format!("kind: {kind}\n"))).collect()
}

#[test]
fn every_configuration_in_the_documentation_is_accepted() {
    let folder = tempfile::tempdir().unwrap();
    let (file, other) = (folder.path().join("example.yaml"), folder.path().join("other.yaml"));
    // The issuer that `issuers` names is in the other file, whose last example is for
    // `id.example.com`.
    let kubernetes = examples("AuthenticationConfiguration").pop().unwrap();
    std::fs::write(&other, kubernetes).unwrap();
    for (kind, option, expected) in [
        ("LoginServerConfiguration", "--config", 2),
        ("AuthenticationConfiguration", "--authentication-config", 2),
    ] {
        let found = examples(kind);
        assert_eq!(found.len(), expected, "{kind}");
        for example in found {
            std::fs::write(&file, example).unwrap();
            let mut arguments = vec!["check-config", option, path(&file)];
            if example.contains("\nissuers:\n") {
                arguments.extend(["--authentication-config", path(&other)]);
            }
            // No warning: no example disables a guard.
            let (code, _, stderr) = texts(&run(&arguments));
            assert_eq!((code, stderr.as_str()), (0, ""), "{example}");
            assert!(!example.contains("[\"system:"), "{example}");
        }
    }
}

/// The example in the documentation that begins with `text`, or has it after comments.
fn example_with(text: &str) -> &'static str {
    blocks().find(|block| block.starts_with(text) || block.contains(&format!("\n{text}"))).unwrap()
}

#[test]
fn the_files_that_a_configuration_of_the_documentation_names_are_accepted_as_they_stand_there() {
    let pki = crate::support::Pki::new();
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name);
    let hashed = example_with("- {token: \"sha256:").replace('…', &"0".repeat(64));
    for (name, text) in [
        ("introspection-secret", "s3cret\n"),
        ("as-ca.crt", &pki.authority_pem),
        ("tokens.csv", "0123456789abcdefghijklmnop,jane,1,\"group1,group2\"\n"),
        ("tokens.yaml", &hashed),
        ("revocations.yaml", example_with("- {issuer: ")),
    ] {
        std::fs::write(place(name), text).unwrap();
    }
    let sections =
        example_with("introspection:\n").replace("/etc/login-server", path(folder.path()));
    let head = "apiVersion: kubectl-login/v1\nkind: LoginServerConfiguration\n";
    std::fs::write(place("own.yaml"), format!("{head}{sections}")).unwrap();
    // The issuers that the revocations name are in the other example.
    let kubernetes = examples("AuthenticationConfiguration").pop().unwrap();
    std::fs::write(place("other.yaml"), kubernetes).unwrap();
    let (own, other) = (place("own.yaml"), place("other.yaml"));
    let arguments =
        ["check-config", "--config", path(&own), "--authentication-config", path(&other)];
    let (code, stdout, stderr) = texts(&run(&arguments));
    // Tokens in clear text cause a warning; nothing else does.
    let odd: Vec<_> = stderr.lines().filter(|line| !line.contains("tokens.csv")).collect();
    assert_eq!((code, odd), (0, Vec::new()), "{stdout}");
}

#[test]
fn check_config_looks_at_everything_that_serve_would_read() {
    let pki = crate::support::Pki::new();
    drop(pki.server_tls(None));
    let folder = pki.folder.path();
    let place = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    let own = place("own.yaml");
    let write = |text: &str| std::fs::write(&own, text).unwrap();
    let head = "apiVersion: kubectl-login/v1\nkind: LoginServerConfiguration\n\
                issuer: {url: \"https://login.example.com\"}\n";
    let check = |more: &[&str]| {
        let (code, stdout, stderr) =
            texts(&run(&[&["check-config", "--config", &own], more].concat()));
        (code, serde_json::from_str::<Value>(&stdout).unwrap_or_default(), stdout + &stderr)
    };
    let (certificate, key, authority) = (place("server.crt"), place("server.key"), place("ca.crt"));
    let tls = |key: &str| {
        [
            "--tls-cert-file",
            &certificate,
            "--tls-private-key-file",
            key,
            "--client-ca-file",
            &authority,
        ]
        .map(str::to_owned)
    };
    let with_tls = |key: &str, more: &[&str]| {
        let tls = tls(key);
        let mut arguments: Vec<&str> = tls.iter().map(String::as_str).collect();
        arguments.extend(more);
        check(&arguments)
    };

    write(head);
    let (code, told, _) = with_tls(&key, &["-o", "json"]);
    assert_eq!((code, &told["good"], &told["faults"]), (0, &true.into(), &Value::Array(vec![])));
    assert_eq!(told["authenticators"][0]["kind"], "embedded issuer");
    let files: Vec<&str> =
        told["files"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert_eq!(files, [&authority, &own, &certificate, &key]);

    // Valid settings that deserve a warning: allowed callers, certificate names, the guard.
    let warned = |more: &[&str]| {
        let (code, told, _) = check(&[more, &["-o", "json"]].concat());
        let warnings = told["warnings"].as_array().unwrap().iter();
        let keys: Vec<String> = warnings
            .map(|warning| format!("{} {}", warning["key"], warning["line"]).replace('"', ""))
            .collect();
        (code, keys.join(", "))
    };
    let cover = "--tls-cert-file null";
    let pair = ["--tls-cert-file", &certificate, "--tls-private-key-file", &key];
    assert_eq!(warned(&pair), (0, cover.to_owned()));
    let open = "--listen null";
    assert_eq!(warned(&["--listen", "0.0.0.0:8443"]), (0, open.to_owned()));
    assert_eq!(warned(&["--listen", "127.0.0.1:8443"]), (0, String::new()));
    let tokens = place("callers");
    for (text, expected) in
        [("one-0123456789abcdefghij\n", ""), ("# none\n", "--caller-token-file null")]
    {
        std::fs::write(&tokens, text).unwrap();
        let guarded = ["--listen", "0.0.0.0:8443", "--caller-token-file", &tokens];
        assert_eq!(warned(&guarded), (0, expected.to_owned()));
    }
    write(&head.replace("login.example.com", "127.0.0.1:8443"));
    assert_eq!(warned(&pair), (0, String::new()));
    write(&format!("{head}allowedSystemNames:\n  groups:\n  - system:masters\n"));
    assert_eq!(warned(&[]), (0, "allowedSystemNames.groups[0] 6".to_owned()));
    // No part of a URL is shown, since it may be secret.
    write(&head.replace("https://", "https://user:hunter2@").replace(".com", ".com?key=hunter2"));
    let (code, told, _) = check(&["-o", "json"]);
    assert!(code == 2 && told["faults"].to_string().contains("https://…@login.example.com?…"));
    assert!(!told.to_string().contains("hunter2"), "{told}");

    // A key that does not belong to the certificate, together with a fault in the file.
    let other = rcgen::KeyPair::generate().unwrap().serialize_pem();
    std::fs::write(folder.join("other.key"), other).unwrap();
    write(&format!("{head}colour: blue\n"));
    let (code, told, _) = with_tls(&place("other.key"), &["-o", "json"]);
    assert_eq!((code, &told["good"]), (2, &false.into()));
    let faults = told["faults"].to_string();
    assert!(faults.contains("unknown key") && faults.contains("do not work together"), "{faults}");
    let (code, _, text) = with_tls(&place("missing.key"), &[]);
    assert!(code == 2 && text.contains("missing.key") && text.contains("2 faults"), "{text}");

    // The published issuer must be accepted; otherwise users sign in for nothing.
    let elsewhere = "publishedClient: {issuerURL: \"https://elsewhere.example\", clientID: k}\n";
    write(&format!("{head}{elsewhere}"));
    let (code, _, text) = check(&[]);
    assert!(
        code == 0 && text.contains("warning: ") && text.contains("not accepted here"),
        "{text}"
    );
    assert_eq!(check(&["--strict"]).0, 2);
    let (code, told, _) = check(&["--strict", "-o", "json"]);
    assert_eq!((code, &told["warnings"][0]["line"]), (2, &4.into()));
}

#[test]
fn serve_says_what_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let own = folder.path().join("own.yaml");
    let text = "apiVersion: kubectl-login/v1\nkind: LoginServerConfiguration\n\
                issuer: {url: \"https://login.example.com\"}\n";
    std::fs::write(&own, text).unwrap();
    let own = path(&own);
    let missing = path(folder.path()).to_owned() + "/missing.pem";
    for (arguments, expected) in [
        (&["serve"][..], "no issuer and no other source of tokens is configured"),
        (&["serve", "--config", own], "there is no certificate to serve TLS with"),
        (
            &["serve", "--config", own, "--insecure-http", "--listen", "0.0.0.0:0"],
            "`--insecure-http` is for loopback only",
        ),
        (
            &["serve", "--config", own, "--insecure-http", "--listen", "127.0.0.1:0"],
            "the embedded issuer needs a place for its database",
        ),
        (
            &[
                "serve",
                "--config",
                own,
                "--tls-cert-file",
                &missing,
                "--tls-private-key-file",
                &missing,
            ],
            "could not prepare TLS",
        ),
        (&["serve", "--config", own, "--tls-cert-file", &missing], "--tls-private-key-file"),
        (&["serve", "--colour", "blue"], "--colour"),
        // The empty value of an unset variable names no caller, and must not allow every caller.
        (
            &[
                "serve",
                "--config",
                own,
                "--tls-cert-file",
                &missing,
                "--tls-private-key-file",
                &missing,
                "--client-ca-file",
                &missing,
                "--client-allowed-names",
                "",
            ],
            "must not be empty",
        ),
        (&["serve", "--config", own, "--api-audiences", "a,,b"], "must not be empty"),
        (
            &["serve", "--config", own, "--insecure-http", "--caller-token-file", "/dev/null"],
            "`--caller-token-file /dev/null` has no token",
        ),
    ] {
        let (code, stdout, stderr) = texts(&run(arguments));
        assert_eq!((code, stdout.as_str()), (2, ""), "{arguments:?}: {stderr}");
        assert!(stderr.contains(expected), "{arguments:?}: {stderr}");
    }
}

#[test]
fn version_completion_and_manual_pages_are_there() {
    let version: Value = serde_json::from_str(&texts(&run(&["version", "-o", "json"])).1).unwrap();
    assert_eq!(version["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(version["architecture"], std::env::consts::ARCH);
    assert_eq!(
        (&version["apiVersion"], &version["kind"]),
        (&"kubectl-login/v1".into(), &"Version".into())
    );
    assert!(texts(&run(&["completion", "bash"])).1.contains("login-server"));
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(texts(&run(&["man", path(folder.path())])).0, 0);
    assert!(folder.path().join("login-server-serve.1").exists());
}

/// Waits for the first log line with `listening`; returns what was read, and the port in that line.
fn listening_port(log: &mut impl std::io::BufRead) -> (String, u16) {
    let mut read = String::new();
    loop {
        let before = read.len();
        assert_ne!(log.read_line(&mut read).unwrap(), 0, "the server ended: {read}");
        let line = &read[before..];
        if line.contains("listening") {
            let (_, rest) = line.split_once("127.0.0.1:").unwrap();
            let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
            return (read.clone(), digits.parse().unwrap());
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn serve_answers_until_the_signal_and_its_log_has_no_secret() {
    let pki = crate::support::Pki::new();
    let folder = pki.folder.path();
    let state = folder.join("state");
    let (certificate, key) = pki.issue();
    let place = |name: &str, text: &str| {
        let file = folder.join(name);
        std::fs::write(&file, text).unwrap();
        path(&file).to_owned()
    };
    let (certificate, key) = (place("tls.crt", &certificate), place("tls.key", &key));
    let issuer = "https://login.example.com";
    let config = place(
        "own.yaml",
        &format!(
            "apiVersion: kubectl-login/v1\nkind: LoginServerConfiguration\nissuer: {{url: {issuer:?}}}\n"
        ),
    );
    let secret = texts(&run(&["client", "add", "ci", "--state-dir", path(&state)])).1;
    let mut child = Command::new(PROGRAM)
        .args(["serve", "--config", &config, "--state-dir", path(&state)])
        .args(["--tls-cert-file", &certificate, "--tls-private-key-file", &key])
        .args(["--listen", "127.0.0.1:0", "--log-format", "json"])
        .env("LOGIN_SERVER_LOG", "trace,h2=trace,hyper=trace")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut log = BufReader::new(child.stderr.take().unwrap());
    let server = Running(child);
    let (mut logged, port) = listening_port(&mut log);
    let reading = std::thread::spawn(move || {
        let mut rest = String::new();
        std::io::Read::read_to_string(&mut log, &mut rest).unwrap();
        rest
    });
    let client = pki.client().build().unwrap();
    let url = format!("https://127.0.0.1:{port}");
    let request = client.post(format!("{url}/token"));
    let request = request.form(&[("grant_type", "client_credentials")]);
    let request = request.basic_auth("ci", Some(secret.trim()));
    let tokens = crate::support::Said::by(request.send().await.unwrap()).await;
    let token = tokens.body["access_token"].as_str().unwrap();
    for token in [token, &format!("{token}x"), "hunter2"] {
        let said = crate::support::ask(&client, &url, token).await;
        assert_eq!(said.status, 200);
    }
    assert_eq!(server.terminate(), Some(0));
    logged.push_str(&reading.join().unwrap());
    for line in logged.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        assert!(line["level"].is_string(), "{line}");
    }
    assert!(
        logged.contains("\"reason\":\"malformed\"") && logged.contains("client:ci"),
        "{logged}"
    );
    // The certificate is for 127.0.0.1.
    assert!(logged.contains("does not name `login.example.com`"), "{logged}");
    let signature = token.rsplit('.').next().unwrap();
    for hidden in [token, signature, secret.trim(), "hunter2"] {
        assert!(!logged.contains(hidden));
    }
}

/// A running server; killed when the test fails early.
struct Running(Child);

impl Running {
    /// Sends SIGTERM and returns the exit code.
    fn terminate(mut self) -> Option<i32> {
        let killed = Command::new("kill").arg(self.0.id().to_string()).status().unwrap();
        assert!(killed.success());
        self.0.wait().unwrap().code()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // After `terminate` this has no effect.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A running `dev` and its output on stdout.
struct Dev {
    server: Running,
    told: Value,
}

impl Dev {
    fn start(arguments: &[&str]) -> Self {
        let mut child = Command::new(PROGRAM)
            .args(["dev", "-o", "json"])
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let out = child.stdout.take().unwrap();
        let server = Running(child);
        let mut line = String::new();
        BufReader::new(out).read_line(&mut line).unwrap();
        Self { server, told: serde_json::from_str(&line).unwrap() }
    }

    fn file(&self, pointer: &str) -> String {
        std::fs::read_to_string(self.told.pointer(pointer).unwrap().as_str().unwrap()).unwrap()
    }

    fn terminate(self) -> Option<i32> {
        self.server.terminate()
    }
}

async fn machine_token(dev: &Dev) -> u16 {
    let authority =
        reqwest::Certificate::from_pem(dev.file("/certificateAuthorityFile").as_bytes());
    let client =
        reqwest::Client::builder().tls_certs_only([authority.unwrap()]).no_proxy().build().unwrap();
    let url = format!("{}/token", dev.told["issuerUrl"].as_str().unwrap());
    let request = client.post(url).form(&[("grant_type", "client_credentials")]);
    let request = request.basic_auth("ci", Some(dev.file("/client/secretFile")));
    request.send().await.unwrap().status().as_u16()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn dev_serves_until_the_signal_and_leaves_nothing_behind() {
    let dev = Dev::start(&[]);
    assert_eq!(machine_token(&dev).await, 200);
    let health = format!("{}/readyz", dev.told["healthUrl"].as_str().unwrap());
    let ready = crate::support::plain_client().get(health).send().await.unwrap();
    assert_eq!(ready.status().as_u16(), 200);
    for pointer in ["/webhookKubeconfig", "/execEntry", "/authenticationConfig"] {
        assert!(dev.file(pointer).starts_with("apiVersion: "));
    }
    for pointer in ["/user/passwordFile", "/client/secretFile"] {
        use std::os::unix::fs::PermissionsExt as _;
        let file = dev.told.pointer(pointer).unwrap().as_str().unwrap();
        assert_eq!(std::fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(!dev.told.to_string().contains(&dev.file(pointer)));
    }
    let folder = dev.told["stateDir"].as_str().unwrap().to_owned();
    assert_eq!(dev.terminate(), Some(0));
    assert!(!Path::new(&folder).exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn dev_keeps_its_state_when_it_is_given_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["--state-dir", path(folder.path())];
    let first = Dev::start(&arguments);
    let (authority, secret) =
        (first.file("/certificateAuthorityFile"), first.file("/client/secretFile"));
    assert_eq!(first.terminate(), Some(0));
    let second = Dev::start(&arguments);
    assert_eq!(second.file("/certificateAuthorityFile"), authority);
    assert_eq!(second.file("/client/secretFile"), secret);
    assert_eq!(machine_token(&second).await, 200);
    assert_eq!(second.terminate(), Some(0));
    assert!(folder.path().join("issuer.db").exists());
}

#[test]
fn a_kubeconfig_to_hand_out_holds_the_cluster_and_no_credential() {
    let folder = tempfile::tempdir().unwrap();
    let authority = folder.path().join("ca.crt");
    let pki = crate::support::Pki::new();
    let key = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
    std::fs::write(&authority, format!("{key}{}", pki.authority_pem)).unwrap();
    let print = |server: &str, authority: &str| {
        let mut words = vec!["print", "kubeconfig", "--server", server, "--cluster", "dev"];
        words.extend(["--cluster-certificate-authority", authority]);
        words.extend(["--issuer-url", "https://login.example.com", "--client-id", "kubectl-login"]);
        run(&words)
    };
    let (code, text, _) = texts(&print("https://k8s.example.com:6443", path(&authority)));
    assert_eq!(code, 0);
    let file: Value = located_yaml::typed::read(&text).unwrap();
    for (pointer, expected) in [
        ("/current-context", "dev"),
        ("/contexts/0/context/cluster", "dev"),
        ("/contexts/0/context/user", "kubectl-login"),
        ("/clusters/0/cluster/server", "https://k8s.example.com:6443"),
        ("/users/0/user/exec/command", "kubectl-login"),
        ("/users/0/user/exec/args/1", "--issuer-url=https://login.example.com"),
    ] {
        assert_eq!(file.pointer(pointer).and_then(|v| v.as_str()), Some(expected), "{text}");
    }
    let data = file.pointer("/clusters/0/cluster/certificate-authority-data").unwrap();
    let data = STANDARD.decode(data.as_str().unwrap()).unwrap();
    let data = String::from_utf8(data).unwrap();
    assert!(data.starts_with("-----BEGIN CERTIFICATE-----") && !data.contains("KEY"), "{data}");
    let empty = folder.path().join("empty");
    std::fs::write(&empty, "\n").unwrap();
    for (server, authority, words) in [
        ("http://k8s.example.com", path(&authority), "--server http://k8s.example.com"),
        ("https://me:secret@k8s.example.com", path(&authority), "is not a usable URL"),
        ("https://k8s.example.com", "/dev/null/ca.pem", "cannot be read"),
        ("https://k8s.example.com", path(&empty), "holds no PEM certificates"),
    ] {
        let (code, stdout, stderr) = texts(&print(server, authority));
        assert_eq!((code, stdout.as_str()), (2, ""), "{stderr}");
        assert!(stderr.contains(words) && !stderr.contains("secret"), "{stderr}");
    }
}
