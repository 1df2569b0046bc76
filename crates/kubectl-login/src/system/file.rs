//! Reads files that the user names: regular files, and pipes such as a shell's `<(…)`.
//! Never exceeds a limit on size or time; never writes.

use std::{
    fs::File,
    io::{self, Read as _},
    path::Path,
};

use zeroize::Zeroizing;

/// Reads the whole file, if it has at most `limit` bytes.
pub fn read(path: &Path, limit: u64) -> io::Result<Zeroizing<Vec<u8>>> {
    Source::open(path)?.read(limit)
}

/// Reads the whole file as text.
pub fn read_text(path: &Path, limit: u64) -> io::Result<String> {
    text(read(path, limit)?)
}

/// Converts bytes to text.
pub fn text(mut content: Zeroizing<Vec<u8>>) -> io::Result<String> {
    String::from_utf8(std::mem::take(&mut *content)).map_err(|error| {
        // Invalid text may be a secret all the same.
        drop(Zeroizing::new(error.into_bytes()));
        io::Error::new(io::ErrorKind::InvalidData, "it is no UTF-8 text")
    })
}

/// Whether there is something at `path`.
pub fn exists(path: &Path) -> bool {
    path.exists()
}

/// Whether the file at `path` can be read only once. It is not opened: the other end of a pipe
/// would notice.
pub fn is_pipe(path: &Path) -> bool {
    #[cfg(unix)]
    let is_fifo = |facts: std::fs::Metadata| {
        use std::os::unix::fs::FileTypeExt as _;
        facts.file_type().is_fifo()
    };
    #[cfg(not(unix))]
    let is_fifo = |_| false;
    std::fs::metadata(path).is_ok_and(is_fifo)
}

/// An open file or pipe.
#[derive(Debug)]
pub struct Source {
    file: File,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    File,
    #[cfg(unix)]
    Pipe,
    /// `/dev/null`, which users name if a file is required and they have none.
    #[cfg(unix)]
    Nothing,
}

impl Source {
    /// Whether it is `/dev/null`, whose owner and mode are irrelevant.
    pub fn is_nothing(&self) -> bool {
        self.kind != Kind::File && !self.is_pipe()
    }

    /// The open file, for its owner and mode.
    pub fn file(&self) -> &File {
        &self.file
    }

    /// The whole content, if it has at most `limit` bytes.
    pub fn read(self, limit: u64) -> io::Result<Zeroizing<Vec<u8>>> {
        let mut content = Zeroizing::new(Vec::new());
        if self.is_pipe() {
            self.drain(&mut content, limit)?;
        } else {
            (&self.file).take(limit + 1).read_to_end(&mut content)?;
        }
        if content.len() as u64 > limit {
            let message = format!("it is longer than {limit} bytes");
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, message));
        }
        Ok(content)
    }
}

fn refused(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, format!("it is {what}"))
}

#[cfg(unix)]
mod unix {
    use std::{
        fs::{File, FileType, Metadata},
        io::{self, Read as _},
        os::unix::fs::{FileTypeExt as _, MetadataExt as _},
        path::Path,
        time::Duration,
    };

    use rustix::{
        event::{PollFd, PollFlags, Timespec, poll},
        fs::{Mode, OFlags},
    };

    use super::{Kind, Source, refused};
    use crate::system::clock::Deadline;

    /// How long the other end of a pipe may take; it may be a password manager.
    const PATIENCE: Duration = Duration::from_secs(30);

    impl Source {
        /// Opens the path that the user named, following links.
        pub fn open(path: &Path) -> io::Result<Self> {
            // NONBLOCK: opening a named pipe without a writer would block forever.
            let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
            let file = File::from(rustix::fs::open(path, flags, Mode::empty())?);
            let facts = file.metadata()?;
            let kind = kind(&facts)?;
            Ok(Self { file, kind })
        }

        pub(super) fn is_pipe(&self) -> bool {
            self.kind == Kind::Pipe
        }

        pub(super) fn drain(&self, content: &mut Vec<u8>, limit: u64) -> io::Result<()> {
            self.drain_within(PATIENCE, content, limit)
        }

        /// Reads until the other end closes the pipe, for no longer than `bound` in total.
        pub(super) fn drain_within(
            &self,
            bound: Duration,
            content: &mut Vec<u8>,
            limit: u64,
        ) -> io::Result<()> {
            let deadline = Deadline::after(bound);
            let mut piece = zeroize::Zeroizing::new(vec![0; 16 * 1024]);
            while content.len() as u64 <= limit {
                let left = Timespec::try_from(deadline.left()).map_err(io::Error::other)?;
                let mut descriptors = [PollFd::new(&self.file, PollFlags::IN)];
                match poll(&mut descriptors, Some(&left)) {
                    Ok(0) => {
                        let seconds = bound.as_secs();
                        let message =
                            format!("nothing has come through this pipe in {seconds} seconds");
                        return Err(io::Error::new(io::ErrorKind::TimedOut, message));
                    }
                    Ok(_) => {}
                    Err(rustix::io::Errno::INTR) => continue,
                    Err(error) => return Err(error.into()),
                }
                match (&self.file).read(&mut piece) {
                    Ok(0) => return Ok(()),
                    Ok(length) => {
                        content.extend_from_slice(piece.get(..length).unwrap_or_default());
                    }
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => return Err(error),
                }
            }
            Ok(())
        }
    }

    fn kind(facts: &Metadata) -> io::Result<Kind> {
        let kind: FileType = facts.file_type();
        if kind.is_file() {
            Ok(Kind::File)
        } else if kind.is_fifo() {
            Ok(Kind::Pipe)
        } else if kind.is_dir() {
            Err(io::ErrorKind::IsADirectory.into())
        } else if kind.is_char_device() && is_null(facts) {
            Ok(Kind::Nothing)
        } else {
            Err(refused("neither a file nor a pipe"))
        }
    }

    fn is_null(facts: &Metadata) -> bool {
        std::fs::metadata("/dev/null").is_ok_and(|null| null.rdev() == facts.rdev())
    }
}

#[cfg(not(unix))]
impl Source {
    /// Opens the path that the user named.
    pub fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        if file.metadata()?.is_file() {
            Ok(Self { file, kind: Kind::File })
        } else {
            Err(refused("no file"))
        }
    }

    fn is_pipe(&self) -> bool {
        false
    }

    fn drain(&self, _: &mut Vec<u8>, _: u64) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::{io::Write as _, time::Duration};

    use rustix::fs::{CWD, Mode, mkfifoat};

    use super::*;

    fn pipe(path: &Path) {
        mkfifoat(CWD, path, Mode::RUSR | Mode::WUSR).unwrap();
    }

    #[test]
    fn regular_files_are_read_through_links_up_to_a_limit() {
        let scratch = tempfile::tempdir().unwrap();
        let (path, link) = (scratch.path().join("a"), scratch.path().join("b"));
        File::create(&path).unwrap().write_all(b"text").unwrap();
        std::os::unix::fs::symlink(&path, &link).unwrap();
        assert_eq!(read(&link, 4).unwrap().as_slice(), b"text");
        assert_eq!(read(&link, 3).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
        assert_eq!(read_text(&path, 4).unwrap(), "text");
        File::create(&path).unwrap().write_all(&[0xff]).unwrap();
        assert_eq!(read_text(&path, 4).unwrap_err().kind(), io::ErrorKind::InvalidData);
    }

    #[test]
    fn what_is_no_file_is_refused_at_once_and_nothing_is_empty() {
        let scratch = tempfile::tempdir().unwrap();
        assert_eq!(read(scratch.path(), 9).unwrap_err().kind(), io::ErrorKind::IsADirectory);
        for device in ["/dev/zero", "/dev/full"] {
            let error = read(Path::new(device), 9).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidInput, "{device}");
        }
        assert!(read(Path::new("/dev/null"), 9).unwrap().is_empty());
        assert!(Source::open(Path::new("/dev/null")).unwrap().is_nothing());
    }

    #[test]
    fn a_pipe_is_read_to_its_end() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("pipe");
        pipe(&path);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                // Waits for the reader, like a shell's process substitution.
                let mut end = File::options().write(true).open(&path).unwrap();
                for _ in 0..10 {
                    end.write_all(&[b'x'; 10_000]).unwrap();
                }
            });
            assert_eq!(read(&path, 100_000).unwrap().len(), 100_000);
        });
    }

    #[test]
    fn a_pipe_without_another_end_is_waited_for_within_a_bound() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("pipe");
        pipe(&path);
        let source = Source::open(&path).unwrap();
        let error = source.drain_within(Duration::from_millis(20), &mut Vec::new(), 9).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }
}
