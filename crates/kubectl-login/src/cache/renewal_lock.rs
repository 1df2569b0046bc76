//! One process renews a session; the others wait for its result, within bounds.
//! Never stolen by age or process id: the kernel frees it when its holder ends, however it ends.

use std::{
    fmt,
    fs::{File, TryLockError},
    io::{self, Read as _, Seek as _, Write as _},
    path::PathBuf,
    time::Duration,
};

use login_common::UnixTime;
use thiserror::Error;

use super::{
    FORMAT,
    digest::digest_of,
    store::{Directory, StoreError},
};
use crate::{
    report::{Fault, Reported},
    system::{
        clock::{Deadline, pause},
        disk::{Sharing, cannot_lock},
    },
};

/// The kind of file. It stays when the lock is freed: removing it would let two processes hold
/// locks on two files of one name.
const KIND: &str = "lock";

/// The first waits are short, as most renewals are.
const SHORTEST_POLL: Duration = Duration::from_millis(5);

/// Later ones spare the machine.
const LONGEST_POLL: Duration = Duration::from_millis(100);

/// A person is told about a wait that is longer than this.
const PATIENCE: Duration = Duration::from_secs(1);

/// Why the lock was not taken.
#[derive(Debug, Error)]
pub enum LockError {
    /// There is nowhere to put it.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Neither this file system nor that of the machine's own folder locks.
    #[error("could not lock `{}`", path.display())]
    Unsupported {
        /// The lock file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Another process kept it for too long.
    #[error("{holder} has not finished within {} seconds", waited.as_secs())]
    Busy {
        /// Who holds it, and what for.
        holder: String,
        /// How long we waited.
        waited: Duration,
    },
}

impl Reported for LockError {
    fn fault(&self) -> Fault {
        Fault::Refused
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Busy { .. } => {
                Some("finish that sign-in in the browser, or end that process".into())
            }
            Self::Store(_) | Self::Unsupported { .. } => None,
        }
    }
}

/// What a holder is at. The lock file says so until the holder says that it is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// Nobody is asked anything.
    Renewing,
    /// A person is asked.
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

/// Between what a holder is at and how long that takes.
const WITHIN: &str = ", within ";

/// After the number.
const SECONDS: &str = " seconds";

/// No work takes longer, whatever a holder writes: a sign-in may be given an hour.
const LONGEST_WORK: Duration = Duration::from_hours(2);

/// Who holds a lock, or held it when its process ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// The process.
    pub process: u32,
    /// Since when it has been at its work.
    pub since: UnixTime,
    /// For people: `signing in`.
    pub what: String,
    /// How long that takes at most, if it said so.
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

    /// How much longer its work may take at `now`; `longest` where it did not say.
    pub fn time_left(&self, now: UnixTime, longest: Duration) -> Duration {
        let begun = self.since.min(now);
        self.within.unwrap_or(longest).saturating_sub(now.since(begun))
    }

    /// Whether it asked a person.
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
    /// Whether somebody else had it first.
    pub waited: bool,
    /// Whoever held it before and ended without a word: killed, or cancelled by a person.
    pub abandoned: Option<Holder>,
    work: Option<Work>,
}

/// How a wait for the lock ended.
pub enum Taken<T> {
    /// We have it.
    Lock(RenewalLock),
    /// Somebody else's result came in first.
    Adopted(T),
}

/// Takes the lock `name` within `bound`. While waiting, `adopt` is asked again and again
/// whether the wait is still needed, and `say` is told once whom we wait for.
pub fn take<T>(
    directory: &Directory,
    name: &str,
    bound: Duration,
    adopt: impl FnMut() -> Option<T>,
    say: impl FnMut(&str),
) -> Result<Taken<T>, LockError> {
    take_from(directory, name, |_| bound, adopt, say)
}

/// The same where the bound depends on the holder: `bound` is asked again while it is waited for.
pub fn take_from<T>(
    directory: &Directory,
    name: &str,
    bound: impl Fn(Option<&Holder>) -> Duration,
    mut adopt: impl FnMut() -> Option<T>,
    mut say: impl FnMut(&str),
) -> Result<Taken<T>, LockError> {
    let mut file = LockFile::open(directory, name)?;
    let (deadline, mut poll, mut is_told) = (Deadline::after(Duration::ZERO), SHORTEST_POLL, false);
    let mut waited = false;
    loop {
        if file.lock(&mut say)? {
            return Ok(Taken::Lock(file.locked(waited)));
        }
        waited = true;
        if let Some(result) = adopt() {
            return Ok(Taken::Adopted(result));
        }
        let holder = holder(&mut file.file);
        if deadline.waited() >= bound(holder.as_ref()) {
            return Err(LockError::Busy { holder: named(holder), waited: deadline.waited() });
        }
        if deadline.waited() >= PATIENCE && !is_told {
            is_told = true;
            say(&format!("waiting for {}", named(holder)));
        }
        pause(poll);
        poll = (poll * 2).min(LONGEST_POLL);
    }
}

/// Takes the lock `name` if nobody has it.
pub fn try_take(directory: &Directory, name: &str) -> Option<RenewalLock> {
    let mut file = LockFile::open(directory, name).ok()?;
    file.lock(&mut |_: &str| ()).ok()?.then(|| file.locked(false))
}

/// Who holds the lock `name` now; `None` also when nobody says.
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
}

impl<'a> LockFile<'a> {
    fn open(directory: &'a Directory, name: &str) -> Result<Self, LockError> {
        let name = format!("{name}.{KIND}");
        let file = directory.open_to_lock(&name)?;
        Ok(Self { directory, name, file, is_of_this_machine: false })
    }

    /// Where a file system does not lock, this machine's own folder at least keeps its processes
    /// apart.
    fn of_this_machine(directory: &Directory, name: &str) -> Option<(Directory, String)> {
        let machine = directory.beside(directory.disk().runtime_folder()?);
        let place = digest_of(directory.canonical().to_string_lossy().as_bytes());
        Some((machine, format!("{}-{name}", place.get(..16).unwrap_or_default())))
    }

    /// Whether we have it now.
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

    fn locked(mut self, waited: bool) -> RenewalLock {
        let abandoned = holder(&mut self.file);
        RenewalLock { file: self.file, waited, abandoned, work: None }
    }
}

impl RenewalLock {
    /// Writes down who holds the lock and what for: for those who wait, and for the next holder if
    /// this one ends without a word.
    pub fn describe(&mut self, work: Work, since: UnixTime, within: Duration) {
        self.work = Some(work);
        let (process, what) = (std::process::id(), work.as_str().to_owned());
        self.write(&Holder { process, since, what, within: Some(within) }.render());
    }

    /// Whether what it is held for is nothing that a person is asked for.
    pub fn is_renewing(&self) -> bool {
        self.work == Some(Work::Renewing)
    }

    /// Writes down that the work is over, well or badly.
    pub fn conclude(&mut self) {
        self.write("");
    }

    fn write(&mut self, text: &str) {
        // Without it people read a vaguer message. Shortening works on a full disk, too.
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
