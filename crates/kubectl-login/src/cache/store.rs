//! Files of the cache: read with suspicion, replaced as a whole.
//! Never reads a file that others own or may read, never leaves half a file behind.

use std::{
    fs::{self, File, FileTimes},
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
    time::{Duration, UNIX_EPOCH},
};

use login_common::UnixTime;
use thiserror::Error;

use super::served::Served;
use crate::system::clock::pause;

/// How the names of files begin that are being written.
const TEMPORARY: &str = ".new-";

/// What an access time can hold beside the seconds; process ids are far smaller.
const NANOSECONDS: u32 = 1_000_000_000;

/// No cache is that large; a directory that is has another purpose.
const MAX_FILES: usize = 100_000;

/// Something in the cache could not be written.
#[derive(Debug, Error)]
pub enum StoreError {
    /// The directory does not exist and cannot be made.
    #[error("could not create the directory `{}`", path.display())]
    Create {
        /// The directory.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Others could change or replace what is in there.
    #[error("the directory `{}` belongs to another user, or others may write to it", .0.display())]
    Exposed(PathBuf),
    /// The file could not be written.
    #[error("could not write `{}`", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// A file that was read.
pub struct Opened {
    /// All of it.
    pub content: Vec<u8>,
    /// What `note` wrote, if nobody else has read the file since.
    pub served: Option<Served>,
    file: File,
}

impl Opened {
    /// Notes on the file itself who is given its content: one system call, no other file, no lock.
    pub fn note(&self, served: Served) {
        let Ok(seconds) = u64::try_from(served.at.as_seconds()) else { return };
        if served.to < NANOSECONDS {
            let moment = UNIX_EPOCH + Duration::new(seconds, served.to);
            // A hint only; file systems may refuse it or keep less of it.
            let _ = self.file.set_times(FileTimes::new().set_accessed(moment));
        }
    }
}

/// The directory of the cache; it need not exist yet.
#[derive(Clone, Debug)]
pub struct Directory {
    path: PathBuf,
}

impl Directory {
    /// The cache in `path`. Touches nothing.
    pub fn new(path: PathBuf) -> Self {
        Self { path }
    }

    /// Where a file is.
    pub fn path_of(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// One spelling of where it is or will be, whatever links lead there.
    pub fn canonical(&self) -> PathBuf {
        let path = std::path::absolute(&self.path).unwrap_or_else(|_| self.path.clone());
        let there = path.ancestors().find_map(|ancestor| {
            let found = fs::canonicalize(ancestor).ok()?;
            let rest = path.strip_prefix(ancestor).ok()?;
            Some(found.components().chain(rest.components()).collect())
        });
        there.unwrap_or(path)
    }

    /// Removes what a write that was killed has left behind: temporary files from before
    /// `newest`. Called by whoever holds a lock, so that not everybody does it.
    pub fn sweep(&self, newest: UnixTime) {
        for name in self.names().iter().filter(|name| name.starts_with(TEMPORARY)) {
            let path = self.path_of(name);
            let written = fs::symlink_metadata(&path).and_then(|facts| facts.modified());
            let since = written.ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
            let seconds = since.and_then(|since| i64::try_from(since.as_secs()).ok());
            if seconds.is_some_and(|seconds| UnixTime::from_seconds(seconds) < newest) {
                let _ = fs::remove_file(path);
            }
        }
    }

    /// The names of its files; none where there is no directory.
    pub fn names(&self) -> Vec<String> {
        let Ok(entries) = fs::read_dir(&self.path) else { return Vec::new() };
        entries
            .take(MAX_FILES)
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .collect()
    }

    /// The content of a file of ours, if it is there and not longer than `limit`.
    pub fn read(&self, name: &str, limit: usize) -> Option<Vec<u8>> {
        self.open(name, limit).map(|opened| opened.content)
    }

    /// As `read`, with the file itself.
    pub fn open(&self, name: &str, limit: usize) -> Option<Opened> {
        let mut file = File::open(self.path_of(name)).ok()?;
        let (length, served) = private_facts(&file).filter(|(length, _)| *length <= limit)?;
        // Room for all and one byte more: the end is seen without growing, which would leave
        // copies behind.
        let mut content = Vec::with_capacity(length + 1);
        (&mut file).take(limit as u64 + 1).read_to_end(&mut content).ok()?;
        (content.len() <= limit).then_some(Opened { content, served, file })
    }

    /// Makes sure that the directory is there and ours alone.
    pub fn prepare(&self) -> Result<(), StoreError> {
        create_private(&self.path)
            .map_err(|source| StoreError::Create { path: self.path.clone(), source })?;
        if is_exposed(&self.path) {
            return Err(StoreError::Exposed(self.path.clone()));
        }
        Ok(())
    }

    /// Replaces a file as a whole; readers see the old or the new content. `durable` waits until
    /// the disk has it, for what cannot be had again.
    pub fn write(&self, name: &str, content: &[u8], durable: bool) -> Result<(), StoreError> {
        self.prepare()?;
        let path = self.path_of(name);
        let written = (|| {
            // tempfile creates with 0600.
            let mut file = tempfile::Builder::new().prefix(TEMPORARY).tempfile_in(&self.path)?;
            file.write_all(content)?;
            if durable {
                file.as_file().sync_all()?;
            }
            replace(file, &path)?;
            if durable {
                // The new name, too, has to survive a power cut.
                let _ = File::open(&self.path).and_then(|directory| directory.sync_all());
            }
            Ok(())
        })();
        written.map_err(|source| StoreError::Write { path, source })
    }

    /// Whether there is something of that name, readable or not.
    pub fn has(&self, name: &str) -> bool {
        !matches!(fs::symlink_metadata(self.path_of(name)),
            Err(error) if error.kind() == io::ErrorKind::NotFound)
    }

    /// Removes a file; one that is not there is removed already.
    pub fn remove(&self, name: &str) -> Result<(), StoreError> {
        let path = self.path_of(name);
        match fs::remove_file(&path) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                Err(StoreError::Write { path, source })
            }
            _ => Ok(()),
        }
    }
}

/// Renames over the old file. Windows refuses that while somebody reads it: a short moment later
/// it works.
fn replace(mut file: tempfile::NamedTempFile, path: &Path) -> io::Result<()> {
    let mut attempts = if cfg!(windows) { 10 } else { 1 };
    loop {
        match file.persist(path) {
            Ok(_) => return Ok(()),
            Err(error) => {
                attempts -= 1;
                if attempts == 0 {
                    return Err(error.error);
                }
                file = error.file;
                pause(Duration::from_millis(20));
            }
        }
    }
}

/// Length and note of an open file, if it is a regular file that is ours and that nobody else may
/// read.
#[cfg(unix)]
fn private_facts(file: &File) -> Option<(usize, Option<Served>)> {
    use std::os::unix::fs::MetadataExt as _;
    let facts = file.metadata().ok()?;
    let others = facts.mode() & 0o077;
    let is_private = facts.is_file() && others == 0 && is_mine(facts.uid());
    let length = is_private.then(|| usize::try_from(facts.len()).ok()).flatten()?;
    let served = u32::try_from(facts.atime_nsec())
        .ok()
        .map(|to| Served { at: UnixTime::from_seconds(facts.atime()), to });
    Some((length, served))
}

#[cfg(unix)]
fn is_mine(owner: u32) -> bool {
    owner == rustix::process::geteuid().as_raw()
}

#[cfg(unix)]
fn create_private(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

#[cfg(unix)]
fn is_exposed(path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    fs::metadata(path).is_ok_and(|facts| facts.mode() & 0o022 != 0 || !is_mine(facts.uid()))
}

/// Windows: a profile's directories are private by their access list.
#[cfg(not(unix))]
fn private_facts(file: &File) -> Option<(usize, Option<Served>)> {
    let facts = file.metadata().ok()?;
    let length = facts.is_file().then(|| usize::try_from(facts.len()).ok()).flatten()?;
    Some((length, None))
}

#[cfg(not(unix))]
fn create_private(path: &Path) -> io::Result<()> {
    fs::create_dir_all(path)
}

#[cfg(not(unix))]
fn is_exposed(_: &Path) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scratch() -> (tempfile::TempDir, Directory) {
        let scratch = tempfile::tempdir().unwrap();
        let directory = Directory::new(scratch.path().join("a/cache"));
        (scratch, directory)
    }

    #[test]
    fn what_was_written_is_read_and_replaced_as_a_whole() {
        let (_scratch, directory) = scratch();
        assert_eq!(directory.read("x", 100), None);
        directory.write("x", b"one", false).unwrap();
        assert_eq!(directory.read("x", 100).unwrap(), b"one");
        directory.write("x", b"two!", true).unwrap();
        assert_eq!(directory.read("x", 100).unwrap(), b"two!");
        assert_eq!(directory.read("x", 3), None);
        let files = fs::read_dir(directory.path_of("")).unwrap().count();
        assert_eq!(files, 1, "no temporary file stays");
        directory.remove("x").unwrap();
        directory.remove("x").unwrap();
        assert_eq!(directory.read("x", 100), None);
    }

    #[test]
    #[cfg(unix)]
    fn a_directory_has_one_spelling_before_and_after_it_is_made() {
        let (scratch, directory) = scratch();
        std::os::unix::fs::symlink(scratch.path(), scratch.path().join("link")).unwrap();
        let linked = Directory::new(scratch.path().join("link/a/cache"));
        let before = directory.canonical();
        assert_eq!(linked.canonical(), before);
        directory.prepare().unwrap();
        assert_eq!((directory.canonical(), linked.canonical()), (before.clone(), before));
    }

    #[test]
    #[cfg(unix)]
    fn who_was_served_is_noted_on_the_file_itself() {
        let (_scratch, directory) = scratch();
        directory.write("x", b"one", false).unwrap();
        let served = Served { at: UnixTime::from_seconds(1_769_860_800), to: 4_194_303 };
        directory.open("x", 100).unwrap().note(served);
        let opened = directory.open("x", 100).unwrap();
        assert_eq!((opened.served, opened.content), (Some(served), b"one".to_vec()));
        // A new content was given to nobody.
        directory.write("x", b"two", false).unwrap();
        assert_ne!(directory.open("x", 100).unwrap().served, Some(served));
    }

    #[test]
    fn what_a_killed_write_left_is_swept_and_nothing_else() {
        let (_scratch, directory) = scratch();
        directory.write("x", b"one", false).unwrap();
        File::create(directory.path_of(".new-a1B2")).unwrap();
        let written = fs::metadata(directory.path_of("x")).unwrap().modified().unwrap();
        let written = written.duration_since(UNIX_EPOCH).unwrap().as_secs();
        let written = UnixTime::from_seconds(i64::try_from(written).unwrap());
        directory.sweep(written.minus(Duration::from_hours(1)));
        assert_eq!(directory.names().len(), 2);
        directory.sweep(written.plus(Duration::from_hours(1)));
        assert_eq!(directory.names(), ["x"]);
    }

    #[test]
    #[cfg(unix)]
    fn files_are_0600_in_a_0700_directory() {
        use std::os::unix::fs::PermissionsExt as _;
        let (_scratch, directory) = scratch();
        directory.write("x", b"one", false).unwrap();
        let mode = |name: &str| {
            fs::metadata(directory.path_of(name)).unwrap().permissions().mode() & 0o777
        };
        assert_eq!((mode(""), mode("x")), (0o700, 0o600));
    }

    #[test]
    #[cfg(unix)]
    fn a_file_that_others_may_read_is_a_miss() {
        use std::os::unix::fs::PermissionsExt as _;
        let (_scratch, directory) = scratch();
        directory.write("x", b"one", false).unwrap();
        for mode in [0o640, 0o604, 0o660] {
            fs::set_permissions(directory.path_of("x"), fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(directory.read("x", 100), None, "{mode:o}");
        }
        directory.write("x", b"two", false).unwrap();
        assert_eq!(directory.read("x", 100).unwrap(), b"two");
    }

    #[test]
    #[cfg(unix)]
    fn a_directory_that_others_may_write_to_is_refused() {
        use std::os::unix::fs::PermissionsExt as _;
        let (_scratch, directory) = scratch();
        directory.prepare().unwrap();
        fs::set_permissions(directory.path_of(""), fs::Permissions::from_mode(0o777)).unwrap();
        assert!(matches!(directory.write("x", b"", false), Err(StoreError::Exposed(_))));
    }

    #[test]
    fn a_directory_that_is_a_file_or_a_file_that_is_a_directory_is_an_error_or_a_miss() {
        let (scratch, _) = scratch();
        let file = Directory::new(scratch.path().join("file"));
        File::create(scratch.path().join("file")).unwrap();
        assert!(matches!(file.write("x", b"", false), Err(StoreError::Create { .. })));
        fs::create_dir(scratch.path().join("folder")).unwrap();
        assert_eq!(Directory::new(scratch.path().to_owned()).read("folder", 100), None);
    }
}
