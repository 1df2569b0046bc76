//! When two values are equal, and which is less: numbers across their types, everything else
//! within its own.
//! Never fails because types differ: such values are unequal, and have no order.

use std::cmp::Ordering;

use super::{List, Map, Value};
use crate::error::EvaluationError;
use crate::meter::Meter;

/// As deep as serde_json reads JSON.
const DEPTH: usize = 128;

impl Value<'_> {
    /// `==`. The walk is charged as work, since the cost model sees the outermost size only.
    pub(crate) fn equals(
        &self,
        other: &Value<'_>,
        meter: &mut Meter,
    ) -> Result<bool, EvaluationError> {
        equal(self, other, meter, DEPTH)
    }

    /// The order of two values; `None` for values that cannot be compared and for NaN.
    /// Texts are charged as work first.
    pub(crate) fn compare(
        &self,
        other: &Value<'_>,
        meter: &mut Meter,
    ) -> Result<Option<Ordering>, EvaluationError> {
        meter.work(self.text_length().min(other.text_length()))?;
        Ok(self.order(other))
    }

    /// As [`Value::compare`], for work that is already charged.
    pub(crate) fn order(&self, other: &Value<'_>) -> Option<Ordering> {
        match (self, other) {
            (Value::Bool(left), Value::Bool(right)) => Some(left.cmp(right)),
            (Value::String(left), Value::String(right)) => Some((**left).cmp(&**right)),
            (Value::Bytes(left), Value::Bytes(right)) => Some(left.cmp(right)),
            (Value::Duration(left), Value::Duration(right)) => Some(left.cmp(right)),
            (Value::Timestamp(left), Value::Timestamp(right)) => Some(left.cmp(right)),
            (left, right) => Number::of(left)?.compare(Number::of(right)?),
        }
    }

    /// In bytes; none for what is no text.
    pub(crate) fn text_length(&self) -> usize {
        match self {
            Value::String(text) => text.len(),
            Value::Bytes(bytes) => bytes.len(),
            _ => 0,
        }
    }
}

fn equal(
    left: &Value<'_>,
    right: &Value<'_>,
    meter: &mut Meter,
    depth: usize,
) -> Result<bool, EvaluationError> {
    let depth = depth.checked_sub(1).ok_or(EvaluationError::DepthExceeded)?;
    Ok(match (left, right) {
        (Value::Null, Value::Null) => true,
        (Value::Bool(left), Value::Bool(right)) => left == right,
        (Value::String(left), Value::String(right)) => {
            left.len() == right.len() && {
                meter.work(left.len())?;
                **left == **right
            }
        }
        (Value::Bytes(left), Value::Bytes(right)) => {
            left.len() == right.len() && {
                meter.work(left.len())?;
                left == right
            }
        }
        (Value::Duration(left), Value::Duration(right)) => left == right,
        (Value::Timestamp(left), Value::Timestamp(right)) => left == right,
        (Value::Type(left), Value::Type(right)) => left.name() == right.name(),
        (Value::List(left), Value::List(right)) => lists(left, right, meter, depth)?,
        (Value::Map(left), Value::Map(right)) => maps(left, right, meter, depth)?,
        (Value::Optional(left), Value::Optional(right)) => match (left, right) {
            (None, None) => true,
            (Some(left), Some(right)) => equal(left, right, meter, depth)?,
            _ => false,
        },
        (Value::Object(left), Value::Object(right)) => left.name == right.name,
        (Value::Object(_), _) => return Err(EvaluationError::no_overload("_==_")),
        (Value::Opaque(left), Value::Opaque(right)) => {
            left.type_name() == right.type_name() && {
                meter.work(left.work().saturating_add(right.work()))?;
                left.equals(&**right)
            }
        }
        (left, right) => match (Number::of(left), Number::of(right)) {
            (Some(left), Some(right)) => left.compare(right) == Some(Ordering::Equal),
            _ => false,
        },
    })
}

fn lists(
    left: &List<'_>,
    right: &List<'_>,
    meter: &mut Meter,
    depth: usize,
) -> Result<bool, EvaluationError> {
    if left.len() != right.len() {
        return Ok(false);
    }
    for (left, right) in left.elements().zip(right.elements()) {
        meter.elements(1)?;
        if !equal(&left, &right, meter, depth)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn maps(
    left: &Map<'_>,
    right: &Map<'_>,
    meter: &mut Meter,
    depth: usize,
) -> Result<bool, EvaluationError> {
    if left.len() != right.len() {
        return Ok(false);
    }
    for (key, left) in left.entries() {
        meter.elements(2)?;
        match right.find(&key.into_value()) {
            Some(right) if equal(&left, &right, meter, depth)? => {}
            _ => return Ok(false),
        }
    }
    Ok(true)
}

/// A number of any of the three types.
#[derive(Clone, Copy)]
enum Number {
    Whole(i128),
    Real(f64),
}

impl Number {
    fn of(value: &Value<'_>) -> Option<Number> {
        match value {
            Value::Int(value) => Some(Number::Whole(i128::from(*value))),
            Value::Uint(value) => Some(Number::Whole(i128::from(*value))),
            Value::Double(value) => Some(Number::Real(*value)),
            _ => None,
        }
    }

    fn compare(self, other: Number) -> Option<Ordering> {
        match (self, other) {
            (Number::Whole(left), Number::Whole(right)) => Some(left.cmp(&right)),
            (Number::Real(left), Number::Real(right)) => left.partial_cmp(&right),
            // As in cel-go, the whole number is rounded to a double.
            (Number::Whole(left), Number::Real(right)) => real(left).partial_cmp(&right),
            (Number::Real(left), Number::Whole(right)) => left.partial_cmp(&real(right)),
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "the rounding is meant")]
fn real(whole: i128) -> f64 {
    whole as f64
}

/// The whole number that a double is, if it is one within the range of int and uint.
pub(super) fn whole_number(value: f64) -> Option<i128> {
    if value.fract() != 0.0 || value.abs() >= 18_446_744_073_709_551_616.0 {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, reason = "checked to be whole and within ±2^64")]
    Some(value as i128)
}
