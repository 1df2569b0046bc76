//! One process renews a session; the others wait for its result, within bounds.
//! Never taken over by age or process id: the kernel frees the lock when its holder ends.

use std::{
    fmt,
    fs::{File, TryLockError},
    io::{self, Read as _, Seek as _, Write as _},
    path::PathBuf,
    time::{Duration, Instant},
};

use login_common::UnixTime;
use thiserror::Error;

use super::{
    FORMAT,
    store::{Directory, StoreError},
};
use crate::disk::{Sharing, cannot_lock};

/// The kind of file. It stays when the lock is freed: if it were removed, two processes could hold
/// locks on two files of the same name.
const KIND: &str = "lock";

/// The first polls come fast: a renewal without a browser takes milliseconds.
const SHORTEST_POLL: Duration = Duration::from_millis(2);

/// Later polls save CPU time.
const LONGEST_POLL: Duration = Duration::from_millis(100);

/// A process waits at most this fraction longer than the renewal that it waits for takes.
const WAITED_LONGER: u32 = 16;

/// A wait that is longer than this is reported to the user.
const PATIENCE: Duration = Duration::from_secs(1);

/// Why the lock was not taken.
#[derive(Debug, Error)]
pub enum LockError {
    /// The lock file cannot be stored.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Neither this file system nor that of the host's own runtime folder supports locks.
    #[error("could not lock `{}`", path.display())]
    Unsupported {
        /// The lock file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Another process held it for too long.
    #[error("{holder} has not finished within {} seconds", waited.as_secs())]
    Busy {
        /// The holder and its work.
        holder: String,
        /// How long we waited.
        waited: Duration,
    },
}

/// What a holder does. The lock file says so until the holder concludes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// Renews a token without a user.
    Renewing,
    /// Waits for a user to sign in.
    SigningIn,
}

impl Work {
    fn as_str(self) -> &'static str {
        match self {
            Self::Renewing => "renewing a token",
            Self::SigningIn => "signing in",
        }
    }
}

/// Stands between the work and its longest duration.
const WITHIN: &str = ", within ";

/// Stands after the number.
const SECONDS: &str = " seconds";

/// A longer bound in a lock file is cut to this; a sign-in may be given an hour.
const LONGEST_WORK: Duration = Duration::from_hours(2);

/// The process that holds a lock, or that held it when it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// The process id.
    pub process: u32,
    /// When its work began.
    pub since: UnixTime,
    /// The work, as shown to users: `signing in`.
    pub what: String,
    /// How long the work takes at most, if the holder wrote it.
    pub within: Option<Duration>,
}

impl Holder {
    fn render(&self) -> String {
        let within = self.within.map(|bound| format!("{WITHIN}{}{SECONDS}", bound.as_secs()));
        let (process, since, what) = (self.process, self.since, &self.what);
        format!("{FORMAT}\n{process} {since} {what}{}\n", within.unwrap_or_default())
    }

    fn parse(text: &str) -> Option<Self> {
        let line = text.strip_prefix(FORMAT)?.strip_prefix('\n')?.lines().next()?;
        let (process, rest) = line.split_once(' ')?;
        let (since, what) = rest.split_once(' ')?;
        let printable = !what.chars().any(char::is_control);
        printable.then_some(())?;
        let (what, within) = what.split_once(WITHIN).unwrap_or((what, ""));
        let within = within.strip_suffix(SECONDS).and_then(|seconds| seconds.parse().ok());
        let within = within.map(|seconds| Duration::from_secs(seconds).min(LONGEST_WORK));
        Some(Self {
            process: process.parse().ok()?,
            since: UnixTime::parse_rfc3339(since).ok()?,
            what: what.to_owned(),
            within,
        })
    }

    /// How much longer its work may take at `now`; `longest` if the holder did not write a bound.
    pub fn time_left(&self, now: UnixTime, longest: Duration) -> Duration {
        let begun = self.since.min(now);
        self.within.unwrap_or(longest).saturating_sub(now.since(begun))
    }

    /// Whether it waited for a user to sign in.
    pub fn was_signing_in(&self) -> bool {
        self.what == Work::SigningIn.as_str()
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { process, since, what, .. } = self;
        write!(f, "process {process}, which has been {what} since {since},")
    }
}

/// The right to renew; freed when dropped, or by the kernel.
#[derive(Debug)]
pub struct RenewalLock {
    file: File,
    /// Whether another process held it first.
    pub waited: bool,
    /// The previous holder, if it ended without concluding: killed, or cancelled by the user.
    pub abandoned: Option<Holder>,
    work: Option<Work>,
}

/// How a wait for the lock ended.
pub enum Taken<T> {
    /// This process holds the lock.
    Lock(RenewalLock),
    /// Another process's result arrived first.
    Adopted(T),
}

/// Takes the lock `name` within `bound`. While waiting, it polls `adopt` for a result that ends
/// the wait, and calls `say` once with the holder that it waits for.
pub fn take<T>(
    directory: &Directory,
    name: &str,
    bound: Duration,
    adopt: impl FnMut() -> Option<T>,
    say: impl FnMut(&str),
) -> Result<Taken<T>, LockError> {
    take_from(directory, name, |_| bound, adopt, say)
}

/// The same where the bound depends on the holder: each poll calls `bound` again.
pub fn take_from<T>(
    directory: &Directory,
    name: &str,
    bound: impl Fn(Option<&Holder>) -> Duration,
    mut adopt: impl FnMut() -> Option<T>,
    mut say: impl FnMut(&str),
) -> Result<Taken<T>, LockError> {
    let mut file = LockFile::open(directory, name)?;
    #[expect(clippy::disallowed_methods, reason = "the wait is measured, not dated")]
    let begin = Instant::now();
    let mut is_told = false;
    loop {
        if file.lock(&mut say)? {
            return Ok(Taken::Lock(file.locked()));
        }
        file.waited = true;
        if let Some(result) = adopt() {
            return Ok(Taken::Adopted(result));
        }
        let holder = holder(&mut file.file);
        let so_far = begin.elapsed();
        if so_far >= bound(holder.as_ref()) {
            return Err(LockError::Busy { holder: named(holder), waited: so_far });
        }
        if so_far >= PATIENCE && !is_told {
            is_told = true;
            say(&format!("waiting for {}", named(holder)));
        }
        #[expect(clippy::disallowed_methods, reason = "bounded by `bound`")]
        std::thread::sleep(until_next_poll(so_far));
    }
}

/// The pause before the next poll of a wait that has lasted `so_far`.
fn until_next_poll(so_far: Duration) -> Duration {
    (so_far / WAITED_LONGER).clamp(SHORTEST_POLL, LONGEST_POLL)
}

/// Takes the lock `name` if no process holds it.
pub fn try_take(directory: &Directory, name: &str) -> Option<RenewalLock> {
    let mut file = LockFile::open(directory, name).ok()?;
    file.lock(&mut |_: &str| ()).ok()?.then(|| file.locked())
}

/// The holder of the lock `name`; `None` also when the file does not name one.
pub fn holder_of(directory: &Directory, name: &str) -> Option<Holder> {
    let file_name = format!("{name}.{KIND}");
    let disk = directory.disk();
    let mut file = directory.open_to_look(&file_name)?;
    let looked = match disk.lock(&file, Sharing::Shared) {
        Err(TryLockError::Error(error)) if cannot_lock(&error) => {
            let (machine, name) = LockFile::of_this_machine(directory, &file_name)?;
            file = machine.open_to_look(&name)?;
            disk.lock(&file, Sharing::Shared)
        }
        other => other,
    };
    matches!(looked, Err(TryLockError::WouldBlock)).then(|| holder(&mut file))?
}

/// The file that is locked.
struct LockFile<'a> {
    directory: &'a Directory,
    name: String,
    file: File,
    is_of_this_machine: bool,
    waited: bool,
}

impl<'a> LockFile<'a> {
    fn open(directory: &'a Directory, name: &str) -> Result<Self, LockError> {
        let name = format!("{name}.{KIND}");
        let file = directory.open_to_lock(&name)?;
        Ok(Self { directory, name, file, is_of_this_machine: false, waited: false })
    }

    /// Where a file system does not lock, a lock in this host's own runtime folder at least
    /// excludes its own processes.
    fn of_this_machine(directory: &Directory, name: &str) -> Option<(Directory, String)> {
        let machine = directory.beside(directory.disk().runtime_folder()?);
        Some((machine, format!("{}-{name}", directory.id())))
    }

    /// Tries once to lock the file.
    fn lock(&mut self, say: &mut impl FnMut(&str)) -> Result<bool, LockError> {
        match self.directory.disk().lock(&self.file, Sharing::Alone) {
            Ok(()) => Ok(true),
            Err(TryLockError::WouldBlock) => Ok(false),
            Err(TryLockError::Error(source)) => {
                let path = self.directory.path_of(&self.name);
                let unsupported = |source| LockError::Unsupported { path: path.clone(), source };
                if self.is_of_this_machine || !cannot_lock(&source) {
                    return Err(unsupported(source));
                }
                let Some((machine, name)) = Self::of_this_machine(self.directory, &self.name)
                else {
                    return Err(unsupported(source));
                };
                let is_first = !machine.has(&name);
                self.file = machine.open_to_lock(&name)?;
                self.is_of_this_machine = true;
                if is_first {
                    say(&format!(
                        "the file system of `{}` cannot lock ({source}): other machines that use \
                         it may renew the same session at the same time",
                        self.directory.path_of("").display()
                    ));
                }
                self.lock(say)
            }
        }
    }

    fn locked(mut self) -> RenewalLock {
        let abandoned = holder(&mut self.file);
        RenewalLock { file: self.file, waited: self.waited, abandoned, work: None }
    }
}

impl RenewalLock {
    /// Writes the holder and its work into the lock file: for the processes that wait, and for the
    /// next holder if this one ends without concluding.
    pub fn describe(&mut self, work: Work, since: UnixTime, within: Duration) {
        self.work = Some(work);
        let (process, what) = (std::process::id(), work.as_str().to_owned());
        self.write(&Holder { process, since, what, within: Some(within) }.render());
    }

    /// Whether it is held for work that needs no user.
    pub fn is_renewing(&self) -> bool {
        self.work == Some(Work::Renewing)
    }

    /// Records that the work is over, whether it succeeded or failed.
    pub fn conclude(&mut self) {
        self.write("");
    }

    fn write(&mut self, text: &str) {
        // If this fails, users read a vaguer message. Truncating works on a full disk, too.
        let _ = self.file.set_len(0);
        let _ = self.file.rewind();
        let _ = self.file.write_all(text.as_bytes());
    }
}

fn holder(file: &mut File) -> Option<Holder> {
    let mut text = String::new();
    file.rewind().ok()?;
    file.take(1000).read_to_string(&mut text).ok()?;
    Holder::parse(&text)
}

fn named(holder: Option<Holder>) -> String {
    holder.map_or_else(|| "another kubectl-login".to_owned(), |holder| holder.to_string())
}

#[cfg(test)]
mod tests;
