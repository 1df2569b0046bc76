//! The file system of Windows, by path: the access list of a profile's folders keeps them private.
//! Never follows a link to a file.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Seek as _, Write as _},
    path::{Path, PathBuf},
    time::{Duration, UNIX_EPOCH},
};

use super::{Access, Disk, PrivateFile, Sharing};

/// How often a rename is tried while another process reads the file that it replaces.
const ATTEMPTS: usize = 10;

/// The pause between attempts.
const PAUSE: Duration = Duration::from_millis(20);

/// A folder.
#[derive(Debug)]
pub struct Folder(PathBuf);

impl Folder {
    /// Not checked: Windows uses access lists.
    pub fn is_exposed(&self) -> bool {
        false
    }

    /// When a file in the folder was last changed, in seconds since 1970.
    pub fn changed_at(&self, name: &str) -> Option<i64> {
        let changed = fs::symlink_metadata(self.0.join(name)).ok()?.modified().ok()?;
        i64::try_from(changed.duration_since(UNIX_EPOCH).ok()?.as_secs()).ok()
    }
}

/// The host's file system.
#[derive(Debug)]
pub struct LocalDisk;

impl LocalDisk {
    /// Opens a file to read it.
    pub fn open_at(path: &Path) -> io::Result<File> {
        refuse_link(path)?;
        File::open(path)
    }
}

impl Disk for LocalDisk {
    fn folder(&self, path: &Path) -> io::Result<Folder> {
        if fs::metadata(path)?.is_dir() {
            Ok(Folder(path.to_owned()))
        } else {
            Err(io::ErrorKind::NotADirectory.into())
        }
    }

    fn open(&self, folder: &Folder, name: &str, access: Access) -> io::Result<File> {
        let path = folder.0.join(name);
        refuse_link(&path)?;
        let mut options = OpenOptions::new();
        options.read(true);
        match access {
            Access::Read => {}
            Access::Change => {
                options.write(true);
            }
            Access::ChangeOrCreate => {
                options.write(true).create(true).truncate(false);
            }
            Access::Create => {
                options.write(true).create_new(true);
            }
        }
        options.open(path)
    }

    fn reserve(&self, file: &File, length: u64) -> io::Result<u64> {
        // NTFS allocates the space at once.
        let length = file.metadata()?.len().max(length);
        file.set_len(length)?;
        Ok(length)
    }

    fn write(&self, mut file: &File, bytes: &[u8]) -> io::Result<()> {
        file.rewind()?;
        file.write_all(bytes)
    }

    fn cut(&self, file: &File, length: u64) -> io::Result<()> {
        file.set_len(length)
    }

    fn sync(&self, file: &File) -> io::Result<()> {
        file.sync_all()
    }

    fn flush(&self, file: &File) -> io::Result<()> {
        file.sync_data()
    }

    fn sync_folder(&self, _: &Folder) -> io::Result<()> {
        Ok(())
    }

    /// Windows refuses a rename while another process reads the old file; shortly afterwards it
    /// works.
    fn rename(&self, folder: &Folder, from: &str, to: &str) -> io::Result<()> {
        let mut attempts = ATTEMPTS;
        loop {
            attempts -= 1;
            match fs::rename(folder.0.join(from), folder.0.join(to)) {
                Err(_) if attempts > 0 => {
                    #[expect(clippy::disallowed_methods, reason = "bounded by `ATTEMPTS`")]
                    std::thread::sleep(PAUSE);
                }
                outcome => return outcome,
            }
        }
    }

    fn remove(&self, folder: &Folder, name: &str) -> io::Result<()> {
        fs::remove_file(folder.0.join(name))
    }

    fn lock(&self, file: &File, sharing: Sharing) -> Result<(), TryLockError> {
        match sharing {
            Sharing::Alone => file.try_lock(),
            Sharing::Shared => file.try_lock_shared(),
        }
    }

    fn runtime_folder(&self) -> Option<PathBuf> {
        Some(std::env::temp_dir().join("kubectl-login"))
    }
}

fn refuse_link(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(facts) if facts.is_symlink() => Err(io::ErrorKind::InvalidInput.into()),
        _ => Ok(()),
    }
}

/// Facts about an open file: the access list of a profile's folders makes it private.
pub(crate) fn private_facts(file: &File) -> Option<PrivateFile> {
    let facts = file.metadata().ok()?;
    let length = facts.is_file().then(|| usize::try_from(facts.len()).ok()).flatten()?;
    Some(PrivateFile { length, accessed: None })
}

/// Whether an open file is a regular file.
pub(crate) fn is_ours(file: &File) -> bool {
    file.metadata().is_ok_and(|facts| facts.is_file())
}

/// Windows does not remove the name of an open file.
pub(crate) fn has_name(_: &File) -> bool {
    true
}

/// Creates a folder, and those above it.
pub(crate) fn create_private(path: &Path) -> io::Result<()> {
    fs::create_dir_all(path)
}
