//! `ext.Sets`: lists compared as sets.
//! Never a hash: elements are compared pair by pair, as upstream does, and charged for.

use crate::error::EvaluationError;
use crate::function::{Declarations, Function, Implementation, Overload};
use crate::meter::Meter;
use crate::types::Type;
use crate::value::{List, Value};

pub(super) fn library() -> Declarations {
    let function = |name, implementation: Implementation, comparisons: u64| {
        let list = || Type::list(Type::parameter("T"));
        let overload = Overload::global([list(), list()], Type::Bool, implementation);
        let overload = if comparisons == 1 {
            overload.costs(|arguments, _| 1 + product(arguments))
        } else {
            overload.costs(|arguments, _| 1 + product(arguments).saturating_mul(2))
        };
        Function::new(name, [overload])
    };
    Declarations {
        functions: vec![
            function(
                "sets.contains",
                |arguments, meter| {
                    let (left, right) = lists("sets.contains", arguments)?;
                    Ok(Value::Bool(contains(left, right, meter)?))
                },
                1,
            ),
            function(
                "sets.intersects",
                |arguments, meter| {
                    let (left, right) = lists("sets.intersects", arguments)?;
                    for element in left.elements() {
                        if has(right, &element, meter)? {
                            return Ok(Value::Bool(true));
                        }
                    }
                    Ok(Value::Bool(false))
                },
                1,
            ),
            function(
                "sets.equivalent",
                |arguments, meter| {
                    let (left, right) = lists("sets.equivalent", arguments)?;
                    Ok(Value::Bool(contains(left, right, meter)? && contains(right, left, meter)?))
                },
                2,
            ),
        ],
        ..Declarations::default()
    }
}

fn product(arguments: &[Value<'_>]) -> u64 {
    arguments.iter().map(Value::size).fold(1, u64::saturating_mul)
}

fn lists<'v, 'a>(
    function: &'static str,
    arguments: &'v [Value<'a>],
) -> Result<(&'v List<'a>, &'v List<'a>), EvaluationError> {
    match arguments {
        [Value::List(left), Value::List(right)] => Ok((left, right)),
        _ => Err(EvaluationError::no_overload(function)),
    }
}

fn contains(
    list: &List<'_>,
    others: &List<'_>,
    meter: &mut Meter,
) -> Result<bool, EvaluationError> {
    for other in others.elements() {
        if !has(list, &other, meter)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn has(list: &List<'_>, wanted: &Value<'_>, meter: &mut Meter) -> Result<bool, EvaluationError> {
    for element in list.elements() {
        meter.elements(1)?;
        if element.equals(wanted, meter)? {
            return Ok(true);
        }
    }
    Ok(false)
}
