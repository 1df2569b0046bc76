//! What one evaluation may cost, and what it has cost so far.
//!
//! Never here: a clock. Cost and work bound the time; work bounds the memory as well.

use std::sync::Arc;

use regex::Regex;

use crate::error::EvaluationError;
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
    patterns: Patterns,
}

impl Meter {
    pub(crate) fn new(budget: &Budget) -> Meter {
        Meter { budget: *budget, cost: 0, work: 0, patterns: Patterns::default() }
    }

    /// With patterns that are compiled already.
    pub(crate) fn with_patterns(budget: &Budget, patterns: &Patterns) -> Meter {
        Meter { patterns: patterns.clone(), ..Meter::new(budget) }
    }

    /// The regular expression of a pattern in RE2's syntax. Those that are spelt out in the program
    /// are compiled already; others are compiled once for each evaluation, and charged as work.
    pub(crate) fn pattern(
        &mut self,
        function: &'static str,
        pattern: &str,
    ) -> Result<Arc<Regex>, EvaluationError> {
        if let Some(found) = self.patterns.find(pattern) {
            return Ok(found);
        }
        self.work(COMPILATION.saturating_add(pattern.len().saturating_mul(COMPILED_BYTE)))?;
        self.patterns
            .add(pattern, SIZE_OF_COMPUTED)
            .map_err(|fault| EvaluationError::failed(function, fault.as_str()))
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
        if self.work > self.budget.work { Err(EvaluationError::WorkExceeded) } else { Ok(()) }
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
