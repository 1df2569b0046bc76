//! What goes wrong: in the text of an expression, and in its evaluation.
//!
//! Never here: values. They are claims of a person, and an error is written to logs.

use std::fmt;
use std::sync::Arc;

/// One fault of an expression, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The line, counted from 1.
    pub line: u32,
    /// The column in characters, counted from 1.
    pub column: u32,
    /// What is wrong, in one sentence.
    pub message: String,
}

/// Why a text is not a program: every fault that was found, in the order of the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompileError {
    /// In the order of the text.
    pub faults: Vec<Fault>,
}

impl fmt::Display for CompileError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, fault) in self.faults.iter().enumerate() {
            if index > 0 {
                formatter.write_str("\n")?;
            }
            write!(formatter, "{}:{}: {}", fault.line, fault.column, fault.message)?;
        }
        Ok(())
    }
}

impl std::error::Error for CompileError {}

/// Why a program gave no value.
#[expect(missing_docs, reason = "the messages say it")]
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EvaluationError {
    #[error("no such key: `{0}`")]
    NoSuchField(Arc<str>),
    #[error("no such key")]
    NoSuchKey,
    #[error("the index is outside of the list")]
    IndexOutOfBounds,
    #[error("no such overload: `{0}` does not take values of these types")]
    NoSuchOverload(&'static str),
    #[error("division by zero")]
    DivisionByZero,
    #[error("modulus by zero")]
    ModulusByZero,
    #[error("`{0}` leaves the range of its type")]
    Overflow(&'static str),
    #[error("`{function}` failed: {reason}")]
    Failed { function: &'static str, reason: &'static str },
    #[error("`{0}` is not bound to a value")]
    Unbound(Arc<str>),
    #[error("the expression costs more than it may")]
    CostExceeded,
    #[error("the expression handles more data than it may")]
    WorkExceeded,
    #[error("the values are nested too deeply")]
    DepthExceeded,
    #[error("the expression takes longer than there is time")]
    Stopped,
}

impl EvaluationError {
    /// A function that refuses its arguments.
    pub fn failed(function: &'static str, reason: &'static str) -> EvaluationError {
        EvaluationError::Failed { function, reason }
    }

    /// Whether evaluation ends here: `||` and `&&` absorb other errors, but never these.
    pub fn is_final(&self) -> bool {
        matches!(
            self,
            EvaluationError::CostExceeded
                | EvaluationError::WorkExceeded
                | EvaluationError::DepthExceeded
                | EvaluationError::Stopped
        )
    }
}
