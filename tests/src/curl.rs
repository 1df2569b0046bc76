//! HTTP requests sent by the real curl.
//! Never puts a token into an argument list: curl reads headers from standard input.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use crate::certificates::Pair;
use crate::command::run_with_input;
use crate::components::Components;
use crate::scratch::Scratch;

const LIMIT: Duration = Duration::from_secs(40);
const MARK: &str = "\n--curl-status:";

/// curl with the authority it trusts and the credentials it sends.
#[derive(Clone)]
pub struct Curl {
    program: PathBuf,
    authority: PathBuf,
    client: Option<Pair>,
    headers: Vec<String>,
    options: Vec<String>,
}

/// What a server answered.
#[derive(Debug)]
pub struct Reply {
    /// The status code.
    pub status: u16,
    /// The headers as received.
    pub headers: String,
    /// The body as text.
    pub body: String,
}

impl Reply {
    /// The body as JSON.
    pub fn json(&self) -> Result<Value> {
        serde_json::from_str(&self.body).with_context(|| format!("not JSON: {self:?}"))
    }
}

impl Curl {
    /// curl that trusts `authority` only.
    pub fn new(components: &Components, authority: &Path) -> Result<Self> {
        Ok(Self {
            program: components.system_program("curl")?,
            authority: authority.to_path_buf(),
            client: None,
            headers: Vec::new(),
            options: Vec::new(),
        })
    }

    /// The same, with a client certificate.
    #[must_use]
    pub fn with_client_certificate(mut self, pair: &Pair) -> Self {
        self.client = Some(pair.clone());
        self
    }

    /// The same, with a bearer token.
    #[must_use]
    pub fn with_bearer(self, token: &str) -> Self {
        self.with_header(&format!("Authorization: Bearer {token}"))
    }

    /// The same, with one more header line.
    #[must_use]
    pub fn with_header(mut self, line: &str) -> Self {
        self.headers.push(line.to_owned());
        self
    }

    /// The same, with one more option of curl such as `--http2`.
    #[must_use]
    pub fn with_option(mut self, option: &str) -> Self {
        self.options.push(option.to_owned());
        self
    }

    /// GET.
    pub fn get(&self, url: &str) -> Result<Reply> {
        self.send("GET", url, None)
    }

    /// POST of JSON.
    pub fn post_json(&self, url: &str, body: &Value) -> Result<Reply> {
        self.clone().with_header("Content-Type: application/json").send(
            "POST",
            url,
            Some(body.to_string().as_bytes()),
        )
    }

    /// POST of a form, already encoded.
    pub fn post_form(&self, url: &str, form: &str) -> Result<Reply> {
        self.send("POST", url, Some(form.as_bytes()))
    }

    /// The status of a GET, or `None` when there was no answer at all.
    pub fn try_status(&self, url: &str) -> Result<Option<u16>> {
        Ok(self.exchange("GET", url, None)?.ok().map(|reply| reply.status))
    }

    /// Any request.
    pub fn send(&self, method: &str, url: &str, body: Option<&[u8]>) -> Result<Reply> {
        self.exchange(method, url, body)?.map_err(anyhow::Error::msg)
    }

    fn exchange(
        &self,
        method: &str,
        url: &str,
        body: Option<&[u8]>,
    ) -> Result<Result<Reply, String>> {
        let scratch = Scratch::new()?;
        let mut configuration = String::new();
        for header in &self.headers {
            writeln!(configuration, "header = {}", Value::from(header.as_str()))?;
        }
        let mut command = Command::new(&self.program);
        command
            .env_clear()
            .args(["--disable", "--silent", "--show-error", "--noproxy", "*", "--max-time", "35"])
            .args(["--config", "-", "--dump-header", "-", "--request", method, "--url", url])
            .arg("--write-out")
            .arg(format!("{MARK}%{{http_code}}"))
            .arg("--cacert")
            .arg(&self.authority)
            .args(&self.options);
        if let Some(pair) = &self.client {
            command.arg("--cert").arg(&pair.certificate).arg("--key").arg(&pair.key);
        }
        if let Some(body) = body {
            let file = scratch.file("body", body)?;
            command.arg("--data-binary").arg(format!("@{}", file.display()));
        }
        let finished = run_with_input(&mut command, configuration.as_bytes(), LIMIT)?;
        if finished.code != Some(0) {
            return Ok(Err(finished.to_string()));
        }
        let (answer, status) = finished.stdout.rsplit_once(MARK).context("no status from curl")?;
        let status = status.trim().parse().context("not a status code")?;
        ensure!(status != 0, "curl saw no status: {answer}");
        let mut rest = answer;
        let mut headers = "";
        // `100 Continue` arrives as a header block of its own.
        while rest.starts_with("HTTP/") {
            (headers, rest) = rest.split_once("\r\n\r\n").unwrap_or((rest, ""));
        }
        Ok(Ok(Reply { status, headers: headers.to_owned(), body: rest.to_owned() }))
    }
}
