//! `+ - * / %`, negation and `!`.
//! Never a wrapped number: a result outside of its type's range is an error.

use std::sync::Arc;

use crate::error::EvaluationError;
use crate::function::{Function, Implementation, Overload};
use crate::types::Type;
use crate::value::{Duration, Value};

const ADD: &str = "_+_";
const SUBTRACT: &str = "_-_";
const MULTIPLY: &str = "_*_";
const DIVIDE: &str = "_/_";
const MODULO: &str = "_%_";
const NEGATE: &str = "-_";

pub(super) fn functions() -> Vec<Function> {
    let add_texts = Overload::global([Type::String, Type::String], Type::String, |given, meter| {
        let [Value::String(left), Value::String(right)] = given else {
            return Err(EvaluationError::no_overload(ADD));
        };
        meter.work(left.len().saturating_add(right.len()))?;
        Ok(Value::string([&**left, &**right].concat()))
    })
    .costs(|given, _| total_size(given).div_ceil(10));
    let add_bytes = Overload::global([Type::Bytes, Type::Bytes], Type::Bytes, |given, meter| {
        let [Value::Bytes(left), Value::Bytes(right)] = given else {
            return Err(EvaluationError::no_overload(ADD));
        };
        meter.work(left.len().saturating_add(right.len()))?;
        Ok(Value::Bytes(Arc::from([&**left, &**right].concat())))
    })
    .costs(|given, _| total_size(given).div_ceil(10));
    let list = Type::list(Type::parameter("A"));
    let add_lists = Overload::global([list.clone(), list.clone()], list, |given, meter| {
        let [Value::List(left), Value::List(right)] = given else {
            return Err(EvaluationError::no_overload(ADD));
        };
        if right.is_empty() {
            return Ok(Value::List(left.clone()));
        }
        meter.elements(left.len().saturating_add(right.len()))?;
        Ok(Value::list(left.elements().chain(right.elements()).collect()))
    });
    vec![
        Function::new(
            ADD,
            [
                add_bytes,
                same(Type::Double, |given, _| doubles(ADD, given, |left, right| left + right)),
                same(Type::Duration, |given, _| durations(ADD, given, i64::checked_add)),
                Overload::global([Type::Duration, Type::Timestamp], Type::Timestamp, |given, _| {
                    match given {
                        [Value::Duration(duration), Value::Timestamp(time)] => time
                            .checked_add(*duration)
                            .map(Value::Timestamp)
                            .ok_or(EvaluationError::overflow(ADD)),
                        _ => Err(EvaluationError::no_overload(ADD)),
                    }
                }),
                Overload::global([Type::Timestamp, Type::Duration], Type::Timestamp, |given, _| {
                    match given {
                        [Value::Timestamp(time), Value::Duration(duration)] => time
                            .checked_add(*duration)
                            .map(Value::Timestamp)
                            .ok_or(EvaluationError::overflow(ADD)),
                        _ => Err(EvaluationError::no_overload(ADD)),
                    }
                }),
                same(Type::Int, |given, _| ints(ADD, given, i64::checked_add)),
                add_lists,
                add_texts,
                same(Type::Uint, |given, _| uints(ADD, given, u64::checked_add)),
            ],
        ),
        Function::new(
            SUBTRACT,
            [
                same(Type::Double, |given, _| doubles(SUBTRACT, given, |left, right| left - right)),
                same(Type::Duration, |given, _| durations(SUBTRACT, given, i64::checked_sub)),
                same(Type::Int, |given, _| ints(SUBTRACT, given, i64::checked_sub)),
                Overload::global([Type::Timestamp, Type::Duration], Type::Timestamp, |given, _| {
                    match given {
                        [Value::Timestamp(time), Value::Duration(duration)] => time
                            .checked_sub(*duration)
                            .map(Value::Timestamp)
                            .ok_or(EvaluationError::overflow(SUBTRACT)),
                        _ => Err(EvaluationError::no_overload(SUBTRACT)),
                    }
                }),
                Overload::global([Type::Timestamp, Type::Timestamp], Type::Duration, |given, _| {
                    match given {
                        [Value::Timestamp(later), Value::Timestamp(earlier)] => later
                            .since(*earlier)
                            .map(Value::Duration)
                            .ok_or(EvaluationError::overflow(SUBTRACT)),
                        _ => Err(EvaluationError::no_overload(SUBTRACT)),
                    }
                }),
                same(Type::Uint, |given, _| uints(SUBTRACT, given, u64::checked_sub)),
            ],
        ),
        Function::new(
            MULTIPLY,
            [
                same(Type::Double, |given, _| doubles(MULTIPLY, given, |left, right| left * right)),
                same(Type::Int, |given, _| ints(MULTIPLY, given, i64::checked_mul)),
                same(Type::Uint, |given, _| uints(MULTIPLY, given, u64::checked_mul)),
            ],
        ),
        Function::new(
            DIVIDE,
            [
                same(Type::Double, |given, _| doubles(DIVIDE, given, |left, right| left / right)),
                same(Type::Int, |given, _| match given {
                    [_, Value::Int(0)] => Err(EvaluationError::DivisionByZero),
                    given => ints(DIVIDE, given, i64::checked_div),
                }),
                same(Type::Uint, |given, _| match given {
                    [_, Value::Uint(0)] => Err(EvaluationError::DivisionByZero),
                    given => uints(DIVIDE, given, u64::checked_div),
                }),
            ],
        ),
        Function::new(
            MODULO,
            [
                same(Type::Int, |given, _| match given {
                    [_, Value::Int(0)] => Err(EvaluationError::ModulusByZero),
                    given => ints(MODULO, given, i64::checked_rem),
                }),
                same(Type::Uint, |given, _| match given {
                    [_, Value::Uint(0)] => Err(EvaluationError::ModulusByZero),
                    given => uints(MODULO, given, u64::checked_rem),
                }),
            ],
        ),
        Function::new(
            NEGATE,
            [
                Overload::global([Type::Double], Type::Double, |given, _| match given {
                    [Value::Double(value)] => Ok(Value::Double(-value)),
                    _ => Err(EvaluationError::no_overload(NEGATE)),
                }),
                Overload::global([Type::Int], Type::Int, |given, _| match given {
                    [Value::Int(value)] => {
                        value.checked_neg().map(Value::Int).ok_or(EvaluationError::overflow(NEGATE))
                    }
                    _ => Err(EvaluationError::no_overload(NEGATE)),
                }),
            ],
        ),
        Function::new(
            "!_",
            [Overload::global([Type::Bool], Type::Bool, |given, _| match given {
                [Value::Bool(value)] => Ok(Value::Bool(!value)),
                _ => Err(EvaluationError::no_overload("!_")),
            })],
        ),
    ]
}

/// Both sides and the result of one type.
fn same(of: Type, implementation: Implementation) -> Overload {
    Overload::global([of.clone(), of.clone()], of, implementation)
}

fn total_size(given: &[Value<'_>]) -> u64 {
    given.iter().map(Value::size).fold(0, u64::saturating_add)
}

fn ints<'a>(
    name: &'static str,
    given: &[Value<'a>],
    compute: fn(i64, i64) -> Option<i64>,
) -> Result<Value<'a>, EvaluationError> {
    match given {
        [Value::Int(left), Value::Int(right)] => {
            compute(*left, *right).map(Value::Int).ok_or(EvaluationError::overflow(name))
        }
        _ => Err(EvaluationError::no_overload(name)),
    }
}

fn uints<'a>(
    name: &'static str,
    given: &[Value<'a>],
    compute: fn(u64, u64) -> Option<u64>,
) -> Result<Value<'a>, EvaluationError> {
    match given {
        [Value::Uint(left), Value::Uint(right)] => {
            compute(*left, *right).map(Value::Uint).ok_or(EvaluationError::overflow(name))
        }
        _ => Err(EvaluationError::no_overload(name)),
    }
}

fn doubles<'a>(
    name: &'static str,
    given: &[Value<'a>],
    compute: fn(f64, f64) -> f64,
) -> Result<Value<'a>, EvaluationError> {
    match given {
        [Value::Double(left), Value::Double(right)] => Ok(Value::Double(compute(*left, *right))),
        _ => Err(EvaluationError::no_overload(name)),
    }
}

fn durations<'a>(
    name: &'static str,
    given: &[Value<'a>],
    compute: fn(i64, i64) -> Option<i64>,
) -> Result<Value<'a>, EvaluationError> {
    match given {
        [Value::Duration(left), Value::Duration(right)] => {
            compute(left.nanoseconds, right.nanoseconds)
                .map(|nanoseconds| Value::Duration(Duration { nanoseconds }))
                .ok_or(EvaluationError::overflow(name))
        }
        _ => Err(EvaluationError::no_overload(name)),
    }
}
