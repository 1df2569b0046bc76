//! One process renews a session; the others wait for its result, within bounds.
//! Never stolen by age or process id: the kernel frees it when its holder ends, however it ends.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{self, Read as _, Seek as _, Write as _},
    path::PathBuf,
    time::Duration,
};

use login_common::UnixTime;
use thiserror::Error;

use super::{
    FORMAT,
    key::CacheKey,
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

/// The right to renew; freed when dropped, or by the kernel.
#[derive(Debug)]
pub struct RenewalLock {
    file: File,
    /// Whether somebody else had it first.
    pub waited: bool,
}

/// How a wait for the lock ended.
pub enum Taken<T> {
    /// We have it.
    Lock(RenewalLock),
    /// Somebody else's result came in first.
    Adopted(T),
}

/// Takes the lock of a session within `bound`. While waiting, `adopt` is asked again and again
/// whether the wait is still needed, and `say` is told once whom we wait for.
pub fn take<T>(
    directory: &Directory,
    key: &CacheKey,
    bound: Duration,
    mut adopt: impl FnMut() -> Option<T>,
    say: impl FnOnce(&str),
) -> Result<Taken<T>, LockError> {
    directory.prepare()?;
    let path = directory.path_of(&key.file(KIND));
    let unsupported = |source| LockError::Unsupported { path: path.clone(), source };
    let mut file = open(&path).map_err(unsupported)?;
    let deadline = Deadline::after(bound);
    let mut poll = SHORTEST_POLL;
    let mut say = Some(say);
    let mut waited = false;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(Taken::Lock(RenewalLock { file, waited })),
            Err(TryLockError::WouldBlock) => waited = true,
            Err(TryLockError::Error(source)) => return Err(unsupported(source)),
        }
        if let Some(result) = adopt() {
            return Ok(Taken::Adopted(result));
        }
        if deadline.is_over() {
            return Err(LockError::Busy { holder: holder(&mut file), waited: deadline.waited() });
        }
        if deadline.waited() >= PATIENCE
            && let Some(say) = say.take()
        {
            say(&format!("waiting for {}", holder(&mut file)));
        }
        pause(poll);
        poll = (poll * 2).min(LONGEST_POLL);
    }
}

/// Who holds the lock of a session at this moment, in words.
pub fn held_by(directory: &Directory, key: &CacheKey) -> Option<String> {
    let mut file = File::open(directory.path_of(&key.file(KIND))).ok()?;
    matches!(file.try_lock(), Err(TryLockError::WouldBlock)).then(|| holder(&mut file))
}

impl RenewalLock {
    /// Writes down who holds the lock and what for, for those who wait.
    pub fn describe(&mut self, what: &str, since: UnixTime) {
        let text = format!("{FORMAT}\n{} {since} {what}\n", std::process::id());
        // For people only: without it they read a vaguer message.
        let _ = self.file.set_len(0);
        let _ = self.file.rewind();
        let _ = self.file.write_all(text.as_bytes());
    }
}

fn holder(file: &mut File) -> String {
    let mut text = String::new();
    let _ = file.rewind();
    let _ = file.take(1000).read_to_string(&mut text);
    let described = text
        .strip_prefix(FORMAT)
        .and_then(|rest| rest.strip_prefix('\n'))
        .and_then(|rest| rest.lines().next())
        .and_then(|line| {
            let (process, rest) = line.split_once(' ')?;
            let (since, what) = rest.split_once(' ')?;
            let printable = !what.chars().any(char::is_control);
            let process: u32 = process.parse().ok()?;
            printable.then(|| format!("process {process}, which has been {what} since {since},"))
        });
    described.unwrap_or_else(|| "another kubectl-login".to_owned())
}

fn open(path: &std::path::Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEVER: fn() -> Option<()> = || None;

    fn scratch() -> (tempfile::TempDir, Directory, CacheKey) {
        let scratch = tempfile::tempdir().unwrap();
        let directory = Directory::new(scratch.path().join("cache"));
        let key = CacheKey::of_client("https://id.example", "k");
        (scratch, directory, key)
    }

    fn held(taken: Taken<()>) -> RenewalLock {
        match taken {
            Taken::Lock(lock) => lock,
            Taken::Adopted(()) => panic!("adopted"),
        }
    }

    #[test]
    fn a_wait_is_bounded_and_names_the_holder() {
        let (_scratch, directory, key) = scratch();
        let bound = Duration::from_millis(30);
        let mut first = held(take(&directory, &key, bound, NEVER, |_| ()).unwrap());
        assert!(!first.waited);
        first.describe("signing in", UnixTime::from_seconds(0));
        let error = take(&directory, &key, bound, NEVER, |_| ()).err().unwrap().to_string();
        let expected = format!(
            "process {}, which has been signing in since 1970-01-01T00:00:00Z, has not finished within 0 seconds",
            std::process::id()
        );
        assert_eq!(error, expected);
        drop(first);
        assert!(!held(take(&directory, &key, bound, NEVER, |_| ()).unwrap()).waited);
    }

    #[test]
    fn whoever_waits_adopts_a_result_that_comes_in() {
        let (_scratch, directory, key) = scratch();
        let bound = Duration::from_secs(10);
        let _first = held(take(&directory, &key, bound, NEVER, |_| ()).unwrap());
        let mut asked = 0;
        let adopt = || {
            asked += 1;
            (asked == 3).then_some("result")
        };
        let taken = take(&directory, &key, bound, adopt, |_| ()).unwrap();
        assert!(matches!(taken, Taken::Adopted("result")));
    }

    #[test]
    fn of_many_threads_one_at_a_time_has_it() {
        use std::sync::atomic::{AtomicU32, Ordering};
        let (_scratch, directory, key) = scratch();
        let (inside, total) = (AtomicU32::new(0), AtomicU32::new(0));
        std::thread::scope(|scope| {
            for _ in 0..20 {
                scope.spawn(|| {
                    let lock = take(&directory, &key, Duration::from_mins(1), NEVER, |_| ());
                    let _lock = held(lock.unwrap());
                    assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
                    std::thread::yield_now();
                    inside.fetch_sub(1, Ordering::SeqCst);
                    total.fetch_add(1, Ordering::SeqCst);
                });
            }
        });
        assert_eq!(total.load(Ordering::SeqCst), 20);
    }

    #[test]
    fn foreign_text_in_the_lock_file_is_not_repeated() {
        let (_scratch, directory, key) = scratch();
        let mut lock = held(take(&directory, &key, Duration::ZERO, NEVER, |_| ()).unwrap());
        lock.file.write_all(b"kubectl-login/1\n1 x \x1b[2J\n").unwrap();
        let error = take(&directory, &key, Duration::ZERO, NEVER, |_| ()).err().unwrap();
        assert_eq!(error.to_string(), "another kubectl-login has not finished within 0 seconds");
    }
}
