//! Reads files and stores their state, so that a change of any of them is noticed.
//! Never stores a file's content: only its metadata and a digest.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    fmt,
    fs::Metadata,
    io,
    path::{Path, PathBuf},
};

use aws_lc_rs::digest::{SHA256, digest};

use super::files::{self, FileError};

/// The metadata that distinguishes states of a file without reading it. Links are followed:
/// Kubernetes replaces a ConfigMap or a Secret by changing a link above its files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    place: (u64, u64),
    length: u64,
    written: (i64, i64),
    changed: (i64, i64),
}

/// The state of a file when it was read. A file that could not be read has one, too.
#[derive(Clone, PartialEq, Eq)]
pub struct Seen {
    stamp: Option<Stamp>,
    digest: Option<[u8; 32]>,
    is_secret: bool,
    is_stream: bool,
}

impl fmt::Debug for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The digest of a short secret nearly reveals the secret.
        f.debug_struct("Seen").field("stamp", &self.stamp).finish_non_exhaustive()
    }
}

impl Seen {
    /// Whether the metadata is unchanged; does not read the file.
    pub fn is_unmoved(&self, path: &Path) -> bool {
        self.stamp == stamp(path)
    }

    /// The digest of the content, for publication; none if the file could not be read, or holds a
    /// secret: its digest would confirm a guess.
    pub fn public_digest(&self) -> Option<&[u8]> {
        self.digest.as_ref().filter(|_| !self.is_secret).map(<[u8; 32]>::as_slice)
    }

    /// Whether it is a pipe or similar, which cannot be read twice.
    pub const fn is_stream(&self) -> bool {
        self.is_stream
    }

    /// Whether the content is the same, also if the file was replaced.
    pub fn has_same_content(&self, other: &Self) -> bool {
        self.digest == other.digest
    }
}

/// The files that were read for one configuration.
#[derive(Debug, Default)]
pub struct TrackedFiles {
    seen: RefCell<BTreeMap<PathBuf, Seen>>,
    refuses_streams: bool,
}

impl TrackedFiles {
    /// Reads the whole content, if it is at most `limit` bytes.
    pub fn read(&self, path: &Path, limit: u64) -> Result<Vec<u8>, FileError> {
        // Before the content, so that a file that is replaced in between counts as changed.
        let metadata = std::fs::metadata(path).ok();
        let stamp = metadata.as_ref().map(of_metadata);
        let is_stream = metadata.is_some_and(|metadata| !metadata.is_file());
        let content = if is_stream && self.refuses_streams {
            let source = io::Error::other("it is no regular file");
            Err(FileError::Read { path: path.to_owned(), source })
        } else {
            files::read(path, limit)
        };
        let digest = content.as_ref().ok().and_then(|content| content_digest(content));
        let seen = Seen { stamp, digest, is_secret: false, is_stream };
        self.seen.borrow_mut().insert(path.to_owned(), seen);
        content
    }

    /// For reading files again: opening a pipe that has no writer never returns.
    pub fn of_regular_files() -> Self {
        Self { refuses_streams: true, ..Self::default() }
    }

    /// Marks what was read at `path` as a secret.
    pub fn mark_secret(&self, path: &Path) {
        if let Some(seen) = self.seen.borrow_mut().get_mut(path) {
            seen.is_secret = true;
        }
    }

    /// Reads the whole content as text.
    pub fn read_text(&self, path: &Path, limit: u64) -> Result<String, FileError> {
        String::from_utf8(self.read(path, limit)?).map_err(|fault| FileError::Read {
            path: path.to_owned(),
            source: io::Error::new(io::ErrorKind::InvalidData, fault.utf8_error()),
        })
    }

    /// The state of every file that was read, by path.
    pub fn into_seen(self) -> BTreeMap<PathBuf, Seen> {
        self.seen.into_inner()
    }
}

fn content_digest(content: &[u8]) -> Option<[u8; 32]> {
    digest(&SHA256, content).as_ref().try_into().ok()
}

fn stamp(path: &Path) -> Option<Stamp> {
    std::fs::metadata(path).ok().map(|metadata| of_metadata(&metadata))
}

#[cfg(unix)]
fn of_metadata(metadata: &Metadata) -> Stamp {
    use std::os::unix::fs::MetadataExt as _;
    Stamp {
        place: (metadata.dev(), metadata.ino()),
        length: metadata.len(),
        written: (metadata.mtime(), metadata.mtime_nsec()),
        // Also changes with the owner and the mode.
        changed: (metadata.ctime(), metadata.ctime_nsec()),
    }
}

#[cfg(not(unix))]
fn of_metadata(metadata: &Metadata) -> Stamp {
    let since_epoch = metadata
        .modified()
        .ok()
        .and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok())
        .unwrap_or_default();
    let seconds = i64::try_from(since_epoch.as_secs()).unwrap_or(i64::MAX);
    Stamp {
        place: (0, 0),
        length: metadata.len(),
        written: (seconds, i64::from(since_epoch.subsec_nanos())),
        changed: (0, 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::files::{Readers, write};

    #[test]
    fn a_file_is_unmoved_until_it_is_replaced_removed_or_comes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let look = || {
            let files = TrackedFiles::default();
            let content = files.read(&path, 100).ok();
            (content, files.into_seen().remove(&path).unwrap())
        };
        let (content, absent) = look();
        assert!(content.is_none() && absent.is_unmoved(&path));
        write(&path, b"one", Readers::Everyone).unwrap();
        assert!(!absent.is_unmoved(&path));
        let (content, one) = look();
        assert_eq!(content.as_deref(), Some(&b"one"[..]));
        assert!(one.is_unmoved(&path) && !one.has_same_content(&absent));
        write(&path, b"one", Readers::Everyone).unwrap();
        assert!(!one.is_unmoved(&path) && one.has_same_content(&look().1));
        write(&path, b"two", Readers::Everyone).unwrap();
        assert!(!one.has_same_content(&look().1));
        std::fs::remove_file(&path).unwrap();
        assert!(!one.is_unmoved(&path) && !format!("{one:?}").contains("digest"));
    }

    #[test]
    fn no_digest_of_a_secret_is_public() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        write(&path, b"guess me", Readers::OwnerOnly).unwrap();
        for is_secret in [false, true] {
            let files = TrackedFiles::default();
            files.read(&path, 100).unwrap();
            if is_secret {
                files.mark_secret(&path);
            }
            assert_eq!(files.into_seen()[&path].public_digest().is_none(), is_secret);
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_pipe_is_read_once_and_never_waited_for_again() {
        let (reader, mut writer) = io::pipe().unwrap();
        let path = {
            use std::os::fd::AsRawFd as _;
            PathBuf::from(format!("/dev/fd/{}", reader.as_raw_fd()))
        };
        io::Write::write_all(&mut writer, b"piped").unwrap();
        let again = TrackedFiles::of_regular_files();
        assert!(again.read(&path, 100).is_err());
        drop(writer);
        let first = TrackedFiles::default();
        assert_eq!(first.read(&path, 100).unwrap(), b"piped");
        assert!(first.into_seen()[&path].is_stream());
    }
}
