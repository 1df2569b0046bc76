//! Files of the cache: read with suspicion, replaced as a whole.
//! Never reads a file that others own or may read, never follows a link to one, never leaves half a
//! file behind where there is another way.

use std::{
    fs::{self, File, FileTimes},
    io::{self, Read as _},
    path::{Path, PathBuf},
    time::{Duration, UNIX_EPOCH},
};

use login_common::UnixTime;
use thiserror::Error;

use super::{digest::digest_of, served::Served};
use crate::system::{
    disk::{self, Access, Disk, Folder, LocalDisk},
    random,
};

/// How the names of files begin that are being written.
pub const TEMPORARY: &str = ".new-";

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
    disk: &'static dyn Disk,
}

impl Directory {
    /// The cache in `path`. Touches nothing.
    pub fn new(path: PathBuf) -> Self {
        Self::on(&disk::LOCAL, path)
    }

    /// The cache in `path` of another file system.
    pub fn on(disk: &'static dyn Disk, path: PathBuf) -> Self {
        Self { path, disk }
    }

    /// Another directory of the same file system.
    #[must_use]
    pub fn beside(&self, path: PathBuf) -> Self {
        Self::on(self.disk, path)
    }

    /// What its steps go through.
    pub fn disk(&self) -> &'static dyn Disk {
        self.disk
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
        let Ok(folder) = self.prepare() else { return };
        for name in self.names().iter().filter(|name| name.starts_with(TEMPORARY)) {
            let changed = folder.changed_at(name).map(UnixTime::from_seconds);
            if changed.is_some_and(|changed| changed < newest) {
                let _ = self.disk.remove(&folder, name);
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

    /// As `read`, with the file itself. By path, as this is the cached path: another file of that
    /// name would have to be ours, too, and private.
    pub fn open(&self, name: &str, limit: usize) -> Option<Opened> {
        let mut file = LocalDisk::open_at(&self.path_of(name)).ok()?;
        let (length, served) = private_facts(&file).filter(|(length, _)| *length <= limit)?;
        // Room for all and one byte more: the end is seen without growing, which would leave
        // copies behind.
        let mut content = Vec::with_capacity(length + 1);
        (&mut file).take(limit as u64 + 1).read_to_end(&mut content).ok()?;
        (content.len() <= limit).then_some(Opened { content, served, file })
    }

    /// Makes sure that the directory is there and ours alone.
    pub fn prepare(&self) -> Result<Folder, StoreError> {
        let failed = |source| StoreError::Create { path: self.path.clone(), source };
        let folder = match self.disk.folder(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                create_private(&self.path).map_err(failed)?;
                self.disk.folder(&self.path)
            }
            other => other,
        };
        let folder = folder.map_err(failed)?;
        if folder.is_exposed() {
            return Err(StoreError::Exposed(self.path.clone()));
        }
        Ok(folder)
    }

    /// Replaces a file as a whole; readers see the old or the new content. `durable` waits until
    /// the disk has it, for what cannot be had again.
    pub fn write(&self, name: &str, content: &[u8], durable: bool) -> Result<(), StoreError> {
        let mut place = self.place(name)?;
        place.fill(content)?;
        if durable {
            place.settle()?;
        }
        Ok(())
    }

    /// A place for the next content of a file, which is not touched before `Place::fill`. What is
    /// there stays open, so that it can be written over where it cannot be replaced.
    pub fn place(&self, name: &str) -> Result<Place, StoreError> {
        let folder = self.prepare()?;
        let (disk, path) = (self.disk, self.path_of(name));
        let (temporary, trouble) = match new_file(disk, &folder) {
            Ok(temporary) => (Some(temporary), None),
            Err(error) => (None, Some(error)),
        };
        // Windows does not replace a file that is open.
        let existing =
            if cfg!(unix) || temporary.is_none() { existing(disk, &folder, name) } else { None };
        if let (Some(source), None) = (trouble, &existing) {
            return Err(StoreError::Write { path, source });
        }
        let name = name.to_owned();
        Ok(Place { disk, folder, path, name, temporary, existing, filled: None })
    }

    /// Opens a file of ours to hold a lock on it, made if it is not there.
    pub fn open_to_lock(&self, name: &str) -> Result<File, StoreError> {
        let failed = |source| StoreError::Write { path: self.path_of(name), source };
        let folder = self.prepare()?;
        let file = self.disk.open(&folder, name, Access::ChangeOrCreate).map_err(failed)?;
        if is_ours(&file) { Ok(file) } else { Err(failed(io::ErrorKind::InvalidInput.into())) }
    }

    /// Opens a file of ours to see who holds a lock on it.
    pub fn open_to_look(&self, name: &str) -> Option<File> {
        let folder = self.disk.folder(&self.path).ok()?;
        self.disk.open(&folder, name, Access::Read).ok().filter(is_ours)
    }

    /// Whether there is something of that name, readable or not.
    pub fn has(&self, name: &str) -> bool {
        !matches!(fs::symlink_metadata(self.path_of(name)),
            Err(error) if error.kind() == io::ErrorKind::NotFound)
    }

    /// Removes a file; one that is not there is removed already.
    pub fn remove(&self, name: &str) -> Result<(), StoreError> {
        let removed =
            self.disk.folder(&self.path).and_then(|folder| self.disk.remove(&folder, name));
        match removed {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                Err(StoreError::Write { path: self.path_of(name), source })
            }
            _ => Ok(()),
        }
    }

    /// Removes a file or, where names cannot be removed, what is in it.
    pub fn erase(&self, name: &str) -> Result<(), StoreError> {
        let folder = match self.disk.folder(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            other => other,
        };
        folder
            .and_then(|folder| erase(self.disk, &folder, name))
            .map_err(|source| StoreError::Write { path: self.path_of(name), source })
    }
}

fn erase(disk: &dyn Disk, folder: &Folder, name: &str) -> io::Result<()> {
    let failed = match disk.remove(folder, name) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => error,
        _ => return Ok(()),
    };
    match disk.open(folder, name, Access::Change) {
        Ok(file) if is_ours(&file) && disk.cut(&file, 0).is_ok() => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        _ => Err(failed),
    }
}

/// A temporary file, and whether it is longer than what is in it.
#[derive(Debug)]
struct Temporary {
    file: File,
    name: String,
    length: u64,
}

/// Where the next content of a file goes. Two system calls from the end: write and rename.
#[derive(Debug)]
pub struct Place {
    disk: &'static dyn Disk,
    folder: Folder,
    path: PathBuf,
    name: String,
    temporary: Option<Temporary>,
    existing: Option<File>,
    filled: Option<File>,
}

impl Place {
    /// Takes the room now, so that a full disk shows before anything depends on it. `draft` stands
    /// in the temporary file meanwhile.
    pub fn reserve(&mut self, room: u64, draft: &[u8]) -> Result<(), StoreError> {
        let (disk, mut trouble) = (self.disk, None);
        if let Some(temporary) = &mut self.temporary {
            let reserved = disk.reserve(&temporary.file, room).and_then(|length| {
                disk.write(&temporary.file, draft)?;
                Ok(length.max(draft.len() as u64))
            });
            match reserved {
                Ok(length) => {
                    temporary.length = length;
                    return Ok(());
                }
                Err(error) => trouble = Some(error),
            }
        }
        // The old file's own room is taken already, up to the end of its last block.
        self.discard();
        let Some(existing) = &self.existing else {
            let source = trouble.unwrap_or_else(|| io::ErrorKind::NotFound.into());
            return Err(self.failed(source));
        };
        // A step that fails here would fail later.
        let length = existing.metadata().map_err(|source| self.failed(source))?.len();
        let room = length.next_multiple_of(BLOCK);
        disk.reserve(existing, room)
            .and_then(|now| if now == length { Ok(()) } else { disk.cut(existing, length) })
            .map_err(|source| self.failed(source))
    }

    /// The content, in place of the old one.
    pub fn fill(&mut self, content: &[u8]) -> Result<(), StoreError> {
        let trouble = match self.temporary.take() {
            None => None,
            Some(temporary) => match self.replace(&temporary, content) {
                Ok(()) => {
                    self.filled = Some(temporary.file);
                    return Ok(());
                }
                Err(error) => {
                    let _ = self.disk.remove(&self.folder, &temporary.name);
                    Some(error)
                }
            },
        };
        let existing = self.existing.take();
        let Some(existing) =
            existing.or_else(|| existing_if_closed(self.disk, &self.folder, &self.name))
        else {
            return Err(self.failed(trouble.unwrap_or_else(|| io::ErrorKind::NotFound.into())));
        };
        let written = self
            .disk
            .write(&existing, content)
            .and_then(|()| self.disk.cut(&existing, content.len() as u64));
        // Half of two contents is none: every kind of file is checked when it is read.
        written
            .and_then(|()| {
                if has_name(&existing) { Ok(()) } else { Err(io::ErrorKind::NotFound.into()) }
            })
            .map_err(|source| self.failed(trouble.unwrap_or(source)))?;
        self.filled = Some(existing);
        Ok(())
    }

    /// Removes another file of the same folder, as `Directory::erase` does.
    pub fn erase(&self, name: &str) -> Result<(), StoreError> {
        erase(self.disk, &self.folder, name).map_err(|source| self.failed(source))
    }

    fn replace(&self, temporary: &Temporary, content: &[u8]) -> io::Result<()> {
        let length = content.len() as u64;
        self.disk.write(&temporary.file, content)?;
        if temporary.length > length {
            self.disk.cut(&temporary.file, length)?;
        }
        self.disk.rename(&self.folder, &temporary.name, &self.name)
    }

    /// Waits until the disk has it, as far as the file system can say so.
    pub fn settle(&self) -> Result<(), StoreError> {
        let Some(file) = &self.filled else { return Ok(()) };
        let synced = disk::settle(self.disk, file);
        // The new name, too, has to survive a power cut.
        let _ = self.disk.sync_folder(&self.folder);
        synced.map_err(|source| self.failed(source))
    }

    fn discard(&mut self) {
        if let Some(temporary) = self.temporary.take() {
            let _ = self.disk.remove(&self.folder, &temporary.name);
        }
    }

    fn failed(&self, source: io::Error) -> StoreError {
        StoreError::Write { path: self.path.clone(), source }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.discard();
    }
}

/// The smallest piece in which most file systems take room.
const BLOCK: u64 = 4096;

/// The file of that name, if it is one that may be written over.
fn existing(disk: &dyn Disk, folder: &Folder, name: &str) -> Option<File> {
    let file = disk.open(folder, name, Access::Change).ok()?;
    private_facts(&file).is_some().then_some(file)
}

/// The same where it was not held open. Elsewhere what has no name any more stays without one.
fn existing_if_closed(disk: &dyn Disk, folder: &Folder, name: &str) -> Option<File> {
    if cfg!(unix) { None } else { existing(disk, folder, name) }
}

/// A new file under a name that nobody else has.
fn new_file(disk: &dyn Disk, folder: &Folder) -> io::Result<Temporary> {
    let random = random::bytes().map_err(io::Error::other)?;
    let digits = digest_of(&random);
    let name = format!("{TEMPORARY}{}", digits.get(..16).unwrap_or_default());
    let file = disk.open(folder, &name, Access::Create)?;
    Ok(Temporary { file, name, length: 0 })
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
fn is_ours(file: &File) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    file.metadata().is_ok_and(|facts| facts.is_file() && is_mine(facts.uid()))
}

/// Whether an open file has not been removed or replaced meanwhile.
#[cfg(unix)]
fn has_name(file: &File) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    file.metadata().is_ok_and(|facts| facts.nlink() > 0)
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

/// Windows: a profile's directories are private by their access list.
#[cfg(not(unix))]
fn private_facts(file: &File) -> Option<(usize, Option<Served>)> {
    let facts = file.metadata().ok()?;
    let length = facts.is_file().then(|| usize::try_from(facts.len()).ok()).flatten()?;
    Some((length, None))
}

#[cfg(not(unix))]
fn is_ours(file: &File) -> bool {
    file.metadata().is_ok_and(|facts| facts.is_file())
}

/// Windows removes no name of an open file.
#[cfg(not(unix))]
fn has_name(_: &File) -> bool {
    true
}

#[cfg(not(unix))]
fn create_private(path: &Path) -> io::Result<()> {
    fs::create_dir_all(path)
}

#[cfg(test)]
mod tests;
