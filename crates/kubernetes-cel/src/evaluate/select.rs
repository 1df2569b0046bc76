//! Fields, indices, and whether they are present.
//! Never converts a key, except between equal numbers.

use std::sync::Arc;

use super::{Evaluator, Outcome};
use crate::error::EvaluationError;
use crate::plan::{Mode, Node};
use crate::value::{List, Text, Value};

impl<'a> Evaluator<'_, 'a> {
    pub(super) fn select(
        &mut self,
        operand: &Node,
        field: &Value<'static>,
        mode: Mode,
    ) -> Outcome<'a> {
        let value = self.value(operand)?;
        self.meter.charge(u64::from(!operand.is_attribute()))?;
        if mode == Mode::Presence && matches!(value, Value::Optional(_)) {
            return self.presence_within(value, field);
        }
        match within(value, mode) {
            Ok((value, mode)) => {
                let outcome = self.qualify(&value, field, mode);
                outcome.map_err(|error| named(error, field))
            }
            Err(nothing) => Ok(nothing),
        }
    }

    pub(super) fn index(&mut self, operand: &Node, index: &Node, mode: Mode) -> Outcome<'a> {
        let value = self.value(operand)?;
        self.meter.charge(u64::from(!operand.is_attribute()))?;
        match within(value, mode) {
            Ok((value, mode)) => {
                let key = self.value(index)?;
                self.attribute_within(index);
                if !is_key(&key) {
                    let reason = "a key of this type is not supported";
                    return Err(EvaluationError::failed("[]", reason));
                }
                self.qualify(&value, &key, mode)
            }
            Err(nothing) => Ok(nothing),
        }
    }

    /// `has(x.?nested.field)`, which costs nothing where the field is absent.
    fn presence_within(&mut self, value: Value<'a>, field: &Value<'static>) -> Outcome<'a> {
        let found = match within(value, Mode::Presence) {
            Ok((value, _)) => find(&value, field)?.is_some(),
            Err(_) => false,
        };
        if !found {
            self.meter.refund(1);
        }
        Ok(Value::Bool(found))
    }

    /// Selects a field or element, which costs 1 unless only its presence is tested, or it is
    /// optional and absent.
    fn qualify(&mut self, value: &Value<'a>, key: &Value<'_>, mode: Mode) -> Outcome<'a> {
        let found = find(value, key)?;
        match (mode, found) {
            (Mode::Presence, found) => Ok(Value::Bool(found.is_some())),
            (Mode::Optional, None) => Ok(Value::Optional(None)),
            (Mode::Optional, Some(found)) => {
                self.meter.charge(1)?;
                Ok(Value::some(found))
            }
            (Mode::Required, found) => {
                self.meter.charge(1)?;
                found.ok_or(match value {
                    Value::List(_) => EvaluationError::IndexOutOfBounds,
                    _ => EvaluationError::NoSuchKey,
                })
            }
        }
    }
}

/// A selection from an optional gives an optional; from an empty one, an empty one.
fn within(value: Value<'_>, mode: Mode) -> Result<(Value<'_>, Mode), Value<'_>> {
    match (value, mode) {
        (Value::Optional(None), _) => Err(Value::Optional(None)),
        (Value::Optional(Some(inner)), Mode::Presence) => Ok((Value::clone(&inner), mode)),
        (Value::Optional(Some(inner)), _) => Ok((Value::clone(&inner), Mode::Optional)),
        (value, mode) => Ok((value, mode)),
    }
}

/// Whether anything may be selected by it.
pub(crate) fn is_key(value: &Value<'_>) -> bool {
    matches!(
        value,
        Value::Bool(_) | Value::Int(_) | Value::Uint(_) | Value::Double(_) | Value::String(_)
    )
}

/// The selected value; an error if a value of this type has no such keys.
fn find<'a>(value: &Value<'a>, key: &Value<'_>) -> Result<Option<Value<'a>>, EvaluationError> {
    match value {
        Value::Object(object) => match key {
            Value::String(name) => Ok(object.select(name)),
            _ => Err(EvaluationError::failed("[]", "fields have names")),
        },
        Value::Map(map) => Ok(map.select(key)),
        Value::List(list) => Ok(position(key)?.and_then(|position| element(list, position))),
        _ => Ok(None),
    }
}

fn element<'a>(list: &List<'a>, position: i64) -> Option<Value<'a>> {
    list.get(usize::try_from(position).ok()?)
}

/// The index that a value is; none beyond all lists.
fn position(key: &Value<'_>) -> Result<Option<i64>, EvaluationError> {
    match key {
        Value::Int(position) => Ok(Some(*position)),
        Value::Uint(position) => Ok(i64::try_from(*position).ok()),
        Value::Double(_) => key
            .as_whole_number()
            .map(|position| i64::try_from(position).ok())
            .ok_or(EvaluationError::failed("[]", "the index is not a whole number")),
        _ => Err(EvaluationError::failed("[]", "an index of this type is not supported")),
    }
}

/// With the name that the expression writes; a computed key may be secret, and is not shown.
fn named(error: EvaluationError, field: &Value<'static>) -> EvaluationError {
    match (error, field) {
        (EvaluationError::NoSuchKey, Value::String(Text::Shared(name))) => {
            EvaluationError::NoSuchField(Arc::clone(name))
        }
        (error, _) => error,
    }
}
