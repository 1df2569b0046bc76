//! `cel.OptionalTypes`: optional values, and the first and last element of a list as such.
//! Never the value of an argument of `or` and `orValue`: evaluation computes it where it is needed.

use std::sync::Arc;

use crate::error::EvaluationError;
use crate::function::{Declarations, Function, Implementation, Overload};
use crate::syntax::optional_macros;
use crate::types::Type;
use crate::value::{List, Map, Timestamp, Value};

pub(super) fn library() -> Declarations {
    Declarations {
        functions: functions(),
        macros: optional_macros(),
        types: vec![("optional_type", Type::optional(Type::parameter("A")))],
    }
}

fn functions() -> Vec<Function> {
    let a = Type::parameter("A");
    let optional = Type::optional(a.clone());
    let optionals = Type::list(optional.clone());
    let list = Type::list(a.clone());
    // The planner makes nodes of its own of calls of these two.
    let or: Implementation = |_, _| Err(EvaluationError::no_overload("or"));
    let or_value: Implementation = |_, _| Err(EvaluationError::no_overload("orValue"));
    vec![
        Function::new(
            "or",
            [Overload::member([optional.clone(), optional.clone()], optional.clone(), or)],
        ),
        Function::new(
            "orValue",
            [Overload::member([optional.clone(), a.clone()], a.clone(), or_value)],
        ),
        Function::new(
            "first",
            [Overload::member([list.clone()], Type::optional(a.clone()), |given, _| match given {
                [Value::List(list)] => Ok(Value::Optional(list.get(0).map(Arc::new))),
                _ => Err(EvaluationError::no_overload("first")),
            })],
        ),
        Function::new(
            "last",
            [Overload::member([list], Type::optional(a.clone()), |given, _| match given {
                [Value::List(list)] => {
                    let last = list.len().checked_sub(1).and_then(|last| list.get(last));
                    Ok(Value::Optional(last.map(Arc::new)))
                }
                _ => Err(EvaluationError::no_overload("last")),
            })],
        ),
        Function::new(
            "optional.of",
            [Overload::global([a.clone()], optional.clone(), |given, _| match given {
                [value] => Ok(Value::some(value.clone())),
                _ => Err(EvaluationError::no_overload("optional.of")),
            })],
        ),
        Function::new(
            "optional.ofNonZeroValue",
            [Overload::global([a.clone()], optional.clone(), |given, _| match given {
                [value] if is_zero(value) => Ok(Value::Optional(None)),
                [value] => Ok(Value::some(value.clone())),
                _ => Err(EvaluationError::no_overload("optional.ofNonZeroValue")),
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
                _ => Err(EvaluationError::no_overload("value")),
            })],
        ),
        Function::new(
            "hasValue",
            [Overload::member([optional], Type::Bool, |given, _| match given {
                [Value::Optional(inner)] => Ok(Value::Bool(inner.is_some())),
                _ => Err(EvaluationError::no_overload("hasValue")),
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
        return Err(EvaluationError::no_overload("optional.unwrap"));
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
        // Lists and maps of JSON hide from kube-apiserver that they are empty.
        Value::List(List::Json(_))
        | Value::Map(Map::Json(_))
        | Value::Object(_)
        | Value::Type(_)
        | Value::Opaque(_)
        | Value::Optional(_) => false,
    }
}
