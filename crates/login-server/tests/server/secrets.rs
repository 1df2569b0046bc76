//! What a server writes at its most detailed level: log, audit file, metrics, health, explanations.
//! None of it contains a token, a password or a client's secret, in clear text or in base64.

#![expect(clippy::disallowed_methods, reason = "tests start the program and write its input")]

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    path::Path,
    process::{Child, Command, Stdio},
};

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};
use serde_json::json;

use crate::{
    elsewhere::Elsewhere,
    support::{PASSWORD, Pki, Said, ask, now, plain_client},
};

const PROGRAM: &str = env!("CARGO_BIN_EXE_login-server");
const OPAQUE: &str = "opaque-token-of-somebody-1234567890";
const STATIC: &str = "static-token-of-somebody-0987654321";
pub(crate) const INTROSPECTION_SECRET: &str = "secret-for-the-introspection-endpoint";
const GARBAGE: &str = "garbage-that-may-be-a-pasted-password";
const WRONG: &str = "a-wrong-client-secret-that-was-typed";

/// Killed when the test fails early.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
    }
}

pub(crate) fn run(arguments: &[&str], input: &str) -> String {
    let mut child = Command::new(PROGRAM)
        .args(arguments)
        .env("LOGIN_SERVER_LOG", "trace")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdin.take().unwrap().write_all(input.as_bytes()));
    let output = child.wait_with_output().unwrap();
    String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
}

/// The text, and its base64 at each alignment in a longer text.
pub(crate) fn forms(secret: &str) -> Vec<String> {
    let mut forms = vec![secret.to_owned()];
    for skipped in 0..3 {
        let whole = &secret.as_bytes()[skipped..];
        let whole = &whole[..whole.len() / 3 * 3];
        forms.extend([STANDARD_NO_PAD.encode(whole), URL_SAFE_NO_PAD.encode(whole)]);
    }
    forms
}

pub(crate) fn configuration(folder: &Path, elsewhere: &Elsewhere) -> String {
    let place = |name: &str, text: &str| {
        let path = folder.join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let secret = place("introspection-secret", INTROSPECTION_SECRET);
    let authority = place("as-ca.crt", &elsewhere.pki.authority_pem);
    let tokens = place("tokens.csv", &format!("{STATIC},carol,7,\"ops\"\n"));
    let audit = folder.join("audit.log").display().to_string();
    let text = format!(
        "apiVersion: kubectl-login/v1\nkind: LoginServerConfiguration\n\
         issuer: {{url: \"https://login.example.com\"}}\n\
         audit: {{file: {audit:?}, everyNthRepeat: 1}}\nstaticTokens: {{file: {tokens:?}}}\n\
         introspection:\n- url: {}/introspect\n  clientID: kube\n  clientSecretFile: {secret:?}\n  \
         certificateAuthorityFile: {authority:?}\n  audiences: [cluster]\n  \
         claimMappings: {{username: {{claim: username, prefix: \"as:\"}}}}\n",
        elsewhere.url
    );
    place("own.yaml", &text)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_secret_is_written_anywhere_at_any_level() {
    let (pki, elsewhere) = (Pki::new(), Elsewhere::start().await);
    elsewhere.script.say_json(&json!({
        "active": true, "sub": "42", "username": "jane", "aud": "cluster", "exp": now() + 600,
    }));
    let folder = pki.folder.path();
    let path = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    let (own, state) = (configuration(folder, &elsewhere), path("state"));
    let mut told = run(
        &["user", "add", "alice", "--password-file", "-", "--state-dir", &state],
        &format!("{PASSWORD}\n"),
    );
    // stdout comes first, and contains nothing else.
    let added = run(&["client", "add", "ci", "--state-dir", &state], "");
    let secret = added.lines().next().unwrap().to_owned();
    drop(pki.server_tls(None));
    let mut child = Command::new(PROGRAM)
        .args(["serve", "--config", &own, "--state-dir", &state, "--listen", "127.0.0.1:0"])
        .args(["--tls-cert-file", &path("server.crt"), "--health-listen", "127.0.0.1:0"])
        .args(["--tls-private-key-file", &path("server.key")])
        .env("LOGIN_SERVER_LOG", "trace,h2=trace,hyper=trace,reqwest=trace,rustls=trace")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut log = BufReader::new(child.stderr.take().unwrap());
    let mut server = Running(child);
    let mut ports = Vec::new();
    while ports.len() < 2 {
        let mut line = String::new();
        assert_ne!(log.read_line(&mut line).unwrap(), 0, "the server ended: {told}");
        if line.contains("listening") {
            let (_, port) = line.split_once("127.0.0.1:").unwrap();
            ports.push(port.chars().take_while(char::is_ascii_digit).collect::<String>());
        }
        told += &line;
    }
    let reading = std::thread::spawn(move || {
        let mut rest = String::new();
        log.read_to_string(&mut rest).unwrap();
        rest
    });
    let (url, health) =
        (format!("https://127.0.0.1:{}", ports[0]), format!("http://127.0.0.1:{}", ports[1]));

    let client = pki.client().build().unwrap();
    let credentials = async |secret: &str| {
        let form = [("grant_type", "client_credentials")];
        let request = client.post(format!("{url}/token")).form(&form);
        Said::by(request.basic_auth("ci", Some(secret)).send().await.unwrap()).await
    };
    let token = credentials(&secret).await.body["access_token"].as_str().unwrap().to_owned();
    assert_eq!(credentials(WRONG).await.status, 401);
    for page in ["authorize", "device", "token"] {
        let form = [("username", "alice"), ("password", PASSWORD), ("grant_type", "password")];
        client.post(format!("{url}/{page}")).form(&form).send().await.unwrap();
    }
    let tampered = format!("{token}x");
    for (token, username) in [
        (token.as_str(), Some("client:ci")),
        (token.as_str(), Some("client:ci")),
        (tampered.as_str(), None),
        (OPAQUE, Some("as:jane")),
        (STATIC, Some("carol")),
    ] {
        assert_eq!(ask(&client, &url, token).await.username(), username);
    }
    elsewhere.script.say(500, "text/plain", "broken");
    assert_eq!(ask(&client, &url, GARBAGE).await.status, 503);
    // Only a debug log shows these errors.
    let mut stranger = std::net::TcpStream::connect(url.trim_start_matches("https://")).unwrap();
    stranger.write_all(b"GET / HTTP/1.0\r\n\r\n").unwrap();
    drop(stranger.read_to_end(&mut Vec::new()));
    for page in ["metrics", "readyz?verbose", "livez"] {
        let response = plain_client().get(format!("{health}/{page}")).send().await.unwrap();
        told += &response.text().await.unwrap();
    }
    for token in [&token, &tampered, OPAQUE, STATIC, GARBAGE] {
        for output in ["text", "json"] {
            told +=
                &run(&["explain", "--config", &own, "--state-dir", &state, "-o", output], token);
        }
    }
    let killed = Command::new("kill").arg(server.0.id().to_string()).status().unwrap();
    assert!(killed.success() && server.0.wait().unwrap().success());
    told += &reading.join().unwrap();
    let audit = std::fs::read_to_string(folder.join("audit.log")).unwrap();
    assert_eq!(audit.lines().count(), 6, "{audit}");
    told += &audit;

    for expected in
        ["\"client:ci\"", "\"as:jane\"", "introspection_unavailable", "handshake failed"]
    {
        assert!(told.contains(expected), "{expected} is not even there");
    }
    let parts: Vec<&str> = token.split('.').collect();
    for hidden in [
        &secret,
        PASSWORD,
        INTROSPECTION_SECRET,
        WRONG,
        GARBAGE,
        OPAQUE,
        STATIC,
        parts[1],
        parts[2],
    ] {
        for form in forms(hidden) {
            let line = told.lines().find(|line| line.contains(&form));
            assert_eq!(line, None, "{hidden}");
        }
    }
}
