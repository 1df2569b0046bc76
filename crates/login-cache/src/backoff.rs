//! Stores a failed sign-in, so that the next kubectl does not open another browser.
//! Never holds back a sign-in after its window, nor an explicit `login`.

use std::time::Duration;

use login_common::UnixTime;

use super::{
    FORMAT,
    key::CacheKey,
    store::{Directory, StoreError},
};

/// The kind of file.
const KIND: &str = "failed";

/// Longest file that is read.
const MAX_LENGTH: usize = 16 * 1024;

/// The window after the first failure. kubectl repeats a failing plugin about five times in a row.
const FIRST_WINDOW: Duration = Duration::from_secs(10);

/// The longest window, however often the sign-in failed.
const LONGEST_WINDOW: Duration = Duration::from_mins(1);

/// A stored failure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Memory {
    /// How many failures in a row.
    pub count: u32,
    /// No sign-in begins before this time. For a failure that is only shared, it is the time of
    /// the failure.
    pub until: UnixTime,
    /// What was reported.
    pub failure: StoredFailure,
}

/// A failure as it was reported; this crate does not read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredFailure {
    /// The exit code of the process that failed.
    pub exit_code: u8,
    /// The lines of its report.
    pub report: String,
}

/// What a stored failure does to other processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Those that waited for the result adopt it.
    Shared,
    /// It also holds back the next sign-in.
    HoldsBack,
}

impl Memory {
    /// Whether no sign-in may begin at `now`. Setting the clock back ends the window, too.
    pub fn holds_back(&self, now: UnixTime) -> bool {
        now < self.until && self.until.since(now) <= LONGEST_WINDOW
    }

    fn render(&self) -> String {
        format!(
            "{FORMAT}\n{} {} {}\n{}",
            self.count,
            self.until.as_seconds(),
            self.failure.exit_code,
            self.failure.report
        )
    }

    fn parse(text: &str) -> Option<Self> {
        let rest = text.strip_prefix(FORMAT)?.strip_prefix('\n')?;
        let (head, report) = rest.split_once('\n')?;
        let mut words = head.split(' ');
        let count = words.next()?.parse().ok()?;
        let until = UnixTime::from_seconds(words.next()?.parse().ok()?);
        let exit_code = words.next()?.parse().ok()?;
        Some(Self { count, until, failure: StoredFailure { exit_code, report: report.to_owned() } })
    }
}

/// The stored failure of a session.
pub fn recall(directory: &Directory, key: &CacheKey) -> Option<Memory> {
    let bytes = directory.read(&key.file(KIND), MAX_LENGTH)?;
    Memory::parse(&String::from_utf8(bytes).ok()?)
}

/// Stores `failure`. Each sign-in that fails again doubles the window in which it holds back the
/// next one. That of a job, a renewal, an outage or an explicit `login` is only shared.
pub fn remember(
    directory: &Directory,
    key: &CacheKey,
    failure: StoredFailure,
    effect: Effect,
    now: UnixTime,
) -> Result<(), StoreError> {
    let (count, until) = match effect {
        Effect::Shared => (1, now),
        Effect::HoldsBack => {
            // Consecutive failures count.
            let before = recall(directory, key)
                .filter(|memory| now.since(memory.until) <= LONGEST_WINDOW)
                .map_or(0, |memory| memory.count);
            let count = before.saturating_add(1);
            (count, now.plus(window(count)))
        }
    };
    let memory = Memory { count, until, failure };
    directory.write(&key.file(KIND), memory.render().as_bytes())
}

/// Removes the stored failures of a session.
pub fn clear(directory: &Directory, key: &CacheKey) -> Result<(), StoreError> {
    directory.remove(&key.file(KIND))
}

fn window(count: u32) -> Duration {
    let doubled = 1u32.checked_shl(count.saturating_sub(1)).unwrap_or(u32::MAX);
    FIRST_WINDOW.saturating_mul(doubled).min(LONGEST_WINDOW)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> UnixTime {
        UnixTime::from_seconds(seconds)
    }

    fn failure() -> StoredFailure {
        let report = "error: sign-in failed\n  caused by: the issuer said no\nhint: ask again\n";
        StoredFailure { exit_code: 1, report: report.to_owned() }
    }

    #[test]
    fn the_window_grows_from_ten_seconds_to_a_minute() {
        let seconds: Vec<u64> = [1, 2, 3, 4, 5, 100].map(|count| window(count).as_secs()).into();
        assert_eq!(seconds, [10, 20, 40, 60, 60, 60]);
    }

    #[test]
    fn a_failure_is_remembered_with_its_report_until_it_is_cleared() {
        let scratch = tempfile::tempdir().unwrap();
        let directory = Directory::new(scratch.path().join("cache"));
        let key = CacheKey::of_client("https://id.example", "k");
        assert_eq!(recall(&directory, &key), None);
        remember(&directory, &key, failure(), Effect::HoldsBack, at(100)).unwrap();
        let first = recall(&directory, &key).unwrap();
        assert_eq!(first, Memory { count: 1, until: at(110), failure: failure() });
        remember(&directory, &key, failure(), Effect::HoldsBack, at(120)).unwrap();
        assert_eq!(recall(&directory, &key).unwrap().until, at(140));
        clear(&directory, &key).unwrap();
        assert_eq!(recall(&directory, &key), None);
    }

    #[test]
    fn only_the_window_holds_back() {
        let memory = |until| Memory { count: 1, until: at(until), failure: failure() };
        assert!(memory(110).holds_back(at(109)));
        assert!(!memory(110).holds_back(at(110)));
        assert!(!memory(100).holds_back(at(100)));
        // The clock was set back by a day.
        assert!(!memory(86_400).holds_back(at(0)));
    }

    #[test]
    fn a_failure_that_is_only_shared_opens_no_window_and_counts_once() {
        let scratch = tempfile::tempdir().unwrap();
        let directory = Directory::new(scratch.path().join("cache"));
        let key = CacheKey::of_client("https://id.example", "k");
        remember(&directory, &key, failure(), Effect::HoldsBack, at(100)).unwrap();
        remember(&directory, &key, failure(), Effect::Shared, at(120)).unwrap();
        let shared = Memory { count: 1, until: at(120), failure: failure() };
        assert_eq!(recall(&directory, &key), Some(shared));
    }

    #[test]
    fn a_corrupt_memory_is_none() {
        for text in ["", "kubectl-login/1\n", "kubectl-login/1\n1 2\nerror: x\n"] {
            assert_eq!(Memory::parse(text), None, "{text:?}");
        }
    }
}
