//! Reads and writes whole files.
//! Never leaves half a file behind, and never reads more than the caller allows.

use std::{
    fs::{self, File},
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
};

use thiserror::Error;

/// The permissions of a file that is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readers {
    /// 0600: it holds a secret.
    OwnerOnly,
    /// 0644: it is public.
    Everyone,
}

/// A file could not be read or written.
#[derive(Debug, Error)]
pub enum FileError {
    /// Opening or reading failed.
    #[error("could not read `{path}`")]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's error.
        #[source]
        source: io::Error,
    },
    /// The file is longer than any valid content.
    #[error("`{path}` is larger than {limit} bytes")]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Bytes.
        limit: u64,
    },
    /// Creating, writing or renaming failed.
    #[error("could not write `{path}`")]
    Write {
        /// The file.
        path: PathBuf,
        /// The system's error.
        #[source]
        source: io::Error,
    },
}

/// Reads the whole content, if it is at most `limit` bytes.
pub fn read(path: &Path, limit: u64) -> Result<Vec<u8>, FileError> {
    let failed = |source| FileError::Read { path: path.to_owned(), source };
    let mut content = Vec::new();
    // One byte more than allowed is enough to detect; pipes have no length to ask for.
    let file = File::open(path).map_err(failed)?;
    file.take(limit.saturating_add(1)).read_to_end(&mut content).map_err(failed)?;
    if u64::try_from(content.len()).unwrap_or(u64::MAX) > limit {
        return Err(FileError::TooLarge { path: path.to_owned(), limit });
    }
    Ok(content)
}

/// Reads the whole content as text.
pub fn read_text(path: &Path, limit: u64) -> Result<String, FileError> {
    String::from_utf8(read(path, limit)?).map_err(|fault| FileError::Read {
        path: path.to_owned(),
        source: io::Error::new(io::ErrorKind::InvalidData, fault.utf8_error()),
    })
}

/// Replaces the file atomically: readers see the old or the new content, never a part.
pub fn write(path: &Path, content: &[u8], readers: Readers) -> Result<(), FileError> {
    let failed = |source| FileError::Write { path: path.to_owned(), source };
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let mut file =
        tempfile::NamedTempFile::new_in(folder.unwrap_or(Path::new("."))).map_err(failed)?;
    file.write_all(content).map_err(failed)?;
    // A temporary file is created with 0600, so a secret is never readable in between.
    #[cfg(unix)]
    if readers == Readers::Everyone {
        use std::os::unix::fs::PermissionsExt as _;
        file.as_file().set_permissions(fs::Permissions::from_mode(0o644)).map_err(failed)?;
    }
    #[cfg(not(unix))]
    let _ = readers;
    file.as_file().sync_all().map_err(failed)?;
    file.persist(path).map_err(|fault| failed(fault.error))?;
    Ok(())
}

/// Opens a file for appending; only the owner can access a new one.
pub fn open_for_appending(path: &Path) -> Result<File, FileError> {
    let mut options = fs::OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    options.open(path).map_err(|source| FileError::Write { path: path.to_owned(), source })
}

/// Creates an empty file that only the owner can access; an existing one stays as it is.
pub fn make_private_file(path: &Path) -> Result<(), FileError> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    match options.open(path) {
        Err(fault) if fault.kind() != io::ErrorKind::AlreadyExists => {
            Err(FileError::Write { path: path.to_owned(), source: fault })
        }
        Ok(_) | Err(_) => Ok(()),
    }
}

/// Whether `path` does not exist, or is an empty file.
pub fn is_empty(path: &Path) -> bool {
    match fs::metadata(path) {
        Ok(metadata) => metadata.is_file() && metadata.len() == 0,
        Err(fault) => fault.kind() == io::ErrorKind::NotFound,
    }
}

/// Creates the folder and its parents; on Unix only the owner can access a new folder.
pub fn make_private_folder(path: &Path) -> Result<(), FileError> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt as _;
        builder.mode(0o700);
    }
    builder.create(path).map_err(|source| FileError::Write { path: path.to_owned(), source })
}
