//! Writes log lines to stderr: single lines at once, a flood in few large writes.
//! Never loses a line that stderr accepts, never mixes two, and never holds back more than
//! `MAX_WAITING` bytes.
//!
//! One system call for each of ten thousand reviews a second would cost more than the reviews
//! themselves. So the first line after a pause is written at once; those that follow within
//! [`PACE`] are collected, unless they are warnings.

use std::{
    io::{self, Write},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tracing::{Level, Metadata};
use tracing_subscriber::fmt::MakeWriter;

/// No line waits longer.
const PACE: Duration = Duration::from_millis(50);

/// With more bytes than this waiting, the thread that logs a line writes them itself.
const MAX_WAITING: usize = 256 * 1024;

/// The lines of one process. Clones share them.
pub(super) struct Lines<W>(Arc<Shared<W>>);

struct Shared<W> {
    waiting: Mutex<Waiting>,
    /// Locked before `waiting`, and while writing, so that the order of lines is kept.
    output: Mutex<Output<W>>,
    has_begun: Condvar,
}

struct Waiting {
    bytes: Vec<u8>,
    /// The pacing thread will look at `bytes` within [`PACE`].
    is_paced: bool,
}

struct Output<W> {
    writer: W,
    /// An empty buffer that replaces the one being written.
    spare: Vec<u8>,
}

impl<W: Write + Send + 'static> Lines<W> {
    /// Starts the thread that writes waiting lines. It ends with the process.
    pub(super) fn new(writer: W) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            waiting: Mutex::new(Waiting { bytes: Vec::new(), is_paced: false }),
            output: Mutex::new(Output { writer, spare: Vec::new() }),
            has_begun: Condvar::new(),
        });
        let pacing = Arc::clone(&shared);
        std::thread::Builder::new().name("log-lines".to_owned()).spawn(move || pacing.pace())?;
        Ok(Self(shared))
    }
}

impl<W> Clone for Lines<W> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<W: Write> Lines<W> {
    /// Writes all waiting lines, and returns when they are written.
    pub(super) fn flush(&self) {
        self.0.flush();
    }
}

impl<W: Write> Shared<W> {
    fn add(&self, line: &[u8], is_urgent: bool) {
        let mut waiting = locked(&self.waiting);
        waiting.bytes.extend_from_slice(line);
        let is_first = !waiting.is_paced;
        waiting.is_paced = true;
        let is_due = is_first || is_urgent || waiting.bytes.len() > MAX_WAITING;
        drop(waiting);
        if is_first {
            self.has_begun.notify_one();
        }
        if is_due {
            self.flush();
        }
    }

    fn flush(&self) {
        let mut output = locked(&self.output);
        let Output { writer, spare } = &mut *output;
        std::mem::swap(&mut locked(&self.waiting).bytes, spare);
        // When stderr fails there is no other place to report it.
        let _ = writer.write_all(spare).and_then(|()| writer.flush());
        spare.clear();
    }

    fn pace(&self) {
        let mut waiting = locked(&self.waiting);
        loop {
            waiting = unpoisoned(self.has_begun.wait_while(waiting, |waiting| !waiting.is_paced));
            // `add` does not signal while lines are paced, so this lasts the whole `PACE`.
            (waiting, _) = unpoisoned(self.has_begun.wait_timeout(waiting, PACE));
            if waiting.bytes.is_empty() {
                waiting.is_paced = false;
            } else {
                drop(waiting);
                self.flush();
                waiting = locked(&self.waiting);
            }
        }
    }
}

/// A panic elsewhere leaves only whole lines: nothing panics while the lock is held.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    unpoisoned(mutex.lock())
}

fn unpoisoned<T>(result: Result<T, PoisonError<T>>) -> T {
    result.unwrap_or_else(PoisonError::into_inner)
}

/// Receives one line; the subscriber writes each in one call.
pub(super) struct LineWriter<'l, W> {
    lines: &'l Shared<W>,
    is_urgent: bool,
}

impl<W: Write> Write for LineWriter<'_, W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.lines.add(line, self.is_urgent);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.lines.flush();
        Ok(())
    }
}

impl<'l, W: Write + 'l> MakeWriter<'l> for Lines<W> {
    type Writer = LineWriter<'l, W>;

    fn make_writer(&'l self) -> Self::Writer {
        LineWriter { lines: &self.0, is_urgent: true }
    }

    fn make_writer_for(&'l self, meta: &Metadata<'_>) -> Self::Writer {
        LineWriter { lines: &self.0, is_urgent: *meta.level() <= Level::WARN }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};

    use super::*;

    const LONG: Duration = Duration::from_secs(10);

    /// Sends each write to the test.
    struct Writes(Sender<String>);

    impl Write for Writes {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.send(String::from_utf8(bytes.to_vec()).unwrap()).map_err(io::Error::other)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn lines() -> (Lines<Writes>, Receiver<String>) {
        let (sender, writes) = channel();
        (Lines::new(Writes(sender)).unwrap(), writes)
    }

    /// What was written, in the pieces in which it was written.
    fn received(writes: &Receiver<String>, length: usize) -> Vec<String> {
        let mut pieces = Vec::new();
        while pieces.iter().map(String::len).sum::<usize>() < length {
            pieces.push(writes.recv_timeout(LONG).unwrap());
        }
        pieces
    }

    #[test]
    fn a_line_after_a_pause_is_written_before_its_writer_goes_on() {
        let (lines, writes) = lines();
        for _ in 0..2 {
            lines.0.add(b"line\n", false);
            assert_eq!(writes.try_recv().unwrap(), "line\n");
            let mut tries = 0..200;
            while locked(&lines.0.waiting).is_paced {
                assert!(tries.next().is_some(), "the pace does not end");
                assert_eq!(writes.recv_timeout(PACE), Err(RecvTimeoutError::Timeout));
            }
        }
    }

    #[test]
    fn lines_in_quick_succession_come_soon_and_in_order_in_few_writes() {
        let (lines, writes) = lines();
        let mut expected = String::new();
        for number in 0..10_000 {
            let line = format!("line {number}\n");
            lines.0.add(line.as_bytes(), false);
            expected += &line;
        }
        let pieces = received(&writes, expected.len());
        assert_eq!(pieces.concat(), expected);
        assert!(pieces.len() < 1_000, "{} writes", pieces.len());
    }

    #[test]
    fn a_warning_takes_with_it_what_waits() {
        let (lines, writes) = lines();
        lines.0.add(b"first\n", false);
        lines.0.add(b"second\n", false);
        lines.0.add(b"warning\n", true);
        let written: String = writes.try_iter().collect();
        assert_eq!(written, "first\nsecond\nwarning\n");
    }

    #[test]
    fn what_waits_is_bounded_and_a_flush_leaves_nothing() {
        let (lines, writes) = lines();
        let line = [b'x'; 1024];
        for _ in 0..1_000 {
            lines.0.add(&line, false);
            assert!(locked(&lines.0.waiting).bytes.len() <= MAX_WAITING + line.len());
        }
        lines.flush();
        assert!(locked(&lines.0.waiting).bytes.is_empty());
        assert_eq!(writes.try_iter().map(|write| write.len()).sum::<usize>(), 1_000 * line.len());
    }

    #[test]
    fn lines_of_several_threads_are_never_mixed() {
        let (lines, writes) = lines();
        std::thread::scope(|scope| {
            for letter in ["a", "b", "c", "d"] {
                let lines = lines.clone();
                scope.spawn(move || {
                    let line = letter.repeat(50) + "\n";
                    for number in 0..500 {
                        lines.0.add(line.as_bytes(), number % 7 == 0);
                    }
                });
            }
        });
        let text = received(&writes, 4 * 500 * 51).concat();
        let is_whole =
            |line: &str| line.len() == 50 && line.bytes().all(|b| line.starts_with(char::from(b)));
        assert!(text.lines().all(is_whole));
        assert_eq!(text.lines().count(), 2_000);
    }
}
