//! One run of a program to its end, with its output.
//! Never waits longer than the limit: the program is killed and the case fails.

use std::ffi::OsStr;
use std::fmt;
use std::io::{Read, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, ensure};
use serde_json::Value;

use crate::wait;

/// How a program ended.
#[derive(Debug)]
pub struct Finished {
    /// The command line.
    pub line: String,
    /// The exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    /// All of its standard output.
    pub stdout: String,
    /// All of its standard error.
    pub stderr: String,
}

impl fmt::Display for Finished {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, code, stdout, stderr } = self;
        write!(f, "`{line}` gave {code:?}\n--- stdout\n{stdout}\n--- stderr\n{stderr}")
    }
}

impl Finished {
    /// Fails unless the exit code is 0.
    pub fn success(self) -> Result<Self> {
        self.with_code(0)
    }

    /// Fails unless the exit code is `code`.
    pub fn with_code(self, code: i32) -> Result<Self> {
        ensure!(self.code == Some(code), "expected exit code {code}: {self}");
        Ok(self)
    }

    /// Fails unless stdout or stderr contains `text`.
    pub fn saying(self, text: &str) -> Result<Self> {
        ensure!(
            self.stdout.contains(text) || self.stderr.contains(text),
            "expected `{text}`: {self}"
        );
        Ok(self)
    }

    /// Standard output as JSON.
    pub fn json(&self) -> Result<Value> {
        serde_json::from_str(&self.stdout).with_context(|| format!("not JSON: {self}"))
    }
}

/// A command whose environment has only `PATH`, `HOME` and the language of messages.
pub fn clean(program: impl AsRef<OsStr>, home: &Path, search_path: &[PathBuf]) -> Command {
    let mut folders: Vec<PathBuf> = search_path.to_vec();
    folders.extend(["/usr/local/bin", "/usr/bin", "/bin"].map(PathBuf::from));
    let path = std::env::join_paths(folders).unwrap_or_default();
    let mut command = Command::new(program);
    command.env_clear().env("PATH", path).env("HOME", home).env("LC_ALL", "C.UTF-8");
    command
}

/// Runs `command` without input.
pub fn run(command: &mut Command, limit: Duration) -> Result<Finished> {
    run_with_input(command, b"", limit)
}

/// Runs `command` with `input` on its standard input.
pub fn run_with_input(command: &mut Command, input: &[u8], limit: Duration) -> Result<Finished> {
    let line = line(command);
    let stdin = if input.is_empty() { Stdio::null() } else { Stdio::piped() };
    let mut child = command
        .stdin(stdin)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("could not start `{line}`"))?;
    let stdout = reader(child.stdout.take());
    let stderr = reader(child.stderr.take());
    if let Some(mut stdin) = child.stdin.take() {
        // A program that refuses its input may close it early; its output and exit code decide.
        let _ = stdin.write_all(input);
    }
    let ended = wait::until(&format!("the end of `{line}`"), limit, || Ok(child.try_wait()?));
    if ended.is_err() {
        let _ = child.kill();
        let _ = child.wait();
    }
    let finished = Finished { line, code: None, stdout: text(stdout)?, stderr: text(stderr)? };
    match ended {
        Ok(status) => Ok(Finished { code: status.code(), ..finished }),
        Err(error) => Err(error.context(finished.to_string())),
    }
}

/// The command as a person would type it.
pub fn line(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(OsStr::to_string_lossy).collect::<Vec<_>>().join(" ")
}

fn reader<R: Read + Send + 'static>(source: Option<R>) -> JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut content = Vec::new();
        if let Some(mut source) = source {
            let _ = source.read_to_end(&mut content);
        }
        content
    })
}

fn text(reader: JoinHandle<Vec<u8>>) -> Result<String> {
    let content = reader.join().map_err(|_| anyhow!("the reader of a pipe died"))?;
    Ok(String::from_utf8_lossy(&content).into_owned())
}
