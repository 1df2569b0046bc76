//! Files of the cache: checked when read, replaced as a whole.
//! Never reads a file that other users own or may read, never follows a link to one, never leaves
//! a half-written file where that can be avoided.

use std::{
    fs::{self, File, FileTimes},
    io::{self, Read as _},
    path::{Path, PathBuf},
    time::{Duration, UNIX_EPOCH},
};

use login_common::UnixTime;
use thiserror::Error;

use super::{
    digest::{digest_of, hexadecimal},
    refusal_hint::LastCaller,
};
use crate::disk::{self, Access, Disk, Folder, LocalDisk};

/// Prefix of the names of files that are being written.
pub const TEMPORARY: &str = ".new-";

/// The limit of what an access time holds beside the seconds; process ids are far smaller.
const NANOSECONDS: u32 = 1_000_000_000;

/// No cache has that many files; a directory that does has another purpose.
const MAX_FILES: usize = 100_000;

/// A file of the cache could not be written.
#[derive(Debug, Error)]
pub enum StoreError {
    /// The directory does not exist and cannot be created.
    #[error("could not create the directory `{}`", path.display())]
    Create {
        /// The directory.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Other users could change or replace its files.
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
    /// What `note` wrote, if no other process has read the file since.
    pub served: Option<LastCaller>,
    file: File,
}

impl Opened {
    /// Records in the file's access time which caller gets its content: one system call, no other
    /// file, no lock.
    pub fn note(&self, served: LastCaller) {
        let Ok(seconds) = u64::try_from(served.at.as_seconds()) else { return };
        if served.to < NANOSECONDS {
            let moment = UNIX_EPOCH + Duration::new(seconds, served.to);
            // Only a hint; file systems may refuse it or store it with less precision.
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
    /// The cache in `path`. Does no I/O.
    pub fn new(path: PathBuf) -> Self {
        Self::on(&disk::LOCAL, path)
    }

    /// The cache in `path` on another file system.
    pub fn on(disk: &'static dyn Disk, path: PathBuf) -> Self {
        Self { path, disk }
    }

    /// Another directory on the same file system.
    #[must_use]
    pub fn beside(&self, path: PathBuf) -> Self {
        Self::on(self.disk, path)
    }

    /// The file system that its operations go through.
    pub fn disk(&self) -> &'static dyn Disk {
        self.disk
    }

    /// The path of a file.
    pub fn path_of(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Its canonical path, also before it exists; links are resolved.
    fn canonical(&self) -> PathBuf {
        let path = std::path::absolute(&self.path).unwrap_or_else(|_| self.path.clone());
        let there = path.ancestors().find_map(|ancestor| {
            let found = fs::canonicalize(ancestor).ok()?;
            let rest = path.strip_prefix(ancestor).ok()?;
            Some(found.components().chain(rest.components()).collect())
        });
        there.unwrap_or(path)
    }

    /// Names the directory in file names and keyrings: 16 digits of its canonical path.
    pub fn id(&self) -> String {
        let digest = digest_of(self.canonical().to_string_lossy().as_bytes());
        digest.get(..16).unwrap_or_default().to_owned()
    }

    /// Removes temporary files of killed writes that are older than `newest`. The holder of a lock
    /// calls it, so that not every process does.
    pub fn sweep(&self, newest: UnixTime) {
        let Ok(folder) = self.prepare() else { return };
        for name in self.names().iter().filter(|name| name.starts_with(TEMPORARY)) {
            let changed = folder.changed_at(name).map(UnixTime::from_seconds);
            if changed.is_some_and(|changed| changed < newest) {
                let _ = self.disk.remove(&folder, name);
            }
        }
    }

    /// The names of its files; empty if the directory does not exist.
    pub fn names(&self) -> Vec<String> {
        let Ok(entries) = fs::read_dir(&self.path) else { return Vec::new() };
        entries
            .take(MAX_FILES)
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .collect()
    }

    /// The content of a private file of this user, if it exists and is not longer than `limit`.
    pub fn read(&self, name: &str, limit: usize) -> Option<Vec<u8>> {
        self.open(name, limit).map(|opened| opened.content)
    }

    /// As `read`, with the file itself. Opened by path, since this is the cached path: another file
    /// of that name would have to be this user's and private, too.
    pub fn open(&self, name: &str, limit: usize) -> Option<Opened> {
        let mut file = LocalDisk::open_at(&self.path_of(name)).ok()?;
        let (length, served) = private_facts(&file).filter(|(length, _)| *length <= limit)?;
        // Room for everything and one byte more: the end is seen without growing the buffer, which
        // would leave copies behind.
        let mut content = Vec::with_capacity(length + 1);
        (&mut file).take(limit as u64 + 1).read_to_end(&mut content).ok()?;
        (content.len() <= limit).then_some(Opened { content, served, file })
    }

    /// Makes sure that the directory exists and that only this user can write to it.
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

    /// Replaces a file as a whole; readers see the old or the new content.
    pub fn write(&self, name: &str, content: &[u8]) -> Result<(), StoreError> {
        self.place(name)?.fill(content)
    }

    /// As `write`, and waits until the content is on the disk: it cannot be obtained again.
    pub fn write_durably(&self, name: &str, content: &[u8]) -> Result<(), StoreError> {
        let mut place = self.place(name)?;
        place.fill(content)?;
        place.settle()
    }

    /// A place for the next content of a file, which is not touched before `Place::fill`. The
    /// existing file stays open, so that it can be overwritten where it cannot be replaced.
    pub fn place(&self, name: &str) -> Result<Place, StoreError> {
        let folder = self.prepare()?;
        let (disk, path) = (self.disk, self.path_of(name));
        let (temporary, trouble) = match new_file(disk, &folder) {
            Ok(temporary) => (Some(temporary), None),
            Err(error) => (None, Some(error)),
        };
        // Windows does not replace an open file.
        let existing =
            if cfg!(unix) || temporary.is_none() { existing(disk, &folder, name) } else { None };
        if let (Some(source), None) = (trouble, &existing) {
            return Err(StoreError::Write { path, source });
        }
        let name = name.to_owned();
        Ok(Place { disk, folder, path, name, temporary, existing, filled: None })
    }

    /// Opens a file of this user to hold a lock on it; creates it if it does not exist.
    pub fn open_to_lock(&self, name: &str) -> Result<File, StoreError> {
        let failed = |source| StoreError::Write { path: self.path_of(name), source };
        let folder = self.prepare()?;
        let file = self.disk.open(&folder, name, Access::ChangeOrCreate).map_err(failed)?;
        if is_ours(&file) { Ok(file) } else { Err(failed(io::ErrorKind::InvalidInput.into())) }
    }

    /// Opens a file of this user to see which process holds a lock on it.
    pub fn open_to_look(&self, name: &str) -> Option<File> {
        let folder = self.disk.folder(&self.path).ok()?;
        self.disk.open(&folder, name, Access::Read).ok().filter(is_ours)
    }

    /// Whether the name exists, readable or not.
    pub fn has(&self, name: &str) -> bool {
        !matches!(fs::symlink_metadata(self.path_of(name)),
            Err(error) if error.kind() == io::ErrorKind::NotFound)
    }

    /// Removes a file; succeeds if it does not exist.
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

    /// Removes a file or, where names cannot be removed, its content.
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

/// A temporary file; `length` may be longer than its content.
#[derive(Debug)]
struct Temporary {
    file: File,
    name: String,
    length: u64,
}

/// Where the next content of a file goes. Only two system calls are left: write and rename.
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
    /// Reserves the room now, so that a full disk shows before anything depends on it. The
    /// temporary file holds `draft` meanwhile.
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
        // The old file has its own room already, up to the end of its last block.
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

    /// Writes the content in place of the old one.
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
        // A mix of two contents is no content: every kind of file is checked when it is read.
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

    /// Waits until the content is on the disk, as far as the file system reports it.
    pub fn settle(&self) -> Result<(), StoreError> {
        let Some(file) = &self.filled else { return Ok(()) };
        let synced = disk::settle(self.disk, file);
        // The new name has to survive a power cut, too.
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

/// The smallest unit in which most file systems allocate room.
const BLOCK: u64 = 4096;

/// Opens the file of that name, if it may be overwritten.
fn existing(disk: &dyn Disk, folder: &Folder, name: &str) -> Option<File> {
    let file = disk.open(folder, name, Access::Change).ok()?;
    private_facts(&file).is_some().then_some(file)
}

/// The same where the file was not held open. On Unix a file that lost its name stays without one.
fn existing_if_closed(disk: &dyn Disk, folder: &Folder, name: &str) -> Option<File> {
    if cfg!(unix) { None } else { existing(disk, folder, name) }
}

/// A new file under a name that no other process uses.
fn new_file(disk: &dyn Disk, folder: &Folder) -> io::Result<Temporary> {
    let mut random = [0; 8];
    aws_lc_rs::rand::fill(&mut random)
        .map_err(|_| io::Error::other("the operating system gave no random bytes"))?;
    let name = format!("{TEMPORARY}{}", hexadecimal(&random));
    let file = disk.open(folder, &name, Access::Create)?;
    Ok(Temporary { file, name, length: 0 })
}

/// Length and `LastCaller` note of an open file, if it is a regular file that this user owns and no
/// other user may access.
#[cfg(unix)]
fn private_facts(file: &File) -> Option<(usize, Option<LastCaller>)> {
    use std::os::unix::fs::MetadataExt as _;
    let facts = file.metadata().ok()?;
    let others = facts.mode() & 0o077;
    let is_private = facts.is_file() && others == 0 && is_mine(facts.uid());
    let length = is_private.then(|| usize::try_from(facts.len()).ok()).flatten()?;
    let served = u32::try_from(facts.atime_nsec())
        .ok()
        .map(|to| LastCaller { at: UnixTime::from_seconds(facts.atime()), to });
    Some((length, served))
}

#[cfg(unix)]
fn is_ours(file: &File) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    file.metadata().is_ok_and(|facts| facts.is_file() && is_mine(facts.uid()))
}

/// Whether an open file still has a name, that is, was neither removed nor replaced.
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

/// Windows: the access list of a profile's directories makes them private.
#[cfg(not(unix))]
fn private_facts(file: &File) -> Option<(usize, Option<LastCaller>)> {
    let facts = file.metadata().ok()?;
    let length = facts.is_file().then(|| usize::try_from(facts.len()).ok()).flatten()?;
    Some((length, None))
}

#[cfg(not(unix))]
fn is_ours(file: &File) -> bool {
    file.metadata().is_ok_and(|facts| facts.is_file())
}

/// Windows does not remove the name of an open file.
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
