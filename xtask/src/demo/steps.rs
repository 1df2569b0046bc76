//! One line per step with its outcome and time, and the closing count.
//! Never stops the demo: a step that needs a failed one fails by itself.

use crate::{Outcome, children};
use anyhow::{Context as _, Result};
use std::time::Instant;

#[derive(Default)]
pub(crate) struct Steps {
    passed: usize,
    all: usize,
}

impl Steps {
    /// Runs one step, which returns what later steps need and what to print about it.
    pub(crate) fn run<T>(
        &mut self,
        title: &str,
        step: impl FnOnce() -> Result<(T, String)>,
    ) -> Option<T> {
        self.all += 1;
        let started = Instant::now();
        let done = step();
        let took = children::spell(started.elapsed());
        match done {
            Ok((result, said)) => {
                self.passed += 1;
                println!("✓ {title}: {said} ({took})");
                Some(result)
            }
            Err(error) => {
                println!("✗ {title}: {error:#} ({took})");
                None
            }
        }
    }

    pub(crate) fn finish(&self) -> Outcome {
        println!("demo: {} of {} steps passed", self.passed, self.all);
        if self.passed == self.all { Outcome::Done } else { Outcome::Failed }
    }
}

/// What an earlier step returned.
pub(crate) fn from_before<T>(earlier: Option<&T>) -> Result<&T> {
    earlier.context("a step before it failed")
}
