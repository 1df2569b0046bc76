//! Child processes: run to the end, with progress messages, or in the background until stopped.
//! Never leaves a child behind, and ends only children that it started.

use anyhow::{Context as _, Result, bail};
use std::{
    fs::File,
    io::{BufRead as _, BufReader, Read as _, Seek as _, SeekFrom},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

/// Where `program` is on `PATH`.
pub(crate) fn on_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
}

/// Runs to the end and returns status, stdout and stderr.
pub(crate) fn output(command: &mut Command) -> Result<Output> {
    let program = command.get_program().to_string_lossy().into_owned();
    command.stdin(Stdio::null()).output().with_context(|| format!("could not start `{program}`"))
}

/// Returns what a command prints on stdout, trimmed; a failure is an error with its stderr.
pub(crate) fn text(command: &mut Command) -> Result<String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = output(command)?;
    if !output.status.success() {
        let complaint = String::from_utf8_lossy(&output.stderr);
        bail!("`{program}` ended with {}: {}", output.status, complaint.trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Runs with this terminal's stdout and stderr; returns whether it succeeded.
pub(crate) fn succeeds(command: &mut Command) -> Result<bool> {
    let program = command.get_program().to_string_lossy().into_owned();
    let status = command
        .stdin(Stdio::null())
        .status()
        .with_context(|| format!("could not start `{program}`"))?;
    Ok(status.success())
}

/// Runs a command that takes minutes: prints so at the start and every half minute, writes its
/// output to `log` and shows the end of that when the command fails.
pub(crate) fn patiently(what: &str, log: &Path, command: &mut Command) -> Result<()> {
    const REMINDER: Duration = Duration::from_secs(30);
    eprintln!("{what} …");
    let started = Instant::now();
    let file = File::create(log).with_context(|| format!("could not create {}", log.display()))?;
    let program = command.get_program().to_string_lossy().into_owned();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(file.try_clone()?)
        .stderr(file)
        .spawn()
        .with_context(|| format!("could not start `{program}`"))?;
    let mut said = started;
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if said.elapsed() >= REMINDER {
            said = Instant::now();
            eprintln!("{what} … ({})", spell(started.elapsed()));
        }
        thread::sleep(Duration::from_millis(100));
    };
    if !status.success() {
        bail!("{what}: `{program}` ended with {status}\n{}", tail(log, 2500));
    }
    eprintln!("{what}: done in {}", spell(started.elapsed()));
    Ok(())
}

/// The last `length` bytes of a log, from the start of a line.
pub(crate) fn tail(log: &Path, length: u64) -> String {
    let mut bytes = Vec::new();
    if let Ok(mut file) = File::open(log) {
        let size = file.metadata().map_or(0, |metadata| metadata.len());
        let skipped = file.seek(SeekFrom::Start(size.saturating_sub(length)));
        if skipped.and_then(|_| file.read_to_end(&mut bytes)).is_err() {
            return format!("(could not read {})", log.display());
        }
    }
    String::from_utf8_lossy(&bytes).trim_end().to_owned()
}

/// A duration for a reader: `9.4 s`, `3 min 5 s`.
pub(crate) fn spell(duration: Duration) -> String {
    match duration.as_secs() {
        0..10 => format!("{:.1} s", duration.as_secs_f64()),
        seconds @ 10..100 => format!("{seconds} s"),
        seconds => format!("{} min {} s", seconds / 60, seconds % 60),
    }
}

/// A child in the background. When dropped, it gets SIGTERM, and SIGKILL after five seconds.
pub(crate) struct Background {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Background {
    /// Starts it with stdout and stderr into `log`.
    pub(crate) fn start(name: &str, log: &Path, command: &mut Command) -> Result<Self> {
        let file = File::create(log)?;
        command.stdout(file.try_clone()?).stderr(file);
        Self::spawn(name, log, command)
    }

    /// Starts it with stderr into `log` and waits for its first line on stdout.
    pub(crate) fn start_and_read_line(
        name: &str,
        log: &Path,
        command: &mut Command,
        patience: Duration,
    ) -> Result<(Self, String)> {
        command.stdout(Stdio::piped()).stderr(File::create(log)?);
        let mut background = Self::spawn(name, log, command)?;
        let stdout = background.child.stdout.take().context("the child has no stdout")?;
        let (sender, receiver) = mpsc::channel();
        thread::spawn(move || {
            let mut lines = BufReader::new(stdout).lines();
            if let Some(Ok(line)) = lines.next() {
                let _ = sender.send(line);
            }
            // Drains the pipe: a child that goes on printing must not block or end because of it.
            while let Some(Ok(_)) = lines.next() {}
        });
        match receiver.recv_timeout(patience) {
            Ok(line) => Ok((background, line)),
            Err(_) => {
                bail!("`{name}` printed nothing within {}\n{}", spell(patience), tail(log, 2500))
            }
        }
    }

    fn spawn(name: &str, log: &Path, command: &mut Command) -> Result<Self> {
        let child = command
            .stdin(Stdio::null())
            .spawn()
            .with_context(|| format!("could not start `{name}`"))?;
        Ok(Self { name: name.to_owned(), child, log: log.to_owned() })
    }

    /// Calls `ready` ten times a second until it returns true, the child ends, or time runs out.
    pub(crate) fn wait_until(
        &mut self,
        patience: Duration,
        mut ready: impl FnMut() -> bool,
    ) -> Result<()> {
        let started = Instant::now();
        while !ready() {
            if let Some(status) = self.child.try_wait()? {
                bail!("`{}` ended with {status}\n{}", self.name, tail(&self.log, 2500));
            }
            if started.elapsed() >= patience {
                let log = tail(&self.log, 2500);
                bail!("`{}` was not ready within {}\n{log}", self.name, spell(patience));
            }
            thread::sleep(Duration::from_millis(100));
        }
        Ok(())
    }

    /// Processor time that it has used so far, on all cores (Linux).
    pub(crate) fn processor_seconds(&self) -> Result<f64> {
        // proc_pid_stat(5): 14 is utime, 15 stime, in ticks of 10 ms; the name, in parentheses,
        // may contain anything.
        let file = format!("/proc/{}/stat", self.child.id());
        let text =
            std::fs::read_to_string(&file).with_context(|| format!("could not read {file}"))?;
        let fields = text.rsplit_once(')').map_or("", |(_, fields)| fields);
        let ticks = fields.split_whitespace().skip(11).take(2).map(str::parse::<u32>);
        let ticks = ticks.collect::<Result<Vec<_>, _>>().context("no processor time")?;
        Ok(ticks.into_iter().map(f64::from).sum::<f64>() / 100.0)
    }

    /// Its resident memory now.
    pub(crate) fn resident_kibibytes(&self) -> Result<u64> {
        let file = format!("/proc/{}/status", self.child.id());
        let text =
            std::fs::read_to_string(&file).with_context(|| format!("could not read {file}"))?;
        let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let number = line.and_then(|line| line.split_whitespace().next());
        Ok(number.context("no resident size")?.parse()?)
    }

    /// Waits for the child to end by itself.
    pub(crate) fn wait(&mut self) -> Result<()> {
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        const GRACE: Duration = Duration::from_secs(5);
        if !matches!(self.child.try_wait(), Ok(None)) {
            return;
        }
        let asked = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        let started = Instant::now();
        while asked.is_ok() && started.elapsed() < GRACE {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            thread::sleep(Duration::from_millis(20));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
