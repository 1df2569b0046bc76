//! Watches one group of files: notices changes, and puts them in force if they are good.
//! Never puts in force what did not validate as a whole or was not the same at two checks, and
//! never logs the same fault twice in a row.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    path::{Path, PathBuf},
    time::Duration,
};

use login_common::UnixTime;
use tokio::time::Instant;

use super::status::{Kind, Reloads};
use crate::system::tracked_files::{Seen, TrackedFiles};

/// Each file as it was when read.
pub(crate) type SeenFiles = BTreeMap<PathBuf, Seen>;

/// Reads a group of files, and puts it in force.
pub(crate) trait Source: Send {
    /// The parsed and validated content.
    type Read;

    fn kind(&self) -> Kind;

    /// Reads and checks all files; returns all faults at once.
    fn read(&self, files: &TrackedFiles) -> Result<Self::Read, Vec<String>>;

    /// Whether the source now consists of other files than `files`.
    fn is_elsewhere(&self, _files: &SeenFiles) -> bool {
        false
    }

    /// Puts the whole in force.
    fn put_in_force(&mut self, read: Self::Read);
}

/// How thoroughly to check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Look {
    /// Each file's place, length and age.
    Glance,
    /// Its content.
    Read,
}

/// A watched group of files.
pub(crate) struct WatchedGroup<S> {
    source: S,
    in_force: SeenFiles,
    /// Good, and not in force yet: it may still be being written, and half a list may be a valid
    /// list.
    unsettled: Option<SeenFiles>,
    refused: Option<Refused>,
}

struct Refused {
    faults: Vec<String>,
    files: SeenFiles,
    again_at: Instant,
    pause: Duration,
}

/// A file may be complete again without a visible change: when it is written in place, a coarse
/// clock gives both states the same time. So refused files are read again, after a growing pause.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// The most faults in `/readyz` and the log; a configuration can have very many.
const FAULTS_SHOWN: usize = 20;

/// A group of files, whatever its source.
pub(crate) trait Looking: Send {
    /// Checks the files, and puts new ones in force if there are any.
    fn look(&mut self, look: Look, reloads: &Reloads, now: UnixTime);

    /// Every watched file.
    fn files(&self) -> Vec<&Path>;

    /// A file that cannot be read again, if there is one.
    fn stream(&self) -> Option<&Path>;
}

impl<S: Source> WatchedGroup<S> {
    /// Watches the files read at the start.
    pub(crate) fn new(source: S, in_force: SeenFiles, reloads: &Reloads, now: UnixTime) -> Self {
        let subject = Self { source, in_force, unsettled: None, refused: None };
        subject.succeeded(reloads, now);
        subject
    }

    fn succeeded(&self, reloads: &Reloads, now: UnixTime) {
        let digest = digest(&self.in_force);
        let is_watched = !self.in_force.is_empty();
        reloads.update(self.source.kind(), |status| {
            status.is_watched = is_watched;
            status.successes += 1;
            status.last_success = Some(now);
            status.fault = None;
            status.digest = digest;
        });
    }

    fn is_due(&self, look: Look) -> bool {
        if look == Look::Read || self.unsettled.is_some() {
            return true;
        }
        let is_due = |files| has_moved(files) || self.source.is_elsewhere(files);
        match &self.refused {
            None => is_due(&self.in_force),
            Some(refused) => refused.again_at <= Instant::now() || is_due(&refused.files),
        }
    }

    fn refuse(&mut self, faults: Vec<String>, files: SeenFiles, reloads: &Reloads, now: UnixTime) {
        let kind = self.source.kind();
        let pause = match &self.refused {
            Some(refused) if !has_changed(&refused.files, &files) => {
                (refused.pause * 2).min(LONGEST_PAUSE)
            }
            Some(_) | None => FIRST_PAUSE,
        };
        let is_known = self.refused.as_ref().is_some_and(|refused| refused.faults == faults);
        if !is_known {
            tracing::error!(
                kind = kind.as_str(),
                faults = faults.len(),
                "the changed files cannot be used; the earlier ones stay in force"
            );
            for fault in faults.iter().take(FAULTS_SHOWN) {
                tracing::error!(kind = kind.as_str(), fault, "not usable");
            }
            let text = shown(&faults);
            reloads.update(kind, |status| {
                status.failures += 1;
                status.last_failure = Some(now);
                status.fault = Some(text);
            });
        }
        let again_at = Instant::now() + pause;
        self.refused = Some(Refused { faults, files, again_at, pause });
    }
}

impl<S: Source> Looking for WatchedGroup<S> {
    fn look(&mut self, look: Look, reloads: &Reloads, now: UnixTime) {
        if !self.is_due(look) {
            return;
        }
        let kind = self.source.kind();
        let files = TrackedFiles::of_regular_files();
        let read = self.source.read(&files);
        let files = files.into_seen();
        let unsettled = self.unsettled.take();
        match read {
            Err(faults) => self.refuse(faults, files, reloads, now),
            Ok(read) => {
                let is_new = has_changed(&self.in_force, &files);
                if is_new && unsettled.is_none_or(|before| has_changed(&before, &files)) {
                    self.unsettled = Some(files);
                    return;
                }
                let was_refused = self.refused.take().is_some();
                self.in_force = files;
                if is_new {
                    self.source.put_in_force(read);
                    self.succeeded(reloads, now);
                    tracing::info!(kind = kind.as_str(), "new files are in force");
                } else if was_refused {
                    reloads.update(kind, |status| status.fault = None);
                    tracing::info!(kind = kind.as_str(), "the files are again those in force");
                }
            }
        }
    }

    fn files(&self) -> Vec<&Path> {
        self.in_force.keys().map(PathBuf::as_path).collect()
    }

    fn stream(&self) -> Option<&Path> {
        let found = self.in_force.iter().find(|(_, seen)| seen.is_stream());
        found.map(|(path, _)| path.as_path())
    }
}

fn has_moved(files: &SeenFiles) -> bool {
    files.iter().any(|(path, seen)| !seen.is_unmoved(path))
}

fn has_changed(before: &SeenFiles, after: &SeenFiles) -> bool {
    !before.keys().eq(after.keys())
        || before.values().zip(after.values()).any(|(a, b)| !a.has_same_content(b))
}

/// Over all files that hold no secret; empty if there are none.
fn digest(files: &SeenFiles) -> String {
    let mut public = files.values().filter_map(Seen::public_digest).peekable();
    if public.peek().is_none() {
        return String::new();
    }
    let mut context = aws_lc_rs::digest::Context::new(&aws_lc_rs::digest::SHA256);
    for digest in public {
        context.update(digest);
    }
    context.finish().as_ref().iter().fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn shown(faults: &[String]) -> String {
    let mut text =
        faults.iter().take(FAULTS_SHOWN).map(String::as_str).collect::<Vec<_>>().join("\n");
    if let Some(more) = faults.len().checked_sub(FAULTS_SHOWN).filter(|more| *more > 0) {
        let _ = write!(text, "\nand {more} more");
    }
    text
}

#[cfg(test)]
mod tests {
    #![expect(clippy::disallowed_methods, reason = "tests write their input files")]

    use super::*;

    struct Text(PathBuf, Vec<String>);

    impl Source for Text {
        type Read = String;

        fn kind(&self) -> Kind {
            Kind::Configuration
        }

        fn read(&self, files: &TrackedFiles) -> Result<String, Vec<String>> {
            files.read_text(&self.0, 100).map_err(|fault| vec![fault.to_string()])
        }

        fn put_in_force(&mut self, read: String) {
            self.1.push(read);
        }
    }

    #[test]
    fn what_is_still_being_written_is_not_put_in_force() {
        let folder = tempfile::tempdir().unwrap();
        let (path, reloads) = (folder.path().join("list"), Reloads::default());
        let now = UnixTime::from_seconds(0);
        std::fs::write(&path, "a b c").unwrap();
        let files = TrackedFiles::default();
        files.read(&path, 100).unwrap();
        let source = Text(path.clone(), Vec::new());
        let mut subject = WatchedGroup::new(source, files.into_seen(), &reloads, now);
        for (written, look, in_force) in [
            (Some(""), Look::Glance, &[][..]),
            (Some("a b"), Look::Glance, &[]),
            (Some("a b c d"), Look::Read, &[]),
            (None, Look::Glance, &["a b c d"]),
            (None, Look::Glance, &["a b c d"]),
            (Some(""), Look::Glance, &["a b c d"]),
            (Some("a b c d"), Look::Glance, &["a b c d"]),
            (Some("e"), Look::Glance, &["a b c d"]),
            (None, Look::Glance, &["a b c d", "e"]),
        ] {
            if let Some(written) = written {
                std::fs::write(&path, written).unwrap();
            }
            subject.look(look, &reloads, now);
            assert_eq!(subject.source.1, in_force, "{written:?}");
        }
    }
}
