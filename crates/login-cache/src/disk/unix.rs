//! The file system of Linux and macOS.
//! Never uses paths once a folder is open.

use std::{
    fs::{DirBuilder, File, TryLockError},
    io,
    os::{
        fd::{AsFd as _, OwnedFd},
        unix::fs::{DirBuilderExt as _, FileExt as _, MetadataExt as _},
    },
    path::{Path, PathBuf},
};

use rustix::fs::{AtFlags, Mode, OFlags};

use super::{Access, Disk, PrivateFile, Sharing};

/// A folder that is held open.
#[derive(Debug)]
pub struct Folder(OwnedFd);

impl Folder {
    /// Whether other users could change the folder's content.
    pub fn is_exposed(&self) -> bool {
        rustix::fs::fstat(&self.0).is_ok_and(|facts| {
            let mode = Mode::from_raw_mode(facts.st_mode);
            mode.intersects(Mode::WGRP | Mode::WOTH)
                || facts.st_uid != rustix::process::geteuid().as_raw()
        })
    }

    /// When a file in the folder was last changed, in seconds since 1970.
    pub fn changed_at(&self, name: &str) -> Option<i64> {
        let facts = rustix::fs::statat(&self.0, name, AtFlags::SYMLINK_NOFOLLOW).ok()?;
        #[allow(clippy::useless_conversion, reason = "not an `i64` everywhere")]
        i64::try_from(facts.st_mtime).ok()
    }
}

/// The host's file system.
#[derive(Debug)]
pub struct LocalDisk;

impl LocalDisk {
    /// Opens a file for reading with a single system call, without a folder.
    pub fn open_at(path: &Path) -> io::Result<File> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
        Ok(File::from(rustix::fs::open(path, flags, Mode::empty())?))
    }
}

impl Disk for LocalDisk {
    fn folder(&self, path: &Path) -> io::Result<Folder> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::DIRECTORY;
        Ok(Folder(rustix::fs::open(path, flags, Mode::empty())?))
    }

    fn open(&self, folder: &Folder, name: &str, access: Access) -> io::Result<File> {
        let always = OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY;
        let flags = match access {
            Access::Read => OFlags::RDONLY,
            Access::Change => OFlags::RDWR,
            Access::ChangeOrCreate => OFlags::RDWR | OFlags::CREATE,
            Access::Create => OFlags::RDWR | OFlags::CREATE | OFlags::EXCL,
        };
        let mode = Mode::RUSR | Mode::WUSR;
        Ok(File::from(rustix::fs::openat(&folder.0, name, flags | always, mode)?))
    }

    fn reserve(&self, file: &File, length: u64) -> io::Result<u64> {
        #[cfg(target_os = "linux")]
        {
            use rustix::fs::{FallocateFlags, fallocate};
            match fallocate(file, FallocateFlags::KEEP_SIZE, 0, length).map_err(io::Error::from) {
                Ok(()) => return Ok(file.metadata()?.len()),
                Err(error) if super::is_unsupported(&error) => {}
                Err(error) => return Err(error),
            }
        }
        let before = file.metadata()?.len();
        let missing = usize::try_from(length.saturating_sub(before)).unwrap_or_default();
        file.write_all_at(&vec![0; missing], before)?;
        Ok(before.max(length))
    }

    fn write(&self, file: &File, bytes: &[u8]) -> io::Result<()> {
        file.write_all_at(bytes, 0)
    }

    fn cut(&self, file: &File, length: u64) -> io::Result<()> {
        file.set_len(length)
    }

    fn sync(&self, file: &File) -> io::Result<()> {
        file.sync_all()
    }

    fn flush(&self, file: &File) -> io::Result<()> {
        Ok(rustix::fs::fsync(file)?)
    }

    fn sync_folder(&self, folder: &Folder) -> io::Result<()> {
        Ok(rustix::fs::fsync(folder.0.as_fd())?)
    }

    fn rename(&self, folder: &Folder, from: &str, to: &str) -> io::Result<()> {
        Ok(rustix::fs::renameat(&folder.0, from, &folder.0, to)?)
    }

    fn remove(&self, folder: &Folder, name: &str) -> io::Result<()> {
        Ok(rustix::fs::unlinkat(&folder.0, name, AtFlags::empty())?)
    }

    fn lock(&self, file: &File, sharing: Sharing) -> Result<(), TryLockError> {
        match sharing {
            Sharing::Alone => file.try_lock(),
            Sharing::Shared => file.try_lock_shared(),
        }
    }

    fn runtime_folder(&self) -> Option<PathBuf> {
        // Of this process, not of a kubeconfig's entry: the folder belongs to the host.
        #[expect(clippy::disallowed_methods, reason = "needed only where files cannot be locked")]
        let named = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
        let of_user = || {
            let user = rustix::process::geteuid().as_raw();
            std::env::temp_dir().join(format!("kubectl-login-{user}"))
        };
        let usable = named.filter(|path| path.is_absolute() && path.is_dir());
        Some(usable.map_or_else(of_user, |path| path.join("kubectl-login")))
    }
}

/// Facts about an open file, if it is private.
pub(crate) fn private_facts(file: &File) -> Option<PrivateFile> {
    let facts = file.metadata().ok()?;
    let others = facts.mode() & 0o077;
    let is_private = facts.is_file() && others == 0 && is_mine(facts.uid());
    let length = is_private.then(|| usize::try_from(facts.len()).ok()).flatten()?;
    let accessed = u32::try_from(facts.atime_nsec()).ok().map(|part| (facts.atime(), part));
    Some(PrivateFile { length, accessed })
}

/// Whether an open file is a regular file of this user.
pub(crate) fn is_ours(file: &File) -> bool {
    file.metadata().is_ok_and(|facts| facts.is_file() && is_mine(facts.uid()))
}

/// Whether an open file still has a name, that is, was neither removed nor replaced.
pub(crate) fn has_name(file: &File) -> bool {
    file.metadata().is_ok_and(|facts| facts.nlink() > 0)
}

fn is_mine(owner: u32) -> bool {
    owner == rustix::process::geteuid().as_raw()
}

/// Creates a folder, and those above it, for this user only.
pub(crate) fn create_private(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}
