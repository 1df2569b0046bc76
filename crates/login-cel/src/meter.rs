//! What one evaluation may cost, and what it has cost so far.
//!
//! Never here: a clock. Cost and work bound the time of all but large patterns, work bounds the
//! memory as well, and whoever has a clock says when there is no more patience.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::EvaluationError;
use crate::pattern::search::{Matcher, Purpose};
use crate::pattern::{Patterns, SIZE_OF_COMPUTED};
use crate::value::Value;

/// The bounds of one evaluation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Units of CEL's cost model; `PerCallLimit` of kube-apiserver by default.
    pub cost: u64,
    /// Bytes that are copied, compared or allocated beyond what the cost model sees.
    pub work: u64,
}

impl Default for Budget {
    fn default() -> Budget {
        Budget { cost: 1_000_000, work: 32 * 1024 * 1024 }
    }
}

/// How long evaluations may take together. It is asked now and then, so that it may read a clock.
#[derive(Clone)]
pub struct Patience(Arc<Limit>);

struct Limit {
    is_over: Box<dyn Fn() -> bool + Send + Sync>,
    has_stopped: AtomicBool,
}

impl Patience {
    /// Until `is_over` says so.
    pub fn until(is_over: impl Fn() -> bool + Send + Sync + 'static) -> Patience {
        let has_stopped = AtomicBool::new(false);
        Patience(Arc::new(Limit { is_over: Box::new(is_over), has_stopped }))
    }

    /// Whether an evaluation was stopped by it, so that its error says nothing about the values.
    pub fn has_stopped(&self) -> bool {
        self.0.has_stopped.load(Ordering::Relaxed)
    }

    fn is_over(&self) -> bool {
        let is_over = (self.0.is_over)();
        if is_over {
            self.0.has_stopped.store(true, Ordering::Relaxed);
        }
        is_over
    }
}

impl fmt::Debug for Patience {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Patience").field("has_stopped", &self.has_stopped()).finish()
    }
}

/// Of work, between two questions whether there is patience left: well below a millisecond.
const PAUSE: u64 = 256 * 1024;

/// Of work, for every pattern that is compiled: a good dozen of them fit into a budget.
const COMPILATION: usize = 2 * 1024 * 1024;

/// Of work, for every byte of such a pattern: three may stand for hundreds of ranges (`\pL`), which
/// are there before the limit of size is looked at.
const COMPILED_BYTE: usize = 4096;

/// Of work, for every node that is evaluated.
const STEP: usize = 16;

/// Counts one evaluation. Functions charge what they are about to do before they do it.
#[derive(Debug)]
pub(crate) struct Meter {
    budget: Budget,
    cost: u64,
    work: u64,
    /// The work at which patience is asked for next.
    next_pause: u64,
    patience: Option<Patience>,
    patterns: Patterns,
}

impl Meter {
    pub(crate) fn new(budget: &Budget) -> Meter {
        Meter {
            budget: *budget,
            cost: 0,
            work: 0,
            next_pause: PAUSE,
            patience: None,
            patterns: Patterns::default(),
        }
    }

    /// With patterns that are compiled already.
    pub(crate) fn with_patterns(
        budget: &Budget,
        patterns: &Patterns,
        patience: Option<&Patience>,
    ) -> Meter {
        Meter { patterns: patterns.clone(), patience: patience.cloned(), ..Meter::new(budget) }
    }

    /// The regular expression of a pattern in RE2's syntax. Those that are spelt out in the program
    /// are compiled already; others are compiled once for each evaluation, and charged as work.
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

    /// To be called where something may take long that work does not see.
    pub(crate) fn pause(&self) -> Result<(), EvaluationError> {
        match &self.patience {
            Some(patience) if patience.is_over() => Err(EvaluationError::Stopped),
            Some(_) | None => Ok(()),
        }
    }

    /// What was used of the budget.
    pub(crate) fn spent(&self) -> Budget {
        Budget { cost: self.cost, work: self.work }
    }

    /// Takes back units: what is part of something else is counted with it.
    pub(crate) fn refund(&mut self, units: u64) {
        self.cost = self.cost.saturating_sub(units);
    }

    /// Adds units of the cost model. Overloads have a rule for it and need not call this.
    pub(crate) fn charge(&mut self, units: u64) -> Result<(), EvaluationError> {
        self.cost = self.cost.saturating_add(units);
        if self.cost > self.budget.cost { Err(EvaluationError::CostExceeded) } else { Ok(()) }
    }

    /// To be called with the number of bytes before they are allocated, copied or walked through.
    pub(crate) fn work(&mut self, bytes: usize) -> Result<(), EvaluationError> {
        self.work = self.work.saturating_add(bytes as u64);
        if self.work > self.budget.work {
            return Err(EvaluationError::WorkExceeded);
        }
        if self.work < self.next_pause {
            return Ok(());
        }
        self.next_pause = self.work.saturating_add(PAUSE);
        self.pause()
    }

    /// To be called with the arguments of a call before it: cost rules count the characters of all
    /// that are text, whatever the function does.
    pub(crate) fn texts(&mut self, arguments: &[Value<'_>]) -> Result<(), EvaluationError> {
        for argument in arguments {
            let mut argument = argument;
            while let Value::Optional(Some(inner)) = argument {
                self.step()?;
                argument = inner;
            }
            self.work(argument.text_length())?;
        }
        Ok(())
    }

    /// One node, whatever it costs: some cost nothing, and loops repeat them.
    pub(crate) fn step(&mut self) -> Result<(), EvaluationError> {
        self.work(STEP)
    }

    /// To be called with the number of values before a list or map of them is built or walked
    /// through.
    pub(crate) fn elements(&mut self, count: usize) -> Result<(), EvaluationError> {
        self.work(count.saturating_mul(size_of::<Value<'_>>()))
    }
}
