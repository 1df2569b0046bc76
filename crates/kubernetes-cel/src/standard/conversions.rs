//! `int`, `uint`, `double`, `string`, `bytes`, `bool`, `type`, `dyn`, `duration`, `timestamp`.
//! Never a silent loss: a value out of range is an error; doubles lose their fraction only.

use std::sync::Arc;

use super::{numbers, times};
use crate::error::EvaluationError;
use crate::function::{CostRule, Function, Implementation, Overload};
use crate::types::Type;
use crate::value::{Duration, Timestamp, Value};

pub(super) fn functions() -> Vec<Function> {
    let a = Type::parameter("A");
    let by_size: CostRule = |given, _| given.first().map_or(0, Value::size).div_ceil(10);
    vec![
        conversion("bool", Type::Bool, [Type::String], |given, _| match given {
            [Value::String(text)] => truth(text)
                .map(Value::Bool)
                .ok_or(EvaluationError::failed("bool", "the text is not a truth value")),
            given => same("bool", given),
        }),
        Function::new(
            "bytes",
            [
                Overload::global([Type::Bytes], Type::Bytes, |given, _| same("bytes", given)),
                Overload::global([Type::String], Type::Bytes, |given, meter| match given {
                    [Value::String(text)] => {
                        meter.work(text.len())?;
                        Ok(Value::Bytes(Arc::from(text.as_bytes())))
                    }
                    _ => Err(EvaluationError::no_overload("bytes")),
                })
                .costs(by_size),
            ],
        ),
        conversion("double", Type::Double, [Type::Int, Type::String, Type::Uint], DOUBLE),
        conversion("duration", Type::Duration, [Type::String], |given, _| match given {
            [Value::String(text)] => times::parse_duration(text)
                .map(Value::Duration)
                .ok_or(EvaluationError::failed("duration", "the text is not a duration")),
            given => same("duration", given),
        }),
        Function::new(
            "dyn",
            [Overload::global([a.clone()], Type::Dyn, |given, _| same("dyn", given))],
        ),
        conversion(
            "int",
            Type::Int,
            [Type::Double, Type::Duration, Type::String, Type::Timestamp, Type::Uint],
            INT,
        ),
        Function::new(
            "string",
            [
                Type::String,
                Type::Bool,
                Type::Double,
                Type::Duration,
                Type::Int,
                Type::Timestamp,
                Type::Uint,
            ]
            .map(|of| Overload::global([of], Type::String, STRING))
            .into_iter()
            .chain([Overload::global([Type::Bytes], Type::String, |given, meter| {
                match given {
                    [Value::Bytes(bytes)] => {
                        meter.work(bytes.len())?;
                        std::str::from_utf8(bytes).map(Value::string).map_err(|_| {
                            EvaluationError::failed("string", "the bytes are not UTF-8")
                        })
                    }
                    _ => Err(EvaluationError::no_overload("string")),
                }
            })
            .costs(by_size)]),
        ),
        conversion(
            "timestamp",
            Type::Timestamp,
            [Type::Int, Type::String],
            |given, _| match given {
                [Value::Int(seconds)] => Timestamp::new(*seconds, 0)
                    .map(Value::Timestamp)
                    .ok_or(EvaluationError::overflow("timestamp")),
                [Value::String(text)] => times::parse_timestamp(text)
                    .map(Value::Timestamp)
                    .ok_or(EvaluationError::failed("timestamp", "the text is not a timestamp")),
                given => same("timestamp", given),
            },
        ),
        Function::new(
            "type",
            [Overload::global([a.clone()], Type::of(a), |given, _| match given {
                [value] => Ok(Value::Type(value.type_of())),
                _ => Err(EvaluationError::no_overload("type")),
            })],
        ),
        conversion("uint", Type::Uint, [Type::Double, Type::Int, Type::String], UINT),
    ]
}

/// From the type itself, and from these.
fn conversion<const N: usize>(
    name: &'static str,
    to: Type,
    from: [Type; N],
    implementation: Implementation,
) -> Function {
    let overloads = std::iter::once(to.clone())
        .chain(from)
        .map(|from| Overload::global([from], to.clone(), implementation));
    Function::new(name, overloads)
}

fn same<'a>(name: &'static str, given: &[Value<'a>]) -> Result<Value<'a>, EvaluationError> {
    match given {
        [value] => Ok(value.clone()),
        _ => Err(EvaluationError::no_overload(name)),
    }
}

/// As Go's `strconv.ParseBool`.
fn truth(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}

const DOUBLE: Implementation = |given, _| match given {
    #[expect(clippy::cast_precision_loss, reason = "the nearest double is meant")]
    [Value::Int(value)] => Ok(Value::Double(*value as f64)),
    #[expect(clippy::cast_precision_loss, reason = "the nearest double is meant")]
    [Value::Uint(value)] => Ok(Value::Double(*value as f64)),
    [Value::String(text)] => numbers::parse(text)
        .map(Value::Double)
        .ok_or(EvaluationError::failed("double", "the text is not a number")),
    given => same("double", given),
};

const INT: Implementation = |given, _| match given {
    [Value::Double(value)] => {
        numbers::to_int(*value).map(Value::Int).ok_or(EvaluationError::overflow("int"))
    }
    [Value::Uint(value)] => {
        i64::try_from(*value).map(Value::Int).map_err(|_| EvaluationError::overflow("int"))
    }
    [Value::Duration(Duration { nanoseconds })] => Ok(Value::Int(*nanoseconds)),
    [Value::Timestamp(time)] => Ok(Value::Int(time.seconds())),
    [Value::String(text)] => text
        .parse()
        .map(Value::Int)
        .map_err(|_| EvaluationError::failed("int", "the text is not a whole number")),
    given => same("int", given),
};

const UINT: Implementation = |given, _| match given {
    [Value::Double(value)] => {
        numbers::to_uint(*value).map(Value::Uint).ok_or(EvaluationError::overflow("uint"))
    }
    [Value::Int(value)] => {
        u64::try_from(*value).map(Value::Uint).map_err(|_| EvaluationError::overflow("uint"))
    }
    [Value::String(text)] => Some(text)
        .filter(|text| !text.starts_with('+'))
        .and_then(|text| text.parse().ok())
        .map(Value::Uint)
        .ok_or(EvaluationError::failed("uint", "the text is not a whole number")),
    given => same("uint", given),
};

const STRING: Implementation = |given, _| match given {
    [Value::Bool(value)] => Ok(Value::string(value.to_string())),
    [Value::Double(value)] => Ok(Value::string(numbers::shortest(*value))),
    [Value::Duration(duration)] => Ok(Value::string(times::show_duration(*duration))),
    [Value::Int(value)] => Ok(Value::string(value.to_string())),
    [Value::Timestamp(time)] => Ok(Value::string(times::show_timestamp(*time))),
    [Value::Uint(value)] => Ok(Value::string(value.to_string())),
    given => same("string", given),
};
