//! `kubernetes.regex`: what a regular expression finds.
//!
//! Never here: how patterns are read (`pattern`).

use super::cost::matching;
use crate::error::EvaluationError;
use crate::function::{Function, Library, Overload};
use crate::meter::Meter;
use crate::types::Type;
use crate::value::Value;

pub(super) fn library() -> Library {
    let list = || Type::list(Type::String);
    Library {
        functions: vec![
            Function::new(
                "find",
                [Overload::member([Type::String, Type::String], Type::String, find).costs(cost)],
            ),
            Function::new(
                "findAll",
                [
                    Overload::member([Type::String, Type::String], list(), find_all).costs(cost),
                    Overload::member([Type::String, Type::String, Type::Int], list(), find_all)
                        .costs(cost),
                ],
            ),
        ],
        ..Library::default()
    }
}

fn cost(arguments: &[Value<'_>], _: &Value<'_>) -> u64 {
    match arguments {
        [text, pattern, ..] => matching(text.size(), pattern.size()),
        _ => 1,
    }
}

fn find<'a>(arguments: &[Value<'a>], meter: &mut Meter) -> Result<Value<'a>, EvaluationError> {
    let [Value::String(text), Value::String(pattern)] = arguments else {
        return Err(EvaluationError::NoSuchOverload("find"));
    };
    let pattern = meter.pattern("find", pattern)?;
    meter.work(text.len())?;
    Ok(Value::string(pattern.find(text).map_or("", |found| found.as_str())))
}

fn find_all<'a>(arguments: &[Value<'a>], meter: &mut Meter) -> Result<Value<'a>, EvaluationError> {
    let (text, pattern, limit) = match arguments {
        [Value::String(text), Value::String(pattern)] => (text, pattern, -1),
        [Value::String(text), Value::String(pattern), Value::Int(limit)] => (text, pattern, *limit),
        _ => return Err(EvaluationError::NoSuchOverload("findAll")),
    };
    let pattern = meter.pattern("findAll", pattern)?;
    meter.work(text.len())?;
    // A negative limit is none.
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut all = Vec::new();
    for found in pattern.find_iter(text).take(limit) {
        meter.elements(1)?;
        // The search for the next one may go to the end of the text.
        meter.work(text.len().saturating_sub(found.start()))?;
        all.push(Value::string(found.as_str()));
    }
    Ok(Value::list(all))
}
