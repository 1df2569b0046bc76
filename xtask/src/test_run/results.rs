//! Reads the output of `cargo test` and sums it up in one line.
//! Never trusts an exit code without a count, nor a count without the exit code.

use std::{collections::BTreeSet, fmt::Write as _};

#[derive(Default)]
pub(crate) struct Results {
    passed: usize,
    failed: usize,
    ignored: usize,
    skipped: BTreeSet<String>,
    /// Names of failed tests with their output.
    failures: Vec<String>,
    reading_failures: bool,
    other_failures: Vec<String>,
}

impl Results {
    pub(crate) fn read_line(&mut self, line: &str) {
        if let Some(counts) = line.strip_prefix("test result: ") {
            self.passed += count(counts, "passed");
            self.failed += count(counts, "failed");
            self.ignored += count(counts, "ignored");
            self.reading_failures = false;
        } else if line == "failures:" {
            // The word appears twice: before the outputs, and before the list of names.
            self.reading_failures = true;
        } else if self.reading_failures {
            self.failures.push(line.to_owned());
        }
    }

    /// `cargo test` failed although no test did: a test program crashed or did not compile.
    pub(crate) fn take_exit(&mut self, succeeded: bool) {
        if !succeeded && self.failed == 0 {
            self.take_failure("`cargo test` failed outside of a test: see above".to_owned());
        }
    }

    /// A failure outside the tests: a program that did not build, a missing component.
    pub(crate) fn take_failure(&mut self, what: String) {
        self.other_failures.push(what);
    }

    pub(crate) fn ran_nothing(&self) -> bool {
        self.passed + self.failed() == 0
    }

    /// The lines `name: reason` of tests that found a component missing and returned.
    pub(crate) fn take_skipped(&mut self, lines: &str) {
        self.skipped.extend(lines.lines().filter(|line| !line.is_empty()).map(str::to_owned));
    }

    pub(crate) fn failed(&self) -> usize {
        self.failed + self.other_failures.len()
    }

    /// The failures again, the skipped tests, and the summary line.
    pub(crate) fn closing(&self) -> String {
        let mut text = String::new();
        if !self.failures.is_empty() {
            let _ = writeln!(text, "\nfailures again:\n{}", self.failures.join("\n").trim_end());
        }
        for failure in &self.other_failures {
            let _ = writeln!(text, "failed: {failure}");
        }
        for skipped in &self.skipped {
            let _ = writeln!(text, "skipped: {skipped}");
        }
        // A skipped test returned early, so the test program counted it as passed.
        let skipped = self.skipped.len() + self.ignored;
        let passed = self.passed.saturating_sub(self.skipped.len());
        let _ = writeln!(text, "{passed} passed, {} failed, {skipped} skipped", self.failed());
        text
    }
}

/// The number before a word of `ok. 5 passed; 0 failed; …`.
fn count(counts: &str, what: &str) -> usize {
    counts
        .split([';', '.'])
        .filter_map(|part| part.trim().strip_suffix(what))
        .find_map(|number| number.trim().parse().ok())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const RUN: &str = "\
running 3 tests
test a ... ok
test b ... FAILED
test c ... ok

failures:

---- b stdout ----
thread 'b' panicked: left: 1

failures:
    b

test result: FAILED. 2 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s

running 4 tests
test result: ok. 4 passed; 0 failed; 0 ignored; 0 measured; 7 filtered out; finished in 0.00s
";

    fn read(run: &str) -> Results {
        let mut results = Results::default();
        run.lines().for_each(|line| results.read_line(line));
        results
    }

    fn last_line(results: &Results) -> String {
        results.closing().lines().last().unwrap_or_default().to_owned()
    }

    #[test]
    fn every_test_program_is_counted() {
        let results = read(RUN);
        assert_eq!(last_line(&results), "6 passed, 1 failed, 0 skipped");
        assert!(results.closing().contains("thread 'b' panicked: left: 1"));
    }

    #[test]
    fn a_skipped_test_has_not_passed() {
        let mut results = read(RUN);
        results.take_skipped("browser: no Chromium\nbrowser: no Chromium\nscenario: no etcd\n");
        assert_eq!(last_line(&results), "4 passed, 1 failed, 2 skipped");
    }

    #[test]
    fn a_crash_without_a_count_is_a_failure() {
        let mut results = read("running 2 tests\n");
        results.take_exit(false);
        assert_eq!(last_line(&results), "0 passed, 1 failed, 0 skipped");
    }

    #[test]
    fn a_failed_run_is_not_counted_twice() {
        let mut results = read(RUN);
        results.take_exit(false);
        assert_eq!(results.failed(), 1);
    }

    #[test]
    fn what_ci_left_out_is_a_failure() {
        let mut results = read("test result: ok. 1 passed; 0 failed; 0 ignored; 0 measured");
        results.take_failure("left out: etcd: go is missing".to_owned());
        assert_eq!(last_line(&results), "1 passed, 1 failed, 0 skipped");
    }
}
