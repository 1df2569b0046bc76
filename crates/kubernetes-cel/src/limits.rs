//! The limits of an evaluation: units of cost, bytes of work, and a caller's deadline.
//! Never reads a clock: the caller's closure does.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::EvaluationError;

/// The limits of one evaluation. The default has kube-apiserver's limit of cost and no deadline.
///
/// ```
/// use kubernetes_cel::{Budget, Limits, Patience};
///
/// let deadline = std::time::Instant::now() + std::time::Duration::from_millis(100);
/// let limits = Limits {
///     budget: Budget { cost: 10_000, ..Budget::default() },
///     patience: Some(Patience::until(move || std::time::Instant::now() >= deadline)),
/// };
/// # let _ = limits;
/// ```
#[derive(Clone, Debug, Default)]
pub struct Limits {
    /// Cost and work.
    pub budget: Budget,
    /// When to stop although cost and work are left; never, if there is none.
    pub patience: Option<Patience>,
}

impl From<Budget> for Limits {
    fn from(budget: Budget) -> Limits {
        Limits { budget, patience: None }
    }
}

/// An amount of cost and work: what an evaluation may spend, or what it has spent.
///
/// Cost bounds what an expression computes as Kubernetes counts it; work bounds what that count
/// does not see, and with it memory. An evaluation ends with
/// [`CostExceeded`](EvaluationError::CostExceeded) or
/// [`WorkExceeded`](EvaluationError::WorkExceeded) when it has spent more of either.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Units of CEL's runtime cost model, as cel-go counts them with the cost rules of Kubernetes'
    /// libraries. The default is Kubernetes' `PerCallLimit`, 1,000,000.
    pub cost: u64,
    /// Bytes that are allocated, copied, compared or searched. This count is the crate's own; the
    /// default is 32 MiB.
    pub work: u64,
}

impl Default for Budget {
    fn default() -> Budget {
        Budget { cost: 1_000_000, work: 32 * 1024 * 1024 }
    }
}

/// A deadline or another reason to stop, which evaluations may share; cloning shares it.
#[derive(Clone)]
pub struct Patience(Arc<Limit>);

struct Limit {
    is_over: Box<dyn Fn() -> bool + Send + Sync>,
    has_stopped: AtomicBool,
}

impl Patience {
    /// Evaluations go on until `is_over` returns true. It is called after every 256 KiB of work,
    /// and while a large pattern searches; in between lies less than a millisecond.
    pub fn until(is_over: impl Fn() -> bool + Send + Sync + 'static) -> Patience {
        let has_stopped = AtomicBool::new(false);
        Patience(Arc::new(Limit { is_over: Box::new(is_over), has_stopped }))
    }

    /// Whether it has stopped an evaluation, which then failed with
    /// [`Stopped`](EvaluationError::Stopped): that error says nothing about expression or values.
    pub fn has_stopped(&self) -> bool {
        self.0.has_stopped.load(Ordering::Relaxed)
    }

    pub(crate) fn check(&self) -> Result<(), EvaluationError> {
        if !(self.0.is_over)() {
            return Ok(());
        }
        self.0.has_stopped.store(true, Ordering::Relaxed);
        Err(EvaluationError::Stopped)
    }
}

impl fmt::Debug for Patience {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Patience").field("has_stopped", &self.has_stopped()).finish()
    }
}
