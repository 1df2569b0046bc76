//! Writes audit records to a file, in a thread of its own.
//! Never blocks a review, never fails one, and never loses a record without counting it.

use std::{
    fs::File,
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    time::{Duration, Instant},
};

use login_common::causes;

pub use crate::system::files::FileError;
use crate::system::{clock, files};

/// Records that may wait for the disk; further ones are dropped.
const MAX_WAITING: usize = 8 * 1024;
/// Records are written together, up to this many bytes.
const BATCH: usize = 256 * 1024;
/// Minimum time between two log lines about lost records.
const PATIENCE: Duration = Duration::from_mins(1);
/// How long the end of the process waits for records that are not written yet.
const LAST_WAIT: Duration = Duration::from_secs(2);

/// See the head of this file. Dropping it writes the records that wait.
pub(super) struct RecordFile {
    lines: Option<SyncSender<String>>,
    shared: Arc<Shared>,
    /// Only `drop` uses it; the mutex makes it `Sync`.
    ended: Mutex<Receiver<()>>,
}

#[derive(Default)]
struct Shared {
    dropped: AtomicU64,
    is_moved: AtomicBool,
}

impl RecordFile {
    /// Opens `path` for appending and starts the thread.
    pub(super) fn open(path: &Path) -> Result<Self, FileError> {
        let file = files::open_for_appending(path)?;
        let (lines, waiting) = sync_channel(MAX_WAITING);
        let (end, ended) = sync_channel(1);
        let shared = Arc::new(Shared::default());
        let mut writer = Writer {
            path: path.to_owned(),
            file,
            shared: Arc::clone(&shared),
            is_torn: false,
            told: None,
        };
        std::thread::Builder::new()
            .name("audit-file".to_owned())
            .spawn(move || {
                writer.run(&waiting);
                drop(end);
            })
            .map_err(|source| FileError::Write { path: path.to_owned(), source })?;
        Ok(Self { lines: Some(lines), shared, ended: Mutex::new(ended) })
    }

    /// Queues a line, or drops it when too many wait.
    pub(super) fn append(&self, line: String) {
        let is_taken = self.lines.as_ref().is_some_and(|lines| lines.try_send(line).is_ok());
        if !is_taken {
            self.shared.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn reopen(&self) {
        self.shared.is_moved.store(true, Ordering::Relaxed);
    }

    pub(super) fn dropped(&self) -> u64 {
        self.shared.dropped.load(Ordering::Relaxed)
    }
}

impl Drop for RecordFile {
    fn drop(&mut self) {
        drop(self.lines.take());
        // A disk that hangs does not keep the process from ending.
        let ended = self.ended.get_mut().unwrap_or_else(PoisonError::into_inner);
        let _ = ended.recv_timeout(LAST_WAIT);
    }
}

struct Writer {
    path: PathBuf,
    file: File,
    shared: Arc<Shared>,
    /// The last write stopped in the middle of a line.
    is_torn: bool,
    told: Option<(Instant, u64)>,
}

impl Writer {
    fn run(&mut self, waiting: &Receiver<String>) {
        while let Ok(mut batch) = waiting.recv() {
            while batch.len() < BATCH
                && let Ok(line) = waiting.try_recv()
            {
                batch.push_str(&line);
            }
            if self.shared.is_moved.swap(false, Ordering::Relaxed) {
                self.reopen();
            }
            self.write(&batch);
            self.tell_losses();
        }
    }

    fn reopen(&mut self) {
        match files::open_for_appending(&self.path) {
            Ok(file) => {
                self.file = file;
                self.is_torn = false;
            }
            Err(fault) => {
                let error = causes::one_line(&fault);
                tracing::error!(error, "could not reopen the audit file; the old one stays in use");
            }
        }
    }

    fn write(&mut self, batch: &str) {
        // First end the line that was cut when the disk was full.
        let mut rest: &[u8] = batch.as_bytes();
        if self.is_torn && self.file.write_all(b"\n").is_err() {
            return self.lose(rest);
        }
        self.is_torn = false;
        while !rest.is_empty() {
            match self.file.write(rest) {
                Ok(count) if count > 0 => {
                    self.is_torn = rest.get(count - 1).is_some_and(|last| *last != b'\n');
                    rest = rest.get(count..).unwrap_or_default();
                }
                Err(fault) if fault.kind() == io::ErrorKind::Interrupted => {}
                Ok(_) | Err(_) => break,
            }
        }
        self.lose(rest);
    }

    fn lose(&self, rest: &[u8]) {
        // A line that was cut is lost, too.
        let lost = rest.split(|byte| *byte == b'\n').count().saturating_sub(1);
        let lost = u64::try_from(lost).unwrap_or(u64::MAX);
        self.shared.dropped.fetch_add(lost, Ordering::Relaxed);
    }

    fn tell_losses(&mut self) {
        let dropped = self.shared.dropped.load(Ordering::Relaxed);
        let now = clock::instant();
        let is_due = match self.told {
            None => dropped > 0,
            Some((when, told)) => dropped > told && now.duration_since(when) > PATIENCE,
        };
        if is_due {
            let file = self.path.display();
            tracing::error!(%file, dropped, "audit records were lost: the file could not be written");
            self.told = Some((now, dropped));
        }
    }
}
