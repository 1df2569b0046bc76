//! Replaces a file: all that can fail happens in steps, before the last of which the old content
//! is intact.
//! Never leaves a temporary file behind while its process lives.

use std::{fs::File, io, path::PathBuf};

use super::{StoreError, TEMPORARY};
use crate::{
    digest::hexadecimal,
    disk::{self, Access, Disk, Folder},
};

/// Removes a file or, where names cannot be removed, its content.
pub(super) fn erase(disk: &dyn Disk, folder: &Folder, name: &str) -> io::Result<()> {
    let failed = match disk.remove(folder, name) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => error,
        _ => return Ok(()),
    };
    match disk.open(folder, name, Access::Change) {
        Ok(file) if disk::is_ours(&file) && disk.cut(&file, 0).is_ok() => Ok(()),
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
    /// The existing file stays open, so that it can be overwritten where it cannot be replaced.
    pub(super) fn new(
        disk: &'static dyn Disk,
        folder: Folder,
        path: PathBuf,
        name: &str,
    ) -> Result<Self, StoreError> {
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
        Ok(Self { disk, folder, path, name, temporary, existing, filled: None })
    }

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
                if disk::has_name(&existing) { Ok(()) } else { Err(io::ErrorKind::NotFound.into()) }
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
    disk::private_facts(&file).is_some().then_some(file)
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
