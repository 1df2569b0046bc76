//! A pseudo-terminal with a program on it, and a user who reads and types.
//! Never echoes what it types: everything on the screen was written by the program.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::process::{self, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};

use crate::{command, wait};

const SIZE: Winsize = Winsize { ws_row: 60, ws_col: 120, ws_xpixel: 0, ws_ypixel: 0 };
const REST: Duration = Duration::from_secs(2);
/// What a terminal sends for Ctrl-C (ETX).
const CONTROL_C: &str = "\u{3}";

/// A program whose standard input, error and controlling terminal are one terminal.
pub struct Terminal {
    line: String,
    keyboard: File,
    child: process::Child,
    screen: Arc<Mutex<Vec<u8>>>,
    reader: JoinHandle<()>,
    /// Where the next search begins.
    looked_at: usize,
}

impl Terminal {
    /// Runs `command` with its standard output on the terminal, too.
    pub fn run(command: &Command) -> Result<Self> {
        Self::open(command, None)
    }

    /// Runs `command` with its standard output in a file, as kubectl's plugins have it in a pipe.
    pub fn run_with_output(command: &Command, file: &Path) -> Result<Self> {
        Self::open(command, Some(file))
    }

    fn open(program: &Command, output: Option<&Path>) -> Result<Self> {
        let controller = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)
            .context("could not open a pseudo-terminal")?;
        grantpt(&controller).context("could not open a pseudo-terminal")?;
        unlockpt(&controller).context("could not open a pseudo-terminal")?;
        tcsetwinsize(&controller, SIZE).context("could not set the terminal's size")?;
        let name = ptsname(&controller, Vec::new()).context("a terminal without a name")?;
        let name = Path::new(std::ffi::OsStr::from_bytes(name.as_bytes())).to_path_buf();
        let user = OpenOptions::new().read(true).write(true).open(name)?;
        let line = command::line(program);
        // Only a process itself can take a controlling terminal: `setsid` does so, then runs it.
        let mut command = Command::new("setsid");
        command.args(["--ctty", "--wait"]);
        // A background process ignores these signals, and its children inherit that.
        command.args(["env", "--default-signal=INT,HUP,TERM"]);
        command.arg(program.get_program()).args(program.get_args());
        command.env_clear().env("TERM", "xterm");
        for (name, value) in program.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        if let Some(folder) = program.get_current_dir() {
            command.current_dir(folder);
        }
        let output = match output {
            Some(file) => Stdio::from(File::create(file)?),
            None => Stdio::from(user.try_clone()?),
        };
        let child = command
            .stdin(user.try_clone()?)
            .stderr(user)
            .stdout(output)
            .spawn()
            .with_context(|| format!("could not start `{line}`"))?;
        // The terminal's other side closes with its last handle, and `command` still holds one.
        drop(command);
        let keyboard = File::from(controller);
        let screen = Arc::new(Mutex::new(Vec::new()));
        let shown = Arc::clone(&screen);
        let mut source = keyboard.try_clone()?;
        let reader = thread::spawn(move || {
            let mut bytes = [0; 4096];
            // Linux returns EIO once no process has the terminal open.
            while let Ok(count @ 1..) = source.read(&mut bytes) {
                let Ok(mut shown) = shown.lock() else { return };
                shown.extend_from_slice(bytes.get(..count).unwrap_or_default());
            }
        });
        Ok(Self { line, keyboard, child, screen, reader, looked_at: 0 })
    }

    /// All that the terminal has shown so far.
    pub fn screen(&self) -> Result<String> {
        let screen = self.screen.lock().map_err(|_| anyhow!("the reader of a terminal died"))?;
        Ok(String::from_utf8_lossy(&screen).into_owned())
    }

    /// Waits for `text` after what earlier searches found; returns the rest of its line, once that
    /// is complete.
    pub fn see(&mut self, text: &str, limit: Duration) -> Result<String> {
        self.find(text, limit, |behind| behind.contains('\n').then(|| line_of(behind)))
    }

    /// Waits for a prompt: `text` need not end its line.
    pub fn see_prompt(&mut self, text: &str, limit: Duration) -> Result<()> {
        self.find(text, limit, |_| Some(String::new())).map(drop)
    }

    fn find(
        &mut self,
        text: &str,
        limit: Duration,
        rest: impl Fn(&str) -> Option<String>,
    ) -> Result<String> {
        let (found, rest) = wait::until(&format!("`{text}` on the terminal"), limit, || {
            let ended = self.child.try_wait()?;
            let is_read = self.reader.is_finished();
            let screen = self.screen()?;
            let fresh = screen.get(self.looked_at..).unwrap_or_default();
            let found = fresh.split_once(text).and_then(|(before, behind)| {
                Some((self.looked_at + before.len() + text.len(), rest(behind)?))
            });
            // Checked in this order: the program's last output is on the screen by now.
            if let (None, Some(status), true) = (&found, ended, is_read) {
                bail!("`{}` ended with {status} before `{text}`", self.line);
            }
            Ok(found)
        })
        .with_context(|| format!("it showed:\n{}", self.screen().unwrap_or_default()))?;
        self.looked_at = found;
        Ok(rest)
    }

    /// Types a line and presses Enter.
    pub fn type_line(&mut self, text: &str) -> Result<()> {
        self.keyboard.write_all(format!("{text}\r").as_bytes()).context("could not type")
    }

    /// Presses Ctrl-C.
    pub fn interrupt(&mut self) -> Result<()> {
        self.keyboard.write_all(CONTROL_C.as_bytes()).context("could not type")
    }

    /// Whether the terminal echoes what is typed.
    pub fn echoes(&self) -> Result<bool> {
        let settings = tcgetattr(&self.keyboard).context("could not read the settings")?;
        Ok(settings.local_modes.contains(LocalModes::ECHO))
    }

    /// Waits until a program hides what is typed.
    pub fn wait_until_hidden(&self, limit: Duration) -> Result<()> {
        wait::until("a terminal that hides", limit, || Ok((!self.echoes()?).then_some(())))
    }

    /// Waits for the end of the program and returns its exit code; `None` for a signal.
    pub fn end(&mut self, limit: Duration) -> Result<Option<i32>> {
        let what = format!("the end of `{}`", self.line);
        let status = wait::until(&what, limit, || Ok(self.child.try_wait()?))
            .with_context(|| format!("it showed:\n{}", self.screen().unwrap_or_default()))?;
        // A browser that it started may hold the terminal open; then there is nothing to wait for.
        let _ = wait::until("the rest of the screen", REST, || {
            Ok(self.reader.is_finished().then_some(()))
        });
        Ok(status.code())
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn line_of(behind: &str) -> String {
    behind.split('\n').next().unwrap_or_default().trim().to_owned()
}
