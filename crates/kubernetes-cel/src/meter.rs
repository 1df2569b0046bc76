//! Counts what one evaluation spends, and ends it at its limits.
//! Never searches or compares itself: callers charge here what they are about to read.

use std::sync::Arc;

use crate::error::EvaluationError;
use crate::limits::{Budget, Limits, Patience};
use crate::pattern::{Matcher, Patterns, Purpose, SIZE_OF_COMPUTED};

/// The work between two checks of the patience: well below a millisecond.
const PAUSE: u64 = 256 * 1024;

/// The work for each pattern that is compiled: more than a dozen fit into a budget.
const COMPILATION: usize = 2 * 1024 * 1024;

/// The work for each byte of such a pattern: three may stand for hundreds of ranges (`\pL`), which
/// are built before the limit of size applies.
const COMPILED_BYTE: usize = 4096;

/// The work for each node that is evaluated.
const STEP: usize = 16;

/// Counts one evaluation. A function charges its work before it does it.
#[derive(Debug)]
pub struct Meter {
    limits: Limits,
    cost: u64,
    work: u64,
    /// The work at which the patience is checked next.
    next_pause: u64,
    patterns: Patterns,
}

impl Meter {
    pub(crate) fn new(limits: &Limits) -> Meter {
        Meter::with_patterns(limits, &Patterns::default())
    }

    /// With patterns that are compiled already.
    pub(crate) fn with_patterns(limits: &Limits, patterns: &Patterns) -> Meter {
        Meter {
            limits: limits.clone(),
            cost: 0,
            work: 0,
            next_pause: PAUSE,
            patterns: patterns.clone(),
        }
    }

    /// The regular expression of a pattern in RE2's syntax. Literal patterns of the program are
    /// compiled already; others are compiled once for each evaluation, and charged as work.
    pub(crate) fn pattern(
        &mut self,
        function: &'static str,
        pattern: &str,
        purpose: Purpose,
    ) -> Result<Arc<Matcher>, EvaluationError> {
        if let Some(found) = self.patterns.find(pattern, purpose) {
            return Ok(found);
        }
        self.work(COMPILATION.saturating_add(pattern.len().saturating_mul(COMPILED_BYTE)))?;
        self.patterns
            .add(pattern, SIZE_OF_COMPUTED, purpose)
            .map_err(|fault| EvaluationError::failed(function, fault.as_str()))
    }

    pub(crate) fn patience(&self) -> Option<&Patience> {
        self.limits.patience.as_ref()
    }

    /// Fails when the caller's [`Patience`] is over. For a function that runs long without
    /// allocating or reading much; [`Meter::work`] also checks at intervals.
    pub fn pause(&self) -> Result<(), EvaluationError> {
        self.patience().map_or(Ok(()), Patience::check)
    }

    /// What was used of the budget.
    pub(crate) fn spent(&self) -> Budget {
        Budget { cost: self.cost, work: self.work }
    }

    /// Takes back units: what is part of an attribute is counted with that.
    pub(crate) fn refund(&mut self, units: u64) {
        self.cost = self.cost.saturating_sub(units);
    }

    /// Adds units of the cost model. Overloads have a rule for it and need not call this.
    pub(crate) fn charge(&mut self, units: u64) -> Result<(), EvaluationError> {
        self.cost = self.cost.saturating_add(units);
        if self.cost > self.limits.budget.cost {
            Err(EvaluationError::CostExceeded)
        } else {
            Ok(())
        }
    }

    /// Charges bytes that are about to be allocated, copied, compared or searched; fails when they
    /// are more than the budget has left.
    pub fn work(&mut self, bytes: usize) -> Result<(), EvaluationError> {
        self.work = self.work.saturating_add(bytes as u64);
        if self.work > self.limits.budget.work {
            return Err(EvaluationError::WorkExceeded);
        }
        if self.work < self.next_pause {
            return Ok(());
        }
        self.next_pause = self.work.saturating_add(PAUSE);
        self.pause()
    }

    /// One node, whatever it costs: some cost nothing, and loops repeat them.
    pub(crate) fn step(&mut self) -> Result<(), EvaluationError> {
        self.work(STEP)
    }
}
