//! `kubernetes.lists`: order, sum and search in lists.
//! Never a new list: those functions are in `list_extensions`.

use std::cmp::Ordering;

use super::cost::traversal;
use crate::error::EvaluationError;
use crate::function::{Declarations, Function, Implementation, Overload};
use crate::meter::Meter;
use crate::types::Type;
use crate::value::{Duration, List, Value};

/// Types whose values have an order.
pub(super) const COMPARABLE: [Type; 8] = [
    Type::Int,
    Type::Uint,
    Type::Double,
    Type::Bool,
    Type::Duration,
    Type::Timestamp,
    Type::String,
    Type::Bytes,
];

pub(super) fn library() -> Declarations {
    let a = || Type::parameter("A");
    let search = |name, implementation: Implementation| {
        Function::new(name, [member([Type::list(a()), a()], Type::Int, implementation)])
    };
    Declarations {
        functions: vec![
            Function::new(
                "isSorted",
                COMPARABLE.map(|element| member([Type::list(element)], Type::Bool, is_sorted)),
            ),
            Function::new(
                "sum",
                [
                    member([Type::list(Type::Int)], Type::Int, |arguments, meter| {
                        sum(arguments, Value::Int(0), meter)
                    }),
                    member([Type::list(Type::Uint)], Type::Uint, |arguments, meter| {
                        sum(arguments, Value::Uint(0), meter)
                    }),
                    member([Type::list(Type::Double)], Type::Double, |arguments, meter| {
                        sum(arguments, Value::Double(0.0), meter)
                    }),
                    member([Type::list(Type::Duration)], Type::Duration, |arguments, meter| {
                        sum(arguments, Value::Duration(Duration { nanoseconds: 0 }), meter)
                    }),
                ],
            ),
            extreme("max", |arguments, meter| most("max", arguments, Ordering::Less, meter)),
            extreme("min", |arguments, meter| most("min", arguments, Ordering::Greater, meter)),
            search("indexOf", |arguments, meter| {
                let (list, wanted) = list_and_value("indexOf", arguments)?;
                position(list, wanted, 0..list.len(), meter)
            }),
            search("lastIndexOf", |arguments, meter| {
                let (list, wanted) = list_and_value("lastIndexOf", arguments)?;
                position(list, wanted, (0..list.len()).rev(), meter)
            }),
            Function::new("includes", [member([Type::Dyn, Type::Dyn], Type::Bool, includes)]),
        ],
        ..Declarations::default()
    }
}

fn member(
    parameters: impl IntoIterator<Item = Type>,
    result: Type,
    implementation: Implementation,
) -> Overload {
    Overload::member(parameters, result, implementation)
        .costs(|arguments, _| arguments.first().map_or(0, traversal))
}

fn extreme(name: &'static str, implementation: Implementation) -> Function {
    Function::new(
        name,
        COMPARABLE.map(|element| member([Type::list(element.clone())], element, implementation)),
    )
}

/// Whether values of this type have an order at all.
pub(super) fn is_comparable(value: &Value<'_>) -> bool {
    COMPARABLE.contains(&value.type_of())
}

fn elements<'v, 'a>(
    function: &'static str,
    arguments: &'v [Value<'a>],
    meter: &mut Meter,
) -> Result<&'v List<'a>, EvaluationError> {
    let [Value::List(list)] = arguments else {
        return Err(EvaluationError::no_overload(function));
    };
    meter.elements(list.len())?;
    Ok(list)
}

fn is_sorted<'a>(arguments: &[Value<'a>], meter: &mut Meter) -> Result<Value<'a>, EvaluationError> {
    let mut before: Option<Value<'a>> = None;
    for element in elements("isSorted", arguments, meter)?.elements() {
        if !is_comparable(&element) {
            return Err(EvaluationError::no_overload("isSorted"));
        }
        if let Some(before) = before
            && before.compare(&element, meter)? == Some(Ordering::Greater)
        {
            return Ok(Value::Bool(false));
        }
        before = Some(element);
    }
    Ok(Value::Bool(true))
}

fn sum<'a>(
    arguments: &[Value<'a>],
    zero: Value<'a>,
    meter: &mut Meter,
) -> Result<Value<'a>, EvaluationError> {
    elements("sum", arguments, meter)?.elements().try_fold(zero, |sum, element| {
        let overflow = EvaluationError::overflow("sum");
        match (sum, element) {
            (Value::Int(sum), Value::Int(next)) => {
                sum.checked_add(next).map(Value::Int).ok_or(overflow)
            }
            (Value::Uint(sum), Value::Uint(next)) => {
                sum.checked_add(next).map(Value::Uint).ok_or(overflow)
            }
            (Value::Double(sum), Value::Double(next)) => Ok(Value::Double(sum + next)),
            (Value::Duration(sum), Value::Duration(next)) => sum
                .nanoseconds
                .checked_add(next.nanoseconds)
                .map(|nanoseconds| Value::Duration(Duration { nanoseconds }))
                .ok_or(overflow),
            // As for Go, a time comes out when a time is added to a duration.
            (Value::Duration(sum), Value::Timestamp(next)) => {
                next.checked_add(sum).map(Value::Timestamp).ok_or(overflow)
            }
            _ => Err(EvaluationError::no_overload("sum")),
        }
    })
}

/// The first element that no other is before; values that cannot be compared stay behind.
fn most<'a>(
    function: &'static str,
    arguments: &[Value<'a>],
    yields: Ordering,
    meter: &mut Meter,
) -> Result<Value<'a>, EvaluationError> {
    let mut most: Option<Value<'a>> = None;
    for element in elements(function, arguments, meter)?.elements() {
        if !is_comparable(&element) {
            return Err(EvaluationError::no_overload(function));
        }
        most = match most {
            Some(most) if most.compare(&element, meter)? != Some(yields) => Some(most),
            _ => Some(element),
        };
    }
    most.ok_or(EvaluationError::failed(function, "the list is empty"))
}

fn list_and_value<'v, 'a>(
    function: &'static str,
    arguments: &'v [Value<'a>],
) -> Result<(&'v List<'a>, &'v Value<'a>), EvaluationError> {
    match arguments {
        [Value::List(list), wanted] => Ok((list, wanted)),
        _ => Err(EvaluationError::no_overload(function)),
    }
}

fn position<'a>(
    list: &List<'a>,
    wanted: &Value<'a>,
    indexes: impl Iterator<Item = usize>,
    meter: &mut Meter,
) -> Result<Value<'a>, EvaluationError> {
    for index in indexes {
        meter.elements(1)?;
        let Some(element) = list.get(index) else { continue };
        if is_equal(&element, wanted, meter)? {
            return Ok(Value::Int(i64::try_from(index).unwrap_or(i64::MAX)));
        }
    }
    Ok(Value::Int(-1))
}

/// Values that cannot be compared are not equal.
fn is_equal(
    left: &Value<'_>,
    right: &Value<'_>,
    meter: &mut Meter,
) -> Result<bool, EvaluationError> {
    match left.equals(right, meter) {
        Err(error) if !error.is_final() => Ok(false),
        outcome => outcome,
    }
}

/// Whether a list holds a value; what is no list holds itself.
fn includes<'a>(arguments: &[Value<'a>], meter: &mut Meter) -> Result<Value<'a>, EvaluationError> {
    match arguments {
        [Value::List(list), wanted] => {
            for element in list.elements() {
                meter.elements(1)?;
                if is_equal(&element, wanted, meter)? {
                    return Ok(Value::Bool(true));
                }
            }
            Ok(Value::Bool(false))
        }
        [value, wanted] => Ok(Value::Bool(is_equal(value, wanted, meter)?)),
        _ => Err(EvaluationError::no_overload("includes")),
    }
}
