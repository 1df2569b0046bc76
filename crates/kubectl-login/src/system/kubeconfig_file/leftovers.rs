//! Creates the file that replaces a kubeconfig, and removes those that killed processes left
//! behind.
//! Never removes a file that another program may be writing.

use std::{
    fs::{self, File, OpenOptions},
    io,
    path::{Path, PathBuf},
    time::Duration,
};

/// The prefix of earlier versions' temporary files; six random characters followed.
const EARLIER: &str = ".kubeconfig-";

/// Writing a kubeconfig never takes this long.
const ABANDONED: Duration = Duration::from_hours(1);

/// Maximum number of files of a folder to look at.
const MAX_FILES: usize = 10_000;

/// A new file beside the one that it replaces; removed on drop, unless it was renamed.
pub(super) struct NewFile {
    pub(super) file: File,
    path: Option<PathBuf>,
}

impl NewFile {
    /// Creates the file, private and under a fixed name: only the holder of the kubeconfig's lock
    /// may do so, and removes the file of an earlier process.
    pub(super) fn beside(real: &Path) -> io::Result<Self> {
        let folder = real.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.unwrap_or(Path::new("."));
        let mut name = std::ffi::OsString::from(".");
        name.push(real.file_name().unwrap_or_default());
        name.push(".kubectl-login-new");
        let path = folder.join(name);
        let file = match create(&path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                fs::remove_file(&path)?;
                create(&path)?
            }
            other => other?,
        };
        sweep(folder, &file);
        Ok(Self { file, path: Some(path) })
    }

    /// Renames it to the kubeconfig.
    pub(super) fn rename(mut self, real: &Path) -> io::Result<()> {
        if let Some(path) = &self.path {
            fs::rename(path, real)?;
        }
        self.path = None;
        Ok(())
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        if let Some(path) = &self.path {
            // If this fails, the next change removes it.
            let _ = fs::remove_file(path);
        }
    }
}

fn create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Removes temporary files of earlier versions, by the file system's own clock.
fn sweep(folder: &Path, new: &File) {
    let now = new.metadata().and_then(|facts| facts.modified());
    let (Ok(now), Ok(entries)) = (now, fs::read_dir(folder)) else { return };
    for entry in entries.take(MAX_FILES).flatten() {
        let name = entry.file_name();
        let rest = name.to_str().and_then(|name| name.strip_prefix(EARLIER));
        let is_random =
            |rest: &str| rest.len() == 6 && rest.bytes().all(|b| b.is_ascii_alphanumeric());
        if !rest.is_some_and(is_random) {
            continue;
        }
        // The entry itself: links are not ours.
        let Ok(facts) = entry.metadata() else { continue };
        let age = facts.modified().ok().and_then(|then| now.duration_since(then).ok());
        if facts.is_file() && age.is_some_and(|age| age > ABANDONED) {
            let _ = fs::remove_file(entry.path());
        }
    }
}
