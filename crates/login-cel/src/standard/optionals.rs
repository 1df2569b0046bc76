//! Functions of optional values.
//!
//! Never here: `or` and `orValue`, which evaluate their argument only where it is needed.

use std::sync::Arc;

use crate::error::EvaluationError;
use crate::function::{Function, Implementation, Overload};
use crate::types::Type;
use crate::value::{List, Map, Timestamp, Value};

pub(super) fn functions() -> Vec<Function> {
    let a = Type::parameter("A");
    let optional = Type::optional(a.clone());
    let optionals = Type::list(optional.clone());
    vec![
        Function::new(
            "optional.of",
            [Overload::global([a.clone()], optional.clone(), |given, _| match given {
                [value] => Ok(Value::some(value.clone())),
                _ => Err(EvaluationError::NoSuchOverload("optional.of")),
            })],
        ),
        Function::new(
            "optional.ofNonZeroValue",
            [Overload::global([a.clone()], optional.clone(), |given, _| match given {
                [value] if is_zero(value) => Ok(Value::Optional(None)),
                [value] => Ok(Value::some(value.clone())),
                _ => Err(EvaluationError::NoSuchOverload("optional.ofNonZeroValue")),
            })],
        ),
        Function::new(
            "optional.none",
            [Overload::global([], optional.clone(), |_, _| Ok(Value::Optional(None)))],
        ),
        Function::new(
            "value",
            [Overload::member([optional.clone()], a.clone(), |given, _| match given {
                [Value::Optional(Some(value))] => Ok(Value::clone(value)),
                [Value::Optional(None)] => {
                    Err(EvaluationError::failed("value", "the optional has no value"))
                }
                _ => Err(EvaluationError::NoSuchOverload("value")),
            })],
        ),
        Function::new(
            "hasValue",
            [Overload::member([optional], Type::Bool, |given, _| match given {
                [Value::Optional(inner)] => Ok(Value::Bool(inner.is_some())),
                _ => Err(EvaluationError::NoSuchOverload("hasValue")),
            })],
        ),
        Function::new(
            "optional.unwrap",
            [Overload::global([optionals.clone()], Type::list(a.clone()), UNWRAP)],
        ),
        Function::new("unwrapOpt", [Overload::member([optionals], Type::list(a), UNWRAP)]),
    ]
}

const UNWRAP: Implementation = |given, meter| {
    let [Value::List(list)] = given else {
        return Err(EvaluationError::NoSuchOverload("optional.unwrap"));
    };
    meter.elements(list.len())?;
    let mut found = Vec::new();
    for element in list.elements() {
        match element {
            Value::Optional(inner) => found.extend(inner.map(|inner| Value::clone(&inner))),
            _ => {
                return Err(EvaluationError::failed(
                    "optional.unwrap",
                    "an element is not an optional",
                ));
            }
        }
    }
    Ok(Value::List(List::Shared(Arc::new(found))))
};

/// Empty, zero, or nothing.
fn is_zero(value: &Value<'_>) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(value) => !value,
        Value::Int(value) => *value == 0,
        Value::Uint(value) => *value == 0,
        Value::Double(value) => *value == 0.0,
        Value::String(text) => text.is_empty(),
        Value::Bytes(bytes) => bytes.is_empty(),
        Value::Duration(duration) => duration.nanoseconds == 0,
        Value::Timestamp(time) => *time == Timestamp::EARLIEST,
        Value::List(list @ List::Shared(_)) => list.is_empty(),
        Value::Map(map @ Map::Shared(_)) => map.is_empty(),
        // Lists and maps of claims hide from kube-apiserver that they are empty.
        Value::List(List::Json(_))
        | Value::Map(Map::Json(_))
        | Value::Object(_)
        | Value::Type(_)
        | Value::Opaque(_)
        | Value::Optional(_) => false,
    }
}
