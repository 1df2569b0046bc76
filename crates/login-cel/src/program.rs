//! A program: a text that was parsed and checked once, to be evaluated for every token.
//!
//! Never here: how (`syntax`, `check`, `evaluate`).

use crate::environment::Environment;
use crate::error::{CompileError, EvaluationError, Fault};
use crate::meter::Budget;
use crate::types::Type;
use crate::value::Value;

/// A checked expression.
#[derive(Debug)]
pub struct Program {
    result: Type,
}

/// The values of the variables.
#[derive(Clone, Debug)]
pub struct Bindings<'a> {
    variables: Vec<(&'a str, Value<'a>)>,
}

impl<'a> Bindings<'a> {
    /// Names and values.
    pub fn new(variables: impl IntoIterator<Item = (&'a str, Value<'a>)>) -> Bindings<'a> {
        Bindings { variables: variables.into_iter().collect() }
    }
}

impl Program {
    /// Parses and checks a text; all faults that are found are reported.
    pub fn compile(source: &str, environment: &Environment) -> Result<Program, CompileError> {
        let _ = (source, environment);
        Err(CompileError {
            faults: vec![Fault {
                line: 1,
                column: 1,
                message: "expressions are not supported yet".to_owned(),
            }],
        })
    }

    /// The type of every value that this program gives, as far as it is known before evaluation.
    pub fn result_type(&self) -> &Type {
        &self.result
    }

    /// Whether the expression selects these names one after the other: `claims.email`,
    /// `claims.?email`, `has(claims.email)`; not `claims["email"]`.
    pub fn selects(&self, path: &[&str]) -> bool {
        let _ = path;
        false
    }

    /// Computes the value for these variables, within a budget.
    pub fn evaluate<'a>(
        &'a self,
        bindings: &Bindings<'a>,
        budget: &Budget,
    ) -> Result<Value<'a>, EvaluationError> {
        let _ = (&bindings.variables, budget);
        Err(EvaluationError::CostExceeded)
    }
}
