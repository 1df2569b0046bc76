//! Shared setup of the tests: an issuer, a home directory, and a minimal "browser".
//! Never uses the network beyond loopback, or files outside a scratch folder.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

use url::Url;

use crate::issuer::Issuer;

/// Time limit for every step, generous for a busy host.
const PATIENCE: Duration = Duration::from_secs(30);

/// An issuer, a home directory, and the options for them.
pub(crate) struct Stage {
    pub(crate) issuer: Issuer,
    pub(crate) home: tempfile::TempDir,
}

impl Stage {
    pub(crate) fn new() -> Self {
        Self { issuer: Issuer::start(), home: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn command(&self, words: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kubectl-login"));
        command
            .args(words.split_whitespace())
            .env_clear()
            .env("HOME", self.home.path())
            .env("KUBECTL_LOGIN_ISSUER_URL", &self.issuer.url)
            .env("KUBECTL_LOGIN_CLIENT_ID", "kubectl-login")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    pub(crate) fn run(&self, words: &str) -> Output {
        self.command(words).output().unwrap()
    }

    /// Signs in through the "browser"; returns the output.
    pub(crate) fn sign_in(&self, words: &str) -> Output {
        let mut child = self.command(words).spawn().unwrap();
        let page = page_of(&mut child);
        visit(&page);
        child.wait_with_output().unwrap()
    }

    /// The files of that kind in the cache.
    pub(crate) fn files(&self, kind: &str) -> Vec<PathBuf> {
        let Ok(directory) = fs::read_dir(self.home.path().join(".cache/kubectl-login")) else {
            return Vec::new();
        };
        directory
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.to_str().unwrap().ends_with(kind))
            .collect()
    }

    /// Removes the cached token, as if it had expired.
    pub(crate) fn lose_token(&self) {
        for path in self.files(".token") {
            fs::remove_file(path).unwrap();
        }
    }
}

/// Reads stderr up to the page's URL; drains the rest so that the child never blocks.
pub(crate) fn page_of(child: &mut Child) -> Url {
    let mut reader = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    loop {
        line.clear();
        assert!(reader.read_line(&mut line).unwrap() > 0, "no page was named");
        if let Some(page) = line.strip_prefix("  ") {
            let page = Url::parse(page.trim()).unwrap();
            std::thread::spawn(move || {
                let mut rest = String::new();
                let _ = reader.read_to_string(&mut rest);
            });
            return page;
        }
    }
}

/// A parameter of an authorization request.
pub(crate) fn parameter(page: &Url, name: &str) -> Option<String> {
    page.query_pairs().find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
}

/// Sends a GET request; returns status, `location` and body.
pub(crate) fn get(url: &Url) -> (u16, Option<Url>, String) {
    let host = format!("{}:{}", url.host_str().unwrap(), url.port().unwrap());
    let mut stream = TcpStream::connect(&host).unwrap();
    let target = &url[url::Position::BeforePath..];
    write!(stream, "GET {target} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n").unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let status = text.split(' ').nth(1).unwrap().parse().unwrap();
    let location = text
        .lines()
        .find_map(|line| line.strip_prefix("location: "))
        .map(|location| Url::parse(location).unwrap());
    (status, location, text)
}

/// Acts as a browser: opens the issuer's page, then the redirect.
pub(crate) fn visit(page: &Url) -> (u16, String) {
    let (_, back, _) = get(page);
    let (status, _, body) = get(&back.unwrap());
    (status, body)
}

/// Reads the lines that a program writes into a file; waits until it exists.
#[track_caller]
pub(crate) fn text_of(path: &Path) -> String {
    let begin = Instant::now();
    loop {
        match fs::read_to_string(path) {
            Ok(text) if text.ends_with('\n') => return text,
            _ => assert!(begin.elapsed() < PATIENCE, "nothing has written `{}`", path.display()),
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

pub(crate) fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// Asserts a failure: the exit code, an empty stdout, and the first line of the report.
#[track_caller]
pub(crate) fn failed(output: &Output, code: i32, error: &str) {
    let (out, err) = (stdout(output), stderr(output));
    assert_eq!(output.status.code(), Some(code), "{err}");
    assert_eq!(out, "");
    assert!(err.contains(&format!("error: {error}")), "{err}");
}

/// The token in an ExecCredential on stdout.
#[track_caller]
pub(crate) fn token(output: &Output) -> String {
    assert!(output.status.success(), "{}", stderr(output));
    let answer: serde_json::Value = serde_json::from_str(&stdout(output)).unwrap();
    assert_eq!(answer["kind"], "ExecCredential");
    assert!(answer["status"]["expirationTimestamp"].is_string(), "{answer}");
    answer["status"]["token"].as_str().unwrap().to_owned()
}
