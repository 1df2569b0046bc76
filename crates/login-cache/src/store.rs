//! Files of the cache: checked when read, replaced as a whole.
//! Never reads a file that other users own or may read, never follows a link to one, never leaves
//! a half-written file where that can be avoided.
//!
//! On disk: `place` writes the next content of a file.

mod place;

use std::{
    fs::{self, File, FileTimes},
    io::{self, Read as _},
    path::PathBuf,
    time::{Duration, UNIX_EPOCH},
};

use login_common::UnixTime;
use thiserror::Error;

use super::{digest::digest_of, refusal_hint::LastCaller};
use crate::disk::{self, Access, Disk, Folder, LocalDisk, PrivateFile};
pub use place::Place;

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
    pub(super) content: Vec<u8>,
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
        let PrivateFile { length, accessed } =
            disk::private_facts(&file).filter(|facts| facts.length <= limit)?;
        // Room for everything and one byte more: the end is seen without growing the buffer, which
        // would leave copies behind.
        let mut content = Vec::with_capacity(length + 1);
        (&mut file).take(limit as u64 + 1).read_to_end(&mut content).ok()?;
        let served = accessed.map(|(at, to)| LastCaller { at: UnixTime::from_seconds(at), to });
        (content.len() <= limit).then_some(Opened { content, served, file })
    }

    /// Makes sure that the directory exists and that only this user can write to it.
    pub fn prepare(&self) -> Result<Folder, StoreError> {
        let failed = |source| StoreError::Create { path: self.path.clone(), source };
        let folder = match self.disk.folder(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                disk::create_private(&self.path).map_err(failed)?;
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
        Place::new(self.disk, self.prepare()?, self.path_of(name), name)
    }

    /// Opens a file of this user to hold a lock on it; creates it if it does not exist.
    pub fn open_to_lock(&self, name: &str) -> Result<File, StoreError> {
        let failed = |source| StoreError::Write { path: self.path_of(name), source };
        let folder = self.prepare()?;
        let file = self.disk.open(&folder, name, Access::ChangeOrCreate).map_err(failed)?;
        if disk::is_ours(&file) {
            Ok(file)
        } else {
            Err(failed(io::ErrorKind::InvalidInput.into()))
        }
    }

    /// Opens a file of this user to see which process holds a lock on it.
    pub fn open_to_look(&self, name: &str) -> Option<File> {
        let folder = self.disk.folder(&self.path).ok()?;
        self.disk.open(&folder, name, Access::Read).ok().filter(disk::is_ours)
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
            .and_then(|folder| place::erase(self.disk, &folder, name))
            .map_err(|source| StoreError::Write { path: self.path_of(name), source })
    }
}

#[cfg(test)]
mod tests;
