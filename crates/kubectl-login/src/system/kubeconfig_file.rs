//! Reads a kubeconfig, and replaces it as a whole under the lock that kubectl respects.
//! Never leaves half a file behind, never takes a lock away from somebody.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Seek as _, Write as _},
    path::{Path, PathBuf},
    time::Duration,
};

use zeroize::Zeroizing;

use super::clock::{Deadline, pause};

/// Longest kubeconfig that is read.
const MAX_LENGTH: u64 = 16 * 1024 * 1024;

/// How often a lock is tried.
const PAUSE: Duration = Duration::from_millis(25);
/// A person is told after this part of the longest wait.
const TOLD_AFTER: u32 = 10;

/// How many links are followed; Linux itself follows 40.
const MAX_LINKS: usize = 40;

/// The text of a file; `None` when there is no file.
pub fn read(path: &Path) -> io::Result<Option<String>> {
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        other => other?,
    };
    let mut text = String::new();
    file.take(MAX_LENGTH + 1).read_to_string(&mut text)?;
    if text.len() as u64 > MAX_LENGTH {
        let message = format!("it is longer than {MAX_LENGTH} bytes");
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, message));
    }
    Ok(Some(text))
}

/// A path that means the same wherever the program is run.
pub fn absolute(path: &str) -> String {
    let whole = std::path::absolute(path).ok();
    whole.and_then(|whole| whole.into_os_string().into_string().ok()).unwrap_or(path.to_owned())
}

/// Why there is no lock.
#[derive(Debug)]
pub enum NotLocked {
    /// Somebody else has it, for longer than any program should.
    Held(PathBuf),
    /// It cannot be made.
    Io(PathBuf, io::Error),
}

/// The lock of client-go (`clientcmd/loader.go lockFile`): a file beside the kubeconfig that only
/// one program can create. Removed with this value.
#[derive(Debug)]
pub struct Lock(Vec<PathBuf>);

impl Drop for Lock {
    fn drop(&mut self) {
        for path in self.0.iter().rev() {
            // Whoever finds it later is told its name.
            let _ = fs::remove_file(path);
        }
    }
}

/// Takes the lock of `path`, and that of the file it links to: others may have come another way.
/// Waits no longer than `bound`, and says so; no lock is held meanwhile, as a signal would leave
/// it behind.
pub fn lock(path: &Path, bound: Duration, mut say: impl FnMut(&str)) -> Result<Lock, NotLocked> {
    let (deadline, mut is_told) = (Deadline::after(bound), false);
    let real = target(path);
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

/// Both locks or, when somebody has one of them, none.
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
            // A file in a folder that is not ours, such as a mounted one: kubectl cannot lock
            // it either, so nobody who locks can be in the middle of a change.
            Err(error) if is_forbidden(&error) && path.exists() => {}
            Err(error) => return Err(NotLocked::Io(name, error)),
        }
    }
    Ok(lock)
}

/// Replaces the file at once, with its mode and its owner; where that is impossible (a mounted
/// file, a folder of somebody else, a second name) writes into it, as kubectl does.
pub fn replace(path: &Path, text: &str) -> io::Result<()> {
    let real = target(path);
    let before = fs::metadata(&real).ok();
    if before.as_ref().is_some_and(has_other_names) {
        return write_into(&real, text);
    }
    let folder = real.parent().filter(|folder| !folder.as_os_str().is_empty());
    // tempfile creates with 0600.
    let new = tempfile::Builder::new()
        .prefix(".kubeconfig-")
        .tempfile_in(folder.unwrap_or(Path::new(".")));
    let mut file = match new {
        Err(error) if is_forbidden(&error) && before.is_some() => return write_into(&real, text),
        other => other?,
    };
    // A full disk shows here, while the old file is whole.
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    if let Some(before) = &before {
        let kept = keep_owner(file.as_file(), before)
            .and_then(|()| file.as_file().set_permissions(before.permissions()));
        if kept.is_err() {
            return write_into(&real, text);
        }
    }
    match file.persist(&real) {
        Err(error) if before.is_some() && cannot_be_replaced(&error.error) => {
            write_into(&real, text)
        }
        other => other.map(drop).map_err(|error| error.error),
    }
}

/// Where links lead; a link to nothing leads to where a file would be made.
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

/// Writes into the file; what stood there comes back when that fails, on a full disk for example.
fn wholly_or_not(path: &Path, write: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
    let before = Zeroizing::new(fs::read(path)?);
    let mut file = OpenOptions::new().write(true).open(path)?;
    let done = write(&mut file);
    if done.is_err() {
        // It has room for them: nothing was cut off.
        overwrite(&mut file, &before)?;
    }
    done
}

/// Shortens last: until then the old bytes keep their place on the disk.
fn overwrite(file: &mut File, bytes: &[u8]) -> io::Result<()> {
    file.rewind()?;
    file.write_all(bytes)?;
    file.set_len(bytes.len() as u64)?;
    file.sync_all()
}

fn is_forbidden(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem)
}

/// A folder of somebody else with its sticky bit, or a file that is mounted by itself.
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
    // Mode 0, as client-go's.
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
mod tests {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

    use super::*;

    const SOON: Duration = Duration::from_millis(300);

    fn scratch() -> (tempfile::TempDir, PathBuf) {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("kube/config");
        (scratch, path)
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn a_new_file_is_private_and_the_lock_leaves_nothing_behind() {
        let (_scratch, path) = scratch();
        assert_eq!(read(&path).unwrap(), None);
        let lock = lock(&path, SOON, |_| {}).unwrap();
        assert_eq!(mode(&path.with_extension("lock")), 0, "client-go's lock has mode 0");
        replace(&path, "a: 1\n").unwrap();
        drop(lock);
        assert_eq!(read(&path).unwrap().unwrap(), "a: 1\n");
        assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn a_replaced_file_keeps_its_mode_and_links_are_followed() {
        let (scratch, path) = scratch();
        drop(lock(&path, SOON, |_| {}).unwrap());
        replace(&path, "one").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let (near, far) = (scratch.path().join("near"), scratch.path().join("far"));
        std::os::unix::fs::symlink("kube/config", &near).unwrap();
        std::os::unix::fs::symlink(&near, &far).unwrap();
        let lock = lock(&far, SOON, |_| {}).unwrap();
        assert!(scratch.path().join("far.lock").exists() && path.with_extension("lock").exists());
        replace(&far, "two").unwrap();
        drop(lock);
        assert_eq!((read(&path).unwrap().unwrap(), mode(&path)), ("two".to_owned(), 0o640));
        assert!(fs::symlink_metadata(&far).unwrap().is_symlink());
        assert!(!path.with_extension("lock").exists());
    }

    #[test]
    fn a_file_with_two_names_keeps_both() {
        let (_scratch, path) = scratch();
        drop(lock(&path, SOON, |_| {}).unwrap());
        replace(&path, "one").unwrap();
        let other = path.with_file_name("other");
        fs::hard_link(&path, &other).unwrap();
        replace(&path, "two").unwrap();
        assert_eq!(read(&other).unwrap().unwrap(), "two");
        assert_eq!(fs::metadata(&path).unwrap().nlink(), 2);
    }

    #[test]
    fn a_file_that_cannot_be_written_wholly_stays_as_it_was() {
        let (_scratch, path) = scratch();
        drop(lock(&path, SOON, |_| {}).unwrap());
        replace(&path, "one and two").unwrap();
        for begun in ["on", "more than there was"] {
            let outcome = wholly_or_not(&path, |file| {
                file.write_all(begun.as_bytes())?;
                Err(io::ErrorKind::StorageFull.into())
            });
            assert_eq!(outcome.unwrap_err().kind(), io::ErrorKind::StorageFull);
            assert_eq!(read(&path).unwrap().unwrap(), "one and two");
        }
        for text in ["short", "longer than before"] {
            write_into(&path, text).unwrap();
            assert_eq!(read(&path).unwrap().unwrap(), text);
        }
    }

    #[test]
    fn only_a_file_that_cannot_be_replaced_is_written_into() {
        use io::ErrorKind::{PermissionDenied, ReadOnlyFilesystem, ResourceBusy, StorageFull};
        for (kind, expected) in [
            (PermissionDenied, true),
            (ReadOnlyFilesystem, true),
            (ResourceBusy, true),
            (StorageFull, false),
        ] {
            assert_eq!(cannot_be_replaced(&kind.into()), expected, "{kind}");
        }
    }

    #[test]
    fn no_lock_is_held_while_another_is_waited_for() {
        let (scratch, path) = scratch();
        let theirs = lock(&path, SOON, |_| {}).unwrap();
        let near = scratch.path().join("near");
        std::os::unix::fs::symlink("kube/config", &near).unwrap();
        let mut was_free = false;
        let outcome = lock(&near, SOON, |_| was_free = !scratch.path().join("near.lock").exists());
        assert!(matches!(outcome, Err(NotLocked::Held(_))) && was_free);
        assert!(!scratch.path().join("near.lock").exists());
        drop(theirs);
        assert!(lock(&near, SOON, |_| {}).is_ok());
    }

    #[test]
    fn a_lock_of_somebody_else_is_waited_for_and_never_taken_away() {
        let (_scratch, path) = scratch();
        let theirs = lock(&path, SOON, |_| {}).unwrap();
        let mut said = Vec::new();
        let outcome = lock(&path, SOON, |text| said.push(text.to_owned()));
        let name = path.with_extension("lock");
        assert!(matches!(&outcome, Err(NotLocked::Held(held)) if *held == name), "{outcome:?}");
        assert!(said.len() == 1 && said[0].contains("config.lock"), "{said:?}");
        assert!(name.exists());
        drop(theirs);
        assert!(lock(&path, SOON, |_| {}).is_ok());
    }
}
