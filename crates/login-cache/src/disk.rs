//! The file system operations of the cache: a folder that is held open, and files in it.
//! Never follows a link to a file, never waits for the other end of a pipe, never interprets a
//! failure.
//!
//! Each method is one step that can fail by itself, so that tests can make it fail, or kill the
//! process there.

#[cfg(not(unix))]
mod elsewhere;
#[cfg(any(test, feature = "faults"))]
pub mod faulty;
#[cfg(unix)]
mod unix;

use std::{
    fmt,
    fs::{File, TryLockError},
    io,
    path::{Path, PathBuf},
};

#[cfg(not(unix))]
pub use elsewhere::{Folder, LocalDisk};
#[cfg(not(unix))]
pub(crate) use elsewhere::{create_private, has_name, is_ours, private_facts};
#[cfg(unix)]
pub use unix::{Folder, LocalDisk};
#[cfg(unix)]
pub(crate) use unix::{create_private, has_name, is_ours, private_facts};

/// What a file is opened for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Read.
    Read,
    /// Write to an existing file.
    Change,
    /// Write to an existing file, or create it.
    ChangeOrCreate,
    /// Write to a new file; it must not exist.
    Create,
}

/// A regular file that this user owns and no other user may access.
pub(crate) struct PrivateFile {
    /// Its length in bytes.
    pub(crate) length: usize,
    /// When it was last read, in seconds since 1970 and nanoseconds; `None` without such times.
    pub(crate) accessed: Option<(i64, u32)>,
}

/// Which other locks a lock permits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sharing {
    /// None.
    Alone,
    /// Other shared locks, of readers.
    Shared,
}

/// A file system; tests use one with faults.
pub trait Disk: fmt::Debug + Send + Sync {
    /// Opens a folder; the handle stays with it, even if another folder takes its name.
    fn folder(&self, path: &Path) -> io::Result<Folder>;
    /// Opens a file in the folder: created with mode 0600, never through a link, never blocking.
    fn open(&self, folder: &Folder, name: &str, access: Access) -> io::Result<File>;
    /// Reserves space for `length` bytes; returns the apparent length of the file after that.
    fn reserve(&self, file: &File, length: u64) -> io::Result<u64>;
    /// Writes all of `bytes` at the beginning of the file.
    fn write(&self, file: &File, bytes: &[u8]) -> io::Result<()>;
    /// Truncates the file to `length` bytes.
    fn cut(&self, file: &File, length: u64) -> io::Result<()>;
    /// Waits until the file is on the medium.
    fn sync(&self, file: &File) -> io::Result<()>;
    /// Waits until the device has the file: weaker than `sync` on systems that distinguish them.
    fn flush(&self, file: &File) -> io::Result<()>;
    /// Waits until the folder's entries are on the medium.
    fn sync_folder(&self, folder: &Folder) -> io::Result<()>;
    /// Renames a file, replacing any other of that name.
    fn rename(&self, folder: &Folder, from: &str, to: &str) -> io::Result<()>;
    /// Removes an entry.
    fn remove(&self, folder: &Folder, name: &str) -> io::Result<()>;
    /// Takes a lock, if it is free; it ends with the process.
    fn lock(&self, file: &File, sharing: Sharing) -> Result<(), TryLockError>;
    /// The folder for this host's locks if the cache's file system has none.
    fn runtime_folder(&self) -> Option<PathBuf>;
}

/// The host's file system.
pub static LOCAL: LocalDisk = LocalDisk;

/// Waits until a file is on the medium, as far as its file system supports that.
pub fn settle(disk: &dyn Disk, file: &File) -> io::Result<()> {
    let supported = |outcome: io::Result<()>| match outcome {
        Err(error) if is_unsupported(&error) => None,
        outcome => Some(outcome),
    };
    supported(disk.sync(file)).or_else(|| supported(disk.flush(file))).unwrap_or(Ok(()))
}

/// Whether a file system does not support the operation at all: network shares return `EINVAL`,
/// `ENOTTY` and `ENOTSUP` for it (fsync(2), and macOS' fcntl(2) about `F_FULLFSYNC`).
pub fn is_unsupported(error: &io::Error) -> bool {
    #[cfg(unix)]
    {
        use rustix::io::Errno;
        let unsupported =
            [Errno::INVAL, Errno::NOTTY, Errno::NOTSUP, Errno::OPNOTSUPP, Errno::NOSYS];
        if unsupported.iter().any(|errno| error.raw_os_error() == Some(errno.raw_os_error())) {
            return true;
        }
    }
    error.kind() == io::ErrorKind::Unsupported
}

/// Whether a file system has no locks: flock(2) on NFS without its lock service returns `ENOLCK`.
pub fn cannot_lock(error: &io::Error) -> bool {
    #[cfg(unix)]
    if error.raw_os_error() == Some(rustix::io::Errno::NOLCK.raw_os_error()) {
        return true;
    }
    is_unsupported(error)
}

#[cfg(test)]
mod tests {
    use super::{
        faulty::{FaultyDisk, Step, Verdict},
        *,
    };

    fn settled(sync: io::ErrorKind, flush: Option<io::ErrorKind>) -> Result<(), io::ErrorKind> {
        let disk = FaultyDisk::new(move |step, _| match step {
            Step::Sync => Verdict::Fail(sync.into()),
            Step::Flush => flush.map_or(Verdict::Go, |kind| Verdict::Fail(kind.into())),
            _ => Verdict::Go,
        });
        settle(disk, &tempfile::tempfile().unwrap()).map_err(|error| error.kind())
    }

    #[test]
    fn what_a_file_system_cannot_say_is_no_failure_and_a_failure_stays_one() {
        use io::ErrorKind::{QuotaExceeded, StorageFull, Unsupported};
        for (sync, flush, expected) in [
            // macOS' F_FULLFSYNC on a network share, then its fsync.
            (Unsupported, None, Ok(())),
            (Unsupported, Some(Unsupported), Ok(())),
            (Unsupported, Some(StorageFull), Err(StorageFull)),
            (QuotaExceeded, None, Err(QuotaExceeded)),
        ] {
            assert_eq!(settled(sync, flush), expected, "{sync} {flush:?}");
        }
    }

    #[test]
    #[cfg(unix)]
    fn errors_of_file_systems_are_told_apart() {
        use rustix::io::Errno;
        let is = |errno: Errno| io::Error::from_raw_os_error(errno.raw_os_error());
        for errno in [Errno::INVAL, Errno::NOTTY, Errno::NOTSUP, Errno::OPNOTSUPP, Errno::NOSYS] {
            assert!(is_unsupported(&is(errno)) && cannot_lock(&is(errno)), "{errno}");
        }
        assert!(cannot_lock(&is(Errno::NOLCK)) && !is_unsupported(&is(Errno::NOLCK)));
        for errno in [Errno::NOSPC, Errno::IO, Errno::ROFS, Errno::ACCESS] {
            assert!(!is_unsupported(&is(errno)) && !cannot_lock(&is(errno)), "{errno}");
        }
    }
}
