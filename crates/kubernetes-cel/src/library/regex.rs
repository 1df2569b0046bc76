//! `kubernetes.regex`: `find` and `findAll`.
//! Never the syntax of patterns (`pattern`).

use super::cost::matching;
use crate::error::EvaluationError;
use crate::function::{Declarations, Function, Overload};
use crate::meter::Meter;
use crate::pattern::Purpose;
use crate::types::Type;
use crate::value::Value;

pub(super) fn library() -> Declarations {
    let list = || Type::list(Type::String);
    Declarations {
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
        ..Declarations::default()
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
        return Err(EvaluationError::no_overload("find"));
    };
    let pattern = meter.pattern("find", pattern, Purpose::Find)?;
    meter.work(text.len())?;
    let found = pattern.find(text, 0, meter.patience())?;
    Ok(Value::string(found.and_then(|found| text.get(found.start..found.end)).unwrap_or_default()))
}

fn find_all<'a>(arguments: &[Value<'a>], meter: &mut Meter) -> Result<Value<'a>, EvaluationError> {
    let (text, pattern, limit) = match arguments {
        [Value::String(text), Value::String(pattern)] => (text, pattern, -1),
        [Value::String(text), Value::String(pattern), Value::Int(limit)] => (text, pattern, *limit),
        _ => return Err(EvaluationError::no_overload("findAll")),
    };
    let pattern = meter.pattern("findAll", pattern, Purpose::Find)?;
    meter.work(text.len())?;
    // A negative limit is none.
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut all = Vec::new();
    let (mut from, mut last_end) = (0, None);
    while all.len() < limit {
        let Some(mut found) = pattern.find(text, from, meter.patience())? else { break };
        if found.start == found.end && Some(found.end) == last_end {
            // An empty match directly after a match does not count.
            match pattern.find(text, from + 1, meter.patience())? {
                Some(next) => found = next,
                None => break,
            }
        }
        (from, last_end) = (found.end, Some(found.end));
        meter.elements(1)?;
        // The search for the next one may go to the end of the text.
        meter.work(text.len().saturating_sub(found.start))?;
        all.push(Value::string(text.get(found.start..found.end).unwrap_or_default()));
    }
    Ok(Value::list(all))
}
