//! `contains`, `startsWith`, `endsWith`, `matches`.
//! Never a function of `ext.Strings` (`library/strings.rs`).

use crate::error::EvaluationError;
use crate::function::{CostRule, Function, Implementation, Overload};
use crate::pattern::Purpose;
use crate::types::Type;
use crate::value::Value;

pub(super) fn functions() -> Vec<Function> {
    let texts = || [Type::String, Type::String];
    let member = |implementation: Implementation, cost: CostRule| {
        Overload::member(texts(), Type::Bool, implementation).costs(cost)
    };
    let affix: CostRule = |given, _| given.get(1).map_or(0, Value::size).div_ceil(10);
    vec![
        Function::new(
            "contains",
            [member(
                |given, meter| {
                    let [Value::String(text), Value::String(part)] = given else {
                        return Err(EvaluationError::no_overload("contains"));
                    };
                    meter.work(text.len())?;
                    Ok(Value::Bool(text.contains(&**part)))
                },
                |given, _| {
                    given.iter().map(|value| value.size().div_ceil(10)).fold(1, u64::saturating_mul)
                },
            )],
        ),
        Function::new(
            "startsWith",
            [member(
                |given, _| match given {
                    [Value::String(text), Value::String(prefix)] => {
                        Ok(Value::Bool(text.starts_with(&**prefix)))
                    }
                    _ => Err(EvaluationError::no_overload("startsWith")),
                },
                affix,
            )],
        ),
        Function::new(
            "endsWith",
            [member(
                |given, _| match given {
                    [Value::String(text), Value::String(suffix)] => {
                        Ok(Value::Bool(text.ends_with(&**suffix)))
                    }
                    _ => Err(EvaluationError::no_overload("endsWith")),
                },
                affix,
            )],
        ),
        Function::new(
            "matches",
            [
                Overload::global(texts(), Type::Bool, MATCHES).costs(pattern_cost),
                Overload::member(texts(), Type::Bool, MATCHES).costs(pattern_cost),
            ],
        ),
    ]
}

const MATCHES: Implementation = |given, meter| {
    let [Value::String(text), Value::String(pattern)] = given else {
        return Err(EvaluationError::no_overload("matches"));
    };
    meter.work(text.len())?;
    let compiled = meter.pattern("matches", pattern, Purpose::Test)?;
    Ok(Value::Bool(compiled.is_match(text, meter.patience())?))
};

/// A tenth of the text times a quarter of the pattern.
pub(crate) fn pattern_cost(given: &[Value<'_>], _: &Value<'_>) -> u64 {
    let text = given.first().map_or(0, Value::size).saturating_add(1).div_ceil(10);
    let pattern = given.get(1).map_or(0, Value::size).div_ceil(4);
    text.saturating_mul(pattern)
}
