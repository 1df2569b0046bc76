//! What values add to the work of an evaluation: their texts, and the places of their elements.
//! Never cost: the cost model counts sizes, which `Value::size` gives.

use super::Value;
use crate::error::EvaluationError;
use crate::meter::Meter;

impl Meter {
    /// Charges a list or map of this many values before it is built or walked through; a map has
    /// two for each entry.
    pub fn elements(&mut self, count: usize) -> Result<(), EvaluationError> {
        self.work(count.saturating_mul(size_of::<Value<'_>>()))
    }

    /// Charges the arguments before a call: cost rules count the characters of every text, also of
    /// those that the function does not read.
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
}
