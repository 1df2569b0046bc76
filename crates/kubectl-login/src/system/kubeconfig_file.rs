//! Reads a kubeconfig, and replaces it as a whole under the lock that kubectl respects.
//! Never leaves a partial file, never removes another program's lock, never lets more users read
//! the file than before.

mod attributes;
mod leftovers;

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Seek as _, Write as _},
    path::{Path, PathBuf},
    time::Duration,
};

use login_cache::disk::{self, LOCAL};
use zeroize::Zeroizing;

use super::{
    clock::{Deadline, pause},
    file,
};
use leftovers::NewFile;

/// Maximum file size in bytes.
const MAX_LENGTH: u64 = 16 * 1024 * 1024;

/// The pause between attempts to take a lock.
const PAUSE: Duration = Duration::from_millis(25);
/// The message about the wait appears after this fraction of its limit.
const TOLD_AFTER: u32 = 10;

/// Maximum number of links to follow; Linux itself follows 40.
const MAX_LINKS: usize = 40;

/// Reads a file; `None` if it does not exist.
pub fn read(path: &Path) -> io::Result<Option<String>> {
    match file::read_text(path, MAX_LENGTH) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        other => other.map(Some),
    }
}

/// Makes a path independent of the working directory.
pub fn absolute(path: &str) -> String {
    let whole = std::path::absolute(path).ok();
    whole.and_then(|whole| whole.into_os_string().into_string().ok()).unwrap_or(path.to_owned())
}

/// Why the lock was not taken.
#[derive(Debug)]
pub enum NotLocked {
    /// Another program has held it for longer than any program should.
    Held(PathBuf),
    /// It cannot be created.
    Io(PathBuf, io::Error),
}

/// The lock of client-go (`clientcmd/loader.go lockFile`): a file beside the kubeconfig that only
/// one program can create. Removed on drop.
#[derive(Debug)]
pub struct Lock(Vec<PathBuf>);

impl Drop for Lock {
    fn drop(&mut self) {
        for path in self.0.iter().rev() {
            // If this fails, the error of the next program that finds the lock names the file.
            let _ = fs::remove_file(path);
        }
    }
}

/// Takes the lock of `path` and that of the file it links to: other programs may use either path.
/// Waits no longer than `bound`, and reports the wait; holds no lock while waiting, as a signal
/// would leave it behind.
pub fn lock(path: &Path, bound: Duration, mut say: impl FnMut(&str)) -> Result<Lock, NotLocked> {
    let (deadline, mut is_told) = (Deadline::after(bound), false);
    let real = target(path);
    if let Some(error) = not_a_file(&real) {
        return Err(NotLocked::Io(path.to_owned(), error));
    }
    for path in [path, real.as_path()] {
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty())
            && let Err(error) = make_folder(folder)
        {
            return Err(NotLocked::Io(folder.to_owned(), error));
        }
    }
    loop {
        let held = match lock_at_once(path, &real) {
            Err(NotLocked::Held(name)) => name,
            other => return other,
        };
        if deadline.is_over() {
            return Err(NotLocked::Held(held));
        }
        if !is_told && deadline.waited() >= bound / TOLD_AFTER {
            is_told = true;
            let name = held.display();
            say(&format!("waiting for another program that changes it (`{name}`)"));
        }
        pause(PAUSE);
    }
}

/// Takes both locks or, if another program has one of them, neither.
fn lock_at_once(path: &Path, real: &Path) -> Result<Lock, NotLocked> {
    let mut lock = Lock(Vec::new());
    for path in [path, real] {
        let mut name = path.as_os_str().to_owned();
        name.push(".lock");
        let name = PathBuf::from(name);
        if lock.0.contains(&name) {
            continue;
        }
        match create_new(&name) {
            Ok(()) => lock.0.push(name),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                return Err(NotLocked::Held(name));
            }
            // The folder is not ours (the file is mounted, for example): kubectl cannot lock there
            // either, so no locking program can be in the middle of a change.
            Err(error) if is_forbidden(&error) && path.exists() => {}
            Err(error) => return Err(NotLocked::Io(name, error)),
        }
    }
    Ok(lock)
}

/// Replaces the file atomically, with its mode, its owner, its access list and its other
/// attributes; if that is impossible (a mounted file, another user's folder, a hard link, a system
/// whose access lists cannot be copied) writes into it, as kubectl does.
pub fn replace(path: &Path, text: &str) -> io::Result<()> {
    let real = target(path);
    if let Some(error) = not_a_file(&real) {
        return Err(error);
    }
    let before = fs::metadata(&real).ok();
    let is_kept_in_place =
        |before: &fs::Metadata| has_other_names(before) || !attributes::CAN_BE_COPIED;
    if before.as_ref().is_some_and(is_kept_in_place) {
        return write_into(&real, text);
    }
    let new = match NewFile::beside(&real) {
        Err(error) if is_forbidden(&error) && before.is_some() => return write_into(&real, text),
        other => other?,
    };
    // A full disk fails here, while the old file is intact.
    (&new.file).write_all(text.as_bytes())?;
    disk::settle(&LOCAL, &new.file)?;
    if let Some(before) = &before {
        // The mode comes last: without the access list its group might read more than before.
        let kept = keep_owner(&new.file, before)
            .and_then(|()| attributes::keep(&File::open(&real)?, &new.file))
            .and_then(|()| new.file.set_permissions(before.permissions()));
        if kept.is_err() {
            return write_into(&real, text);
        }
    }
    match new.rename(&real) {
        Err(error) if before.is_some() && cannot_be_replaced(&error) => write_into(&real, text),
        other => other,
    }
}

/// An existing path that is not a regular file: a pipe, or `/dev/null`, which root could replace.
fn not_a_file(real: &Path) -> Option<io::Error> {
    let is_other = fs::metadata(real).is_ok_and(|facts| !facts.is_file());
    is_other.then(|| io::Error::new(io::ErrorKind::InvalidInput, "it is no regular file"))
}

/// Follows links; a dangling link leads to the file that would be created.
fn target(path: &Path) -> PathBuf {
    let mut path = path.to_owned();
    for _ in 0..MAX_LINKS {
        let Ok(next) = fs::read_link(&path) else { break };
        path = path.parent().unwrap_or(Path::new("")).join(next);
    }
    path
}

fn write_into(path: &Path, text: &str) -> io::Result<()> {
    wholly_or_not(path, |file| overwrite(file, text.as_bytes()))
}

/// Writes into the file; restores the old content if that fails, on a full disk for example.
fn wholly_or_not(path: &Path, write: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
    let before = Zeroizing::new(fs::read(path)?);
    let mut file = OpenOptions::new().write(true).open(path)?;
    let done = write(&mut file);
    if done.is_err() {
        // The old content fits: nothing was truncated.
        overwrite(&mut file, &before)?;
    }
    done
}

/// Truncates last: until then the old content keeps its space on the disk.
fn overwrite(file: &mut File, bytes: &[u8]) -> io::Result<()> {
    file.rewind()?;
    file.write_all(bytes)?;
    file.set_len(bytes.len() as u64)?;
    disk::settle(&LOCAL, file)
}

fn is_forbidden(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem)
}

/// Another user's folder with the sticky bit, or a file that is a mount point.
fn cannot_be_replaced(error: &io::Error) -> bool {
    is_forbidden(error) || error.kind() == io::ErrorKind::ResourceBusy
}

#[cfg(unix)]
fn make_folder(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

#[cfg(unix)]
fn create_new(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt as _;
    // Mode 0, like client-go's.
    OpenOptions::new().write(true).create_new(true).mode(0o000).open(path).map(drop)
}

#[cfg(unix)]
fn has_other_names(facts: &fs::Metadata) -> bool {
    std::os::unix::fs::MetadataExt::nlink(facts) > 1
}

#[cfg(unix)]
fn keep_owner(file: &File, before: &fs::Metadata) -> io::Result<()> {
    use std::os::unix::fs::MetadataExt as _;
    let now = file.metadata()?;
    if (now.uid(), now.gid()) == (before.uid(), before.gid()) {
        return Ok(());
    }
    std::os::unix::fs::fchown(file, Some(before.uid()), Some(before.gid()))
}

#[cfg(not(unix))]
fn make_folder(path: &Path) -> io::Result<()> {
    fs::create_dir_all(path)
}

#[cfg(not(unix))]
fn create_new(path: &Path) -> io::Result<()> {
    OpenOptions::new().write(true).create_new(true).open(path).map(drop)
}

#[cfg(not(unix))]
fn has_other_names(_: &fs::Metadata) -> bool {
    false
}

#[cfg(not(unix))]
fn keep_owner(_: &File, _: &fs::Metadata) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
#[cfg(unix)]
mod tests;
