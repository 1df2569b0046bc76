//! One process renews a session; the others wait for its result, within bounds.
//! Never stolen by age or process id: the kernel frees it when its holder ends, however it ends.

use std::{
    fmt,
    fs::{File, OpenOptions, TryLockError},
    io::{self, Read as _, Seek as _, Write as _},
    path::PathBuf,
    time::Duration,
};

use login_common::UnixTime;
use thiserror::Error;

use super::{
    FORMAT,
    store::{Directory, StoreError},
};
use crate::system::clock::{Deadline, pause};

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
    /// The file system does not lock, or the file cannot be opened.
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

/// Who holds a lock, or held it when its process ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// The process.
    pub process: u32,
    /// Since when it has been at its work.
    pub since: UnixTime,
    /// For people: `signing in`.
    pub what: String,
}

impl Holder {
    fn render(&self) -> String {
        format!("{FORMAT}\n{} {} {}\n", self.process, self.since, self.what)
    }

    fn parse(text: &str) -> Option<Self> {
        let line = text.strip_prefix(FORMAT)?.strip_prefix('\n')?.lines().next()?;
        let (process, rest) = line.split_once(' ')?;
        let (since, what) = rest.split_once(' ')?;
        let printable = !what.chars().any(char::is_control);
        printable.then_some(())?;
        Some(Self {
            process: process.parse().ok()?,
            since: UnixTime::parse_rfc3339(since).ok()?,
            what: what.to_owned(),
        })
    }

    /// Whether it asked a person.
    pub fn was_signing_in(&self) -> bool {
        self.what == Work::SigningIn.as_str()
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { process, since, what } = self;
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
    mut adopt: impl FnMut() -> Option<T>,
    say: impl FnOnce(&str),
) -> Result<Taken<T>, LockError> {
    directory.prepare()?;
    let path = directory.path_of(&format!("{name}.{KIND}"));
    let unsupported = |source| LockError::Unsupported { path: path.clone(), source };
    let mut file = open(&path).map_err(unsupported)?;
    let deadline = Deadline::after(bound);
    let mut poll = SHORTEST_POLL;
    let mut say = Some(say);
    let mut waited = false;
    loop {
        match file.try_lock() {
            Ok(()) => {
                let abandoned = holder(&mut file);
                return Ok(Taken::Lock(RenewalLock { file, waited, abandoned, work: None }));
            }
            Err(TryLockError::WouldBlock) => waited = true,
            Err(TryLockError::Error(source)) => return Err(unsupported(source)),
        }
        if let Some(result) = adopt() {
            return Ok(Taken::Adopted(result));
        }
        if deadline.is_over() {
            return Err(LockError::Busy { holder: named(&mut file), waited: deadline.waited() });
        }
        if deadline.waited() >= PATIENCE
            && let Some(say) = say.take()
        {
            say(&format!("waiting for {}", named(&mut file)));
        }
        pause(poll);
        poll = (poll * 2).min(LONGEST_POLL);
    }
}

/// Takes the lock `name` if nobody has it.
pub fn try_take(directory: &Directory, name: &str) -> Option<RenewalLock> {
    directory.prepare().ok()?;
    let mut file = open(&directory.path_of(&format!("{name}.{KIND}"))).ok()?;
    file.try_lock().ok()?;
    let abandoned = holder(&mut file);
    Some(RenewalLock { file, waited: false, abandoned, work: None })
}

/// Who holds the lock `name` now; `None` also when nobody says.
pub fn holder_of(directory: &Directory, name: &str) -> Option<Holder> {
    let mut file = File::open(directory.path_of(&format!("{name}.{KIND}"))).ok()?;
    match file.try_lock_shared() {
        Err(TryLockError::WouldBlock) => holder(&mut file),
        _ => None,
    }
}

impl RenewalLock {
    /// Writes down who holds the lock and what for: for those who wait, and for the next holder if
    /// this one ends without a word.
    pub fn describe(&mut self, work: Work, since: UnixTime) {
        self.work = Some(work);
        let what = work.as_str().to_owned();
        self.write(&Holder { process: std::process::id(), since, what }.render());
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

fn named(file: &mut File) -> String {
    holder(file).map_or_else(|| "another kubectl-login".to_owned(), |holder| holder.to_string())
}

fn open(path: &std::path::Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

#[cfg(test)]
mod tests;
