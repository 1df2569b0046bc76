//! When two values are equal.
//! Never compares texts alone: 1 and 1.0 are one number.

use serde_json::{Number, Value};

use crate::ours::NUMBER;
use crate::world::{Answered, Reader};

/// Whether both sides read the same value, or both refuse. With kube-apiserver's rules, only
/// texts that we accept count: `tests/differential` lists what we refuse beyond those rules.
pub(crate) fn same(answered: &Answered) -> bool {
    match (&answered.ours, &answered.theirs) {
        (Ok(ours), Ok(theirs)) => same_value(ours, theirs),
        (Err(_), Err(_)) => true,
        (Err(_), Ok(_)) => answered.reader == Reader::Authentication,
        (Ok(_), Err(_)) => false,
    }
}

pub(crate) fn same_value(ours: &Value, theirs: &Value) -> bool {
    match (ours, theirs) {
        (Value::Number(ours), Value::Number(theirs)) => same_number(ours, theirs),
        (Value::Object(ours), Value::Number(_)) => ours.len() == 1 && ours.contains_key(NUMBER),
        (Value::Array(ours), Value::Array(theirs)) => {
            ours.len() == theirs.len()
                && ours.iter().zip(theirs).all(|(ours, theirs)| same_value(ours, theirs))
        }
        (Value::Object(ours), Value::Object(theirs)) => {
            ours.len() == theirs.len()
                && ours.iter().all(|(key, value)| {
                    theirs.get(key).is_some_and(|expected| same_value(value, expected))
                })
        }
        (ours, theirs) => ours == theirs,
    }
}

fn same_number(ours: &Number, theirs: &Number) -> bool {
    ours == theirs
        || matches!((ours.as_f64(), theirs.as_f64()), (Some(ours), Some(theirs))
            if ours.to_bits() == theirs.to_bits() || (ours == 0.0 && theirs == 0.0))
}
