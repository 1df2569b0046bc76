//! A program that keeps running beside the case, with its output in two files.
//! Never outlives its owner: SIGTERM, then SIGKILL, both by process id.

use std::cell::RefCell;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{self, Command, ExitStatus, Stdio};
use std::sync::Mutex;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use rustix::process::{Pid, Signal, kill_process};

use crate::{command, wait};

const PATIENCE: Duration = Duration::from_secs(8);
const TAIL: usize = 12;

static LIVING: Mutex<Vec<(String, PathBuf)>> = Mutex::new(Vec::new());

thread_local! {
    static DEAD: RefCell<String> = const { RefCell::new(String::new()) };
}

/// A running program.
pub struct Child {
    name: String,
    process: process::Child,
    output: PathBuf,
    errors: PathBuf,
}

impl Child {
    /// Starts `command`; its output goes to `FOLDER/NAME.out` and `FOLDER/NAME.err`.
    pub fn start(name: &str, command: &mut Command, folder: &Path) -> Result<Self> {
        Self::start_with(name, command, Stdio::null(), folder)
    }

    /// The same, with something on standard input.
    pub fn start_with(
        name: &str,
        command: &mut Command,
        input: impl Into<Stdio>,
        folder: &Path,
    ) -> Result<Self> {
        let output = folder.join(format!("{name}.out"));
        let errors = folder.join(format!("{name}.err"));
        let open = |path: &Path| {
            File::create(path).with_context(|| format!("could not make `{}`", path.display()))
        };
        let process = command
            .stdin(input)
            .stdout(open(&output)?)
            .stderr(open(&errors)?)
            .spawn()
            .with_context(|| format!("could not start `{}`", command::line(command)))?;
        for path in [&output, &errors] {
            if let Ok(mut living) = LIVING.lock() {
                living.push((name.to_owned(), path.clone()));
            }
        }
        Ok(Self { name: name.to_owned(), process, output, errors })
    }

    /// What it has written to standard output so far.
    pub fn stdout(&self) -> Result<String> {
        content(&self.output)
    }

    /// What it has written to standard error so far.
    pub fn stderr(&self) -> Result<String> {
        content(&self.errors)
    }

    /// The first line of its output that contains `text`; fails when it ends before.
    pub fn wait_for_line(&mut self, text: &str, limit: Duration) -> Result<String> {
        let what = format!("`{text}` from {}", self.name);
        let found = wait::until(&what, limit, || {
            let ended = self.process.try_wait()?;
            let all = format!("{}\n{}", self.stdout()?, self.stderr()?);
            if let Some(line) = all.lines().find(|line| line.contains(text)) {
                return Ok(Some(line.to_owned()));
            }
            if let Some(status) = ended {
                bail!("{} ended with {status} before `{text}`", self.name);
            }
            Ok(None)
        });
        found.with_context(|| self.tail())
    }

    /// Waits for its end.
    pub fn wait(&mut self, limit: Duration) -> Result<ExitStatus> {
        let what = format!("the end of {}", self.name);
        wait::until(&what, limit, || Ok(self.process.try_wait()?)).with_context(|| self.tail())
    }

    /// Whether it still runs.
    pub fn is_running(&mut self) -> Result<bool> {
        Ok(self.process.try_wait()?.is_none())
    }

    /// Asks it to end (SIGTERM) and waits for that.
    pub fn stop(&mut self) -> Result<ExitStatus> {
        self.signal(Signal::TERM)?;
        self.wait(PATIENCE)
    }

    /// Kills it without a chance to clean up (SIGKILL).
    pub fn kill(&mut self) -> Result<()> {
        self.process.kill().context("could not kill")?;
        self.process.wait().context("could not wait for the end")?;
        Ok(())
    }

    /// Makes it stop answering, as a hung host would (SIGSTOP), until `resume`.
    pub fn suspend(&mut self) -> Result<()> {
        self.signal(Signal::STOP)
    }

    /// Undoes `suspend`.
    pub fn resume(&mut self) -> Result<()> {
        self.signal(Signal::CONT)
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    fn signal(&mut self, signal: Signal) -> Result<()> {
        if self.process.try_wait()?.is_some() {
            return Ok(()); // its number may belong to another process by now
        }
        let pid = i32::try_from(self.process.id()).ok().and_then(Pid::from_raw);
        let pid = pid.context("a process id out of range")?;
        kill_process(pid, signal).with_context(|| format!("could not signal {}", self.name))
    }

    fn tail(&self) -> String {
        tails(&[(self.name.clone(), self.output.clone()), (self.name.clone(), self.errors.clone())])
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        let _ = self.resume();
        if self.stop().is_err() {
            let _ = self.kill();
        }
        let tail = self.tail();
        DEAD.with_borrow_mut(|dead| dead.push_str(&tail));
        if let Ok(mut living) = LIVING.lock() {
            living.retain(|(_, path)| *path != self.output && *path != self.errors);
        }
    }
}

/// The end of the output of every program that runs or ran for this case, to show with a failure.
pub fn last_words() -> String {
    let living = LIVING.lock().map(|living| living.clone()).unwrap_or_default();
    DEAD.take() + &tails(&living)
}

fn tails(files: &[(String, PathBuf)]) -> String {
    let mut text = String::new();
    for (name, path) in files {
        let content = content(path).unwrap_or_default();
        let lines: Vec<&str> = content.lines().collect();
        let tail = lines.get(lines.len().saturating_sub(TAIL)..).unwrap_or_default();
        if !tail.is_empty() {
            let _ = write!(text, "--- {name} ({})\n{}\n", path.display(), tail.join("\n"));
        }
    }
    text
}

fn content(path: &Path) -> Result<String> {
    let bytes = fs::read(path).with_context(|| format!("could not read `{}`", path.display()))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
