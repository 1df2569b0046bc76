//! Stores a failed sign-in, so that the next kubectl does not open another browser.
//! Never holds back a sign-in after its window, nor an explicit `login`.

use std::time::Duration;

use login_common::UnixTime;

use super::{
    FORMAT,
    key::CacheKey,
    store::{Directory, StoreError},
};
use crate::report::{Fault, Report};

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
    /// No sign-in begins before this time. For a failure that opens no window, it is the time of
    /// the failure; only processes that waited for the result adopt it.
    pub until: UnixTime,
    /// What was reported.
    pub report: Report,
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
            self.report.fault.exit_code(),
            self.report
        )
    }

    fn parse(text: &str) -> Option<Self> {
        let rest = text.strip_prefix(FORMAT)?.strip_prefix('\n')?;
        let (head, report) = rest.split_once('\n')?;
        let mut words = head.split(' ');
        let count = words.next()?.parse().ok()?;
        let until = UnixTime::from_seconds(words.next()?.parse().ok()?);
        let fault = Fault::from_exit_code(words.next()?.parse().ok()?)?;
        Some(Self { count, until, report: Report::parse(fault, report)? })
    }
}

/// The stored failure of a session.
pub fn recall(directory: &Directory, key: &CacheKey) -> Option<Memory> {
    let bytes = directory.read(&key.file(KIND), MAX_LENGTH)?;
    Memory::parse(&String::from_utf8(bytes).ok()?)
}

/// Stores `report`. Each sign-in that fails again doubles the window. A failure that opens no
/// window (`opens_window` false: a job, a renewal, an outage, an explicit `login`) is only shared
/// with the processes that waited for it.
pub fn remember(
    directory: &Directory,
    key: &CacheKey,
    report: &Report,
    opens_window: bool,
    now: UnixTime,
) -> Result<(), StoreError> {
    // Consecutive failures count; one that opens no window starts again at one.
    let before = recall(directory, key)
        .filter(|memory| opens_window && now.since(memory.until) <= LONGEST_WINDOW)
        .map_or(0, |memory| memory.count);
    let count = before.saturating_add(1);
    let until = if opens_window { now.plus(window(count)) } else { now };
    let memory = Memory { count, until, report: report.clone() };
    directory.write(&key.file(KIND), memory.render().as_bytes(), false)
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

    fn report() -> Report {
        Report {
            fault: Fault::Refused,
            error: "sign-in failed".to_owned(),
            causes: vec!["the issuer said no".to_owned(), "really".to_owned()],
            hint: Some("ask again".to_owned()),
        }
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
        remember(&directory, &key, &report(), true, at(100)).unwrap();
        let first = recall(&directory, &key).unwrap();
        assert_eq!(first, Memory { count: 1, until: at(110), report: report() });
        remember(&directory, &key, &report(), true, at(120)).unwrap();
        assert_eq!(recall(&directory, &key).unwrap().until, at(140));
        clear(&directory, &key).unwrap();
        assert_eq!(recall(&directory, &key), None);
    }

    #[test]
    fn only_the_window_holds_back() {
        let memory = |until| Memory { count: 1, until: at(until), report: report() };
        assert!(memory(110).holds_back(at(109)));
        assert!(!memory(110).holds_back(at(110)));
        assert!(!memory(100).holds_back(at(100)));
        // The clock was set back by a day.
        assert!(!memory(86_400).holds_back(at(0)));
    }

    #[test]
    fn a_corrupt_memory_is_none() {
        for text in [
            "",
            "kubectl-login/1\n",
            "kubectl-login/1\n1 2\nerror: x\n",
            "kubectl-login/1\n1 2 9\nerror: x\n",
            "kubectl-login/1\n1 2 1\nx\n",
        ] {
            assert_eq!(Memory::parse(text), None, "{text:?}");
        }
    }
}
