//! What an engine made of an expression, and when two engines made the same of it.

use std::fmt;

use serde_json::Value;

/// What became of an expression.
#[derive(Clone, Debug)]
pub(crate) enum Outcome {
    CompileError(String),
    EvaluationError(String),
    /// A limit ended the evaluation, whatever would have absorbed an error.
    Ended(String),
    Value(Value),
}

pub(crate) struct Answer {
    pub(crate) outcome: Outcome,
    pub(crate) cost: Option<u64>,
}

impl Answer {
    pub(crate) fn without_cost(outcome: Outcome) -> Answer {
        Answer { outcome, cost: None }
    }
}

impl Outcome {
    /// Same kind of outcome, same value. Messages may differ: ours never show values.
    pub(crate) fn is_same(&self, theirs: &Outcome) -> bool {
        match (self, theirs) {
            (Outcome::Value(ours), Outcome::Value(theirs)) => same_value(ours, theirs),
            (Outcome::CompileError(_), Outcome::CompileError(_))
            | (Outcome::EvaluationError(_), Outcome::EvaluationError(_))
            | (Outcome::Ended(_), Outcome::Ended(_)) => true,
            _ => false,
        }
    }
}

fn same_value(ours: &Value, theirs: &Value) -> bool {
    if let (Some(ours), Some(theirs)) = (double(ours), double(theirs)) {
        return ours.to_bits() == theirs.to_bits() || (ours.is_nan() && theirs.is_nan());
    }
    match (ours, theirs) {
        (Value::Array(ours), Value::Array(theirs)) => {
            ours.len() == theirs.len()
                && ours.iter().zip(theirs).all(|(ours, theirs)| same_value(ours, theirs))
        }
        (Value::Object(ours), Value::Object(theirs)) => ours.iter().all(|(tag, value)| {
            theirs.get(tag).is_some_and(|expected| match tag.as_str() {
                "map" => same_value(&by_key(value), &by_key(expected)),
                _ => same_value(value, expected),
            })
        }),
        (ours, theirs) => ours == theirs,
    }
}

fn double(value: &Value) -> Option<f64> {
    value.get("double")?.as_str()?.parse().ok()
}

pub(super) fn by_key(entries: &Value) -> Value {
    let mut entries = entries.as_array().cloned().unwrap_or_default();
    entries.sort_by_key(|entry| entry[0].to_string());
    Value::Array(entries)
}

impl fmt::Display for Outcome {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Outcome::CompileError(error) => write!(formatter, "does not compile: {error}"),
            Outcome::EvaluationError(error) => write!(formatter, "fails: {error}"),
            Outcome::Ended(error) => write!(formatter, "is ended: {error}"),
            Outcome::Value(value) => write!(formatter, "{value}"),
        }
    }
}
