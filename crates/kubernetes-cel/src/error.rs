//! The errors: in the text of an expression, in its evaluation, in an environment.
//! Never contain values: they may be secret, and errors are written to logs.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

/// One fault of an expression, and where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Fault {
    /// The line, counted from 1.
    pub line: u32,
    /// The column in characters, counted from 1.
    pub column: u32,
    /// What is wrong, in one sentence. It quotes the expression.
    pub message: String,
}

/// Why a text is not a program: every fault that was found, in the order of the text. It displays
/// as one line per fault, `line:column: message`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CompileError {
    /// In the order of the text; at least one.
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

/// Why a program gave no value. Names in it come from the expression and the environment, never
/// from values.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EvaluationError {
    /// The expression selects a field by this name, which the value does not have.
    #[error("no such key: `{0}`")]
    NoSuchField(Arc<str>),
    /// The expression selects by a computed key, which the map does not have.
    #[error("no such key")]
    NoSuchKey,
    /// The index is negative, or not below the length of the list.
    #[error("the index is outside of the list")]
    IndexOutOfBounds,
    /// No overload of this function takes values of these types.
    #[error("no such overload: `{0}` does not take values of these types")]
    NoSuchOverload(Cow<'static, str>),
    /// A whole number was divided by zero.
    #[error("division by zero")]
    DivisionByZero,
    /// The remainder of a division by zero.
    #[error("modulus by zero")]
    ModulusByZero,
    /// The result of this function is outside of the range of its type.
    #[error("`{0}` leaves the range of its type")]
    Overflow(Cow<'static, str>),
    /// A function refused its arguments.
    #[error("`{function}` failed: {reason}")]
    Failed {
        /// The name of the function.
        function: Cow<'static, str>,
        /// What is wrong with the arguments, without their values.
        reason: Cow<'static, str>,
    },
    /// The variable of this name has no value in the bindings.
    #[error("`{0}` is not bound to a value")]
    Unbound(Arc<str>),
    /// The budget of cost is spent.
    #[error("the expression costs more than it may")]
    CostExceeded,
    /// The budget of work is spent.
    #[error("the expression handles more data than it may")]
    WorkExceeded,
    /// Values are nested more deeply than comparisons go.
    #[error("the values are nested too deeply")]
    DepthExceeded,
    /// The caller's patience is over.
    #[error("the expression takes longer than there is time")]
    Stopped,
}

impl EvaluationError {
    /// A function that refuses its arguments. The reason must not contain values.
    pub fn failed(
        function: impl Into<Cow<'static, str>>,
        reason: impl Into<Cow<'static, str>>,
    ) -> EvaluationError {
        EvaluationError::Failed { function: function.into(), reason: reason.into() }
    }

    /// A function that has no overload for the types of its arguments.
    pub fn no_overload(function: impl Into<Cow<'static, str>>) -> EvaluationError {
        EvaluationError::NoSuchOverload(function.into())
    }

    pub(crate) fn overflow(function: &'static str) -> EvaluationError {
        EvaluationError::Overflow(Cow::Borrowed(function))
    }

    /// Whether it is a limit that ended the evaluation: `||`, `&&` and macros absorb other errors,
    /// but never these.
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

/// Why declarations do not make an environment.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EnvironmentError {
    /// The name is no identifier, or a word that CEL reserves. Names of variables and functions
    /// are identifiers, or several of them with dots between.
    #[error("`{0}` cannot be declared: it is not an identifier, or a reserved word")]
    Name(String),
    /// Two variables have this name.
    #[error("the variable `{0}` is declared twice")]
    DuplicateVariable(String),
    /// A type has the name of this variable.
    #[error("the variable `{0}` has the name of a type")]
    HiddenType(String),
    /// Two overloads of this function take the same arguments; the text says which.
    #[error("the overload `{0}` collides with another one of that function")]
    DuplicateOverload(String),
    /// Calls of this overload are rewritten by a macro of that name, so that it is never called.
    #[error("the overload `{0}` is hidden by a macro")]
    HiddenByMacro(String),
    /// An overload that is called as `target.name()` has no parameter for the target.
    #[error("the overload `{0}` has no parameter for its target")]
    NoTarget(String),
    /// A function without overloads cannot be called.
    #[error("the function `{0}` has no overloads")]
    NoOverloads(String),
}
